// SPDX-License-Identifier: Apache-2.0
#include "export/exporters.h"

#include <algorithm>

#include "export/ipfix.h"
#include "export/syslog.h"

namespace cloak
{
namespace
{

/** Keeps the couriers that are still wanted, with what waits in them. */
template <typename Item, typename MakeEncoder>
void update(std::vector<std::unique_ptr<Courier<Item>>> &couriers,
            const std::vector<ReceiverPolicy> &receivers, MakeEncoder make)
{
	const auto isGone = [&receivers](const auto &courier) {
		return std::ranges::find(receivers, courier->receiver()) ==
		       receivers.end();
	};

	std::erase_if(couriers, isGone);
	for (const ReceiverPolicy &receiver : receivers) {
		const auto isThere = [&receiver](const auto &courier) {
			return courier->receiver() == receiver;
		};
		if (std::ranges::any_of(couriers, isThere))
			continue;
		couriers.push_back(std::make_unique<Courier<Item>>(
		    receiver, [make, receiver] { return make(receiver); }));
	}
}

template <typename Couriers, typename Stats>
void addStats(const Couriers &couriers, const std::string &table, Stats &all)
{
	for (const auto &courier : couriers)
		all.emplace_back(table + toString(courier->receiver().to.value),
		                 courier->stats());
}

} // namespace

Exporters::~Exporters()
{
	for (const auto &courier : ipfix_)
		courier->stop();
	for (const auto &courier : syslog_)
		courier->stop();
}

void Exporters::configure(const SeeingPolicy &policy)
{
	update(
	    ipfix_, policy.ipfix,
	    [](const ReceiverPolicy &receiver) {
		    return std::make_unique<IpfixEncoder>(
			receiver.to.value.transport == Transport::Udp);
	    });
	update(syslog_, policy.syslog, [](const ReceiverPolicy &) {
		return std::make_unique<SyslogEncoder>();
	});
}

void Exporters::flow(const Flow &flow)
{
	if (!isForIpfix(flow))
		return;
	for (const auto &courier : ipfix_)
		courier->push(flow);
}

void Exporters::alert(const std::string &message)
{
	for (const auto &courier : syslog_)
		courier->push(message);
}

std::vector<std::pair<std::string, CourierStats>> Exporters::stats() const
{
	std::vector<std::pair<std::string, CourierStats>> all;

	addStats(ipfix_, "ipfix ", all);
	addStats(syslog_, "syslog ", all);
	return all;
}

} // namespace cloak
