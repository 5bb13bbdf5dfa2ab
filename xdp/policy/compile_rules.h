// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tables of a policy to what the data plane looks up. Pure.
 */
#ifndef CLOAKLAKE_POLICY_COMPILE_RULES_H
#define CLOAKLAKE_POLICY_COMPILE_RULES_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "rules/image.h"

namespace cloak
{

/** A rule and its counters, which are indexes into CompiledRules::keys. */
struct CompiledRule {
	std::string name; //!< empty if it has none
	std::string match;
	Position at;
	cloak_rule_verdict verdict = CLOAK_RULE_DROP;
	cloak_mode action = CLOAK_MODE_ENFORCE;
	std::uint32_t counter = 0;
	std::string shared; //!< the name of the counter it shares, or empty
};

/** A table, its rules in the order in which they are asked. */
struct CompiledTable {
	IpAddress address;
	cloak_rule_verdict verdict = CLOAK_RULE_ALLOW;
	cloak_mode action = CLOAK_MODE_ENFORCE;
	/** Of what no rule decides, by direction. */
	std::array<std::uint32_t, CLOAK_DIRECTIONS> counters{};
	std::vector<CompiledRule> rules;
};

/** A counter that rules share. */
struct SharedCounter {
	std::string name;
	std::uint32_t counter = 0;
	std::size_t rules = 0;
};

/** All tables of a policy. Counters ascend as tables and their rules do. */
struct CompiledRules {
	RuleImage image;
	/** Who the counters belong to; the first stands for none. */
	std::vector<cloak_counter_key> keys;
	std::vector<CompiledTable> tables;
	std::vector<SharedCounter> shared; //!< by name
	FileNames files; //!< of the policy, for CompiledRule::at
};

/** @param policy one without errors. @returns null if it has no tables. */
[[nodiscard]] std::shared_ptr<const CompiledRules>
compileRules(const Policy &policy, Diagnostics &errors);

/** Whether a rule of the policy wants answers to be sent. */
[[nodiscard]] bool rejects(const Policy &policy);

/** Whether a rule of the table asks for the state of connections. */
[[nodiscard]] bool asksState(const TablePolicy &table);

/** The same of a table of the policy. */
[[nodiscard]] bool asksState(const Policy &policy);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_COMPILE_RULES_H
