// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What decoys let in, whom that catches, and what they do not tell.
 */
#include "tests/harness/probes.h"
#include "tests/prog/shadow.h"

namespace cloak::test::shadow
{

class DecoyTest : public ShadowTest
{
protected:
	void SetUp() override
	{
		ShadowTest::SetUp();
		usualPolicy()
		    .decoy("192.0.2.5", {23, 3389})
		    .decoy("2001:db8::5")
		    .commit(policy());
		gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_DECOYS);
	}
};

TEST_F(DecoyTest, LetsInReportsAndShadows)
{
	EXPECT_EQ(ingress(probe(3389)).reason, CLOAK_PASS_DECOY);
	EXPECT_EQ(egress(tcp(kLake, kScanner, 3389, 40000, kSyn | kAck)).reason,
	          CLOAK_PASS_DECOY);
	const auto seen = events();
	ASSERT_EQ(seen.size(), 1U);
	EXPECT_TRUE(seen[0].event.flags & CLOAK_EVENT_DECOY);
	EXPECT_EQ(seen[0].event.reason, CLOAK_PASS_DECOY);
	EXPECT_EQ(shadowOf("192.0.2.66").causes, 1U << CLOAK_SHADOW_DECOY);
	const auto flows = records();
	ASSERT_EQ(flows.size(), 1U);
	EXPECT_EQ(flows[0].second.flags,
	          CLOAK_RECORD_SHADOWED | CLOAK_RECORD_DECOY);
	EXPECT_EQ(flows[0].second.packets[CLOAK_EGRESS], 1U);
	EXPECT_EQ(flows[0].second.dropped[CLOAK_INGRESS], 0U);
}

TEST_F(DecoyTest, OtherPortsStayHidden)
{
	EXPECT_EQ(ingress(probe(22)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(egress(tcp(kLake, kScanner, 22, 40000, kRst)).reason,
	          CLOAK_DROP_EGRESS);
	EXPECT_EQ(ingress(echo(kScanner, kLake, 8)).reason,
	          CLOAK_DROP_UNAUTHORISED);
}

TEST_F(DecoyTest, IsResolved)
{
	EXPECT_EQ(
	    ingress(
		Ethernet{.src = kScanner.mac, .dst = kBroadcast} /
		Arp{.sha = kScanner.mac, .spa = kScanner.v4, .tpa = kLake.v4})
		.reason,
	    CLOAK_PASS_DECOY);
	EXPECT_EQ(egress(Ethernet{.src = kLake.mac, .dst = kScanner.mac} /
	                 Arp{.op = 2,
	                     .sha = kLake.mac,
	                     .spa = kLake.v4,
	                     .tha = kScanner.mac,
	                     .tpa = kScanner.v4})
	              .reason,
	          CLOAK_PASS_DECOY);
	// A peer who asks for it is caught only when he talks to it.
	EXPECT_EQ(
	    ingress(Ethernet{.src = kPeer.mac, .dst = kBroadcast} /
	            Arp{.sha = kPeer.mac, .spa = kPeer.v4, .tpa = kLake.v4})
		.reason,
	    CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(tcp(kPeer, kLake, 1000, 23, kSyn)).reason,
	          CLOAK_PASS_DECOY);
	EXPECT_EQ(ingress(tcp(kPeer, kLake, 1000, 4420, kSyn)).reason,
	          CLOAK_PASS_AUTHORISED);
}

/** What others make it say does not push out what the host has begun. */
TEST_F(DecoyTest, WhatItSaysOpensNothing)
{
	const auto say = [](std::uint16_t port) {
		return egress(Ethernet{.src = kLake.mac, .dst = kOutbound.mac} /
		              Ipv4{.src = kLake.v4, .dst = kOutbound.v4} /
		              Udp{.sport = port, .dport = 40000})
		    .reason;
	};

	EXPECT_EQ(say(23), CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(maps().flows.keys()->size(), 0U);
	EXPECT_EQ(maps().neighbours.keys()->size(), 0U);
	EXPECT_EQ(say(24), CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(maps().flows.keys()->size(), 1U);
	EXPECT_EQ(maps().neighbours.keys()->size(), 1U);
}

/** A forged frame of a peer would else have everybody hear who is one. */
TEST_F(DecoyTest, AsksNobodyAloudForAPeer)
{
	const auto ask = [](const Host &whom) {
		return egress(Ethernet{.src = kLake.mac, .dst = kBroadcast} /
		              Arp{.op = 1,
		                  .sha = kLake.mac,
		                  .spa = kLake.v4,
		                  .tpa = whom.v4})
		    .reason;
	};

	EXPECT_EQ(ask(kPeer), CLOAK_DROP_EGRESS_UNSEEN);
	EXPECT_EQ(ask(kScanner), CLOAK_PASS_DECOY);
}

/** The card hands it up only where an address ends so. */
TEST_F(DecoyTest, IsNotFoundInFramesToGroups)
{
	const Ethernet link = {.src = kScanner.mac,
	                       .dst = {0x33, 0x33, 0xff, 0, 0, 7}};

	EXPECT_FALSE(ingress(link / Arp{.sha = kScanner.mac,
	                                .spa = kScanner.v4,
	                                .tpa = kLake.v4})
	                 .passed);
	EXPECT_FALSE(ingress(link / Ipv4{.src = kScanner.v4, .dst = kLake.v4} /
	                     Tcp{.dport = 23})
	                 .passed);
	EXPECT_FALSE(
	    ingress(link / Ipv6{.src = kScanner.v6, .dst = kLake.v6} / Tcp{})
		.passed);
}

/** Else the answer would tell that the address that it was sent to is here. */
TEST_F(DecoyTest, IsAskedForAtItsOwnAddressOnly)
{
	const auto ask = [](const Addr6 &to) {
		return ingress(
			   Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
			   Ipv6{.src = kScanner.v6, .dst = to, .hops = 255} /
			   Nd{.type = 135,
		              .target = kLake.v6,
		              .linkAddress = kScanner.mac})
		    .reason;
	};

	EXPECT_EQ(ask(kLake.v6), CLOAK_PASS_DECOY);
	EXPECT_EQ(ask(v6("ff02::1:ff00:5")), CLOAK_PASS_DECOY);
	EXPECT_EQ(ask(v6("2001:db8::7")), CLOAK_DROP_ND);
	EXPECT_EQ(ask(v6("ff02::1:ff00:7")), CLOAK_DROP_ND);
	EXPECT_EQ(ask(v6("ff02::1")), CLOAK_DROP_ND);
	EXPECT_EQ(ask(v6("ff02::2:ff00:5")), CLOAK_DROP_ND);
	EXPECT_EQ(ask(v6("ff05::1:ff00:5")), CLOAK_DROP_ND);
}

TEST_F(DecoyTest, NobodySpeaksForABoundPeer)
{
	usualPolicy()
	    .bound("192.0.2.10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .decoy("192.0.2.5")
	    .commit(policy());
	gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_DECOYS);

	EXPECT_EQ(
	    ingress(Ethernet{.src = kScanner.mac, .dst = kBroadcast} /
	            Arp{.sha = kScanner.mac, .spa = kPeer.v4, .tpa = kLake.v4})
		.reason,
	    CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(
	    ingress(tcp({kScanner.mac, kPeer.v4}, kLake, 1, 23, kSyn)).reason,
	    CLOAK_DROP_WRONG_MAC);
}

/** What is about others, and what asks for other addresses. */
TEST_F(DecoyTest, TakesNoErrorsRedirectsAndTimestamps)
{
	const Ethernet link = {.src = kScanner.mac, .dst = kLake.mac};
	const Bytes timestamp = {68, 12, 5, 3, 192, 0, 2, 7, 0, 0, 0, 0};

	usualPolicy().decoy("192.0.2.5").decoy("2001:db8::5").commit(policy());
	gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_DECOYS);
	const Ipv4 plain = {.src = kScanner.v4, .dst = kLake.v4};

	EXPECT_EQ(ingress(link / plain / Icmp{}).reason, CLOAK_PASS_DECOY);
	for (const std::uint8_t type : {3, 5, 11, 12})
		EXPECT_EQ(
		    ingress(link / plain / Icmp{.type = type} / payload(28))
			.reason,
		    CLOAK_DROP_UNAUTHORISED);
	for (const std::uint8_t type : {1, 2, 3, 4})
		EXPECT_EQ(
		    ingress(link / Ipv6{.src = kScanner.v6, .dst = kLake.v6} /
		            Icmp6{.type = type} / payload(48))
			.reason,
		    CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(link /
	                  Ipv4{.src = kScanner.v4,
	                       .dst = kLake.v4,
	                       .options = timestamp} /
	                  Icmp{})
	              .reason,
	          CLOAK_DROP_UNAUTHORISED);
}

/** It names none in what IPv4 knows nothing of. */
TEST_F(DecoyTest, IsNoTargetOfIpv4)
{
	Bytes solicitation = {135, 0, 0, 0, 0, 0, 0, 0};

	solicitation.insert(solicitation.end(), kLake.v6.begin(),
	                    kLake.v6.end());
	usualPolicy().decoy("2001:db8::5").commit(policy());
	gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_DECOYS);
	EXPECT_EQ(
	    ingress(Ethernet{.src = kOutbound.mac, .dst = kLake.mac} /
	            Ipv4{.src = kOutbound.v4, .dst = kLake.v4, .protocol = 58} /
	            Raw{solicitation})
		.reason,
	    CLOAK_DROP_NO_FLOW);
}

/** All that is for an address without ports, and all that answers it. */
TEST_F(DecoyTest, AWholeAddressOfIpv4)
{
	const Mac broadcast = kBroadcast;
	const Ethernet in{.src = kScanner.mac, .dst = kLake.mac};
	const Ethernet out{.src = kLake.mac, .dst = kScanner.mac};
	const Ethernet toAll{.src = kLake.mac, .dst = broadcast};
	const Ipv4 there{.src = kScanner.v4, .dst = kLake.v4};
	const Ipv4 back{.src = kLake.v4, .dst = kScanner.v4};
	const auto arp = [](std::uint16_t op, const Host &from,
	                    const Addr4 &about) {
		return Arp{
		    .op = op, .sha = from.mac, .spa = from.v4, .tpa = about};
	};
	usualPolicy().decoy("192.0.2.5").commit(policy());

	for (const Packet &packet :
	     {in / there / Tcp{.dport = 9}, in / there / Udp{},
	      in / there / Icmp{}, in / there / Sctp{},
	      Ethernet{.src = kScanner.mac, .dst = broadcast} /
	          arp(1, kScanner, kLake.v4)})
		EXPECT_EQ(ingress(packet).reason, CLOAK_PASS_DECOY);
	for (const Packet &packet :
	     {out / back / Tcp{.flags = kRst}, out / back / Icmp{.type = 0},
	      out / back / Icmp{.type = 3}, out / arp(2, kLake, kScanner.v4),
	      toAll / arp(1, kLake, kScanner.v4)})
		EXPECT_EQ(egress(packet).reason, CLOAK_PASS_DECOY);
	EXPECT_EQ(ingress(in / arp(2, kScanner, kLake.v4)).reason,
	          CLOAK_DROP_ARP);
	EXPECT_EQ(egress(toAll / arp(1, kLake, kLake.v4)).reason,
	          CLOAK_DROP_EGRESS_ANNOUNCE);
	EXPECT_EQ(
	    egress(toAll / Ipv4{.src = kLake.v4, .dst = v4("192.0.2.255")} /
	           Udp{})
		.reason,
	    CLOAK_DROP_EGRESS_GROUP);
}

TEST_F(DecoyTest, AWholeAddressOfIpv6)
{
	const Addr6 group = solicitedNode(kLake.v6);
	const Addr6 nodes = v6("ff02::1");
	const Addr6 askedFor = solicitedNode(kScanner.v6);
	const Ethernet in{.src = kScanner.mac, .dst = kLake.mac};
	const Ethernet out{.src = kLake.mac, .dst = kScanner.mac};
	const Ipv6 there{.src = kScanner.v6, .dst = kLake.v6, .hops = 255};
	const Ipv6 back{.src = kLake.v6, .dst = kScanner.v6, .hops = 255};
	const auto nd = [](std::uint8_t type, const Addr6 &about) {
		return Nd{.type = type, .target = about};
	};
	const auto toAll = [](const Addr6 &all, const Addr6 &src) {
		return Ethernet{.src = kLake.mac, .dst = groupMac(all)} /
		       Ipv6{.src = src, .dst = all, .hops = 255};
	};

	for (const Packet &packet :
	     {in / there / Tcp{.dport = 9}, in / there / Udp{},
	      in / there / Icmp6{}, in / there / nd(135, kLake.v6),
	      Ethernet{.src = kScanner.mac, .dst = groupMac(group)} /
	          Ipv6{.src = kScanner.v6, .dst = group, .hops = 255} /
	          nd(135, kLake.v6)})
		EXPECT_EQ(ingress(packet).reason, CLOAK_PASS_DECOY);
	for (const Packet &packet :
	     {out / back / Tcp{.flags = kRst}, out / back / Icmp6{.type = 129},
	      out / back / nd(136, kLake.v6),
	      toAll(askedFor, kLake.v6) / nd(135, kScanner.v6)})
		EXPECT_EQ(egress(packet).reason, CLOAK_PASS_DECOY);
	EXPECT_EQ(ingress(in / there / nd(136, kLake.v6)).reason,
	          CLOAK_DROP_ND);
	EXPECT_EQ(egress(toAll(nodes, kLake.v6) / nd(136, kLake.v6)).reason,
	          CLOAK_DROP_EGRESS_ANNOUNCE);
	EXPECT_EQ(egress(toAll(group, {}) / nd(135, kLake.v6)).reason,
	          CLOAK_DROP_EGRESS_DAD);
}

TEST_F(DecoyTest, NothingWhenTheyAreGone)
{
	usualPolicy().commit(policy());
	EXPECT_EQ(ingress(probe(3389)).reason, CLOAK_DROP_UNAUTHORISED);
}

} // namespace cloak::test::shadow
