// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What rules have counted, in the format of Prometheus.
 */
#include <gtest/gtest.h>

#include "daemon/metrics_rules.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

constexpr std::string_view kPolicy = R"(
[[interface]]
name = "eth1"
[[table]]
address = "10.0.9.5"
rule = [{name = "nvme", counter = "storage", verdict = "allow"},
        {protocol = "udp", verdict = "drop"}]
[[table]]
address = "2001:db8::5"
rule = [{name = "nvme", counter = "storage", verdict = "allow"}]
)";

std::shared_ptr<const CompiledRules> rules()
{
	const ParsedPolicy parsed = readPolicy(kPolicy);

	for (const Diagnostic &error : parsed.errors)
		ADD_FAILURE() << toString(error, {"policy"});
	return parsed.rules;
}

std::string labelled(const std::vector<RuleSample> &samples)
{
	std::string text;

	for (const RuleSample &sample : samples) {
		for (const auto &[key, value] : sample.labels)
			text += fmt::format("{}={} ", key, value);
		text += '\n';
	}
	return text;
}

TEST(RuleMetrics, NamesRulesTablesAndCounters)
{
	const RuleSamples samples = sampleRules(*rules(), 10);

	EXPECT_EQ(labelled(samples.rules),
	          "table=10.0.9.5 rule=nvme verdict=allow \n"
	          "table=10.0.9.5 rule=#2 verdict=drop \n"
	          "table=2001:db8::5 rule=nvme verdict=allow \n");
	EXPECT_EQ(labelled(samples.undecided),
	          "table=10.0.9.5 direction=in \n"
	          "table=10.0.9.5 direction=out \n"
	          "table=2001:db8::5 direction=in \n"
	          "table=2001:db8::5 direction=out \n");
	EXPECT_EQ(labelled(samples.shared), "counter=storage \n");
	EXPECT_EQ(samples.unlisted, 0U);
}

TEST(RuleMetrics, RulesAreLimitedTheRestIsNot)
{
	for (const std::size_t most : {0, 1, 2}) {
		const RuleSamples samples = sampleRules(*rules(), most);

		EXPECT_EQ(samples.rules.size(), most);
		EXPECT_EQ(samples.unlisted, 3 - most);
		EXPECT_EQ(samples.undecided.size(), 4U);
		EXPECT_EQ(samples.shared.size(), 1U);
	}
}

TEST(RuleMetrics, EachSampleHasItsOwnCount)
{
	const RuleSamples samples = sampleRules(*rules(), 2);
	const auto counters = countersOf(samples);
	std::vector<cloak_counter> counted;
	Exposition out;

	ASSERT_EQ(counters.size(), 7U);
	for (const std::uint32_t counter : counters)
		counted.push_back({counter, 100ULL * counter});
	writeRules(out, samples, counted);
	const std::string text = out.take();
	const auto has = [&text](const std::string &sample) {
		return text.find(sample) != std::string::npos;
	};
	EXPECT_TRUE(has("cloaklake_rules{listed=\"no\"} 1\n"));
	EXPECT_TRUE(
	    has(fmt::format("cloaklake_rule_bytes_total{{table=\"10.0.9.5\","
	                    "rule=\"#2\",verdict=\"drop\"}} {}\n",
	                    100 * samples.rules[1].counter)));
	EXPECT_TRUE(
	    has(fmt::format("cloaklake_undecided_packets_total{{table=\""
	                    "2001:db8::5\",direction=\"out\"}} {}\n",
	                    samples.undecided[3].counter)));
	EXPECT_TRUE(has(fmt::format(
	    "cloaklake_shared_packets_total{{counter=\"storage\"}} {}\n",
	    samples.shared[0].counter)));
}

} // namespace
} // namespace cloak
