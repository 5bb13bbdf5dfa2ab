// SPDX-License-Identifier: Apache-2.0
#include "daemon/report_rules.h"

#include "policy/rule_words.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Counters = std::vector<cloak_counter>;

void addCounter(json &entry, const Counters &counters, std::uint32_t index)
{
	const cloak_counter counter =
	    index < counters.size() ? counters[index] : cloak_counter{};

	entry["packets"] = counter.packets;
	entry["bytes"] = counter.bytes;
}

json reportRule(const CompiledRule &rule, const CompiledRules &rules,
                const Counters &counters)
{
	json entry = {
	    {"file", rules.files.at(rule.at.file)},
	    {"line", rule.at.line},
	    {"match", rule.match},
	    {"verdict", wordOf(kVerdicts, rule.verdict)},
	    {"action", wordOf(kActions, rule.action)},
	};

	addCounter(entry, counters, rule.counter);
	if (!rule.name.empty())
		entry["name"] = rule.name;
	if (!rule.shared.empty())
		entry["counter"] = rule.shared;
	return entry;
}

/** What became of packets that no rule has decided about. */
json reportRest(const CompiledTable &table, const Counters &counters)
{
	json rest = {{"in", json::object()}, {"out", json::object()}};

	addCounter(rest["in"], counters, table.counters[CLOAK_INGRESS]);
	addCounter(rest["out"], counters, table.counters[CLOAK_EGRESS]);
	return rest;
}

json reportTable(const CompiledTable &table, const CompiledRules &rules,
                 const Counters &counters, const RuleSelection &selection)
{
	json entry = {
	    {"address", toString(table.address)},
	    {"default", wordOf(kDefaults, table.verdict)},
	    {"action", wordOf(kActions, table.action)},
	    {"rules", table.rules.size()},
	    {"undecided", reportRest(table, counters)},
	};

	if (!selection.list)
		return entry;
	json list = json::array();
	std::size_t number = 0;
	for (const CompiledRule &rule : table.rules) {
		json row = reportRule(rule, rules, counters);

		row["number"] = ++number;
		if (!selection.hit || row["packets"] != 0)
			list.push_back(std::move(row));
	}
	entry["rule"] = std::move(list);
	return entry;
}

/** What was counted, nothing while the cloak is off. */
Result<Counters> countersOf(const Engine &engine)
{
	if (engine.enforcer() == nullptr)
		return Counters();
	return engine.enforcer()->ruleCounters();
}

} // namespace

Result<json> reportRules(const Engine &engine, const RuleSelection &selection)
{
	json tables = json::array();

	auto counters = countersOf(engine);
	if (!counters)
		return counters.error();
	if (engine.rules() == nullptr)
		return tables;
	for (const CompiledTable &table : engine.rules()->tables) {
		if (!selection.address || *selection.address == table.address) {
			tables.push_back(reportTable(table, *engine.rules(),
			                             *counters, selection));
		}
	}
	return tables;
}

Result<json> reportShared(const Engine &engine)
{
	json list = json::array();

	auto counters = countersOf(engine);
	if (!counters)
		return counters.error();
	if (engine.rules() == nullptr)
		return list;
	for (const SharedCounter &shared : engine.rules()->shared) {
		json entry = {{"name", shared.name}, {"rules", shared.rules}};

		addCounter(entry, *counters, shared.counter);
		list.push_back(std::move(entry));
	}
	return list;
}

} // namespace cloak
