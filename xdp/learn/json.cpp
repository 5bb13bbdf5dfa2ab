// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "learn/render.h"
#include "policy/rule_words.h"

namespace cloak
{
namespace
{

using nlohmann::json;

json asJson(const FlowTotals &totals)
{
	return {
	    {"flows", totals.flows},
	    {"answered", totals.answered},
	    {"packets", totals.packets},
	    {"bytes", totals.bytes},
	    {"first", timestamp(totals.first)},
	    {"last", timestamp(totals.last)},
	};
}

json listed(const std::vector<Located<Prefix>> &prefixes)
{
	json list = json::array();

	for (const auto &prefix : prefixes)
		list.push_back(toString(prefix.value));
	return list;
}

json listed(const std::vector<PortRange> &ranges)
{
	json list = json::array();

	for (const PortRange &range : ranges)
		list.push_back(toString(range));
	return list;
}

json asJson(const CoveredFlows &covered)
{
	json entry = asJson(covered.totals);

	entry["remote"] = toString(covered.remote);
	if (covered.port != 0)
		entry["port"] = covered.port;
	return entry;
}

/** The keys of the policy, and beside them what the rule is made from. */
json asJson(const ProposedRule &proposed)
{
	const RulePolicy &rule = proposed.rule;
	json entry = {
	    {"name", rule.name.value},
	    {"direction", wordOf(kDirections, rule.direction)},
	    {"protocol", protocolName(rule.protocol->value)},
	    {"verdict", wordOf(kVerdicts, rule.verdict.value)},
	    {"answers", proposed.answers},
	};

	if (!rule.sources.empty())
		entry["source"] = listed(rule.sources);
	if (!rule.destinations.empty())
		entry["destination"] = listed(rule.destinations);
	if (!rule.sourcePorts.empty())
		entry["source_port"] = listed(rule.sourcePorts);
	if (!rule.destinationPorts.empty())
		entry["destination_port"] = listed(rule.destinationPorts);
	if (rule.icmpType)
		entry["icmp_type"] = rule.icmpType->value;
	if (rule.tcpFlags)
		entry["tcp_flags"] = toString(rule.tcpFlags->value);
	if (proposed.answers)
		return entry;
	entry["totals"] = asJson(proposed.totals);
	for (const CoveredFlows &covered : proposed.covers)
		entry["covers"].push_back(asJson(covered));
	return entry;
}

json asJson(const ProposedTable &table)
{
	json rules = json::array();

	for (const ProposedRule &rule : table.rules)
		rules.push_back(asJson(rule));
	return {{"address", toString(table.address)},
	        {"rule", std::move(rules)}};
}

json asJson(const LeftOut &part)
{
	json entry = asJson(part.totals);

	entry["why"] = part.why;
	for (const IpAddress &remote : part.remotes)
		entry["remotes"].push_back(toString(remote));
	return entry;
}

} // namespace

json toJson(const Proposal &proposal)
{
	json body = {
	    {"interfaces", proposal.interfaces},
	    {"totals", asJson(totalsOf(proposal))},
	    {"peers", json::array()},
	    {"tables", json::array()},
	    {"left_out", json::array()},
	    {"skipped", proposal.skipped},
	};

	for (const PeerGroup &group : proposal.peers) {
		body["peers"].push_back(
		    {{"name", group.name.value},
		     {"prefixes", listed(group.prefixes)},
		     {"access", wordOf(kAccesses, group.access)}});
	}
	for (const ProposedTable &table : proposal.tables)
		body["tables"].push_back(asJson(table));
	for (const LeftOut &part : proposal.leftOut)
		body["left_out"].push_back(asJson(part));
	return body;
}

} // namespace cloak
