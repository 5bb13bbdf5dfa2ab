// SPDX-License-Identifier: Apache-2.0
#include "policy/render_rules.h"

#include <fmt/format.h>

#include "policy/rule_words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

std::string prefixes(std::string_view key,
                     const std::vector<Located<Prefix>> &values)
{
	std::string members;

	for (const auto &value : values) {
		members += members.empty() ? "" : ", ";
		members += quoteToml(toString(value.value));
	}
	return values.empty() ? "" : fmt::format("{} = [{}]\n", key, members);
}

std::string ports(std::string_view key, const std::vector<PortRange> &values)
{
	std::string members;

	for (const PortRange &value : values) {
		members += members.empty() ? "" : ", ";
		members += quoteToml(toString(value));
	}
	return values.empty() ? "" : fmt::format("{} = [{}]\n", key, members);
}

std::string states(const std::vector<ConnectionState> &values)
{
	std::string members;

	for (const ConnectionState value : values) {
		members += members.empty() ? "" : ", ";
		members += quoteToml(wordOf(kStates, value));
	}
	return values.empty() ? "" : fmt::format("state = [{}]\n", members);
}

std::string transport(const RulePolicy &rule)
{
	std::string text;

	if (rule.protocol)
		text += fmt::format("protocol = {}\n", rule.protocol->value);
	text += ports("source_port", rule.sourcePorts);
	text += ports("destination_port", rule.destinationPorts);
	if (rule.icmpType)
		text += fmt::format("icmp_type = {}\n", rule.icmpType->value);
	if (rule.tcpFlags) {
		text += fmt::format("tcp_flags = \"{}\"\n",
		                    toString(rule.tcpFlags->value));
	}
	return text + states(rule.states);
}

std::string renderRule(const RulePolicy &rule)
{
	std::string text = fmt::format(
	    "[[table.rule]]\nverdict = \"{}\"\npriority = {}\n"
	    "direction = \"{}\"\naction = \"{}\"\n",
	    wordOf(kVerdicts, rule.verdict.value), rule.priority,
	    wordOf(kDirections, rule.direction), wordOf(kActions, rule.action));

	if (!rule.name.value.empty())
		text += fmt::format("name = \"{}\"\n", rule.name.value);
	text += prefixes("source", rule.sources);
	text += prefixes("destination", rule.destinations);
	text += transport(rule);
	if (rule.vlan)
		text += fmt::format("vlan = {}\n", *rule.vlan);
	if (rule.interface) {
		text += fmt::format("interface = {}\n",
		                    quoteToml(rule.interface->value));
	}
	if (rule.mac)
		text +=
		    fmt::format("mac = \"{}\"\n", toString(rule.mac->value));
	if (!rule.counter.empty())
		text += fmt::format("counter = \"{}\"\n", rule.counter);
	return text;
}

} // namespace

std::string renderTable(const TablePolicy &table)
{
	std::string text = fmt::format(
	    "[[table]]\naddress = \"{}\"\ndefault = \"{}\"\naction = \"{}\"\n",
	    toString(table.address.value), wordOf(kDefaults, table.verdict),
	    wordOf(kActions, table.action));

	for (const RulePolicy &rule : table.rules)
		text += renderRule(rule);
	return text + "\n";
}

} // namespace cloak
