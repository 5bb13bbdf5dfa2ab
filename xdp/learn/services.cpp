// SPDX-License-Identifier: Apache-2.0
#include "learn/services.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace cloak
{
namespace
{

Service serviceOf(const FlowKind &kind, bool inbound)
{
	return {kind.local, !inbound, kind.protocol,
	        inbound ? kind.localPort : kind.remotePort, kind.icmpType};
}

/** Its ports tell which end is the service: only that one has one. */
bool isOneSided(const FlowKind &kind)
{
	return (kind.localPort == 0) != (kind.remotePort == 0);
}

/**
 * Which end was asked. A record that began in the middle of a flow may have
 * it wrong: then the ports tell, then what other flows have told.
 */
class Directions
{
public:
	explicit Directions(const SeenFlows &seen)
	{
		for (const auto &[kind, totals] : seen.kinds)
			if (kind.answered && (kind.settled || isOneSided(kind)))
				known_.insert(serviceOf(kind, isInbound(kind)));
	}

	[[nodiscard]] Service serviceFor(const FlowKind &kind) const
	{
		const Service asSeen = serviceOf(kind, isInbound(kind));
		const Service reverse = serviceOf(kind, !isInbound(kind));
		const bool certain = kind.settled || isOneSided(kind);

		if (certain || known_.contains(asSeen) ||
		    !known_.contains(reverse))
			return asSeen;
		return reverse;
	}

private:
	static bool isInbound(const FlowKind &kind)
	{
		if (kind.settled || !isOneSided(kind))
			return kind.inbound;
		return kind.localPort != 0;
	}

	std::set<Service> known_;
};

/** Those who went from one closed door to the next. */
std::set<IpAddress> findScanners(const SeenFlows &seen)
{
	std::map<IpAddress, std::set<Service>> tried;
	std::set<IpAddress> scanners;

	for (const auto &[kind, totals] : seen.kinds)
		if (kind.inbound && !kind.answered)
			tried[kind.remote].insert(serviceOf(kind, true));
	for (const auto &[remote, services] : tried)
		if (services.size() >= kScannerFrom)
			scanners.insert(remote);
	return scanners;
}

bool isUsed(const FlowKind &kind, const LearnOptions &options)
{
	return kind.answered || options.unanswered ||
	       (kind.inbound && serviceOf(kind, true).isError());
}

void leaveOut(LeftOut &part, const IpAddress &remote, const FlowTotals &totals)
{
	part.totals.add(totals);
	part.remotes.insert(remote);
}

void leaveOutRare(Services &services, std::uint64_t least)
{
	LeftOut rare{"of services with too few flows", {}, {}};

	std::erase_if(services.used, [&](const auto &entry) {
		std::uint64_t flows = 0;

		for (const auto &[remote, totals] : entry.second)
			flows += totals.flows;
		if (flows >= least)
			return false;
		for (const auto &[remote, totals] : entry.second)
			leaveOut(rare, remote, totals);
		return true;
	});
	services.leftOut.push_back(std::move(rare));
}

} // namespace

/** What routers and hosts send without being asked. */
bool Service::isError() const
{
	constexpr std::array<std::uint8_t, 3> v4 = {3, 11, 12};
	constexpr std::uint8_t lastV6 = 4;

	if (protocol == IPPROTO_ICMP)
		return std::ranges::find(v4, icmpType) != v4.end();
	return protocol == IPPROTO_ICMPV6 && icmpType >= 1 &&
	       icmpType <= lastV6;
}

Services findServices(const SeenFlows &seen, const LearnOptions &options)
{
	const Directions directions(seen);
	const std::set<IpAddress> scanners = findScanners(seen);
	LeftOut scans{"of scanners", {}, {}};
	LeftOut unanswered{"without an answer", {}, {}};
	Services services;

	for (auto [kind, totals] : seen.kinds) {
		// It has not ended yet, but it is one.
		totals.flows = std::max<std::uint64_t>(totals.flows, 1);
		totals.answered = kind.answered ? totals.flows : 0;
		if (scanners.contains(kind.remote))
			leaveOut(scans, kind.remote, totals);
		else if (!isUsed(kind, options))
			leaveOut(unanswered, kind.remote, totals);
		else
			services.used[directions.serviceFor(kind)][kind.remote]
			    .add(totals);
	}
	services.leftOut.push_back(std::move(scans));
	services.leftOut.push_back(std::move(unanswered));
	leaveOutRare(services, options.leastFlows);
	std::erase_if(services.leftOut,
	              [](const LeftOut &part) { return part.remotes.empty(); });
	return services;
}

} // namespace cloak
