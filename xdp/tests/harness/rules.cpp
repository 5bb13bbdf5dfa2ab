// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/rules.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tests/harness/hosts.h"

namespace cloak::test
{
namespace
{

constexpr std::uint8_t kIcmp4 = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kSctp = 132;

bool inRange(const std::vector<PortRange> &ranges, std::uint16_t port)
{
	return ranges.empty() ||
	       std::ranges::any_of(
		   ranges,
		   [port](const PortRange &range) {
			   return port >= range.least && port <= range.most;
		   });
}

bool inPrefix(const std::vector<Located<Prefix>> &prefixes,
              const IpAddress &address)
{
	return prefixes.empty() ||
	       std::ranges::any_of(
		   prefixes,
		   [&](const auto &prefix) {
			   return prefix.value.contains(address);
		   });
}

Addr4 v4Of(const IpAddress &address)
{
	Addr4 octets{};

	std::copy_n(address.octets.begin() + 12, octets.size(), octets.begin());
	return octets;
}

Packet link(const Asked &asked)
{
	Ethernet ethernet{.src = asked.mac.octets, .dst = kLake.mac};

	if (!asked.in)
		std::swap(ethernet.src, ethernet.dst);
	Packet packet{ethernet};
	if (asked.vlan != 0)
		packet.append(Vlan{.id = asked.vlan});
	return packet;
}

} // namespace

bool Asked::hasPorts() const
{
	return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

bool Asked::isIcmp() const
{
	return protocol == kIcmp4 || protocol == kIcmp6;
}

Packet Asked::packet() const
{
	Packet made = link(*this);
	const std::uint16_t sport = in ? remotePort : localPort;
	const std::uint16_t dport = in ? localPort : remotePort;
	const IpAddress &from = in ? remote : local;
	const IpAddress &to = in ? local : remote;

	if (local.isV4()) {
		made.append(Ipv4{
		    .src = v4Of(from), .dst = v4Of(to), .protocol = protocol});
	} else {
		made.append(Ipv6{
		    .src = from.octets, .dst = to.octets, .next = protocol});
	}
	if (protocol == kTcp)
		made.append(
		    Tcp{.sport = sport, .dport = dport, .flags = tcpFlags});
	else if (protocol == kUdp)
		made.append(Udp{.sport = sport, .dport = dport});
	else if (protocol == kSctp)
		made.append(Sctp{.sport = sport, .dport = dport});
	else if (protocol == kIcmp4)
		made.append(Icmp{.type = icmpType});
	else if (protocol == kIcmp6)
		made.append(Icmp6{.type = icmpType});
	else
		made.append(payload(32));
	return made;
}

void Asked::words(__u64 (&word)[CLOAK_WORDS]) const
{
	__u64 kind = CLOAK_FACT_PROTOCOL(protocol) | CLOAK_FACT_VLAN(vlan) |
	             CLOAK_FACT_IFACE(1U);

	std::ranges::fill(word, 0);
	std::memcpy(word, remote.octets.data(), remote.octets.size());
	std::memcpy(&word[CLOAK_WORD_STATION], mac.octets.data(),
	            mac.octets.size());
	if (hasPorts()) {
		kind |= CLOAK_FACT_HAS_PORTS;
		word[CLOAK_WORD_PORTS] =
		    CLOAK_FACT_PORTS(remotePort, localPort);
	}
	if (protocol == kTcp)
		kind |= CLOAK_FACT_HAS_TCP | CLOAK_FACT_TCP_FLAGS(tcpFlags);
	if (isIcmp())
		kind |= CLOAK_FACT_HAS_ICMP | CLOAK_FACT_ICMP_TYPE(icmpType);
	if (established)
		kind |= CLOAK_FACT_ESTABLISHED;
	word[CLOAK_WORD_KIND] = kind;
}

bool matches(const Policy &policy, const RulePolicy &rule, const Asked &asked)
{
	const RuleDirection other =
	    asked.in ? RuleDirection::Out : RuleDirection::In;
	const bool asksPorts =
	    !rule.sourcePorts.empty() || !rule.destinationPorts.empty();
	const IpAddress &from = asked.in ? asked.remote : asked.local;
	const IpAddress &to = asked.in ? asked.local : asked.remote;

	if (rule.direction == other || !inPrefix(rule.sources, from) ||
	    !inPrefix(rule.destinations, to))
		return false;
	if (rule.protocol && rule.protocol->value != asked.protocol)
		return false;
	if (asksPorts &&
	    (!asked.hasPorts() ||
	     !inRange(rule.sourcePorts,
	              asked.in ? asked.remotePort : asked.localPort) ||
	     !inRange(rule.destinationPorts,
	              asked.in ? asked.localPort : asked.remotePort)))
		return false;
	if (rule.icmpType &&
	    (!asked.isIcmp() || rule.icmpType->value != asked.icmpType))
		return false;
	if (rule.tcpFlags &&
	    (asked.protocol != kTcp ||
	     (asked.tcpFlags & rule.tcpFlags->value.set) !=
	         rule.tcpFlags->value.set ||
	     (asked.tcpFlags & rule.tcpFlags->value.clear) != 0))
		return false;
	if (const auto state = stateOf(rule);
	    state &&
	    (*state == ConnectionState::Established) != asked.established)
		return false;
	if (rule.vlan && *rule.vlan != asked.vlan)
		return false;
	if (rule.interface &&
	    rule.interface->value != policy.interfaces.front().name.value)
		return false;
	return !rule.mac || rule.mac->value == asked.mac;
}

std::optional<std::size_t>
decideLinear(const Policy &policy, const TablePolicy &table, const Asked &asked)
{
	std::vector<std::size_t> order(table.rules.size());

	std::iota(order.begin(), order.end(), 0U);
	std::ranges::stable_sort(order, {}, [&table](std::size_t i) {
		return table.rules[i].priority;
	});
	for (const std::size_t i : order) {
		const RulePolicy &rule = table.rules[i];

		if (rule.verdict.value <= CLOAK_RULE_REJECT &&
		    matches(policy, rule, asked))
			return i;
	}
	return std::nullopt;
}

IpAddress RuleGenerator::address(bool v4)
{
	IpAddress address = *parseIp(v4 ? "198.51.100.0" : "2001:db8:9::");

	// Few enough for rules and packets to meet.
	address.octets[13] = static_cast<std::uint8_t>(pick(2));
	address.octets[14] = static_cast<std::uint8_t>(pick(4) * 64 + pick(2));
	address.octets[15] = static_cast<std::uint8_t>(pick(256));
	return address;
}

Located<Prefix> RuleGenerator::prefix(bool v4, unsigned least)
{
	const unsigned bits = least + pick(129 - least);
	const Prefix prefix{address(v4), static_cast<std::uint8_t>(bits)};

	return {prefix.network(), {}};
}

PortRange RuleGenerator::ports()
{
	const auto least = static_cast<std::uint16_t>(pick(4000));

	if (chance(2))
		return {least, least};
	return {least, static_cast<std::uint16_t>(least +
	                                          pick(chance(2) ? 8 : 60000))};
}

void RuleGenerator::transport(RulePolicy &rule)
{
	constexpr std::array<std::uint8_t, 5> protocols = {kTcp, kUdp, kIcmp4,
	                                                   kSctp, 47};

	if (!chance(4))
		rule.protocol = {protocols.at(pick(5)), {}};
	const bool ports = !rule.protocol || rule.protocol->value == kTcp ||
	                   rule.protocol->value == kUdp;
	for (auto *ranges : {&rule.sourcePorts, &rule.destinationPorts})
		while (ports && ranges->size() < 3 && chance(3))
			ranges->push_back(this->ports());
	if (rule.protocol && rule.protocol->value == kIcmp4 && chance(2))
		rule.icmpType = {static_cast<std::uint8_t>(pick(12)), {}};
	if (rule.protocol && rule.protocol->value == kTcp && chance(4)) {
		const auto set = static_cast<std::uint8_t>(1U << pick(6));
		const auto clear = static_cast<std::uint8_t>(1U << pick(6));
		rule.tcpFlags = {
		    {set, static_cast<std::uint8_t>(clear & ~unsigned{set})},
		    {}};
	}
}

/** @param broad may leave out what the others name, and name wide networks. */
RulePolicy RuleGenerator::rule(const IpAddress &local, bool broad)
{
	constexpr std::array directions = {
	    RuleDirection::In, RuleDirection::Out, RuleDirection::Both};
	constexpr std::array verdicts = {CLOAK_RULE_ALLOW, CLOAK_RULE_DROP};
	const bool v4 = local.isV4();
	RulePolicy rule;

	rule.direction = directions.at(pick(3));
	rule.verdict.value = verdicts.at(pick(2));
	if (chance(5))
		rule.priority = pick(2000);
	const unsigned bits = broad ? 104 : 122;
	if (!broad)
		(rule.direction == RuleDirection::Out ? rule.destinations
		                                      : rule.sources)
		    .push_back(prefix(v4, bits));
	while (chance(2) && rule.sources.size() < 3)
		rule.sources.push_back(prefix(v4, bits));
	while (chance(4) && rule.destinations.size() < 2)
		rule.destinations.push_back(prefix(v4, bits));
	if (chance(6))
		rule.destinations.push_back({Prefix::host(local), {}});
	transport(rule);
	constexpr std::array states = {ConnectionState::New,
	                               ConnectionState::Established};
	for (const ConnectionState state : states)
		if (chance(5))
			rule.states.push_back(state);
	if (chance(8))
		rule.vlan = static_cast<std::uint16_t>(pick(3));
	if (chance(10))
		rule.interface = {chance(3) ? "two" : "one", {}};
	if (chance(10))
		rule.mac = {{chance(2) ? kPeer.mac : kGateway.mac}, {}};
	return rule;
}

Policy RuleGenerator::policy(const IpAddress &local, std::size_t rules)
{
	Policy policy;
	TablePolicy table;

	for (const char *name : {"one", "two"}) {
		InterfacePolicy interface;
		interface.name.value = name;
		policy.interfaces.push_back(interface);
	}
	table.address.value = local;
	table.verdict = chance(2) ? CLOAK_RULE_ALLOW : CLOAK_RULE_DROP;
	while (table.rules.size() < rules)
		table.rules.push_back(
		    rule(local, pick(static_cast<unsigned>(rules)) < 8));
	policy.tables.push_back(std::move(table));
	return policy;
}

Asked RuleGenerator::asked(const TablePolicy &table)
{
	constexpr std::array<std::uint8_t, 5> protocols = {kTcp, kUdp, kIcmp4,
	                                                   kSctp, 47};
	Asked asked;

	asked.in = chance(2);
	asked.local = table.address.value;
	asked.remote = address(asked.local.isV4());
	asked.mac = {chance(2) ? kPeer.mac : kGateway.mac};
	asked.protocol = protocols.at(pick(5));
	asked.remotePort = ports().most;
	asked.localPort = ports().least;
	asked.icmpType = static_cast<std::uint8_t>(pick(12));
	asked.tcpFlags = static_cast<std::uint8_t>(pick(64));
	asked.vlan = static_cast<std::uint16_t>(pick(3));
	asked.established = chance(2);
	return asked;
}

} // namespace cloak::test
