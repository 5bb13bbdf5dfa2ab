// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_match.h"

#include <algorithm>
#include <netinet/in.h>

#include "policy/rule_words.h"

namespace cloak
{
namespace
{

bool isIn(const std::vector<Located<Prefix>> &prefixes, const IpAddress &ip)
{
	return prefixes.empty() || std::ranges::any_of(
				       prefixes,
				       [&ip](const auto &prefix) {
					       return prefix.value.contains(ip);
				       });
}

bool isIn(const std::vector<PortRange> &ranges, std::uint16_t port)
{
	return ranges.empty() ||
	       std::ranges::any_of(
		   ranges,
		   [port](const PortRange &range) {
			   return range.least <= port && port <= range.most;
		   });
}

bool flagsMatch(const TcpFlagMatch &wanted)
{
	const std::uint8_t ack = parseTcpFlags("ack")->set;

	return (ack & wanted.set) == wanted.set && (ack & wanted.clear) == 0;
}

} // namespace

bool matches(const RulePolicy &rule, const TcpSegment &segment)
{
	if (rule.direction != RuleDirection::Both &&
	    rule.direction != segment.direction)
		return false;
	if ((rule.protocol && rule.protocol->value != IPPROTO_TCP) ||
	    rule.icmpType || (rule.vlan && *rule.vlan != 0) ||
	    (rule.tcpFlags && !flagsMatch(rule.tcpFlags->value)))
		return false;
	if (stateOf(rule) == ConnectionState::New)
		return false;
	if (rule.interface && rule.interface->value != segment.interface)
		return false;
	if (rule.mac && rule.mac->value != segment.mac)
		return false;
	return isIn(rule.sources, segment.source) &&
	       isIn(rule.destinations, segment.destination) &&
	       isIn(rule.sourcePorts, segment.sourcePort) &&
	       isIn(rule.destinationPorts, segment.destinationPort);
}

const RulePolicy *decide(const TablePolicy &table, const TcpSegment &segment)
{
	const RulePolicy *first = nullptr;

	for (const RulePolicy &rule : table.rules) {
		if (first != nullptr && first->priority <= rule.priority)
			continue;
		if (decides(rule) && matches(rule, segment))
			first = &rule;
	}
	return first;
}

bool drops(const TablePolicy &table, const TcpSegment &segment)
{
	const RulePolicy *rule = decide(table, segment);

	if (table.action == CLOAK_MODE_MONITOR)
		return false;
	if (rule == nullptr)
		return table.verdict == CLOAK_RULE_DROP;
	return rule->verdict.value != CLOAK_RULE_ALLOW &&
	       rule->action != CLOAK_MODE_MONITOR;
}

} // namespace cloak
