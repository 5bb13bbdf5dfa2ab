// SPDX-License-Identifier: Apache-2.0
#include "export/exporters.h"

#include <filesystem>
#include <set>

#include "export/ipfix.h"
#include "export/spool.h"
#include "export/syslog.h"

namespace cloak
{
namespace
{

std::unique_ptr<Encoder<Flow>> ipfixTo(const ReceiverPolicy &receiver)
{
	return std::make_unique<IpfixEncoder>(receiver.to.value.transport ==
	                                      Transport::Udp);
}

std::unique_ptr<Encoder<std::string>> syslogTo(const ReceiverPolicy &)
{
	return std::make_unique<SyslogEncoder>();
}

std::string spoolFor(const std::string &folder, const ReceiverPolicy &receiver)
{
	return spoolPath(folder, toString(receiver.to.value));
}

} // namespace

Exporters::Exporters(std::string folder)
    : folder_(std::move(folder)),
      ipfix_("ipfix", ipfixTo, [](const ReceiverPolicy &) { return nullptr; }),
      syslog_("syslog", syslogTo, [this](const ReceiverPolicy &receiver) {
	      return std::make_unique<Spool>(spoolFor(folder_, receiver));
      })
{
}

Exporters::~Exporters()
{
	ipfix_.stop();
	syslog_.stop();
}

void Exporters::configure(const SeeingPolicy &policy)
{
	if (!std::exchange(configured_, true))
		removeStrays(policy);
	ipfix_.configure(policy.ipfix);
	syslog_.configure(policy.syslog);
}

/** What is kept for receivers that the policy does not have, at a start. */
void Exporters::removeStrays(const SeeingPolicy &policy)
{
	namespace fs = std::filesystem;
	std::set<std::string> wanted;
	std::error_code error;

	for (const ReceiverPolicy &receiver : policy.syslog)
		wanted.insert(spoolFor(folder_, receiver));
	for (const fs::directory_entry &entry :
	     fs::directory_iterator(folder_, error)) {
		const std::string path = entry.path().string();
		if (entry.path().extension() != ".spool" ||
		    wanted.contains(path) || !fs::remove(entry.path(), error))
			continue;
		spdlog::warn("{}: what was kept there is lost, as the policy "
		             "has no such receiver",
		             path);
	}
}

void Exporters::tick()
{
	ipfix_.tick();
	syslog_.tick();
}

void Exporters::flow(const Flow &flow)
{
	if (isForIpfix(flow))
		ipfix_.push(flow);
}

std::vector<std::pair<std::string, CourierStats>> Exporters::stats() const
{
	std::vector<std::pair<std::string, CourierStats>> all;

	ipfix_.addStats(all);
	syslog_.addStats(all);
	return all;
}

} // namespace cloak
