// SPDX-License-Identifier: Apache-2.0
#include "policy/compile_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "policy/rule_entries.h"
#include "policy/rule_words.h"
#include "util/digest.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

/** Compiles the tables of one policy. */
class RuleCompiler
{
public:
	RuleCompiler(const Policy &policy, Diagnostics &errors)
	    : policy_(policy), errors_(errors)
	{
	}

	CompiledRules run()
	{
		compiled_.keys.emplace_back();
		compiled_.files = policy_.files;
		nameShared();
		for (const TablePolicy &table : policy_.tables)
			addTable(table);
		return std::move(compiled_);
	}

private:
	std::uint32_t counterOf(const std::string &owner);
	void nameShared();
	void addTable(const TablePolicy &table);
	void addRule(const RulePolicy &rule, const std::string &address,
	             CompiledTable &table);
	void addStages(const TablePolicy &table, cloak_direction direction,
	               const CompiledTable &names, cloak_table &entry);
	[[nodiscard]] std::vector<cloak_entry>
	entriesOf(const CompiledTable &names, const TablePolicy &table,
	          cloak_direction direction, cloak_stage_kind stage) const;
	[[nodiscard]] std::uint32_t sharedOf(const std::string &name) const;

	const Policy &policy_;
	Diagnostics &errors_;
	CompiledRules compiled_;
	std::vector<const RulePolicy *> ordered_;  //!< of the present table
	std::map<std::string, unsigned> nameless_; //!< the same: how often
};

/** A new counter for whoever is called @p owner in this and other policies. */
std::uint32_t RuleCompiler::counterOf(const std::string &owner)
{
	const auto key = digest(owner);

	compiled_.keys.push_back({{key[0], key[1]}});
	return static_cast<std::uint32_t>(compiled_.keys.size() - 1);
}

void RuleCompiler::nameShared()
{
	std::map<std::string, std::size_t> users;

	for (const TablePolicy &table : policy_.tables) {
		for (const RulePolicy &rule : table.rules)
			if (!rule.counter.empty())
				users[rule.counter]++;
	}
	for (const auto &[name, rules] : users) {
		compiled_.shared.push_back(
		    {name, counterOf("counter " + name), rules});
	}
}

std::uint32_t RuleCompiler::sharedOf(const std::string &name) const
{
	if (name.empty())
		return 0;
	const auto found = std::ranges::lower_bound(compiled_.shared, name, {},
	                                            &SharedCounter::name);

	return found->counter;
}

void RuleCompiler::addRule(const RulePolicy &rule, const std::string &address,
                           CompiledTable &table)
{
	CompiledRule compiled{rule.name.value,    describe(rule), rule.name.at,
	                      rule.verdict.value, rule.action,    0,
	                      rule.counter};

	if (!rule.name.value.empty()) {
		compiled.counter = counterOf(
		    fmt::format("rule {} {}", address, rule.name.value));
	} else {
		// Without a name it is what it says, and the how manieth such.
		const std::string text =
		    fmt::format("{} {}", wordOf(kVerdicts, rule.verdict.value),
		                compiled.match);
		compiled.counter = counterOf(fmt::format(
		    "rule {} {} {}", address, text, nameless_[text]++));
	}
	table.rules.push_back(std::move(compiled));
}

void RuleCompiler::addTable(const TablePolicy &table)
{
	const std::string address = toString(table.address.value);
	CompiledTable names{
	    table.address.value, table.verdict, table.action, {}, {}};
	cloak_table entry{};

	names.counters = {counterOf("default in " + address),
	                  counterOf("default out " + address)};
	nameless_.clear();
	ordered_ = inOrder(table);
	for (const RulePolicy *rule : ordered_)
		addRule(*rule, address, names);
	for (const auto direction : {CLOAK_INGRESS, CLOAK_EGRESS}) {
		addStages(table, direction, names, entry);
		entry.counter[direction] = names.counters.at(direction);
		entry.verdict[direction] = table.verdict;
	}
	entry.mode = static_cast<__u8>(table.action);
	if (asksState(table))
		entry.flags |= CLOAK_TABLE_STATE;
	compiled_.image.tables.emplace_back(toAbi(table.address.value), entry);
	compiled_.tables.push_back(std::move(names));
}

std::vector<cloak_entry> RuleCompiler::entriesOf(const CompiledTable &names,
                                                 const TablePolicy &table,
                                                 cloak_direction direction,
                                                 cloak_stage_kind stage) const
{
	std::vector<cloak_entry> entries;

	for (std::size_t i = 0; i < ordered_.size(); ++i) {
		const RulePolicy &rule = *ordered_[i];
		cloak_entry model{};

		if (decides(rule) != (stage == CLOAK_STAGE_DECIDE))
			continue;
		model.order = static_cast<__u32>(i);
		model.counter = names.rules[i].counter;
		model.shared = sharedOf(rule.counter);
		model.verdict = static_cast<__u8>(rule.verdict.value);
		model.mode = static_cast<__u8>(rule.action);
		addEntries(policy_, rule, table.address.value, direction, model,
		           entries);
	}
	return entries;
}

void RuleCompiler::addStages(const TablePolicy &table,
                             cloak_direction direction,
                             const CompiledTable &names, cloak_table &entry)
{
	for (const auto kind : {CLOAK_STAGE_DECIDE, CLOAK_STAGE_NOTE}) {
		const auto rules = entriesOf(names, table, direction, kind);
		auto stage = addStage(compiled_.image, rules, kind);

		if (!stage) {
			errors_.push_back({table.address.at, "table.address",
			                   quote(toString(table.address.value)),
			                   "rules that overlap less: " +
			                       stage.error().message()});
			return;
		}
		entry.stages[direction][kind] = *stage;
	}
}

} // namespace

std::shared_ptr<const CompiledRules> compileRules(const Policy &policy,
                                                  Diagnostics &errors)
{
	if (policy.tables.empty())
		return nullptr;
	return std::make_shared<const CompiledRules>(
	    RuleCompiler(policy, errors).run());
}

bool rejects(const Policy &policy)
{
	return std::ranges::any_of(
	    policy.tables,
	    [](const auto &table) {
		    return std::ranges::any_of(
			table.rules,
			[](const auto &rule) {
				return rule.verdict.value == CLOAK_RULE_REJECT;
			});
	    });
}

bool asksState(const TablePolicy &table)
{
	return std::ranges::any_of(
	    table.rules,
	    [](const RulePolicy &rule) { return stateOf(rule).has_value(); });
}

bool asksState(const Policy &policy)
{
	return std::ranges::any_of(
	    policy.tables,
	    [](const TablePolicy &table) { return asksState(table); });
}

} // namespace cloak
