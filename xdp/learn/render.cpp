// SPDX-License-Identifier: Apache-2.0
#include "learn/render.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/rule_words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

/** How many of those that a rule covers are named; the rest is counted. */
constexpr std::size_t kNamed = 8;

std::string plural(std::uint64_t count, std::string_view what)
{
	return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/** "12 flows, 3456 bytes, 2026-11-21 13:00:05 to 2026-11-21 14:05:00" */
std::string describe(const FlowTotals &totals)
{
	return fmt::format("{}, {} bytes, {} to {}",
	                   plural(totals.flows, "flow"), totals.bytes,
	                   localTime(totals.first, "%F %T"),
	                   localTime(totals.last, "%F %T"));
}

/** A list, or the one member of it. */
template <typename T, typename Write>
std::string assignment(std::string_view key, const std::vector<T> &values,
                       Write write)
{
	std::string members;

	for (const T &value : values)
		members += (members.empty() ? "" : ", ") + write(value);
	if (values.empty())
		return {};
	if (values.size() == 1)
		return fmt::format("{} = {}\n", key, members);
	return fmt::format("{} = [{}]\n", key, members);
}

std::string word(const Located<Prefix> &prefix)
{
	return quoteToml(toString(prefix.value));
}

/** A port is a number, a range is a string. */
std::string number(const PortRange &range)
{
	return range.least == range.most ? fmt::format("{}", range.least)
	                                 : quoteToml(toString(range));
}

std::string renderRule(const RulePolicy &rule)
{
	std::string text = fmt::format("[[table.rule]]\nname = {}\n",
	                               quoteToml(rule.name.value));

	if (rule.direction != RuleDirection::In) {
		text += fmt::format("direction = \"{}\"\n",
		                    wordOf(kDirections, rule.direction));
	}
	text += assignment("source", rule.sources, word);
	text += assignment("destination", rule.destinations, word);
	if (!wordOf(kProtocols, rule.protocol->value).empty()) {
		text += fmt::format("protocol = \"{}\"\n",
		                    protocolName(rule.protocol->value));
	} else {
		text += fmt::format("protocol = {}\n", rule.protocol->value);
	}
	text += assignment("source_port", rule.sourcePorts, number);
	text += assignment("destination_port", rule.destinationPorts, number);
	if (rule.icmpType)
		text += fmt::format("icmp_type = {}\n", rule.icmpType->value);
	if (rule.tcpFlags) {
		text += fmt::format("tcp_flags = \"{}\"\n",
		                    toString(rule.tcpFlags->value));
	}
	return text + fmt::format("verdict = \"{}\"\n",
	                          wordOf(kVerdicts, rule.verdict.value));
}

/** Those with most octets, as far as they are named; then by address. */
std::vector<CoveredFlows> busiest(std::vector<CoveredFlows> covers)
{
	std::ranges::stable_sort(
	    covers, [](const CoveredFlows &one, const CoveredFlows &other) {
		    return one.totals.bytes > other.totals.bytes;
	    });
	if (covers.size() > kNamed)
		covers.resize(kNamed);
	return covers;
}

std::string renderCovered(const ProposedRule &proposed)
{
	if (proposed.answers)
		return {};
	std::string text = fmt::format("# {}\n", describe(proposed.totals));
	for (const CoveredFlows &covered : busiest(proposed.covers)) {
		const std::string port =
		    covered.port == 0 ? ""
				      : fmt::format(" port {}", covered.port);
		text += fmt::format("#   {}{}: {}\n", toString(covered.remote),
		                    port, describe(covered.totals));
	}
	if (proposed.covers.size() > kNamed) {
		text += fmt::format("#   and {} more\n",
		                    proposed.covers.size() - kNamed);
	}
	return text;
}

std::string renderTable(const ProposedTable &table)
{
	std::string text =
	    fmt::format("[[table]]\naddress = \"{}\"\ndefault = \"drop\"\n"
	                "action = \"monitor\"\n\n",
	                toString(table.address));

	for (const ProposedRule &rule : table.rules)
		text += renderCovered(rule) + renderRule(rule.rule) + "\n";
	return text;
}

std::string renderGroup(const PeerGroup &group)
{
	std::string members;

	for (const auto &prefix : group.prefixes)
		members += (members.empty() ? "" : ", ") + word(prefix);
	return fmt::format(
	    "[[peers]]\nname = {}\nprefixes = [{}]\n{}\n",
	    quoteToml(group.name.value), members,
	    group.access == Access::Outbound ? "access = \"outbound\"\n" : "");
}

std::string renderLeftOut(const LeftOut &part)
{
	std::string names;
	std::size_t named = 0;

	for (const IpAddress &remote : part.remotes)
		if (named++ < kNamed)
			names += (names.empty() ? "" : ", ") + toString(remote);
	if (part.remotes.size() > kNamed) {
		names +=
		    fmt::format(" and {} more", part.remotes.size() - kNamed);
	}
	return fmt::format("# Left out, {}: {}: {}\n", part.why,
	                   describe(part.totals), names);
}

} // namespace

FlowTotals totalsOf(const Proposal &proposal)
{
	FlowTotals all;

	for (const ProposedTable &table : proposal.tables)
		for (const ProposedRule &rule : table.rules)
			if (!rule.answers)
				all.add(rule.totals);
	return all;
}

std::string toToml(const Proposal &proposal)
{
	std::string text = fmt::format(
	    "# Proposed by \"cloakctl learn\" from {}.\n"
	    "# It drops nothing until \"monitor\" is made \"enforce\". "
	    "Look through it, and add\n"
	    "# what no flow tells: gateways, outputs, exporters.\n",
	    describe(totalsOf(proposal)));

	for (const LeftOut &part : proposal.leftOut)
		text += renderLeftOut(part);
	text += "\n";
	for (const std::string &interface : proposal.interfaces) {
		text += fmt::format("[[interface]]\nname = {}\n"
		                    "action = \"monitor\"\n\n",
		                    quoteToml(interface));
	}
	for (const PeerGroup &group : proposal.peers)
		text += renderGroup(group);
	for (const ProposedTable &table : proposal.tables)
		text += renderTable(table);
	text.pop_back(); // the empty line behind the last
	return text;
}

} // namespace cloak
