// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that no packet meets are found, and none else.
 */
#include "policy/rule_warnings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "policy/cover_index.h"
#include "policy/parse.h"
#include "tests/harness/rules.h"

namespace cloak::test
{
namespace
{

/** "LINE:COLUMN CODE" of each warning, one a line. */
std::string warned(const std::string &rules,
                   const std::string &address = "10.0.9.5")
{
	const ParsedPolicy parsed =
	    readPolicy("[[interface]]\nname = \"eth0\"\n[[table]]\naddress = "
	               "\"" +
	               address + "\"\nrule = [\n" + rules + "]\n");
	std::string text;

	EXPECT_TRUE(parsed.errors.empty()) << rules;
	for (const Warning &warning : parsed.warnings)
		text += fmt::format("{}:{} {}\n", warning.at.line,
		                    warning.at.column, warning.code);
	return text;
}

/** Of a second rule behind a first one, which is in line 6: is it hidden? */
bool hides(const std::string &first, const std::string &second)
{
	const std::string found =
	    warned("{verdict = \"drop\", " + first +
	           "},\n{verdict = \"allow\", " + second + "},\n");

	EXPECT_TRUE(found.empty() || found == "7:1 rule_hidden\n") << found;
	return !found.empty();
}

TEST(RuleWarnings, NobodyIsWarnedOfWhatIsInOrder)
{
	EXPECT_EQ(warned("{verdict = \"allow\", protocol = \"tcp\", "
	                 "destination_port = 22, destination = "
	                 "[\"10.0.9.5\", \"10.0.0.0/8\"]},\n"
	                 "{verdict = \"allow\", protocol = \"icmp\", "
	                 "icmp_type = 8},\n"
	                 "{verdict = \"allow\", protocol = \"icmp\", "
	                 "direction = \"both\", source = \"10.0.9.6\", "
	                 "destination = \"10.0.9.5\"},\n"
	                 "{verdict = \"drop\"},\n"),
	          "");
}

TEST(RuleWarnings, OfWhatNoPacketHas)
{
	EXPECT_EQ(warned("{verdict = \"drop\", icmp_type = 8, "
	                 "destination_port = 22},\n"),
	          "6:32 rule_contradicts\n");
	EXPECT_EQ(warned("{verdict = \"drop\", icmp_type = 8, "
	                 "tcp_flags = \"syn\"},\n"),
	          "6:32 rule_contradicts\n");
}

TEST(RuleWarnings, OfTheOtherFamily)
{
	const std::string v4 = "{verdict = \"drop\", protocol = \"icmp\"},\n";
	const std::string v6 = "{verdict = \"drop\", protocol = \"icmpv6\"},\n";

	EXPECT_EQ(warned(v4), "");
	EXPECT_EQ(warned(v4, "2001:db8::5"), "6:31 rule_of_other_family\n");
	EXPECT_EQ(warned(v6), "6:31 rule_of_other_family\n");
	EXPECT_EQ(warned(v6, "2001:db8::5"), "");
}

TEST(RuleWarnings, OfLocalAddressesThatAreOthers)
{
	const std::string both = "[\"10.0.9.5\", \"10.0.9.6\"]";

	EXPECT_EQ(warned("{verdict = \"drop\", destination = " + both + "},\n"),
	          "6:47 prefix_without_address\n");
	EXPECT_EQ(warned("{verdict = \"drop\", direction = \"out\", source = " +
	                 both + "},\n"),
	          "6:61 prefix_without_address\n");
	EXPECT_EQ(warned("{verdict = \"drop\", source = " + both + "},\n"), "");
	EXPECT_EQ(
	    warned("{verdict = \"drop\", direction = \"both\", source = " +
	           both + "},\n"),
	    "");
}

TEST(RuleWarnings, NameTheRuleThatHides)
{
	const ParsedPolicy parsed = readPolicy(
	    "[[interface]]\nname = \"eth0\"\n[[table]]\naddress = "
	    "\"10.0.9.5\"\n"
	    "rule = [\n"
	    "{verdict = \"drop\", source = \"10.0.7.0/24\"},\n"
	    "{verdict = \"drop\", source = \"10.0.8.0/24\"},\n"
	    "{verdict = \"allow\", name = \"late\", source = [\"10.0.7.1\", "
	    "\"10.0.8.1\"]},\n"
	    "{verdict = \"allow\", source = \"10.0.8.7\", protocol = "
	    "\"tcp\"},\n"
	    "]\n");

	ASSERT_EQ(parsed.warnings.size(), 2U);
	EXPECT_EQ(
	    toString(parsed.warnings[0], {"a.toml"}),
	    "a.toml:8:28: table.rule.name = \"late\": never asked, as the "
	    "rules "
	    "in line 6 and line 7 decide before about all that it matches");
	EXPECT_EQ(toString(parsed.warnings[1], {"a.toml"}),
	          "a.toml:9:1: table.rule = \"in tcp from 10.0.8.7\": never "
	          "asked, as the rule in line 7 decides before about all that "
	          "it matches");
}

TEST(RuleWarnings, AWiderRuleHides)
{
	const std::string web = "protocol = \"tcp\", destination_port = 443";

	EXPECT_TRUE(hides("direction = \"in\"", web));
	EXPECT_TRUE(hides(web, web));
	EXPECT_TRUE(hides("protocol = \"tcp\"", web));
	EXPECT_TRUE(hides("protocol = \"tcp\"", "tcp_flags = \"syn\""));
	EXPECT_TRUE(hides("destination_port = \"400-500\"", web));
	EXPECT_TRUE(hides("direction = \"both\"", "direction = \"out\""));
	EXPECT_TRUE(hides("destination = \"10.0.0.0/8\"", web));
	EXPECT_TRUE(hides("tcp_flags = \"syn\"", "tcp_flags = \"syn,!ack\""));
	EXPECT_TRUE(hides("destination_port = [\"1-10\", \"11-20\"]",
	                  "destination_port = \"5-15\""));
	EXPECT_TRUE(hides("source = [\"10.0.7.0/24\", \"10.0.8.0/24\"]",
	                  "source = [\"10.0.7.1\", \"10.0.8.1\"], vlan = 7"));
	EXPECT_TRUE(hides("action = \"monitor\"", web));
	EXPECT_TRUE(hides("source_port = \"1-100\", destination_port = \"1-9\"",
	                  "source_port = 7, destination_port = 8"));
}

TEST(RuleWarnings, ANarrowerOneDoesNot)
{
	EXPECT_FALSE(hides("protocol = \"tcp\"", "protocol = \"udp\""));
	EXPECT_FALSE(hides("protocol = \"tcp\", destination_port = 443",
	                   "protocol = \"tcp\""));
	EXPECT_FALSE(
	    hides("destination_port = \"0-65535\"", "protocol = \"tcp\""));
	EXPECT_FALSE(hides("direction = \"in\"", "direction = \"both\""));
	EXPECT_FALSE(hides("state = \"new\"", "source = \"10.0.7.1\""));
	EXPECT_FALSE(hides("source = \"10.0.7.0/24\"",
	                   "source = [\"10.0.7.1\", \"10.0.8.1\"]"));
	EXPECT_FALSE(hides("tcp_flags = \"syn,!ack\"", "tcp_flags = \"syn\""));
	EXPECT_FALSE(hides("vlan = 7", "vlan = 8"));
	EXPECT_FALSE(hides("interface = \"eth0\"", "protocol = \"udp\""));
	EXPECT_FALSE(hides("mac = \"52:54:00:00:00:66\"", "vlan = 7"));
	EXPECT_FALSE(
	    hides("source_port = \"1-100\", destination_port = \"1-9\"",
	          "source_port = 7, destination_port = 10"));
}

TEST(RuleWarnings, ItIsTheOrderOfAskingThatCounts)
{
	EXPECT_EQ(warned("{verdict = \"allow\", vlan = 7},\n"
	                 "{verdict = \"drop\", priority = 7},\n"),
	          "6:1 rule_hidden\n");
	EXPECT_EQ(warned("{verdict = \"allow\", vlan = 7},\n"
	                 "{verdict = \"drop\"},\n"),
	          "");
	// What only counts hides nothing, but may be hidden.
	EXPECT_EQ(warned("{verdict = \"count\"},\n{verdict = \"drop\"},\n"
	                 "{verdict = \"log\"},\n"),
	          "8:1 rule_hidden\n");
}

TEST(RuleWarnings, HaveAnEnd)
{
	std::string rules = "{verdict = \"drop\"},\n";

	for (unsigned i = 0; i < 3 * kMostWarnings; i++)
		rules += "{verdict = \"allow\"},\n";
	const std::string found = warned(rules);
	EXPECT_EQ(std::ranges::count(found, '\n'),
	          static_cast<std::ptrdiff_t>(kMostWarnings));
}

TEST(RangeCover, FindsTheWidest)
{
	RangeCover cover;

	cover.add({10, 20}, 1);
	cover.add({15, 30}, 2);
	EXPECT_EQ(cover.find({15, 20}), 2U);
	EXPECT_EQ(cover.find({12, 20}), 1U);
	EXPECT_EQ(cover.find({12, 21}), std::nullopt);
	EXPECT_EQ(cover.find({9, 9}), std::nullopt);
	cover.add({5, 40}, 3);
	cover.add({6, 7}, 4);
	EXPECT_EQ(cover.find({12, 21}), 3U);
	EXPECT_EQ(cover.find({6, 7}), 3U);
	EXPECT_EQ(cover.find({0, 65535}), std::nullopt);
}

/** No packet at random is decided about by a rule that is said to be idle. */
void compareWithPackets(std::uint32_t seed, const IpAddress &local,
                        std::set<std::string> &codes)
{
	RuleGenerator generator(seed);
	Policy policy = generator.policy(local, 60);
	TablePolicy &table = policy.tables.front();
	std::set<std::size_t> idle;

	for (std::size_t i = 0; i < table.rules.size(); ++i)
		table.rules[i].name.at.line = static_cast<std::uint32_t>(i + 1);
	for (const Warning &warning : warnOfRules(policy)) {
		codes.insert(warning.code);
		if (warning.code == std::string("rule_hidden"))
			idle.insert(warning.at.line - 1);
	}
	for (unsigned i = 0; i < 2000; i++) {
		const Asked asked = generator.asked(table);
		const auto decided = decideLinear(policy, table, asked);

		EXPECT_FALSE(decided && idle.contains(*decided))
		    << "seed " << seed << ", rule " << *decided;
	}
}

TEST(RuleWarnings, AreTrueOfPacketsAtRandom)
{
	std::set<std::string> codes;

	for (std::uint32_t seed = 1; seed <= 15; ++seed) {
		compareWithPackets(seed, *parseIp("192.0.2.5"), codes);
		compareWithPackets(seed, *parseIp("2001:db8::5"), codes);
	}
	EXPECT_TRUE(codes.contains("rule_hidden"));
}

} // namespace
} // namespace cloak::test
