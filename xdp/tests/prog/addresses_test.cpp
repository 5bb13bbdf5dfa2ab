// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Single cloaked addresses among visible ones: who may reach them, and what may
 * be said of them.
 */
#include <algorithm>

#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"
#include "tests/prog/addresses.h"

namespace cloak::test
{

namespace
{

Ethernet fromScanner(const Mac &to = kLake.mac)
{
	return {.src = kScanner.mac, .dst = to};
}

Ethernet toScanner()
{
	return {.src = kLake.mac, .dst = kScanner.mac};
}

} // namespace

TEST_F(AddressesTest, VisibleAddressesAreLeftAlone)
{
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv4{.src = kScanner.v4, .dst = visible4()} / Tcp{})
	              .reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = kScanner.v6, .dst = visible6()} / Tcp{})
	              .reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ingress(fromScanner(kBroadcast) / Arp{.sha = kScanner.mac,
	                                                .spa = kScanner.v4,
	                                                .tpa = visible4()})
	              .reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(
	    egress(toScanner() / Ipv4{.src = visible4(), .dst = kScanner.v4} /
	           Tcp{.flags = kRst})
		.reason,
	    CLOAK_PASS_VISIBLE);
	EXPECT_TRUE(events().empty());
}

TEST_F(AddressesTest, CloakedAddressesAreThereForPeersOnly)
{
	const auto arp = [](const Host &from) {
		return Ethernet{.src = from.mac, .dst = kBroadcast} /
		       Arp{.sha = from.mac, .spa = from.v4, .tpa = kLake.v4};
	};

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(arp(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(arp(kScanner)).reason, CLOAK_DROP_ARP);
}

TEST_F(AddressesTest, SolicitationIsJudgedByItsTarget)
{
	const auto ask = [](const Addr6 &to, const Addr6 &target) {
		return fromScanner() /
		       Ipv6{.src = kScanner.v6, .dst = to, .hops = 255} /
		       Nd{.type = 135, .target = target};
	};

	EXPECT_EQ(ingress(ask(visible6(), visible6())).reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ingress(ask(visible6(), kLake.v6)).reason, CLOAK_DROP_ND);
	EXPECT_EQ(ingress(ask(v6("ff02::1"), kLake.v6)).reason, CLOAK_DROP_ND);
	EXPECT_EQ(ingress(ask(solicitedNode(kLake.v6), kLake.v6)).reason,
	          CLOAK_DROP_ND);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = kScanner.v6, .dst = v6("ff02::1")} /
	                  Extension{.type = 0} /
	                  Nd{.type = 135, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_ND);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = {}, .dst = solicitedNode(kLake.v6)} /
	                  Nd{.type = 135, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_ND);
}

TEST_F(AddressesTest, SolicitationCannotHide)
{
	const Ipv6 toAll = {.src = kScanner.v6, .dst = v6("ff02::1")};
	Packet endless = fromScanner() / toAll;
	for (int i = 0; i < 10; i++)
		endless.append(Extension{.type = 60});
	endless.append(Nd{.type = 135, .target = kLake.v6});

	EXPECT_EQ(ingress(endless).reason, CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(
	    ingress(fromScanner() / toAll / Fragment6{.next = 58} / payload(8))
		.reason,
	    CLOAK_DROP_FRAGMENTED_ND);
	EXPECT_EQ(ingress(fromScanner() / toAll /
	                  Fragment6{.offset = 1, .next = 58} / payload(16))
	              .reason,
	          CLOAK_DROP_FRAGMENTED_ND);
}

TEST_F(AddressesTest, GroupOfCloakedAddressesIsSilent)
{
	const auto ping = [](const Addr6 &group) {
		return fromScanner(groupMac(group)) /
		       Ipv6{.src = kScanner.v6, .dst = group} / Icmp6{};
	};

	EXPECT_EQ(ingress(ping(solicitedNode(kLake.v6))).reason,
	          CLOAK_DROP_CLOAKED_GROUP);
	EXPECT_EQ(ingress(ping(v6("ff02::1"))).reason, CLOAK_PASS_VISIBLE);
}

/** A timestamp asks for 192.0.2.5, a route is recorded, a router alerted. */
TEST_F(AddressesTest, OptionsThatTellAddressesAreDropped)
{
	const Bytes timestamp = {68, 12, 5, 3, 192, 0, 2, 5, 0, 0, 0, 0};
	const Bytes record = {7, 7, 4, 0, 0, 0, 0, 0};
	const auto ask = [](const Host &from, const Bytes &options) {
		return ingress(Ethernet{.src = from.mac, .dst = kLake.mac} /
		               Ipv4{.src = from.v4,
		                    .dst = visible4(),
		                    .options = options} /
		               Icmp{})
		    .reason;
	};

	EXPECT_EQ(ask(kScanner, timestamp), CLOAK_DROP_SOURCE_ROUTED);
	EXPECT_EQ(ask(kScanner, record), CLOAK_DROP_SOURCE_ROUTED);
	EXPECT_EQ(ask(kScanner, {148, 4, 0, 0}), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ask(kPeer, timestamp), CLOAK_PASS_AUTHORISED);
}

/** The way to peers is the same from all addresses of the host. */
TEST_F(AddressesTest, RedirectsOfStrangersAreDropped)
{
	const auto redirect4 = [](const Host &from) {
		return ingress(Ethernet{.src = from.mac, .dst = kLake.mac} /
		               Ipv4{.src = from.v4, .dst = visible4()} /
		               Icmp{.type = 5} / payload(28))
		    .reason;
	};
	const auto redirect6 = [](const Host &from) {
		return ingress(Ethernet{.src = from.mac, .dst = kLake.mac} /
		               Ipv6{.src = from.v6,
		                    .dst = visible6(),
		                    .hops = 255} /
		               Icmp6{.type = 137} / payload(32))
		    .reason;
	};

	PolicyText()
	    .addresses()
	    .cloaked("192.0.2.5")
	    .peer("192.0.2.10", CLOAK_PEER_INBOUND)
	    .bound("192.0.2.1", CLOAK_PEER_GATEWAY, kGateway.mac)
	    .commit(policy());

	EXPECT_EQ(redirect4(kScanner), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(redirect6(kScanner), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(redirect4(kGateway), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(redirect4(kPeer), CLOAK_PASS_AUTHORISED);
}

/** What goes to peers by a router is from cloaked addresses as well. */
TEST_F(AddressesTest, RoutersThatAreStrangersAreNotHeard)
{
	const auto advertise = [](const Host &from, const Addr6 &to) {
		return ingress(
			   Ethernet{.src = from.mac, .dst = groupMac(to)} /
			   Ipv6{.src = from.linkLocal, .dst = to, .hops = 255} /
			   Icmp6{.type = 134} / Raw{Bytes(8, 1)})
		    .reason;
	};

	EXPECT_EQ(advertise(kScanner, v6("ff02::1")), CLOAK_DROP_ND);
	EXPECT_EQ(advertise(kScanner, visible6()), CLOAK_DROP_ND);
	EXPECT_EQ(advertise(kGateway, v6("ff02::1")), CLOAK_DROP_ND);
	PolicyText()
	    .addresses()
	    .cloaked("2001:db8::5")
	    .peer("fe80::1", CLOAK_PEER_GATEWAY)
	    .commit(policy());
	EXPECT_EQ(advertise(kGateway, v6("ff02::1")), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(advertise(kScanner, v6("ff02::1")), CLOAK_DROP_ND);
}

/** The host has one neighbour table for all its addresses. */
TEST_F(AddressesTest, NobodySpeaksForABoundPeerToAVisibleAddress)
{
	const auto arp = [](const Mac &from, const Mac &sha) {
		return ingress(
			   Ethernet{.src = from, .dst = kBroadcast} /
			   Arp{.sha = sha, .spa = kPeer.v4, .tpa = visible4()})
		    .reason;
	};
	const auto nd = [](std::uint8_t type, const Addr6 &src,
	                   const Addr6 &target, const Mac &from,
	                   const Mac &named) {
		return ingress(
			   Ethernet{.src = from, .dst = kLake.mac} /
			   Ipv6{.src = src, .dst = visible6(), .hops = 255} /
			   Nd{.type = type,
		              .target = target,
		              .linkAddress = named})
		    .reason;
	};
	PolicyText()
	    .addresses()
	    .cloaked("192.0.2.5")
	    .cloaked("2001:db8::5")
	    .bound("192.0.2.10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .bound("2001:db8::10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());

	EXPECT_EQ(arp(kPeer.mac, kPeer.mac), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(arp(kScanner.mac, kScanner.mac), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(arp(kPeer.mac, kScanner.mac), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(arp(kScanner.mac, kPeer.mac), CLOAK_DROP_WRONG_MAC);
	for (const std::uint8_t type : {135, 136}) {
		const Addr6 target = type == 135 ? visible6() : kPeer.v6;

		EXPECT_EQ(nd(type, kPeer.v6, target, kPeer.mac, kPeer.mac),
		          CLOAK_PASS_VISIBLE);
		EXPECT_EQ(
		    nd(type, kPeer.v6, target, kScanner.mac, kScanner.mac),
		    CLOAK_DROP_WRONG_MAC);
		EXPECT_EQ(nd(type, kPeer.v6, target, kPeer.mac, kScanner.mac),
		          CLOAK_DROP_WRONG_MAC);
	}
	EXPECT_EQ(nd(136, kScanner.v6, kPeer.v6, kScanner.mac, kScanner.mac),
	          CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(nd(136, kScanner.v6, kScanner.v6, kScanner.mac, kScanner.mac),
	          CLOAK_PASS_VISIBLE);
}

TEST_F(AddressesTest, SourceRouteThroughAVisibleAddressIsDropped)
{
	const Ipv4 routed = {.src = kScanner.v4,
	                     .dst = visible4(),
	                     .options = {1, 131, 7, 4, 192, 0, 2, 5}};
	Bytes body = {0, 1, 0, 0, 0, 0};
	body.insert(body.end(), kLake.v6.begin(), kLake.v6.end());

	EXPECT_EQ(ingress(fromScanner() / routed / Icmp{}).reason,
	          CLOAK_DROP_SOURCE_ROUTED);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = kScanner.v6, .dst = visible6()} /
	                  Extension{.type = 43, .body = body} / Icmp6{})
	              .reason,
	          CLOAK_DROP_SOURCE_ROUTED);
}

TEST_F(AddressesTest, ClaimOfACloakedAddressIsDropped)
{
	EXPECT_EQ(ingress(fromScanner(kBroadcast) / Arp{.sha = kScanner.mac,
	                                                .spa = kLake.v4,
	                                                .tpa = visible4()})
	              .reason,
	          CLOAK_DROP_SELF);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = kScanner.v6, .dst = v6("ff02::1")} /
	                  Nd{.type = 136, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_ND);
}

TEST_F(AddressesTest, NobodySendsFromACloakedAddress)
{
	const Ipv4 from4{.src = kLake.v4, .dst = visible4()};
	const Ipv6 from6{.src = kLake.v6, .dst = visible6()};

	for (const Host &host : {kScanner, kPeer}) {
		const Ethernet link{.src = host.mac, .dst = kLake.mac};

		EXPECT_EQ(ingress(link / from4 / Udp{}).reason,
		          CLOAK_DROP_SELF);
		EXPECT_EQ(ingress(link / from6 / Udp{}).reason,
		          CLOAK_DROP_SELF);
		EXPECT_EQ(ingress(link / from6 / Icmp6{}).reason,
		          CLOAK_DROP_SELF);
	}
}

/** The stack hands it to the socket of the address that it quotes. */
TEST_F(AddressesTest, ErrorAboutACloakedAddressIsDropped)
{
	const auto quoting4 = [](const Addr4 &src, const Host &from) {
		const Bytes frame = (Ethernet{} / Ipv4{.src = src} /
		                     Udp{.sport = 4420, .dport = 40000})
		                        .bytes();
		return Ethernet{.src = from.mac, .dst = kLake.mac} /
		       Ipv4{.src = from.v4, .dst = visible4()} /
		       Icmp{.type = 3, .code = 4} /
		       Raw{Bytes(frame.begin() + 14, frame.end())};
	};
	const auto quoting6 = [](const Addr6 &src, const Host &from) {
		const Bytes frame = (Ethernet{} / Ipv6{.src = src} /
		                     Udp{.sport = 4420, .dport = 40000})
		                        .bytes();
		return Ethernet{.src = from.mac, .dst = kLake.mac} /
		       Ipv6{.src = from.v6, .dst = visible6()} /
		       Icmp6{.type = 2} /
		       Raw{Bytes(frame.begin() + 14, frame.end())};
	};

	EXPECT_EQ(ingress(quoting4(kLake.v4, kScanner)).reason,
	          CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(quoting6(kLake.v6, kScanner)).reason,
	          CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(quoting4(visible4(), kScanner)).reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ingress(quoting6(visible6(), kScanner)).reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ingress(quoting4(kLake.v4, kPeer)).reason,
	          CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv4{.src = kScanner.v4, .dst = visible4()} / Icmp{})
	              .reason,
	          CLOAK_PASS_VISIBLE);
	Bytes strange = quoting6(visible6(), kScanner).bytes();
	strange[14 + 40 + 8] = 0;
	EXPECT_EQ(ingress(strange).reason, CLOAK_DROP_UNAUTHORISED)
	    << "the kernel does not look at the version";
	EXPECT_EQ(
	    ingress(fromScanner() /
	            Ipv4{.src = kScanner.v4, .dst = visible4(), .more = true} /
	            Icmp{.type = 3})
		.reason,
	    CLOAK_DROP_UNAUTHORISED)
	    << "the quote is in the next fragment";
}

/** The program reads no further than that, and the kernel does. */
TEST_F(AddressesTest, ErrorFarBehindIsDropped)
{
	const Bytes quote =
	    (Ethernet{} / Ipv6{.src = kLake.v6, .dst = kPeer.v6} / Tcp{})
		.bytes();
	const auto behind = [&quote](std::size_t octets) {
		return ingress(fromScanner() /
		               Ipv6{.src = kScanner.v6, .dst = visible6()} /
		               Extension{.body = Bytes(octets, 1)} /
		               Icmp6{.type = 2} /
		               Raw{Bytes(quote.begin() + 14, quote.end())})
		    .reason;
	};

	for (std::size_t octets = 6; octets < 2048; octets += 8)
		EXPECT_GE(behind(octets), CLOAK_DROP_FIRST) << octets;
}

/** They would be low for packets from all addresses. */
TEST_F(AddressesTest, ErrorLowersNoMtuOfAPeer)
{
	const auto quoting = [](const Host &to, Layer layer) {
		const Bytes frame =
		    (Ethernet{} / Ipv4{.src = visible4(), .dst = to.v4})
			.append(std::move(layer))
			.bytes();

		return ingress(fromScanner() /
		               Ipv4{.src = kScanner.v4, .dst = visible4()} /
		               Icmp{.type = 3, .code = 4} /
		               Raw{Bytes(frame.begin() + 14, frame.end())})
		    .reason;
	};

	EXPECT_EQ(quoting(kPeer, Icmp{.type = 0}), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(quoting(kScanner, Icmp{.type = 0}), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(quoting(kPeer, Tcp{}), CLOAK_PASS_VISIBLE);
}

/* Whatever the stack made of group traffic: the source address tells. */
TEST_F(AddressesTest, NothingLeavesFromACloakedAddressToStrangers)
{
	EXPECT_EQ(
	    egress(toScanner() / Ipv4{.src = kLake.v4, .dst = kScanner.v4} /
	           Icmp{.type = 0})
		.reason,
	    CLOAK_DROP_EGRESS);
	EXPECT_EQ(egress(toScanner() / Arp{.op = 2,
	                                   .sha = kLake.mac,
	                                   .spa = kLake.v4,
	                                   .tpa = kScanner.v4})
	              .reason,
	          CLOAK_DROP_EGRESS_RESOLVE);
	EXPECT_EQ(
	    egress(toScanner() / Ipv6{.src = visible6(), .dst = kScanner.v6} /
	           Nd{.type = 136, .target = kLake.v6})
		.reason,
	    CLOAK_DROP_EGRESS_RESOLVE);
}

TEST_F(AddressesTest, CloakedAddressIsNotAnnounced)
{
	const Ethernet all = {.src = kLake.mac, .dst = kBroadcast};

	EXPECT_EQ(
	    egress(all /
	           Arp{.sha = kLake.mac, .spa = kLake.v4, .tpa = kLake.v4})
		.reason,
	    CLOAK_DROP_EGRESS_ANNOUNCE);
	EXPECT_EQ(egress(all / Arp{.sha = kLake.mac, .tpa = kLake.v4}).reason,
	          CLOAK_DROP_EGRESS_DAD);
	EXPECT_EQ(egress(all / Ipv6{.src = {}, .dst = solicitedNode(kLake.v6)} /
	                 Nd{.type = 135, .target = kLake.v6})
	              .reason,
	          CLOAK_DROP_EGRESS_DAD);
	EXPECT_EQ(
	    egress(all / Ipv6{.src = kLake.linkLocal, .dst = v6("ff02::16")} /
	           Extension{.type = 0, .body = {5, 2, 0, 0}} /
	           Icmp6{.type = 143} / payload(20))
		.reason,
	    CLOAK_DROP_EGRESS_MLD);
	EXPECT_EQ(
	    egress(all / Ipv4{.src = visible4(), .dst = v4("224.0.0.251")} /
	           Udp{.sport = 5353, .dport = 5353})
		.reason,
	    CLOAK_DROP_EGRESS_ADVERT);
}

TEST_F(AddressesTest, ReportsOfMembershipLeaveToAListedGroup)
{
	const Addr6 group = v6("ff02::16");
	const Packet report =
	    Ethernet{.src = kLake.mac, .dst = groupMac(group)} /
	    Ipv6{.src = kLake.linkLocal, .dst = group} /
	    Extension{.type = 0, .body = {5, 2, 0, 0}} / Icmp6{.type = 143} /
	    payload(20);

	EXPECT_EQ(egress(report).reason, CLOAK_DROP_EGRESS_MLD);
	PolicyText()
	    .addresses()
	    .cloaked("2001:db8::5")
	    .peer("ff02::16", CLOAK_PEER_GROUP)
	    .commit(policy());
	EXPECT_EQ(egress(report).reason, CLOAK_PASS_GROUP);
}

/** A link-local address may be among those that are cloaked. */
TEST_F(AddressesTest, RouterIsAskedFromACloakedAddress)
{
	const Addr6 nodes = v6("ff02::1");
	const Addr6 routers = v6("ff02::2");
	const auto advertise = [&](const Host &router) {
		return ingress(
		    Ethernet{.src = router.mac, .dst = groupMac(nodes)} /
		    Ipv6{.src = v6("fe80::1"), .dst = nodes, .hops = 255} /
		    Icmp6{.type = 134} / Raw{Bytes(8, 0)});
	};
	const auto solicit = [&] {
		return egress(
		    Ethernet{.src = kLake.mac, .dst = groupMac(routers)} /
		    Ipv6{.src = kLake.linkLocal, .dst = routers, .hops = 255} /
		    Icmp6{.type = 133});
	};
	PolicyText()
	    .addresses()
	    .cloaked("fe80::5")
	    .bound("fe80::1", CLOAK_PEER_GATEWAY, kGateway.mac)
	    .commit(policy());

	EXPECT_EQ(advertise(kScanner).reason, CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicit().reason, CLOAK_DROP_EGRESS_RS);
	EXPECT_EQ(advertise(kGateway).reason, CLOAK_PASS_VISIBLE);
	const Outcome outcome = solicit();
	EXPECT_EQ(outcome.reason, CLOAK_PASS_RESOLVE);
	EXPECT_TRUE(std::equal(kGateway.mac.begin(), kGateway.mac.end(),
	                       outcome.frame.begin()));
}

TEST_F(AddressesTest, VisibleAddressIsAnnounced)
{
	const Ethernet all = {.src = kLake.mac, .dst = kBroadcast};

	EXPECT_EQ(
	    egress(all /
	           Arp{.sha = kLake.mac, .spa = visible4(), .tpa = visible4()})
		.reason,
	    CLOAK_PASS_VISIBLE);
	EXPECT_EQ(
	    egress(all / Ipv6{.src = {}, .dst = solicitedNode(visible6())} /
	           Nd{.type = 135, .target = visible6()})
		.reason,
	    CLOAK_PASS_VISIBLE);
}

/**
 * A network card hands a frame to such a group up if an address ends so, and
 * any answer would tell the last octets of one that is cloaked.
 */
TEST_F(AddressesTest, FramesToGroupsReachNobodyElse)
{
	const auto link = [](std::uint8_t last) {
		return Ethernet{.src = kScanner.mac,
		                .dst = {0x33, 0x33, 0xff, 0, 0, last}};
	};
	const Ipv6 question = {
	    .src = kScanner.v6, .dst = v6("ff02::1:ff00:6"), .hops = 255};
	const Nd sought = {
	    .type = 135, .target = visible6(), .linkAddress = kScanner.mac};

	for (const std::uint8_t last : {5, 6}) {
		EXPECT_EQ(ingress(link(last) /
		                  Ipv6{.src = kScanner.v6, .dst = visible6()} /
		                  Icmp6{})
		              .reason,
		          CLOAK_DROP_CLOAKED_GROUP);
		EXPECT_EQ(ingress(link(last) /
		                  Ipv4{.src = kScanner.v4, .dst = visible4()} /
		                  Icmp{})
		              .reason,
		          CLOAK_DROP_CLOAKED_GROUP);
		EXPECT_EQ(ingress(link(last) / Arp{.sha = kScanner.mac,
		                                   .spa = kScanner.v4,
		                                   .tpa = visible4()})
		              .reason,
		          CLOAK_DROP_CLOAKED_GROUP);
	}
	EXPECT_EQ(ingress(link(5) / question / sought).reason,
	          CLOAK_DROP_CLOAKED_GROUP);
	EXPECT_EQ(ingress(link(6) / question / sought).reason,
	          CLOAK_PASS_VISIBLE);
}

/** Options are answered for every group whose frames come up. */
TEST_F(AddressesTest, OnlyPeersSpeakToOtherGroupsInSuchFrames)
{
	const auto ask = [](const Host &from, const char *group) {
		return ingress(
			   Ethernet{.src = from.mac,
		                    .dst = groupMac(v6(group))} /
			   Ipv6{.src = from.v6, .dst = v6(group)} /
			   Extension{.type = 0, .body = {0x80, 4, 0, 0, 0, 0}} /
			   Udp{})
		    .reason;
	};

	for (const char *group :
	     {"ff02::2:ff00:5", "ff02::1:1:ff00:5", "ff02:1::1:ff00:5",
	      "ff05::1:ff00:5", "ff0e::ff00:6"}) {
		EXPECT_EQ(ask(kScanner, group), CLOAK_DROP_CLOAKED_GROUP)
		    << group;
		EXPECT_EQ(ask(kPeer, group), CLOAK_PASS_VISIBLE) << group;
	}
	EXPECT_EQ(ask(kScanner, "ff02::1:ff00:6"), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ask(kScanner, "ff05::fe00:5"), CLOAK_PASS_VISIBLE);
}

/** A host that forwards answers for the address of the network, too. */
TEST_F(AddressesTest, TheAddressOfANetworkIsForPeersOnly)
{
	const Addr6 network = v6("2001:db8::");
	const auto ask = [&network](const Host &from, const Addr6 &to) {
		return ingress(Ethernet{.src = from.mac, .dst = kLake.mac} /
		               Ipv6{.src = from.v6, .dst = to, .hops = 255} /
		               Nd{.type = 135,
		                  .target = network,
		                  .linkAddress = from.mac})
		    .reason;
	};
	const auto ping = [&network](const Host &from) {
		return ingress(Ethernet{.src = from.mac, .dst = kLake.mac} /
		               Ipv6{.src = from.v6, .dst = network} / Icmp6{})
		    .reason;
	};

	EXPECT_EQ(ask(kScanner, visible6()), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(ping(kScanner), CLOAK_PASS_VISIBLE);
	PolicyText()
	    .addresses()
	    .cloaked("2001:db8::5")
	    .cloaked("2001:db8::", CLOAK_ADDRESS_ANYCAST)
	    .peer("2001:db8::10", CLOAK_PEER_INBOUND)
	    .commit(policy());
	for (const Addr6 &to : {network, visible6(), v6("ff02::1")}) {
		EXPECT_EQ(ask(kScanner, to), CLOAK_DROP_ND);
		EXPECT_EQ(ask(kPeer, to), CLOAK_PASS_AUTHORISED);
	}
	EXPECT_EQ(ping(kScanner), CLOAK_DROP_CLOAKED_GROUP);
	EXPECT_EQ(ping(kPeer), CLOAK_PASS_AUTHORISED);
	/* It is another router's, too. */
	EXPECT_EQ(ingress(fromScanner() /
	                  Ipv6{.src = network, .dst = visible6()} / Udp{})
	              .reason,
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(
	    ingress(fromScanner() /
	            Ipv6{.src = kScanner.v6, .dst = visible6(), .hops = 255} /
	            Nd{.type = 136, .target = network})
		.reason,
	    CLOAK_PASS_VISIBLE);
}

} // namespace cloak::test
