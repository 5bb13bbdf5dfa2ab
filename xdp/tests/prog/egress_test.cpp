// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a wholly cloaked host may say.
 */
#include <algorithm>

#include "tests/harness/progrun.h"

namespace cloak::test
{

namespace
{

Ethernet fromLake(const Mac &to)
{
	return {.src = kLake.mac, .dst = to};
}

Packet ip4To(const Host &to, Layer transport)
{
	return (fromLake(to.mac) / Ipv4{.src = kLake.v4, .dst = to.v4})
	    .append(std::move(transport));
}

Packet ip6To(const Host &to, Layer transport)
{
	return (fromLake(to.mac) / Ipv6{.src = kLake.v6, .dst = to.v6})
	    .append(std::move(transport));
}

Packet whoHas(const Addr4 &target)
{
	return fromLake(kBroadcast) /
	       Arp{.sha = kLake.mac, .spa = kLake.v4, .tpa = target};
}

Packet solicit(const Addr6 &target)
{
	const Addr6 group = solicitedNode(target);

	return fromLake(groupMac(group)) /
	       Ipv6{.src = kLake.v6, .dst = group, .hops = 255} /
	       Nd{.type = 135, .target = target, .linkAddress = kLake.mac};
}

Packet routerSolicitation(const Addr6 &src)
{
	const Addr6 routers = v6("ff02::2");

	return fromLake(groupMac(routers)) /
	       Ipv6{.src = src, .dst = routers, .hops = 255} /
	       Icmp6{.type = 133, .id = 0, .sequence = 0};
}

/** For so many seconds it is a default router. */
Packet routerAdvertisement(const Host &router, std::uint16_t lifetime)
{
	const Addr6 nodes = v6("ff02::1");

	return Ethernet{.src = router.mac, .dst = groupMac(nodes)} /
	       Ipv6{.src = router.linkLocal, .dst = nodes, .hops = 255} /
	       Icmp6{.type = 134, .id = 0x4000, .sequence = lifetime} /
	       Raw{Bytes(8, 0)};
}

Mac destination(const Outcome &outcome)
{
	Mac mac{};

	std::copy_n(outcome.frame.begin(), mac.size(), mac.begin());
	return mac;
}

} // namespace

class EgressTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		usualPolicy().commit(policy());
	}
};

TEST_F(EgressTest, PeersAreAnswered)
{
	EXPECT_EQ(egress(ip4To(kPeer, Tcp{})).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(egress(ip6To(kPeer, Icmp6{.type = 129})).reason,
	          CLOAK_PASS_AUTHORISED);
}

TEST_F(EgressTest, StrangersAreNot)
{
	EXPECT_EQ(egress(ip4To(kScanner, Tcp{.flags = kRst})).reason,
	          CLOAK_DROP_EGRESS);
	EXPECT_EQ(egress(ip4To(kScanner, Icmp{.type = 3})).reason,
	          CLOAK_DROP_EGRESS);
	EXPECT_EQ(egress(ip6To(kScanner, Icmp6{.type = 1})).reason,
	          CLOAK_DROP_EGRESS);
	EXPECT_EQ(egress(ip4To(kGateway, Icmp{.type = 11})).reason,
	          CLOAK_DROP_GATEWAY_ONLY);
}

TEST_F(EgressTest, ArpReplies)
{
	const auto tell = [](const Host &to) {
		return fromLake(to.mac) / Arp{.op = 2,
		                              .sha = kLake.mac,
		                              .spa = kLake.v4,
		                              .tha = to.mac,
		                              .tpa = to.v4};
	};

	EXPECT_EQ(egress(tell(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(egress(tell(kGateway)).reason, CLOAK_PASS_GATEWAY);
	EXPECT_EQ(egress(tell(kScanner)).reason, CLOAK_DROP_EGRESS_RESOLVE);
	EXPECT_EQ(egress(tell(kOutbound)).reason, CLOAK_DROP_EGRESS_RESOLVE);
}

TEST_F(EgressTest, HostDoesNotSpeakOfItself)
{
	const Addr6 group = solicitedNode(kLake.v6);
	const Addr6 nodes = v6("ff02::1");

	EXPECT_EQ(egress(whoHas(kLake.v4)).reason, CLOAK_DROP_EGRESS_ANNOUNCE);
	EXPECT_EQ(egress(fromLake(kBroadcast) /
	                 Arp{.sha = kLake.mac, .tpa = kLake.v4})
	              .reason,
	          CLOAK_DROP_EGRESS_DAD);
	EXPECT_EQ(egress(fromLake(groupMac(group)) /
	                 Ipv6{.src = {}, .dst = group, .hops = 255} /
	                 Nd{.type = 135, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_EGRESS_DAD);
	EXPECT_EQ(egress(fromLake(groupMac(nodes)) /
	                 Ipv6{.src = kLake.v6, .dst = nodes, .hops = 255} /
	                 Nd{.type = 136, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_EGRESS_ANNOUNCE);
	EXPECT_EQ(egress(routerSolicitation(kLake.linkLocal)).reason,
	          CLOAK_DROP_EGRESS_RS);
	EXPECT_EQ(egress(fromLake(groupMac(v6("ff02::16"))) /
	                 Ipv6{.src = kLake.linkLocal, .dst = v6("ff02::16")} /
	                 Extension{.type = 0, .body = {5, 2, 0, 0}} /
	                 Icmp6{.type = 143} / payload(20))
	              .reason,
	          CLOAK_DROP_EGRESS_MLD);
}

TEST_F(EgressTest, NoBroadcastNoMulticastNoLldp)
{
	EXPECT_EQ(egress(fromLake(kBroadcast) /
	                 Ipv4{.src = {}, .dst = v4("255.255.255.255")} /
	                 Udp{.sport = 68, .dport = 67})
	              .reason,
	          CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(egress(fromLake(kBroadcast) /
	                 Ipv4{.src = kLake.v4, .dst = v4("192.0.2.255")} /
	                 Udp{})
	              .reason,
	          CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(egress(fromLake(groupMac(v6("ff02::fb"))) /
	                 Ipv6{.src = kLake.v6, .dst = v6("ff02::fb")} /
	                 Udp{.sport = 5353, .dport = 5353})
	              .reason,
	          CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(egress(Ethernet{.src = kLake.mac,
	                          .dst = {1, 0x80, 0xc2, 0, 0, 0xe},
	                          .type = 0x88cc} /
	                 payload(40))
	              .reason,
	          CLOAK_DROP_EGRESS_NON_IP);
}

TEST_F(EgressTest, GroupThatIsListedIsAllowedAndNoOther)
{
	usualPolicy()
	    .peer("0.0.0.0/0", CLOAK_PEER_INBOUND)
	    .peer("224.0.0.5", CLOAK_PEER_GROUP)
	    .commit(policy());
	const auto hello = [](const char *group) {
		return fromLake({1, 0, 0x5e, 0, 0, 5}) /
		       Ipv4{.src = kLake.v4, .dst = v4(group)} / Udp{};
	};

	EXPECT_EQ(egress(hello("224.0.0.5")).reason, CLOAK_PASS_GROUP);
	EXPECT_EQ(egress(hello("224.0.0.6")).reason, CLOAK_DROP_EGRESS_GROUP);
}

/** Else a switch with a querier keeps the questions of peers from us. */
TEST_F(EgressTest, ReportsOfMembershipLeaveToAListedGroup)
{
	const auto mld = [](const char *group) {
		return fromLake(groupMac(v6(group))) /
		       Ipv6{.src = kLake.linkLocal, .dst = v6(group)} /
		       Extension{.type = 0, .body = {5, 2, 0, 0}} /
		       Icmp6{.type = 143} / payload(20);
	};
	const Packet igmp = fromLake({1, 0, 0x5e, 0, 0, 0x16}) /
	                    Ipv4{.src = kLake.v4,
	                         .dst = v4("224.0.0.22"),
	                         .protocol = 2,
	                         .options = {148, 4, 0, 0}} /
	                    payload(16);

	EXPECT_EQ(egress(mld("ff02::16")).reason, CLOAK_DROP_EGRESS_MLD);
	EXPECT_EQ(egress(igmp).reason, CLOAK_DROP_EGRESS_MLD);
	usualPolicy()
	    .peer("ff02::16", CLOAK_PEER_GROUP)
	    .peer("224.0.0.22", CLOAK_PEER_GROUP)
	    .commit(policy());
	EXPECT_EQ(egress(mld("ff02::16")).reason, CLOAK_PASS_GROUP);
	EXPECT_EQ(egress(mld("ff02::2")).reason, CLOAK_DROP_EGRESS_MLD);
	EXPECT_EQ(egress(igmp).reason, CLOAK_PASS_GROUP);
}

TEST_F(EgressTest, QuestionForABoundPeerGoesToItsMac)
{
	usualPolicy()
	    .bound("192.0.2.10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .bound("2001:db8::10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());

	const Outcome arp = egress(whoHas(kPeer.v4));
	EXPECT_EQ(arp.reason, CLOAK_PASS_RESOLVE);
	EXPECT_EQ(destination(arp), kPeer.mac);
	const Outcome ns = egress(solicit(kPeer.v6));
	EXPECT_EQ(ns.reason, CLOAK_PASS_RESOLVE);
	EXPECT_EQ(destination(ns), kPeer.mac);
}

TEST_F(EgressTest, QuestionForAKnownPeerGoesToTheMacUsedLast)
{
	EXPECT_EQ(egress(whoHas(kPeer.v4)).reason, CLOAK_DROP_EGRESS_UNSEEN);
	EXPECT_EQ(egress(solicit(kPeer.v6)).reason, CLOAK_DROP_EGRESS_UNSEEN);
	egress(ip4To(kPeer, Tcp{}));
	egress(ip6To(kPeer, Tcp{}));

	EXPECT_EQ(destination(egress(whoHas(kPeer.v4))), kPeer.mac);
	EXPECT_EQ(destination(egress(solicit(kPeer.v6))), kPeer.mac);
}

/** On each link somebody else may have the same link-local address. */
TEST_F(EgressTest, NeighboursOfAnotherLinkAreOthers)
{
	const cloak_neighbour_key there{addrOf("2001:db8::10"), kIfindex + 1};
	cloak_neighbour stranger{};
	std::ranges::copy(kScanner.mac, stranger.mac);
	ASSERT_TRUE(maps().neighbours.put(there, stranger).ok());

	EXPECT_EQ(egress(solicit(kPeer.v6)).reason, CLOAK_DROP_EGRESS_UNSEEN);
	egress(ip6To(kPeer, Tcp{}));
	EXPECT_EQ(destination(egress(solicit(kPeer.v6))), kPeer.mac);
	const auto kept = maps().neighbours.get(there);
	ASSERT_TRUE(kept.ok() && *kept);
	EXPECT_TRUE(std::ranges::equal((*kept)->mac, kScanner.mac));
	const auto learnt = maps().neighbours.get({there.addr, kIfindex});
	ASSERT_TRUE(learnt.ok() && *learnt);
	EXPECT_TRUE(std::ranges::equal((*learnt)->mac, kPeer.mac));
}

/** So that the default route is back when the link was down. */
TEST_F(EgressTest, RouterSolicitationGoesToTheKnownRouterAlone)
{
	Host forger = kScanner;
	forger.linkLocal = v6("fe80::66");

	ASSERT_FALSE(ingress(routerAdvertisement(forger, 1800)).passed);
	ASSERT_TRUE(ingress(routerAdvertisement(kGateway, 0)).passed);
	EXPECT_EQ(egress(routerSolicitation(kLake.linkLocal)).reason,
	          CLOAK_DROP_EGRESS_RS);
	ASSERT_TRUE(ingress(routerAdvertisement(kGateway, 1800)).passed);
	for (const Addr6 &src : {kLake.linkLocal, Addr6{}}) {
		const Outcome outcome = egress(routerSolicitation(src));

		EXPECT_EQ(outcome.reason, CLOAK_PASS_RESOLVE);
		EXPECT_EQ(destination(outcome), kGateway.mac);
	}
}

TEST_F(EgressTest, RouterThatIsNoLongerOneIsNotAsked)
{
	ASSERT_TRUE(ingress(routerAdvertisement(kGateway, 1800)).passed);
	usualPolicy()
	    .bound("fe80::1", CLOAK_PEER_GATEWAY, kPeer.mac)
	    .commit(policy());
	EXPECT_EQ(egress(routerSolicitation(kLake.linkLocal)).reason,
	          CLOAK_DROP_EGRESS_RS);
	usualPolicy()
	    .bound("fe80::1", CLOAK_PEER_GATEWAY, kGateway.mac)
	    .commit(policy());
	EXPECT_EQ(egress(routerSolicitation(kLake.linkLocal)).reason,
	          CLOAK_PASS_RESOLVE);
	usualPolicy().peer("fe80::1", 0).commit(policy());
	EXPECT_EQ(egress(routerSolicitation(kLake.linkLocal)).reason,
	          CLOAK_DROP_EGRESS_RS);
}

/* The stack asks for whom a forged packet named: nobody may hear that. */
TEST_F(EgressTest, ForgedPacketOfAPeerProvokesNothing)
{
	Host forger = kScanner;
	forger.v4 = kPeer.v4;
	EXPECT_TRUE(ingress(Ethernet{.src = forger.mac, .dst = kLake.mac} /
	                    Ipv4{.src = forger.v4, .dst = kLake.v4} / Tcp{})
	                .passed);

	EXPECT_EQ(egress(whoHas(kPeer.v4)).reason, CLOAK_DROP_EGRESS_UNSEEN);
}

TEST_F(EgressTest, QuestionForEverybodyOnlyIfToldSo)
{
	usualPolicy().whole(CLOAK_IFACE_RESOLVE_BROADCAST).commit(policy());

	const Outcome outcome = egress(whoHas(kPeer.v4));
	EXPECT_EQ(outcome.reason, CLOAK_PASS_RESOLVE_GROUP);
	EXPECT_EQ(destination(outcome), kBroadcast);
	EXPECT_EQ(egress(whoHas(kScanner.v4)).reason,
	          CLOAK_DROP_EGRESS_RESOLVE);
}

TEST_F(EgressTest, MonitorModeRewritesNothing)
{
	usualPolicy().monitor().commit(policy());
	egress(ip4To(kPeer, Tcp{}));

	EXPECT_EQ(destination(egress(whoHas(kPeer.v4))), kBroadcast);
	const Outcome outcome = egress(ip4To(kScanner, Tcp{.flags = kRst}));
	EXPECT_TRUE(outcome.passed);
	EXPECT_TRUE(outcome.monitored);
}

TEST_F(EgressTest, PeerAtAnotherMacThanItIsBoundToGetsNothing)
{
	usualPolicy()
	    .bound("192.0.2.10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());
	Host thief = kPeer;
	thief.mac = kScanner.mac;

	EXPECT_EQ(egress(ip4To(thief, Tcp{})).reason, CLOAK_DROP_WRONG_MAC);
}

TEST_F(EgressTest, AdvertisementToAKnownStation)
{
	const Packet tell =
	    fromLake(kPeer.mac) /
	    Ipv6{.src = kLake.v6, .dst = kPeer.linkLocal, .hops = 255} /
	    Nd{.type = 136, .target = kLake.v6, .linkAddress = kLake.mac};

	EXPECT_EQ(egress(tell).reason, CLOAK_DROP_EGRESS_RESOLVE);
	egress(ip6To(kPeer, Tcp{}));
	EXPECT_EQ(egress(tell).reason, CLOAK_PASS_STATION);
}

TEST_F(EgressTest, TaggedFramesAreJudgedAlike)
{
	EXPECT_EQ(egress(fromLake(kScanner.mac) / Vlan{.id = 9} /
	                 Ipv4{.src = kLake.v4, .dst = kScanner.v4} / Tcp{})
	              .reason,
	          CLOAK_DROP_EGRESS);
	EXPECT_EQ(egress(fromLake(kPeer.mac) / Vlan{.id = 9} /
	                 Ipv4{.src = kLake.v4, .dst = kPeer.v4} / Tcp{})
	              .reason,
	          CLOAK_PASS_AUTHORISED);
}

} // namespace cloak::test
