// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that ask for the state of a connection: what the host answers from
 * another address than was asked, a broadcast or multicast one above all.
 */
#include "tests/prog/state.h"

namespace cloak::test::state
{

namespace
{

constexpr const char *kGroup = "239.255.255.250";
constexpr std::uint16_t kDiscovery = 8009;

Packet toGroup4(const char *group, const Mac &mac, const Udp &transport)
{
	return Ethernet{.src = kScanner.mac, .dst = mac} /
	       Ipv4{.src = kScanner.v4, .dst = v4(group)} / transport /
	       payload(32);
}

/** A stranger asks who is there, from @p port. */
Packet discovery4(std::uint16_t port)
{
	return toGroup4(kGroup, {0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa},
	                Udp{.sport = port, .dport = kDiscovery});
}

Packet discovery6(std::uint16_t port)
{
	const Addr6 group = v6("ff05::c");

	return Ethernet{.src = kScanner.mac, .dst = groupMac(group)} /
	       Ipv6{.src = kScanner.v6, .dst = group} /
	       Udp{.sport = port, .dport = kDiscovery} / payload(32);
}

} // namespace

class AskerStateTest : public StateTest
{
protected:
	/** What the host sends is in @p map, and the answer comes in. */
	static void expectBegins(Way out, const Packet &sent,
	                         const Packet &answer, const ConnectionMap &map)
	{
		const std::size_t before = sizeOf(map);

		expectDropped(back(out), answer);
		expectPasses(out, sent);
		expectPasses(back(out), answer);
		EXPECT_EQ(sizeOf(map), before + 1);
	}

	static void expectBegins(Way out, std::uint16_t local,
	                         const ConnectionMap &map)
	{
		expectBegins(out, udp(out, local, kFar),
		             udp(back(out), local, kFar), map);
	}
};

TEST_F(AskerStateTest, TheirAnswersAreAmongTheOpenings)
{
	for (const Way out : {kOut4, kOut6}) {
		expectPasses(back(out),
		             out.v4 ? discovery4(kFar) : discovery6(kFar));
		expectBegins(out, kDiscovery, maps().openings);
		expectBegins(out, kClient, maps().openings);
	}
	EXPECT_EQ(sizeOf(maps().connections), 0U);
}

TEST_F(AskerStateTest, ABroadcastOfTheNetworkIsOneToo)
{
	const Mac all = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	expectPasses(kIn4, toGroup4("192.0.2.255", all, Udp{.sport = kFar}));
	expectBegins(kOut4, kClient, maps().openings);
}

TEST_F(AskerStateTest, ProtocolsWithoutPortsGoByTheAddress)
{
	expectPasses(kIn4, Ethernet{.src = kScanner.mac,
	                            .dst = {0x01, 0x00, 0x5e, 0, 0, 5}} /
	                       Ipv4{.src = kScanner.v4,
	                            .dst = v4("224.0.0.5"),
	                            .protocol = kGre} /
	                       payload(32));
	expectBegins(kOut4, ip(kOut4, kGre) / payload(32),
	             ip(kIn4, kGre) / payload(32), maps().openings);
}

TEST_F(AskerStateTest, OthersAreTheHostsOwn)
{
	expectPasses(kIn4, discovery4(kFar + 1));
	expectBegins(kOut4, kClient, maps().connections);
	expectPasses(kIn4, discovery4(kFar));
	expectPasses(kOut4, udp(kOut4, kClient, kFar));
	expectBegins(kOut4, tcp(kOut4, kClient, kFar, kSyn),
	             tcp(kIn4, kClient, kFar, kSyn | kAck), maps().connections);
}

TEST_F(AskerStateTest, WhoWasSilentForLongHasNotAsked)
{
	expectPasses(kIn4, discovery4(kFar));
	StateTest::age(299);
	expectBegins(kOut4, kClient, maps().openings);
	StateTest::age(300);
	expectBegins(kOut4, kClient + 1, maps().connections);
}

TEST_F(AskerStateTest, AFloodOfThemPushesOutNothingOfTheHosts)
{
	const Packet asked = discovery4(kFar);
	const Packet answer = udp(kOut4, kDiscovery, kFar);

	connectOut(kOut4);
	connectIn(kIn4);
	expectPasses(kOut4, udp(kOut4, kClient, kFar));
	/* Who asks is answered before the others push him out. */
	const auto questions = flood(asked, kSource);
	const auto answers = flood(answer, kDestination);
	constexpr std::size_t step = 1024;
	for (std::size_t at = 0; at < questions.size(); at += step) {
		const auto some = [at](const std::vector<Bytes> &all) {
			const auto first =
			    all.begin() + static_cast<std::ptrdiff_t>(at);
			return std::vector<Bytes>(first, first + step);
		};
		ingressAll(some(questions));
		egressAll(some(answers));
	}
	EXPECT_EQ(sizeOf(maps().connections), 3U);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kIn4, udp(kIn4, kClient, kFar));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck));
}

/** One without a table, with one that does not ask, with one that does. */
TEST_F(AskerStateTest, AnotherAddressMayHaveBeenAsked)
{
	const char *other = "192.0.2.6";
	const Packet asked = Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
	                     Ipv4{.src = kScanner.v4, .dst = v4(other)} /
	                     Udp{.sport = kFar, .dport = kService} /
	                     payload(32);

	expectPasses(kIn4, asked);
	expectBegins(kOut4, kClient, maps().openings);
	for (const bool asks : {false, true}) {
		Policy policy = usual();
		policy.tables.push_back(tableOf(other));
		if (!asks) {
			policy.tables.back().rules.clear();
			policy.tables.back().verdict = CLOAK_RULE_ALLOW;
		}
		use(policy);
		forgetState();
		expectPasses(kIn4, asked);
		expectBegins(kOut4, kClient, maps().openings);
		EXPECT_EQ(sizeOf(maps().connections), 0U);
	}
}

/** What answers this host has asked for nothing. */
TEST_F(AskerStateTest, AnAnswerAsksForNothing)
{
	expectBegins(kOut4, kClient, maps().connections);
	expectPasses(kIn4, udp(kIn4, kClient, kFar));
	expectBegins(kOut4, kClient + 1, maps().connections);
}

TEST_F(AskerStateTest, NobodyIsNotedWhereNoTableAsks)
{
	Policy policy = usual();

	for (TablePolicy &table : policy.tables) {
		table.rules.clear();
		table.verdict = CLOAK_RULE_ALLOW;
	}
	use(policy);
	expectPasses(kIn4, discovery4(kFar));
	EXPECT_TRUE(maps().openings.keys()->empty());
}

} // namespace cloak::test::state
