// SPDX-License-Identifier: Apache-2.0
#include "model/alert.h"

namespace cloak
{
namespace
{

template <typename T> void addBounded(std::set<T> &members, const T &member)
{
	if (members.size() < Observed::kMost)
		members.insert(member);
}

} // namespace

void Observed::add(const Probe &probe)
{
	const std::string manner = mannerOf(probe);
	const auto target = probe.target();
	const auto port = probe.port();

	if (target)
		addBounded(targets_[manner], *target);
	if (port)
		addBounded(ports_[manner], *port);
}

std::set<IpAddress> Observed::allTargets() const
{
	std::set<IpAddress> all;

	for (const auto &[manner, targets] : targets_)
		all.insert(targets.begin(), targets.end());
	return all;
}

std::size_t Observed::portCount() const
{
	std::size_t count = 0;

	for (const auto &[manner, ports] : ports_)
		count += ports.size();
	return count;
}

std::string mannerOf(const Probe &probe)
{
	switch (probe.kind()) {
	case CLOAK_KIND_ARP:
	case CLOAK_KIND_ARP_PROBE:
	case CLOAK_KIND_ARP_CLAIM:
		return "arp";
	case CLOAK_KIND_NS:
	case CLOAK_KIND_NS_DAD:
	case CLOAK_KIND_NA:
		return "nd";
	case CLOAK_KIND_PING:
		return "ping";
	default:
		break;
	}
	if (probe.port())
		return protocolName(probe.event);
	return "other";
}

} // namespace cloak
