// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The classifier against a plain list of rules, and its limits.
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>

#include "policy/compile_rules.h"
#include "rules/image.h"
#include "rules/shape.h"
#include "tests/harness/rules.h"

namespace cloak::test
{
namespace
{

const IpAddress kLocal4 = *parseIp("192.0.2.5");
const IpAddress kLocal6 = *parseIp("2001:db8::5");

std::shared_ptr<const CompiledRules> compiled(const Policy &policy)
{
	Diagnostics errors;
	auto rules = compileRules(policy, errors);

	for (const Diagnostic &error : errors)
		ADD_FAILURE() << toString(error, {"policy"});
	return rules;
}

/** What the compiled table says: the order of the rule, or nothing. */
std::optional<__u32> decideCompiled(const CompiledRules &rules,
                                    const Asked &asked)
{
	const cloak_table &table = rules.image.tables.front().second;
	const auto direction = asked.in ? CLOAK_INGRESS : CLOAK_EGRESS;
	__u64 word[CLOAK_WORDS];

	asked.words(word);
	const cloak_entry *found = findRule(
	    rules.image, table.stages[direction][CLOAK_STAGE_DECIDE], word);
	if (found == nullptr)
		return std::nullopt;
	return found->counter;
}

/** Compares both for @p packets packets and one random table. */
void compare(std::uint32_t seed, const IpAddress &local, std::size_t rules,
             unsigned packets)
{
	RuleGenerator generator(seed);
	const Policy policy = generator.policy(local, rules);
	const TablePolicy &table = policy.tables.front();
	const auto compiledRules = compiled(policy);
	const auto &ordered = compiledRules->tables.front().rules;

	for (unsigned i = 0; i < packets; i++) {
		const Asked asked = generator.asked(table);
		const auto linear = decideLinear(policy, table, asked);
		const auto found = decideCompiled(*compiledRules, asked);

		ASSERT_EQ(linear.has_value(), found.has_value())
		    << "seed " << seed << ", packet " << i;
		if (!linear)
			continue;
		// Which rule that is: its counter is of its place in order.
		const auto rule =
		    std::ranges::find(ordered, *found, &CompiledRule::counter);
		ASSERT_NE(rule, ordered.end());
		ASSERT_EQ(rule->match, describe(table.rules[*linear]))
		    << "seed " << seed << ", packet " << i;
		ASSERT_EQ(rule->verdict, table.rules[*linear].verdict.value);
	}
}

TEST(Rules, DecideAsAPlainListWould)
{
	for (std::uint32_t seed = 0; seed < 60; seed++)
		compare(seed, seed % 2 != 0 ? kLocal6 : kLocal4,
		        1 + seed * seed, 200);
}

/** As many as a table is promised to have. */
TEST(Rules, FiftyThousandDecideAsAPlainListWould)
{
	compare(7, kLocal4, 50000, 40);
}

/** The data plane tells stages that have rules by where they begin. */
TEST(Rules, NoTwoStagesWithRulesBeginAlike)
{
	for (std::uint32_t seed = 0; seed < 60; seed++) {
		RuleGenerator generator(seed);
		Policy policy = generator.policy(kLocal4, seed % 5);
		const Policy next = generator.policy(kLocal6, 1 + seed % 7);
		policy.tables.push_back(next.tables.front());
		const auto rules = compiled(policy);
		std::vector<__u32> first;

		for (const auto &[local, table] : rules->image.tables)
			for (const auto &stages : table.stages)
				for (const cloak_stage &stage : stages)
					if (stage.count != 0)
						first.push_back(stage.first);
		std::ranges::sort(first);
		EXPECT_EQ(std::ranges::adjacent_find(first), first.end())
		    << "seed " << seed;
	}
}

/** One that asks for a prefix, flags of TCP and a VLAN, as hardly another. */
cloak_entry oddEntry(std::mt19937_64 &random, __u32 order)
{
	const auto bits = 40 + random() % 89;
	const __u64 flags = random() % 256;
	const bool tagged = random() % 2 != 0;
	cloak_entry entry{};

	entry.order = order;
	entry.counter = order + 1;
	entry.remote_most = entry.local_most = 0xffff;
	for (std::size_t bit = 0; bit < bits; ++bit)
		entry.mask[bit / 64] |= __u64{1} << bit % 64;
	entry.mask[CLOAK_WORD_KIND] =
	    CLOAK_FACT_HAS_TCP | CLOAK_FACT_TCP_FLAGS(flags) |
	    (tagged ? CLOAK_FACT_VLAN(__u64{0xfff}) : 0);
	for (std::size_t i = 0; i < CLOAK_TERNARY_WORDS; ++i)
		entry.value[i] = entry.mask[i] & random();
	entry.value[CLOAK_WORD_KIND] |= CLOAK_FACT_HAS_TCP;
	return entry;
}

/** However many shapes there are, no rule is left out. */
TEST(Rules, OfMoreShapesThanPlansDecideAsAPlainListWould)
{
	constexpr __u32 most = 9000;
	std::mt19937_64 random(1);
	std::vector<cloak_entry> rules;
	std::set<Shape> shapes;
	RuleImage image;

	for (__u32 i = 0; i < most; ++i) {
		rules.push_back(oddEntry(random, i));
		shapes.insert(shapeOf(rules.back(), 1));
	}
	ASSERT_GT(shapes.size(), 4200U);
	const auto stage = addStage(image, rules, CLOAK_STAGE_DECIDE);
	ASSERT_TRUE(stage.ok()) << stage.error().message();
	for (__u32 i = 0; i < most; i += 7) {
		__u64 word[CLOAK_WORDS] = {};

		std::ranges::copy(rules[i].value, word);
		const auto first =
		    std::ranges::find_if(rules, [&word](const auto &rule) {
			    return fits(rule, word);
		    });
		const cloak_entry *found = findRule(image, *stage, word);
		ASSERT_NE(found, nullptr) << i;
		ASSERT_EQ(found->order, first->order);
	}
}

TEST(Rules, LargeTablesStayShallow)
{
	RuleGenerator generator(1);
	const auto begun = std::chrono::steady_clock::now();
	const auto rules = compiled(generator.policy(kLocal4, 5120));
	const auto took = std::chrono::steady_clock::now() - begun;

	for (const auto &stages : rules->image.tables.front().second.stages)
		EXPECT_LE(stages[CLOAK_STAGE_DECIDE].count, CLOAK_MAX_TUPLES);
	RecordProperty("milliseconds",
	               static_cast<int>(took / std::chrono::milliseconds(1)));
	RecordProperty(
	    "tuples", static_cast<int>(rules->image.tables.front()
	                                   .second.stages[0][CLOAK_STAGE_DECIDE]
	                                   .count));
}

} // namespace
} // namespace cloak::test
