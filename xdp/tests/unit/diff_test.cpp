// SPDX-License-Identifier: Apache-2.0
#include "policy/diff.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/parse.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Lines = std::vector<std::string>;

const std::string kInterface = "[[interface]]\nname = \"eth1\"\n";
const std::string kTable = "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n";

std::string placed(const json &setting, const std::string &side)
{
	return setting.contains(side + "_number")
	           ? setting[side + "_number"].dump() + ":"
	           : "";
}

/** Each change as one word or line: what a person would say of it. */
Lines difference(const std::string &before, const std::string &after)
{
	const ParsedPolicy one = parsePolicy(before);
	const ParsedPolicy other = parsePolicy(after);
	Lines lines;

	EXPECT_TRUE(one.errors.empty() && other.errors.empty());
	const json diff = toJson(diffPolicies(one.policy, other.policy), 1000);
	for (const json &change : diff["changes"]) {
		lines.push_back(change["change"].get<std::string>() + " " +
		                change["kind"].get<std::string>() + " " +
		                change.value("name", ""));
		for (const json &setting : change["settings"])
			for (const char *side : {"before", "after"})
				if (setting.contains(side))
					lines.push_back(
					    std::string(side) + " " +
					    setting["key"].get<std::string>() +
					    " " + placed(setting, side) +
					    setting[side].dump());
	}
	return lines;
}

TEST(Diff, SameMeaningIsNoDifference)
{
	const std::string group = "[[peers]]\nname = \"a\"\nprefixes = ";

	EXPECT_EQ(difference(kInterface, kInterface), Lines{});
	EXPECT_EQ(difference(kInterface, kInterface +
	                                     "mode = \"all\"\n[alerts]\n"
	                                     "per_second = 100\n"),
	          Lines{});
	EXPECT_EQ(difference(group + "[\"10.0.9.1\", \"10.0.9.2\"]",
	                     group + "[\"10.0.9.2\", \"10.0.9.1/32\"]"),
	          Lines{});
	EXPECT_EQ(difference(kInterface + "[[peers]]\nname = \"a\"\n"
	                                  "prefixes = [\"::1\"]\n",
	                     "[[peers]]\nname = \"a\"\nprefixes = [\"::1\"]\n" +
	                         kInterface),
	          Lines{});
}

TEST(Diff, TellsOfTables)
{
	EXPECT_EQ(difference(kInterface, "[[interface]]\nname = \"eth2\"\n"),
	          (Lines{"removed interface eth1", "before action \"enforce\"",
	                 "before attach \"auto\"", "before dispatcher false",
	                 "before mode \"all\"", "before resolve false",
	                 "added interface eth2", "after action \"enforce\"",
	                 "after attach \"auto\"", "after dispatcher false",
	                 "after mode \"all\"", "after resolve false"}));
	EXPECT_EQ(difference(kInterface, kInterface + "[[gateway]]\n"
	                                              "address = \"10.0.9.1\""),
	          (Lines{"added gateway 10.0.9.1"}));
}

TEST(Diff, TellsOfKeys)
{
	EXPECT_EQ(
	    difference(kInterface, kInterface +
	                               "action = \"monitor\"\n[shadow]\n"
	                               "time = \"2h\"\n[alerts]\n"
	                               "per_second = 7\n"),
	    (Lines{"changed interface eth1", "before action \"enforce\"",
	           "after action \"monitor\"", "changed shadow ",
	           "before time \"1h\"", "after time \"2h\"", "changed alerts ",
	           "before per_second 100", "after per_second 7"}));
}

TEST(Diff, TellsOfExporters)
{
	const std::string tls = "[[ipfix]]\nto = \"tls://a:1\"\n";

	EXPECT_EQ(difference(tls, tls + "ca = \"/ca.pem\"\n"),
	          (Lines{"changed ipfix tls://a:1", "before ca \"\"",
	                 "after ca \"/ca.pem\""}));
	EXPECT_EQ(difference(tls, "")[0], "removed ipfix tls://a:1");
	EXPECT_EQ(difference("", "[metrics]\nlisten = \"127.0.0.1:1\"\n"),
	          (Lines{"changed metrics ", "before listen \"\"",
	                 "after listen \"127.0.0.1:1\""}));
	EXPECT_EQ(difference("", "[[decoy]]\naddress = \"10.0.9.6\"\n"
	                         "ports = [23]\n"),
	          (Lines{"added decoy 10.0.9.6", "after ports 23"}));
}

TEST(Diff, TellsOfMembers)
{
	const std::string group = "[[peers]]\nname = \"a\"\nprefixes = ";

	EXPECT_EQ(difference(group + "[\"10.0.9.1\", \"10.0.9.2\"]",
	                     group + "[\"10.0.9.2\", \"10.0.8.0/24\"]"),
	          (Lines{"changed peers a", "before prefixes \"10.0.9.1\"",
	                 "after prefixes \"10.0.8.0/24\""}));
	EXPECT_EQ(difference("", "[cloak]\naddresses = [\"10.0.9.6\"]"),
	          (Lines{"changed cloak ", "after addresses \"10.0.9.6\""}));
}

TEST(Diff, SeesWhoseMacItIs)
{
	const std::string group =
	    "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.1\", \"10.0.9.2\"]\n"
	    "macs = ";

	EXPECT_EQ(
	    difference(group + "[\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"]",
	               group + "[\"52:54:00:00:00:02\", \"52:54:00:00:00:01\"]")
		.size(),
	    5U);
}

TEST(Diff, TellsOfRules)
{
	EXPECT_EQ(
	    difference(kTable + "{verdict = \"drop\", name = \"ssh\","
	                        " destination_port = 22, protocol = \"tcp\"},\n"
	                        "{verdict = \"count\", counter = \"all\"}]\n",
	               kTable +
	                   "{verdict = \"drop\", name = \"ssh\","
	                   " destination_port = 23, protocol = \"tcp\"}]\n"),
	    (Lines{"changed table 10.0.9.5",
	           "before rule 1:\"drop in tcp dport 22 name \\\"ssh\\\"\"",
	           "after rule 1:\"drop in tcp dport 23 name \\\"ssh\\\"\"",
	           "before rule 2:\"count in counter \\\"all\\\"\"",
	           "removed counter all"}));
}

TEST(Diff, TellsOfAsFewMovesAsPossible)
{
	const std::string a = "{verdict = \"count\", source = \"10.0.0.1\"},";
	const std::string b = "{verdict = \"count\", source = \"10.0.0.2\"},";
	const std::string c = "{verdict = \"count\", source = \"10.0.0.3\"},";

	EXPECT_EQ(difference(kTable + a + b + c + a + "]",
	                     kTable + c + a + b + a + "]"),
	          (Lines{"changed table 10.0.9.5",
	                 "before rule 3:\"count in from 10.0.0.3\"",
	                 "after rule 1:\"count in from 10.0.0.3\""}));
	EXPECT_EQ(difference(kTable + a + b + c + "]", kTable + a + c + "]"),
	          (Lines{"changed table 10.0.9.5",
	                 "before rule 2:\"count in from 10.0.0.2\""}));
}

TEST(Diff, OrdersRulesAsTheyAreAsked)
{
	const std::string first =
	    "{verdict = \"drop\", priority = 1, protocol = \"tcp\"},";
	const std::string last =
	    "{verdict = \"drop\", priority = 2, protocol = \"udp\"},";

	EXPECT_EQ(difference(kTable + first + last + "]",
	                     kTable + last + first + "]"),
	          Lines{});
}

TEST(Diff, CountsWhatItOmits)
{
	const json diff =
	    toJson(diffPolicies({}, readPolicy(kInterface).policy), 1);

	EXPECT_EQ(diff["added"], 1);
	EXPECT_EQ(diff["removed"], 0);
	EXPECT_EQ(diff["changed"], 0);
	EXPECT_EQ(diff["changes"][0]["settings"].size(), 1U);
	EXPECT_EQ(diff["omitted"], 4);
}

} // namespace
} // namespace cloak
