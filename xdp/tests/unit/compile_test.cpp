// SPDX-License-Identifier: Apache-2.0
#include "policy/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "policy/compile_rules.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

HostInterface interface(std::string name, unsigned index,
                        std::initializer_list<const char *> addresses)
{
	HostInterface made;

	made.name = std::move(name);
	made.index = index;
	made.mac = *parseMac("52:54:00:00:00:05");
	for (const char *address : addresses)
		made.addresses.push_back(*parsePrefix(address));
	return made;
}

Host usualHost()
{
	return {{interface("lo", 1, {"127.0.0.1/8", "::1"}),
	         interface("eth1", 2, {"10.0.9.5/24", "2001:db8:9::5/64"}),
	         interface("eth2", 3, {"10.0.8.5/24", "10.0.8.6/24"})}};
}

CompiledPolicy compile(const std::string &text,
                       const std::vector<Authorisation> &granted = {})
{
	const ParsedPolicy parsed = readPolicy(text);

	for (const Diagnostic &error : parsed.errors)
		ADD_FAILURE() << toString(error, {"policy"});
	return compilePolicy(parsed.policy, usualHost(), granted);
}

bool isCloaked(const CompiledPolicy &compiled, const char *address)
{
	return compiled.addresses.contains(*parseIp(address));
}

/** 0 if it is not among them. */
unsigned addressFlags(const CompiledPolicy &compiled, const char *address)
{
	const auto found = compiled.addresses.find(*parseIp(address));

	return found == compiled.addresses.end() ? 0 : found->second.flags;
}

const cloak_peer &peer(const CompiledPolicy &compiled, const char *prefix)
{
	return compiled.peers.at(*parsePrefix(prefix));
}

/** What the entry allows. */
unsigned rights(const cloak_peer &peer)
{
	return peer.flags & ~static_cast<unsigned>(CLOAK_PEER_APART);
}

/** Whether the host's own addresses are not looked for in that prefix. */
bool isApart(const CompiledPolicy &compiled, const char *prefix)
{
	return (peer(compiled, prefix).flags & CLOAK_PEER_APART) != 0;
}

constexpr const char *kWhole = "[[interface]]\nname = \"eth1\"\n";

TEST(Compile, WholeInterfaceListsTheHostsAddresses)
{
	const CompiledPolicy compiled = compile(kWhole);

	ASSERT_EQ(compiled.interfaces.size(), 1U);
	EXPECT_EQ(compiled.interfaces[0].index, 2U);
	EXPECT_EQ(compiled.interfaces[0].entry.scope, CLOAK_SCOPE_WHOLE);
	EXPECT_EQ(compiled.interfaces[0].entry.mode, CLOAK_MODE_ENFORCE);
	EXPECT_EQ(compiled.interfaces[0].entry.flags, CLOAK_IFACE_ATTRIBUTE);
	EXPECT_EQ(compiled.interfaces[0].entry.mac[5], 5);
	EXPECT_EQ(compiled.addresses.size(), 3U);
	EXPECT_TRUE(isCloaked(compiled, "10.0.9.5"));
	EXPECT_TRUE(isCloaked(compiled, "2001:db8:9::5"));
	EXPECT_EQ(addressFlags(compiled, "2001:db8:9::"),
	          CLOAK_ADDRESS_ANYCAST);
}

TEST(Compile, OnlyWhereAddressesAreVisibleAreThereAnswers)
{
	const std::string interfaces =
	    std::string(kWhole) +
	    "[[interface]]\nname = \"eth2\"\nmode = \"addresses\"\n"
	    "[[table]]\naddress = \"10.0.9.77\"\nrule = [{verdict = ";
	const auto flags = [](const CompiledPolicy &compiled, std::size_t i) {
		return compiled.interfaces.at(i).entry.flags &
		       CLOAK_IFACE_ANSWERS;
	};
	const auto rejects = compile(interfaces + "\"reject\"}]\n");
	const auto drops = compile(interfaces + "\"drop\"}]\n");

	ASSERT_EQ(rejects.interfaces.size(), 2U);
	EXPECT_EQ(flags(rejects, 0), 0U);
	EXPECT_NE(flags(rejects, 1), 0U);
	EXPECT_EQ(flags(drops, 1), 0U);
}

TEST(Compile, OnlyTablesThatAskKeepState)
{
	const auto policy = [](const std::string &state) {
		return parsePolicy(std::string(kWhole) +
		                   "[[table]]\naddress = \"10.0.9.5\"\n"
		                   "rule = [{verdict = \"drop\"" +
		                   state +
		                   "}]\n"
		                   "[[table]]\naddress = \"10.0.9.6\"\n"
		                   "rule = [{verdict = \"drop\"}]\n")
		    .policy;
	};
	const auto asks = [](const Policy &made) {
		Diagnostics errors;
		const auto rules = compileRules(made, errors);
		const auto &tables = rules->image.tables;

		EXPECT_EQ(tables.at(1).second.flags, 0U);
		return (tables.at(0).second.flags & CLOAK_TABLE_STATE) != 0;
	};
	const Policy fresh = policy(", state = \"new\"");
	const Policy both = policy(", state = [\"new\", \"established\"]");

	EXPECT_TRUE(asks(fresh));
	EXPECT_TRUE(asksState(fresh));
	EXPECT_TRUE(asks(policy(", state = \"established\"")));
	EXPECT_FALSE(asks(both));
	EXPECT_FALSE(asksState(both));
	EXPECT_FALSE(asks(policy("")));
}

TEST(Compile, AbsentInterfaceIsNamed)
{
	const CompiledPolicy compiled =
	    compile("[[interface]]\nname = \"eth9\"\n");

	EXPECT_TRUE(compiled.interfaces.empty());
	EXPECT_EQ(compiled.absent, std::vector<std::string>{"eth9"});
}

TEST(Compile, GroupsOfCloakedAddressesOnly)
{
	const CompiledPolicy both =
	    compile("[[interface]]\nname = \"eth2\"\nmode = \"addresses\"\n"
	            "[cloak]\naddresses = [\"10.0.8.5\", \"10.0.8.6\"]\n");
	const CompiledPolicy one =
	    compile("[[interface]]\nname = \"eth2\"\nmode = \"addresses\"\n"
	            "[cloak]\naddresses = [\"10.0.8.5\"]\n");

	ASSERT_TRUE(isCloaked(both, "10.0.8.255"));
	EXPECT_EQ(both.addresses.at(*parseIp("10.0.8.255")).flags,
	          CLOAK_ADDRESS_GROUP);
	EXPECT_TRUE(isCloaked(one, "10.0.8.5"));
	EXPECT_FALSE(isCloaked(one, "10.0.8.255")) << "10.0.8.6 is visible";
}

TEST(Compile, SolicitedNodeGroupOfACloakedAddress)
{
	const CompiledPolicy compiled =
	    compile("[[interface]]\nname = \"eth1\"\nmode = \"addresses\"\n"
	            "[cloak]\naddresses = [\"2001:db8:9::5\"]\n");

	ASSERT_TRUE(isCloaked(compiled, "ff02::1:ff00:5"));
	EXPECT_EQ(compiled.addresses.at(*parseIp("ff02::1:ff00:5")).flags,
	          CLOAK_ADDRESS_GROUP);
}

TEST(Compile, WholeInterfaceHasNoGroups)
{
	// Neighbours' broadcasts would be taken for probes of this host.
	EXPECT_FALSE(isCloaked(compile(kWhole), "10.0.9.255"));
	EXPECT_FALSE(isCloaked(compile(kWhole), "ff02::1:ff00:5"));
}

TEST(Compile, WhatThePolicyListsHasRoomBeforeWhatInterfacesHave)
{
	Host host = usualHost();
	const ParsedPolicy parsed =
	    readPolicy(std::string(kWhole) +
	               "[[interface]]\nname = \"eth2\"\nmode = \"addresses\"\n"
	               "[cloak]\naddresses = [\"10.0.8.5\", \"10.0.8.6\"]\n");
	auto &addresses = host.interfaces.at(1).addresses;

	// As many as there is room for.
	addresses.clear();
	for (unsigned i = 0; i < CLOAK_MAX_ADDRESSES; ++i) {
		Prefix prefix = *parsePrefix("10.0.0.0/24");
		auto &octets = prefix.address.octets;

		octets[14] = static_cast<std::uint8_t>(i >> 8U);
		octets[15] = static_cast<std::uint8_t>(i & 0xffU);
		octets[13] = 1;
		addresses.push_back(prefix);
	}
	const auto compiled = compilePolicy(parsed.policy, host, {});
	EXPECT_EQ(compiled.addresses.size(),
	          static_cast<std::size_t>(CLOAK_MAX_ADDRESSES));
	// As many as those listed and their broadcast address.
	EXPECT_EQ(compiled.unhidden, 3U);
	EXPECT_TRUE(isCloaked(compiled, "10.0.8.5"));
	EXPECT_TRUE(isCloaked(compiled, "10.0.8.6"));
	EXPECT_FALSE(isCloaked(compiled, "10.0.8.255"));
	EXPECT_TRUE(isCloaked(compiled, "10.1.0.0"));

	addresses.resize(CLOAK_MAX_ADDRESSES - 3);
	const auto fits = compilePolicy(parsed.policy, host, {});
	EXPECT_EQ(fits.unhidden, 0U);
	EXPECT_TRUE(isCloaked(fits, "10.0.8.255"));
	EXPECT_FALSE(sameEntries(fits, compiled));
}

TEST(Compile, ABroadcastIsThatOfItsPrefix)
{
	const auto parsed =
	    parsePolicy("[[interface]]\nname = \"eth1\"\nmode = \"addresses\"\n"
	                "[cloak]\naddresses = [\"10.0.9.5\"]\n");
	Host host = usualHost();

	for (const char *visible : {"10.0.9.7/32", "10.0.9.7/16"}) {
		host.interfaces[1].addresses = {*parsePrefix("10.0.9.5/24"),
		                                *parsePrefix(visible)};
		EXPECT_EQ(addressFlags(compilePolicy(parsed.policy, host, {}),
		                       "10.0.9.255"),
		          CLOAK_ADDRESS_GROUP)
		    << visible;
	}
	host.interfaces[1].addresses.push_back(*parsePrefix("10.0.9.8/24"));
	EXPECT_EQ(
	    addressFlags(compilePolicy(parsed.policy, host, {}), "10.0.9.255"),
	    0U);
}

TEST(Compile, TheAddressOfANetworkIsHiddenWithAllOfIt)
{
	const std::string mode =
	    "[[interface]]\nname = \"eth1\"\nmode = \"addresses\"\n"
	    "[cloak]\naddresses = [";
	const auto parsed = parsePolicy(mode + "\"2001:db8:9::5\"]\n");
	Host host = usualHost();
	auto &addresses = host.interfaces[1].addresses;
	const auto compiled = [&] {
		return compilePolicy(parsed.policy, host, {});
	};
	constexpr const char *network = "2001:db8:9::";
	constexpr const char *group = "ff02::1:ff00:0";

	EXPECT_EQ(addressFlags(compiled(), network), CLOAK_ADDRESS_ANYCAST);
	EXPECT_EQ(addressFlags(compiled(), group), CLOAK_ADDRESS_GROUP);
	addresses.push_back(*parsePrefix("fe80::5/64"));
	EXPECT_EQ(addressFlags(compiled(), network), CLOAK_ADDRESS_ANYCAST);
	EXPECT_EQ(addressFlags(compiled(), group), 0U)
	    << "fe80:: has the same group";
	addresses.push_back(*parsePrefix("2001:db8:9::6/64"));
	EXPECT_EQ(addressFlags(compiled(), network), 0U) << "visible as well";
	for (const char *other : {"2001:db8:9::6/128", "2001:db8:9::6/32"}) {
		addresses.back() = *parsePrefix(other);
		EXPECT_EQ(addressFlags(compiled(), network),
		          CLOAK_ADDRESS_ANYCAST)
		    << "nor does " << other << " stand for it";
	}
	for (const char *point : {"2001:db8:9::5/127", "2001:db8:9::5/128"}) {
		addresses = {*parsePrefix(point)};
		EXPECT_EQ(addressFlags(compiled(), "2001:db8:9::4"), 0U);
		EXPECT_EQ(addressFlags(compiled(), group), 0U);
	}
}

TEST(Compile, PeersGetTheirRights)
{
	const CompiledPolicy compiled = compile(
	    std::string(kWhole) +
	    "[[peers]]\nname = \"a\"\ninterface = \"eth1\"\nprefixes = "
	    "[\"10.0.9.0/24\"]\nexcept = [\"10.0.9.66\"]\n"
	    "[[peers]]\nname = \"b\"\naccess = \"outbound\"\nprefixes = "
	    "[\"10.1.0.0/16\", \"239.1.1.1\"]\n");

	EXPECT_EQ(rights(peer(compiled, "10.0.9.0/24")), CLOAK_PEER_INBOUND);
	EXPECT_EQ(peer(compiled, "10.0.9.0/24").ifindex, 2U);
	EXPECT_EQ(peer(compiled, "10.0.9.0/24").id, 1U);
	EXPECT_EQ(rights(peer(compiled, "10.0.9.66")), 0);
	EXPECT_EQ(rights(peer(compiled, "10.1.0.0/16")), CLOAK_PEER_OUTBOUND);
	EXPECT_EQ(peer(compiled, "10.1.0.0/16").id, 2U);
	EXPECT_EQ(rights(peer(compiled, "239.1.1.1")), CLOAK_PEER_GROUP);
}

TEST(Compile, OnlyPrefixesWithoutAnOwnAddressStandApart)
{
	const CompiledPolicy compiled =
	    compile(std::string(kWhole) +
	            "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\", "
	            "\"10.0.9.10\", \"10.0.10.0/24\", \"10.0.0.0/8\", "
	            "\"10.0.8.0/24\", \"::/0\", \"2001:db8:9::/127\", "
	            "\"2001:db8:9::4/126\", \"fd00::/8\", \"::/16\"]\n");

	for (const char *with :
	     {"10.0.9.0/24", "10.0.0.0/8", "::/0", "2001:db8:9::4/126"})
		EXPECT_FALSE(isApart(compiled, with)) << with;
	// eth2 is not cloaked; in "::/16" there is IPv4, which it is not about.
	for (const char *without : {"10.0.9.10", "10.0.10.0/24", "10.0.8.0/24",
	                            "2001:db8:9::/127", "fd00::/8", "::/16"})
		EXPECT_TRUE(isApart(compiled, without)) << without;
}

TEST(Compile, MacsForAllOrForEach)
{
	const std::string group = std::string(kWhole) +
	                          "[[peers]]\nname = \"a\"\nprefixes = "
	                          "[\"10.0.9.10\", \"10.0.9.11\"]\nmacs = ";
	const CompiledPolicy one = compile(group + "[\"52:54:00:00:00:01\"]\n");
	const CompiledPolicy each =
	    compile(group + "[\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"]\n");

	EXPECT_EQ(rights(peer(one, "10.0.9.11")),
	          CLOAK_PEER_INBOUND | CLOAK_PEER_BOUND_MAC);
	EXPECT_EQ(peer(one, "10.0.9.11").mac[5], 1);
	EXPECT_EQ(peer(each, "10.0.9.10").mac[5], 1);
	EXPECT_EQ(peer(each, "10.0.9.11").mac[5], 2);
}

TEST(Compile, NobodyIsLetInOnAnInterfaceThatIsAbsent)
{
	const CompiledPolicy compiled =
	    compile(std::string(kWhole) +
	            "[[interface]]\nname = \"eth9\"\n"
	            "[[peers]]\nname = \"a\"\ninterface = \"eth9\"\nprefixes = "
	            "[\"10.0.9.10\"]\n");

	EXPECT_EQ(rights(peer(compiled, "10.0.9.10")), 0U);
}

TEST(Compile, AWiderGroupDoesNotStandInForAnInterfaceThatIsAbsent)
{
	const CompiledPolicy compiled =
	    compile(std::string(kWhole) +
	            "[[interface]]\nname = \"eth9\"\n"
	            "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\"]\n"
	            "[[peers]]\nname = \"b\"\ninterface = \"eth9\"\nprefixes = "
	            "[\"10.0.9.10\"]\n");

	EXPECT_EQ(rights(*compiled.decide(*parsePrefix("10.0.9.10"))), 0U);
	EXPECT_EQ(rights(*compiled.decide(*parsePrefix("10.0.9.11"))),
	          CLOAK_PEER_INBOUND);
}

TEST(Compile, GatewayKeepsItsRightsAsAPeer)
{
	const CompiledPolicy compiled =
	    compile(std::string(kWhole) +
	            "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\"]\n"
	            "[[gateway]]\naddress = \"10.0.9.1\"\n"
	            "[[gateway]]\naddress = \"10.0.7.1\"\nmac = "
	            "\"52:54:00:00:00:ff\"\ninterface = \"eth1\"\n");

	EXPECT_EQ(rights(peer(compiled, "10.0.9.1")),
	          CLOAK_PEER_INBOUND | CLOAK_PEER_GATEWAY);
	EXPECT_EQ(rights(peer(compiled, "10.0.7.1")),
	          CLOAK_PEER_GATEWAY | CLOAK_PEER_BOUND_MAC);
	EXPECT_EQ(peer(compiled, "10.0.7.1").ifindex, 2U);
}

Authorisation grant(const char *prefix)
{
	Authorisation granted;

	granted.peer = *parsePrefix(prefix);
	granted.expires = BootClock::fromNanoseconds(77);
	return granted;
}

TEST(Compile, AuthorisedPeersStandBesideThePolicy)
{
	const CompiledPolicy compiled = compile(kWhole, {grant("10.0.9.77")});

	EXPECT_EQ(rights(peer(compiled, "10.0.9.77")), CLOAK_PEER_INBOUND);
	EXPECT_EQ(peer(compiled, "10.0.9.77").expires_ns, 77U);
	EXPECT_EQ(peer(compiled, "10.0.9.77").id, kRuntimePeerId);
}

TEST(Compile, ThePolicyOutlastsAnAuthorisation)
{
	const CompiledPolicy compiled = compile(
	    std::string(kWhole) +
		"[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\"]\n"
		"except = [\"10.0.9.66\"]\n",
	    {grant("10.0.9.77"), grant("10.0.9.66")});

	// Its own entry would expire and then outrank the network's.
	EXPECT_FALSE(compiled.peers.contains(*parsePrefix("10.0.9.77")));
	EXPECT_EQ(rights(peer(compiled, "10.0.9.66")), CLOAK_PEER_INBOUND);
}

TEST(Compile, SameEntriesAreSeenAsTheSame)
{
	EXPECT_TRUE(sameEntries(compile(kWhole), compile(kWhole)));
	EXPECT_FALSE(sameEntries(
	    compile(kWhole),
	    compile(std::string(kWhole) + "action = \"monitor\"\n")));
	EXPECT_FALSE(sameEntries(compile(kWhole),
	                         compile(kWhole, {grant("10.0.9.77")})));
}

/** br0 has bond0.7 as a port, which lives on bond0 of eth1 and eth2. */
TEST(Host, KnowsWhatIsBelow)
{
	Host host = usualHost();
	host.interfaces.push_back(interface("bond0", 4, {}));
	host.interfaces.push_back(interface("bond0.7", 5, {}));
	host.interfaces.push_back(interface("br0", 6, {}));
	host.interfaces[1].master = host.interfaces[2].master = 4;
	host.interfaces[4].lower = 4;
	host.interfaces[4].master = 6;

	using Indexes = std::vector<unsigned>;
	EXPECT_EQ(host.carriersOf(6), (Indexes{6, 5, 4, 2, 3}));
	EXPECT_EQ(host.carriersOf(4), (Indexes{4, 2, 3}));
	EXPECT_EQ(host.carriersOf(2), Indexes{2});
	EXPECT_EQ(host.carriersOf(99), Indexes{99});
	host.interfaces[1].lower = 6;
	EXPECT_EQ(host.carriersOf(6).size(), 5U) << "a loop";
}

TEST(Host, ReadsThisOne)
{
	auto host = Host::read();

	ASSERT_TRUE(host);
	const HostInterface *loopback = host->find("lo");
	ASSERT_NE(loopback, nullptr);
	EXPECT_EQ(host->nameOf(loopback->index), "lo");
	EXPECT_TRUE(loopback->loopback);
	EXPECT_TRUE(loopback->ethernet);
	EXPECT_NE(
	    std::ranges::find(loopback->addresses, *parsePrefix("127.0.0.1/8")),
	    loopback->addresses.end());
	EXPECT_EQ(host->find("no such one"), nullptr);
	EXPECT_EQ(host->nameOf(999'999), "if999999");
}

} // namespace
} // namespace cloak
