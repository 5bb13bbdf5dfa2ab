// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What rules have counted, for Prometheus. A policy may have hundreds of
 * thousands of rules, so how many of them have samples is limited; tables and
 * counters with a name always have some.
 */
#ifndef CLOAKLAKE_DAEMON_METRICS_RULES_H
#define CLOAKLAKE_DAEMON_METRICS_RULES_H

#include <span>
#include <vector>

#include "cloak_abi.h"
#include "daemon/engine.h"
#include "daemon/exposition.h"
#include "policy/compile_rules.h"

namespace cloak
{

/** Who is told of, and an index into CompiledRules::keys: of what. */
struct RuleSample {
	Exposition::Labels labels;
	std::uint32_t counter = 0;
};

/** The samples of a set of rules. */
struct RuleSamples {
	std::vector<RuleSample> rules;     //!< table, rule, verdict
	std::vector<RuleSample> undecided; //!< table, direction
	std::vector<RuleSample> shared;    //!< counter
	std::size_t unlisted = 0;          //!< rules beyond the limit
};

/**
 * Those of the first @p most rules, in the order of tables and in which they
 * are asked. A rule without a name is called by its number, "#3", as in
 * "cloakctl rules".
 */
[[nodiscard]] RuleSamples sampleRules(const CompiledRules &rules,
                                      std::size_t most);

/** The indexes of @p samples, in the order in which they are written. */
[[nodiscard]] std::vector<std::uint32_t> countersOf(const RuleSamples &samples);

/** @param counted of countersOf(), in its order. */
void writeRules(Exposition &out, const RuleSamples &samples,
                std::span<const cloak_counter> counted);

/** All of that for the rules in force; nothing if there are none. */
void addRules(Exposition &out, const Engine &engine);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_METRICS_RULES_H
