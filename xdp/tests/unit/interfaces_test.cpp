// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Interfaces that a policy names by patterns.
 */
#include "policy/interfaces.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/compile.h"
#include "policy/diff.h"
#include "policy/host_changes.h"
#include "policy/parse.h"
#include "policy/render.h"

namespace cloak
{
namespace
{

HostInterface device(std::string name, unsigned index)
{
	HostInterface made;

	made.name = std::move(name);
	made.index = index;
	return made;
}

Host hostWith(const std::vector<std::string> &names)
{
	Host host;

	for (const std::string &name : names) {
		const auto index =
		    static_cast<unsigned>(host.interfaces.size() + 1);
		host.interfaces.push_back(device(name, index));
		host.interfaces.back().loopback = name == "lo";
	}
	return host;
}

/** A policy with these tables. */
std::string tables(const std::vector<std::string> &names)
{
	std::string text;

	for (const std::string &name : names)
		text += "[[interface]]\nname = \"" + name + "\"\n";
	return text;
}

Policy policyOf(const std::string &text)
{
	const ParsedPolicy parsed = readPolicy(text);

	for (const Diagnostic &error : parsed.errors)
		ADD_FAILURE() << toString(error, {"policy"});
	return parsed.policy;
}

/** What decides about what, as "table:interface" in the order of the tables. */
std::string decided(const std::vector<std::string> &names, const Host &host)
{
	const Policy policy = policyOf(tables(names));
	std::string text;

	for (const InterfaceMatch &match : matchInterfaces(policy, host)) {
		text += text.empty() ? "" : " ";
		text += match.table->name.value + ":" +
		        (match.found == nullptr ? "" : match.found->name);
	}
	return text;
}

TEST(Interfaces, PatternsAreThoseOfTheShell)
{
	const Host host = hostWith({"enp3s0", "enp4s0f1", "eth0", "eth9"});

	EXPECT_EQ(decided({"enp*"}, host), "enp*:enp3s0 enp*:enp4s0f1");
	EXPECT_EQ(decided({"eth?"}, host), "eth?:eth0 eth?:eth9");
	EXPECT_EQ(decided({"eth[0-4]"}, host), "eth[0-4]:eth0");
	EXPECT_EQ(decided({"eth[!0-4]"}, host), "eth[!0-4]:eth9");
	EXPECT_EQ(decided({"e*0"}, host), "e*0:enp3s0 e*0:eth0");
	EXPECT_EQ(decided({"eth"}, host), "eth:");
}

TEST(Interfaces, ExactNameBeatsPattern)
{
	const Host host = hostWith({"eth0", "eth1"});

	EXPECT_EQ(decided({"eth*", "eth0"}, host), "eth*:eth1 eth0:eth0");
	EXPECT_EQ(decided({"eth0", "*"}, host), "eth0:eth0 *:eth1");
	EXPECT_EQ(decided({"eth*", "eth0", "eth1"}, host),
	          "eth*: eth0:eth0 eth1:eth1");
	// A name that looks like a pattern is that of this very interface.
	EXPECT_EQ(decided({"*", "e[0]"}, hostWith({"e[0]"})), "*: e[0]:e[0]");
}

TEST(Interfaces, FirstOfTwoPatternsDecides)
{
	const Host host = hostWith({"eth0", "eth10"});

	EXPECT_EQ(decided({"eth1*", "eth*"}, host), "eth1*:eth10 eth*:eth0");
	EXPECT_EQ(decided({"eth*", "eth1*"}, host),
	          "eth*:eth0 eth*:eth10 eth1*:");
}

TEST(Interfaces, NoPatternMeansTheLoopback)
{
	const Host host = hostWith({"lo", "eth0"});

	EXPECT_EQ(decided({"*"}, host), "*:eth0");
	EXPECT_EQ(decided({"l?"}, host), "l?:");
	EXPECT_EQ(decided({"lo"}, host), "lo:lo");
}

TEST(Interfaces, NoPatternMeansOneWithoutAnEthernetHeader)
{
	Host host = hostWith({"eth0", "tun0", "wg0"});

	host.interfaces[1].ethernet = false;
	host.interfaces[2].ethernet = false;
	EXPECT_EQ(decided({"*"}, host), "*:eth0");
	EXPECT_EQ(decided({"*", "wg0"}, host), "*:eth0 wg0:wg0");
	const auto compiled =
	    compilePolicy(policyOf(tables({"*", "wg0"})), host, {});
	EXPECT_EQ(compiled.leftOut, std::vector<std::string>{"tun0"});
	ASSERT_EQ(compiled.interfaces.size(), 2U);
	EXPECT_TRUE(compiled.interfaces[0].ethernet);
	EXPECT_FALSE(compiled.interfaces[1].ethernet);
}

TEST(Interfaces, RenamedOneStaysWithItsTable)
{
	Host host = hostWith({"lan0", "eth0", "enp2"});

	host.interfaces[0].former = "enp1";
	EXPECT_EQ(decided({"enp*"}, host), "enp*:lan0 enp*:enp2");
	EXPECT_EQ(host.find("enp1"), host.interfaces.data());
	EXPECT_EQ(host.nameOf(1), "enp1");
	// Who has a name now is called by it, not who had it before.
	host.interfaces[2].name = "enp1";
	EXPECT_EQ(host.find("enp1"), &host.interfaces[2]);
	EXPECT_EQ(decided({"enp*"}, host), "enp*:lan0 enp*:enp1");
}

TEST(Interfaces, EachGetsTheEntryOfItsTable)
{
	const Policy policy =
	    policyOf("[[interface]]\nname = \"eth0\"\naction = \"monitor\"\n"
	             "[[interface]]\nname = \"eth*\"\n"
	             "[[interface]]\nname = \"wlan*\"\n");
	const auto compiled =
	    compilePolicy(policy, hostWith({"lo", "eth0", "eth1", "eth2"}), {});

	ASSERT_EQ(compiled.interfaces.size(), 3U);
	EXPECT_EQ(compiled.interfaces[0].entry.mode, CLOAK_MODE_MONITOR);
	EXPECT_EQ(compiled.interfaces[1].name, "eth1");
	EXPECT_EQ(compiled.interfaces[1].table, "eth*");
	EXPECT_EQ(compiled.interfaces[1].entry.mode, CLOAK_MODE_ENFORCE);
	EXPECT_EQ(compiled.interfaces[1].entry.number, 2U);
	EXPECT_EQ(compiled.interfaces[2].index, 4U);
	EXPECT_EQ(compiled.interfaces[2].entry.number, 2U);
	EXPECT_EQ(compiled.absent, std::vector<std::string>{"wlan*"});
	EXPECT_EQ(absenceOf("wlan*"), "no interface matches wlan*");
	EXPECT_EQ(absenceOf("wlan0"), "there is no interface wlan0");
}

TEST(Interfaces, WhatThereIsNoRoomForIsNamed)
{
	const Policy policy = policyOf(tables({"veth*"}));
	std::vector<std::string> names;

	for (unsigned i = 0; i <= CLOAK_MAX_IFACES; ++i)
		names.push_back("veth" + std::to_string(i));
	const auto compiled = compilePolicy(policy, hostWith(names), {});
	EXPECT_EQ(compiled.interfaces.size(), std::size_t(CLOAK_MAX_IFACES));
	EXPECT_EQ(compiled.excess, std::vector<std::string>{names.back()});
}

/** Where others come and go, nobody who is there loses the cloak. */
TEST(Interfaces, WhoIsThereKeepsHisPlace)
{
	const Policy policy = policyOf(tables({"veth*", "eth0"}));
	std::vector<std::string> names;

	for (unsigned i = 0; i <= CLOAK_MAX_IFACES; ++i)
		names.push_back("veth" + std::to_string(i));
	names.emplace_back("eth0");
	Host host = hostWith(names);
	host.interfaces.at(CLOAK_MAX_IFACES).cloaked = true;
	std::ranges::reverse(host.interfaces);
	const auto compiled = compilePolicy(policy, host, {});

	EXPECT_EQ(compiled.interfaces.at(0).name, "eth0");
	EXPECT_EQ(compiled.interfaces.at(1).name,
	          "veth" + std::to_string(CLOAK_MAX_IFACES));
	EXPECT_EQ(compiled.interfaces.at(2).name, "veth0");
	EXPECT_EQ(compiled.excess,
	          (std::vector<std::string>{
		      "veth" + std::to_string(CLOAK_MAX_IFACES - 2),
		      "veth" + std::to_string(CLOAK_MAX_IFACES - 1)}));
}

TEST(Interfaces, GroupsAreBoundToOneThatMatches)
{
	const Policy policy =
	    policyOf("[[interface]]\nname = \"eth*\"\n"
	             "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.1\"]\n"
	             "interface = \"eth1\"\n"
	             "[[gateway]]\naddress = \"10.0.9.2\"\n"
	             "interface = \"eth0\"\n");
	const auto compiled =
	    compilePolicy(policy, hostWith({"eth0", "eth1"}), {});

	EXPECT_EQ(compiled.peers.at(*parsePrefix("10.0.9.1")).ifindex, 2U);
	EXPECT_EQ(compiled.peers.at(*parsePrefix("10.0.9.2")).ifindex, 1U);
}

TEST(Interfaces, OnlySomeChangesOfTheHostMatter)
{
	const Policy policy = policyOf(tables({"eth*"}));
	const Host before = hostWith({"lo", "eth0", "tap0"});
	const auto same = [&](const auto &change) {
		Host after = before;
		change(after.interfaces);
		return isSameFor(policy, before, after);
	};

	EXPECT_TRUE(same([](auto &) {}));
	EXPECT_TRUE(same([](auto &all) { all[2].name = "tap1"; }));
	EXPECT_TRUE(same([](auto &all) { all.pop_back(); }));
	EXPECT_TRUE(same([](auto &all) { all.push_back(device("tap2", 9)); }));
	EXPECT_FALSE(same([](auto &all) { all.push_back(device("eth9", 9)); }));
	EXPECT_FALSE(same([](auto &all) { all[1].name = "tap9"; }));
	EXPECT_FALSE(same([](auto &all) { all[2].name = "eth9"; }));
	EXPECT_FALSE(same([](auto &all) { all[1].ethernet = false; }));
	EXPECT_FALSE(same([](auto &all) { all[1].mac.octets[5] = 1; }));
	EXPECT_FALSE(same([](auto &all) { all[1].index = 9; }));
	EXPECT_FALSE(same([](auto &all) {
		all[2].addresses.push_back(*parsePrefix("10.0.9.5/24"));
	}));
}

TEST(Interfaces, PatternsAreWrittenAsTheyWereRead)
{
	const std::string text =
	    tables({"eth[0-9]*", "enp?s0"}) +
	    "[[table]]\naddress = \"10.0.9.5\"\n"
	    "rule = [{verdict = \"drop\", interface = \"enp?s0\"}]\n";
	const std::string rendered = renderPolicy(policyOf(text));

	EXPECT_EQ(renderPolicy(policyOf(rendered)), rendered);
	EXPECT_TRUE(diffPolicies(policyOf(text), policyOf(rendered)).empty());
}

TEST(Interfaces, OrderOfPatternsIsADifference)
{
	const auto changes = [](const std::vector<std::string> &before,
	                        const std::vector<std::string> &after) {
		const auto diff = toJson(diffPolicies(policyOf(tables(before)),
		                                      policyOf(tables(after))),
		                         100);
		return diff["changes"].dump();
	};

	EXPECT_EQ(changes({"eth0", "eth1"}, {"eth1", "eth0"}), "[]");
	EXPECT_EQ(changes({"eth*", "eth0"}, {"eth0", "eth*"}), "[]");
	EXPECT_EQ(changes({"eth*", "*"}, {"*", "eth*"}),
	          R"([{"change":"changed","kind":"interface","name":"eth*",)"
	          R"("settings":[{"after":"*","key":"after"}]},)"
	          R"({"change":"changed","kind":"interface","name":"*",)"
	          R"("settings":[{"before":"eth*","key":"after"}]}])");
}

} // namespace
} // namespace cloak
