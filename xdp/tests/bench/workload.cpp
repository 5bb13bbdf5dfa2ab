// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/workload.h"

#include <fmt/format.h>

#include "tests/harness/hosts.h"

namespace cloak::test
{
namespace
{

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmp4 = 1;

/** An address in 10.0.0.0/8, another for each number. */
IpAddress hostOf(std::size_t number)
{
	const std::array<std::uint8_t, 4> octets = {
	    10, static_cast<std::uint8_t>(number >> 16U),
	    static_cast<std::uint8_t>(number >> 8U),
	    static_cast<std::uint8_t>(number)};

	return ipFromV4(octets.data());
}

Located<Prefix> network(std::size_t number, unsigned bits)
{
	const Prefix prefix{hostOf(number), static_cast<std::uint8_t>(
						CLOAK_V4_PREFIX_BITS + bits)};

	return {prefix.network(), {}};
}

std::uint16_t portOf(std::size_t number)
{
	return static_cast<std::uint16_t>(1024 + number % 30000);
}

void describeRule(RulePolicy &rule, std::size_t i)
{
	const std::uint16_t port = portOf(i);

	rule.protocol = {i % 5 == 0 ? kUdp : kTcp, {}};
	rule.destinationPorts = {{port, port}};
	switch (i % 16) {
	case 1:
		rule.sources = {network(i << 8U, 24)};
		break;
	case 3:
		rule.sources = {network(i << 12U, 20)};
		rule.destinationPorts = {
		    {port, static_cast<std::uint16_t>(port + 100)}};
		break;
	case 5:
		rule.sources = {network(i << 10U, 22)};
		rule.tcpFlags = {{2, 16}, {}};
		rule.protocol = {kTcp, {}};
		break;
	case 7:
		rule.destinationPorts.clear();
		rule.protocol = {kIcmp4, {}};
		rule.icmpType = {8, {}};
		rule.sources = {network(i, 32)};
		break;
	case 9:
		break; // from anywhere
	case 11:
		rule.sources = {network(i << 6U, 26)};
		rule.sourcePorts = {{port, port}};
		break;
	default:
		rule.sources = {network(i, 32)};
	}
}

IpAddress localOf(std::size_t table)
{
	const std::array<std::uint8_t, 4> octets = {
	    192, 0, static_cast<std::uint8_t>(2 + table / 200),
	    static_cast<std::uint8_t>(5 + table % 200)};

	return ipFromV4(octets.data());
}

} // namespace

Policy workload(std::size_t tables, std::size_t rules, std::size_t counters)
{
	Policy policy;
	InterfacePolicy interface;

	interface.name.value = "one";
	policy.interfaces.push_back(interface);
	for (std::size_t t = 0; t < tables; ++t) {
		TablePolicy table;

		table.address.value = localOf(t);
		table.verdict = CLOAK_RULE_DROP;
		for (std::size_t i = 0; i < rules; ++i) {
			RulePolicy rule;

			rule.name.value = fmt::format("rule-{}", i);
			rule.verdict.value = CLOAK_RULE_ALLOW;
			rule.counter = fmt::format("counter-{}", i % counters);
			describeRule(rule,
			             i + 1 == rules || i == 0 ? i * 16 : i);
			table.rules.push_back(std::move(rule));
		}
		policy.tables.push_back(std::move(table));
	}
	return policy;
}

Asked questionFor(const RulePolicy &rule, const IpAddress &address)
{
	Asked asked;

	asked.local = address;
	asked.remote = rule.sources.front().value.address;
	asked.mac = {kPeer.mac};
	asked.protocol = rule.protocol->value;
	asked.remotePort = 40000;
	asked.localPort = rule.destinationPorts.front().least;
	asked.tcpFlags = 16;
	return asked;
}

Asked strayQuestion(const IpAddress &address)
{
	Asked asked;

	asked.local = address;
	asked.remote = *parseIp("198.51.100.77");
	asked.mac = {kPeer.mac};
	asked.remotePort = 40000;
	asked.localPort = 9;
	asked.tcpFlags = 16;
	return asked;
}

} // namespace cloak::test
