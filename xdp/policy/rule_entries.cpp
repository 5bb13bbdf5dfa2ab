// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_entries.h"

#include <algorithm>
#include <cstring>

#include "policy/interfaces.h"

namespace cloak
{
namespace
{

constexpr PortRange kAnyPort{};

bool isAbout(const std::vector<Located<Prefix>> &prefixes,
             const IpAddress &address)
{
	return prefixes.empty() ||
	       std::ranges::any_of(
		   prefixes,
		   [&](const auto &prefix) {
			   return prefix.value.contains(address);
		   });
}

/** Those of a list that are no part of another one; all, if it is empty. */
std::vector<Prefix> distinct(const std::vector<Located<Prefix>> &prefixes)
{
	std::vector<Prefix> sorted;
	std::vector<Prefix> kept;

	for (const auto &prefix : prefixes)
		sorted.push_back(prefix.value);
	std::ranges::sort(sorted);
	for (const Prefix &prefix : sorted)
		if (kept.empty() || !kept.back().contains(prefix))
			kept.push_back(prefix);
	if (kept.empty())
		kept.emplace_back();
	return kept;
}

/** The same ports in ranges that do not overlap. */
std::vector<PortRange> distinct(std::vector<PortRange> ranges)
{
	std::vector<PortRange> kept;

	std::ranges::sort(ranges, {}, &PortRange::least);
	for (const PortRange &range : ranges) {
		if (kept.empty() || range.least > kept.back().most + 1)
			kept.push_back(range);
		else
			kept.back().most =
			    std::max(kept.back().most, range.most);
	}
	if (kept.empty())
		kept.push_back(kAnyPort);
	return kept;
}

void ask(cloak_entry &entry, __u64 mask, __u64 value)
{
	entry.mask[CLOAK_WORD_KIND] |= mask;
	entry.value[CLOAK_WORD_KIND] |= value;
}

void askAddress(cloak_entry &entry, const Prefix &prefix)
{
	const Prefix all{{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	                 prefix.bits};
	const IpAddress mask = all.network().address;
	const IpAddress value = prefix.network().address;

	std::memcpy(entry.mask, mask.octets.data(), mask.octets.size());
	std::memcpy(entry.value, value.octets.data(), value.octets.size());
}

void askTransport(cloak_entry &entry, const RulePolicy &rule)
{
	if (rule.protocol) {
		ask(entry, CLOAK_FACT_PROTOCOL(0xff),
		    CLOAK_FACT_PROTOCOL(rule.protocol->value));
	}
	if (rule.icmpType) {
		ask(entry, CLOAK_FACT_HAS_ICMP | CLOAK_FACT_ICMP_TYPE(0xff),
		    CLOAK_FACT_HAS_ICMP |
		        CLOAK_FACT_ICMP_TYPE(rule.icmpType->value));
	}
	if (rule.tcpFlags) {
		const TcpFlagMatch flags = rule.tcpFlags->value;
		const unsigned looked = flags.set | flags.clear;

		ask(entry, CLOAK_FACT_HAS_TCP | CLOAK_FACT_TCP_FLAGS(looked),
		    CLOAK_FACT_HAS_TCP | CLOAK_FACT_TCP_FLAGS(flags.set));
	}
	if (!rule.sourcePorts.empty() || !rule.destinationPorts.empty())
		ask(entry, CLOAK_FACT_HAS_PORTS, CLOAK_FACT_HAS_PORTS);
	if (const auto state = stateOf(rule)) {
		ask(entry, CLOAK_FACT_ESTABLISHED,
		    *state == ConnectionState::Established
		        ? CLOAK_FACT_ESTABLISHED
		        : 0);
	}
}

void askLink(cloak_entry &entry, const Policy &policy, const RulePolicy &rule)
{
	if (rule.vlan) {
		ask(entry, CLOAK_FACT_VLAN(0xfffU),
		    CLOAK_FACT_VLAN(*rule.vlan));
	}
	if (rule.interface) {
		ask(entry, CLOAK_FACT_IFACE(0xffffU),
		    CLOAK_FACT_IFACE(
			interfaceNumber(policy, rule.interface->value)));
	}
	if (rule.mac) {
		const auto &octets = rule.mac->value.octets;

		std::memset(&entry.mask[CLOAK_WORD_STATION], 0xff,
		            octets.size());
		std::memcpy(&entry.value[CLOAK_WORD_STATION], octets.data(),
		            octets.size());
	}
}

} // namespace

void addEntries(const Policy &policy, const RulePolicy &rule,
                const IpAddress &local, cloak_direction direction,
                const cloak_entry &model, std::vector<cloak_entry> &into)
{
	const bool in = direction == CLOAK_INGRESS;
	const RuleDirection other = in ? RuleDirection::Out : RuleDirection::In;
	cloak_entry entry = model;

	if (rule.direction == other ||
	    !isAbout(in ? rule.destinations : rule.sources, local))
		return;
	askTransport(entry, rule);
	askLink(entry, policy, rule);
	const auto remotes = distinct(in ? rule.sources : rule.destinations);
	const auto remotePorts =
	    distinct(in ? rule.sourcePorts : rule.destinationPorts);
	const auto localPorts =
	    distinct(in ? rule.destinationPorts : rule.sourcePorts);
	for (const Prefix &remote : remotes) {
		askAddress(entry, remote);
		for (const PortRange &remotePort : remotePorts) {
			for (const PortRange &localPort : localPorts) {
				entry.remote_least = remotePort.least;
				entry.remote_most = remotePort.most;
				entry.local_least = localPort.least;
				entry.local_most = localPort.most;
				into.push_back(entry);
			}
		}
	}
}

std::uint64_t countEntries(const RulePolicy &rule)
{
	// More is too much in any case, and would not fit the product.
	constexpr std::uint64_t most = 1U << 20U;
	const auto each = [=](const auto &list) {
		return std::clamp<std::uint64_t>(list.size(), 1, most);
	};
	const std::uint64_t ports =
	    each(rule.sourcePorts) * each(rule.destinationPorts);
	std::uint64_t entries = 0;

	if (rule.direction != RuleDirection::Out)
		entries += each(rule.sources) * ports;
	if (rule.direction != RuleDirection::In)
		entries += each(rule.destinations) * ports;
	return entries;
}

} // namespace cloak
