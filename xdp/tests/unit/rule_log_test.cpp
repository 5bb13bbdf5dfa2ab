// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which rule an event with a counter is about.
 */
#include "daemon/rule_log.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "bpf/rule_counters.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

constexpr std::size_t kTables = 64;
constexpr std::size_t kRulesOfEach = 5120;

/** Tables with many rules, whose counters follow each other. */
CompiledRules manyRules()
{
	CompiledRules rules;
	std::uint32_t counter = 1;

	for (std::size_t i = 0; i < kTables; ++i) {
		CompiledTable table{};
		table.address = *parseIp("10.0.9." + std::to_string(i));
		table.counters = {counter, counter + 1};
		counter += 2;
		table.rules.resize(kRulesOfEach);
		for (CompiledRule &rule : table.rules) {
			rule.name = std::to_string(counter);
			rule.counter = counter++;
		}
		rules.tables.push_back(std::move(table));
	}
	return rules;
}

TEST(CounterOwners, KnowWhoseACounterIs)
{
	// As claim() gives them: whoever was there before has his old one.
	const std::array<__u32, 4> numbers{0, 7, 2, 5};
	const CounterOwners owners(numbers);

	EXPECT_EQ(owners.of(7), 1U);
	EXPECT_EQ(owners.of(2), 2U);
	EXPECT_EQ(owners.of(5), 3U);
	for (const __u32 nobodys : {0U, 1U, 6U, 8U, ~0U})
		EXPECT_EQ(owners.of(nobodys), std::nullopt) << nobodys;
	EXPECT_EQ(CounterOwners().of(0), std::nullopt);
}

TEST(RuleLog, NamesRulesOfAllTables)
{
	const ParsedPolicy parsed = readPolicy(R"(
[[interface]]
name = "eth1"
[[table]]
address = "10.0.9.5"
rule = [{name = "late", priority = 2000, verdict = "log"},
        {protocol = "udp", counter = "shared", verdict = "log"}]
[[table]]
address = "10.0.9.7"
[[table]]
address = "2001:db8::5"
rule = [{name = "late", counter = "shared", verdict = "log"}]
)");
	ASSERT_TRUE(parsed.rules);
	const CompiledRules &rules = *parsed.rules;
	std::vector<std::string> names;

	for (std::uint32_t i = 0; i <= rules.keys.size(); ++i)
		if (nameOfRule(rules, i) != "a former rule")
			names.push_back(nameOfRule(rules, i));
	EXPECT_EQ(names, (std::vector<std::string>{
			     "rule in udp of 10.0.9.5", "rule late of 10.0.9.5",
			     "rule late of 2001:db8::5"}));
}

/** As many packets as the kernel tells of in ten seconds. */
TEST(RuleLog, ManyRulesHoldUpNobody)
{
	const CompiledRules rules = manyRules();
	const std::uint32_t last = rules.tables.back().rules.back().counter;
	const auto begun = std::chrono::steady_clock::now();

	for (unsigned i = 0; i < 10'000; ++i)
		ASSERT_FALSE(nameOfRule(rules, last - i).empty());
	EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
	EXPECT_EQ(nameOfRule(rules, last),
	          "rule " + std::to_string(last) + " of 10.0.9.63");
}

} // namespace
} // namespace cloak
