// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Who counts as a peer: bindings, expiry, gateways, stations.
 */
#include <ctime>

#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

namespace
{

Packet solicitFrom(const Host &from, const Addr6 &src)
{
	return Ethernet{.src = from.mac, .dst = kLake.mac} /
	       Ipv6{.src = src, .dst = kLake.v6, .hops = 255} /
	       Nd{.type = 135, .target = kLake.v6, .linkAddress = from.mac};
}

/** Something the lake sends to a host, so that its MAC is learnt. */
Packet reply(const Host &host)
{
	return Ethernet{.src = kLake.mac, .dst = host.mac} /
	       Ipv6{.src = kLake.v6, .dst = host.v6} /
	       Tcp{.flags = kSyn | kAck};
}

__u64 bootTime()
{
	timespec now{};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return static_cast<__u64>(now.tv_sec) * 1000000000U +
	       static_cast<__u64>(now.tv_nsec);
}

} // namespace

class PeerTest : public CloakTest
{
};

TEST_F(PeerTest, BoundToAMacIsNobodyFromAnother)
{
	PolicyText()
	    .whole()
	    .bound("192.0.2.10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());
	Host thief = kPeer;
	thief.mac = kScanner.mac;

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(arp(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(syn(thief)).reason, CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(ingress(arp(thief)).reason, CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(ingress(arp(kPeer, thief.mac)).reason, CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(ingress(arp(thief, kPeer.mac)).reason, CLOAK_DROP_WRONG_MAC);
}

/** The kernel believes the option, not the frame. */
TEST_F(PeerTest, BoundToAMacNamesNoOtherInNeighbourDiscovery)
{
	PolicyText()
	    .whole()
	    .bound("2001:db8::10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .bound("fe80::1", CLOAK_PEER_GATEWAY, kGateway.mac)
	    .commit(policy());
	const auto say = [](const Host &from, Icmp6 message, Bytes options) {
		return Ethernet{.src = from.mac, .dst = kLake.mac} /
		       Ipv6{.src = from.v6, .dst = kLake.v6, .hops = 255} /
		       message / Raw{std::move(options)};
	};
	const auto named = [](const Mac &mac, std::uint8_t type) {
		Bytes option = {type, 1};

		option.insert(option.end(), mac.begin(), mac.end());
		return option;
	};
	const auto solicits = [&](const Bytes &options) {
		Bytes all(kLake.v6.begin(), kLake.v6.end());

		all.insert(all.end(), options.begin(), options.end());
		return ingress(say(kPeer, {.type = 135, .id = 0, .sequence = 0},
		                   all))
		    .reason;
	};
	const Bytes own = named(kPeer.mac, 1);
	const Bytes other = named(kScanner.mac, 1);
	const Bytes nonce = {14, 1, 1, 2, 3, 4, 5, 6};
	Bytes behind = nonce;
	behind.insert(behind.end(), other.begin(), other.end());
	const auto nonces = [&](unsigned count) {
		Bytes many;

		while (count-- > 0)
			many.insert(many.end(), nonce.begin(), nonce.end());
		return many;
	};
	Bytes last = nonces(31);
	last.insert(last.end(), other.begin(), other.end());

	EXPECT_EQ(solicits({}), CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(solicits(own), CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(solicits(nonce), CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(solicits(other), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicits(behind), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicits(nonces(32)), CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(solicits(nonces(33)), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicits(last), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicits({1, 0, 0, 0, 0, 0, 0, 0}), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(solicits({1, 1, 0x52}), CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(ingress(say(kPeer, {.type = 133}, own)).reason,
	          CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(say(kPeer, {.type = 133}, other)).reason,
	          CLOAK_DROP_WRONG_MAC);

	Host router = kGateway;
	router.v6 = kGateway.linkLocal;
	const auto advertises = [&](const Bytes &options) {
		Bytes all(8, 0); // reachable time, retransmission timer

		all.insert(all.end(), options.begin(), options.end());
		return ingress(say(router, {.type = 134}, all)).reason;
	};
	EXPECT_EQ(advertises(named(kGateway.mac, 1)), CLOAK_PASS_GATEWAY);
	EXPECT_EQ(advertises(other), CLOAK_DROP_WRONG_MAC);
}

/** Nor does an advertisement, nor what it says from its link-local address. */
TEST_F(PeerTest, BoundToAMacNamesNoOtherForItsStation)
{
	PolicyText()
	    .whole()
	    .bound("2001:db8::10", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());
	const auto nd = [](const Addr6 &src, std::uint8_t type,
	                   const Addr6 &target, const Mac &named) {
		return Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
		       Ipv6{.src = src, .dst = kLake.v6, .hops = 255} /
		       Nd{.type = type, .target = target, .linkAddress = named};
	};

	EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(nd(kPeer.linkLocal, 135, kLake.v6, kPeer.mac)).reason,
	          CLOAK_PASS_STATION);
	EXPECT_EQ(
	    ingress(nd(kPeer.linkLocal, 135, kLake.v6, kScanner.mac)).reason,
	    CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(ingress(nd(kPeer.v6, 136, kPeer.v6, kPeer.mac)).reason,
	          CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(nd(kPeer.v6, 136, kPeer.v6, kScanner.mac)).reason,
	          CLOAK_DROP_WRONG_MAC);
}

TEST_F(PeerTest, BoundToAnInterfaceIsNobodyOnAnother)
{
	cloak_peer peer{};
	peer.flags = CLOAK_PEER_INBOUND;
	peer.ifindex = kIfindex + 1;
	PolicyText().whole().peer("192.0.2.10", peer).commit(policy());

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_DROP_WRONG_IFACE);
}

TEST_F(PeerTest, ExpiresAtItsTime)
{
	cloak_peer peer{};
	peer.flags = CLOAK_PEER_INBOUND;
	peer.expires_ns = bootTime() + 3600ULL * 1000000000U;
	PolicyText().whole().peer("192.0.2.10", peer).commit(policy());
	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);

	peer.expires_ns = bootTime();
	PolicyText().whole().peer("192.0.2.10", peer).commit(policy());
	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_DROP_EXPIRED);
	EXPECT_EQ(ingress(arp(kPeer)).reason, CLOAK_DROP_EXPIRED);
}

TEST_F(PeerTest, MostSpecificEntryDecidesAlone)
{
	PolicyText()
	    .whole()
	    .peer("192.0.2.0/24", CLOAK_PEER_INBOUND)
	    .peer("192.0.2.64/26", 0)
	    .peer("192.0.2.67", CLOAK_PEER_INBOUND)
	    .commit(policy());
	Host inside = kScanner;
	inside.v4 = v4("192.0.2.67");

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(syn(inside)).reason, CLOAK_PASS_AUTHORISED);
}

TEST_F(PeerTest, AllOfIpv6IsNotIpv4)
{
	PolicyText().whole().peer("::/0", CLOAK_PEER_INBOUND).commit(policy());

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
}

TEST_F(PeerTest, AllOfIpv4CanStillBeSaid)
{
	PolicyText()
	    .whole()
	    .peer("0.0.0.0/0", CLOAK_PEER_INBOUND)
	    .peer("::/0", CLOAK_PEER_INBOUND)
	    .commit(policy());

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);
}

TEST_F(PeerTest, NobodyIsAuthorisedWithoutAnAddress)
{
	PolicyText()
	    .whole()
	    .peer("0.0.0.0/0", CLOAK_PEER_INBOUND)
	    .peer("::/0", CLOAK_PEER_INBOUND)
	    .commit(policy());
	Host nameless = kScanner;
	nameless.v4 = {};
	nameless.v6 = {};

	EXPECT_FALSE(ingress(syn(nameless)).passed);
	EXPECT_FALSE(ingress(arp(nameless)).passed);
	EXPECT_FALSE(ingress(solicitFrom(nameless, {})).passed);
	nameless.v4 = v4("224.0.0.1");
	EXPECT_FALSE(ingress(syn(nameless)).passed);
}

TEST_F(PeerTest, WhoClaimsOurAddressIsDropped)
{
	usualPolicy().peer("192.0.2.0/24", CLOAK_PEER_INBOUND).commit(policy());
	Host twin = kScanner;
	twin.v4 = kLake.v4;

	EXPECT_EQ(ingress(arp(twin)).reason, CLOAK_DROP_SELF);
	EXPECT_EQ(ingress(solicitFrom(kScanner, kLake.v6)).reason,
	          CLOAK_DROP_SELF);
}

/** A stranger who does is one as any other, but it is not he who gets it. */
TEST_F(PeerTest, WhoClaimsOurAddressByArpIsDroppedWhoeverHeIs)
{
	usualPolicy().commit(policy());
	Host thief = kScanner;
	thief.v4 = kLake.v4;

	EXPECT_EQ(ingress(arp(thief)).reason, CLOAK_DROP_ARP);
	EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	thief.mac = kPeer.mac;
	EXPECT_EQ(ingress(arp(thief)).reason, CLOAK_DROP_SELF);
}

TEST_F(PeerTest, GatewayMayResolveButNotReach)
{
	usualPolicy().commit(policy());
	Host router = kGateway;

	EXPECT_EQ(ingress(arp(router)).reason, CLOAK_PASS_GATEWAY);
	EXPECT_EQ(ingress(solicitFrom(router, router.linkLocal)).reason,
	          CLOAK_PASS_GATEWAY);
	EXPECT_EQ(ingress(syn(router)).reason, CLOAK_DROP_GATEWAY_ONLY);
}

TEST_F(PeerTest, ClientBehindTheGatewayReaches)
{
	usualPolicy().commit(policy());
	Host client = kGateway;
	client.v4 = v4("198.51.100.7");

	EXPECT_EQ(ingress(syn(client)).reason, CLOAK_PASS_AUTHORISED);
}

/* A peer checks its entry for us from its link-local address (RFC 4861). */
TEST_F(PeerTest, LinkLocalAddressOfAKnownPeerMayResolve)
{
	usualPolicy().commit(policy());
	const Packet check = solicitFrom(kPeer, kPeer.linkLocal);

	EXPECT_EQ(ingress(check).reason, CLOAK_DROP_ND);
	EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(check).reason, CLOAK_PASS_STATION);
	EXPECT_EQ(ingress(solicitFrom(kScanner, kPeer.linkLocal)).reason,
	          CLOAK_DROP_ND);
}

/** Its own entry for the host grows stale behind the host's question. */
TEST_F(PeerTest, LinkLocalAddressOfAnOutboundPeerMayResolveForAWhile)
{
	usualPolicy().commit(policy());
	const Packet check = solicitFrom(kOutbound, kOutbound.linkLocal);
	const Packet answer =
	    Ethernet{.src = kLake.mac, .dst = kOutbound.mac} /
	    Ipv6{.src = kLake.v6, .dst = kOutbound.linkLocal, .hops = 255} /
	    Nd{.type = 136, .target = kLake.v6, .linkAddress = kLake.mac};

	EXPECT_EQ(ingress(check).reason, CLOAK_DROP_ND);
	EXPECT_EQ(egress(answer).reason, CLOAK_DROP_EGRESS_RESOLVE);
	// As user space has it from the kernel, which knows all addresses.
	cloak_station_key station{};
	std::ranges::copy(kOutbound.mac, std::begin(station.mac));
	station.ifindex = kIfindex;
	ASSERT_TRUE(maps().stations.put(station, {addrOf("192.0.2.99")}).ok());
	EXPECT_EQ(egress(reply(kOutbound)).reason, CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(ingress(check).reason, CLOAK_PASS_STATION);
	EXPECT_EQ(egress(answer).reason, CLOAK_PASS_STATION);
	EXPECT_EQ(ingress(solicitFrom(kScanner, kOutbound.linkLocal)).reason,
	          CLOAK_DROP_ND);

	const cloak_neighbour_key key = {addrOf("2001:db8::53"), kIfindex};
	auto known = maps().neighbours.get(key);
	ASSERT_TRUE(known.ok() && *known);
	cloak_neighbour former = **known;
	former.seen_ns -= 301'000'000'000;
	ASSERT_TRUE(maps().neighbours.put(key, former).ok());
	EXPECT_EQ(ingress(check).reason, CLOAK_DROP_ND);
	EXPECT_EQ(egress(answer).reason, CLOAK_DROP_EGRESS_RESOLVE);
}

/* As for many behind one router, or one machine with two addresses. */
TEST_F(PeerTest, AnOutboundPeerTakesNoStationAway)
{
	usualPolicy().commit(policy());
	const Packet check = solicitFrom(kPeer, kPeer.linkLocal);

	EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(egress(Ethernet{.src = kLake.mac, .dst = kPeer.mac} /
	                 Ipv4{.src = kLake.v4, .dst = kOutbound.v4} /
	                 Udp{.sport = 40000, .dport = 53})
	              .reason,
	          CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(ingress(check).reason, CLOAK_PASS_STATION);

	const cloak_neighbour_key key = {addrOf("192.0.2.53"), kIfindex};
	auto known = maps().neighbours.get(key);
	ASSERT_TRUE(known.ok() && *known);
	cloak_neighbour former = **known;
	former.seen_ns -= 301'000'000'000;
	ASSERT_TRUE(maps().neighbours.put(key, former).ok());
	EXPECT_EQ(ingress(check).reason, CLOAK_PASS_STATION)
	    << "as that of the peer who may always ask";
}

TEST_F(PeerTest, RevokedPeerHasNoStationLeft)
{
	usualPolicy().commit(policy());
	egress(reply(kPeer));
	PolicyText()
	    .whole()
	    .peer("192.0.2.10", CLOAK_PEER_INBOUND)
	    .commit(policy());

	EXPECT_EQ(ingress(solicitFrom(kPeer, kPeer.linkLocal)).reason,
	          CLOAK_DROP_ND);
	EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_DROP_EGRESS);
}

TEST_F(PeerTest, AdvertisementForAStrangerIsDropped)
{
	usualPolicy().commit(policy());
	const auto advertise = [](const Addr6 &target) {
		return Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
		       Ipv6{.src = kPeer.v6, .dst = kLake.v6, .hops = 255} /
		       Nd{.type = 136,
		          .target = target,
		          .linkAddress = kPeer.mac};
	};

	EXPECT_EQ(ingress(advertise(kPeer.v6)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(advertise(kScanner.v6)).reason,
	          CLOAK_DROP_FOREIGN_TARGET);
}

/** Else an address that comes would be taken for a double one. */
TEST_F(PeerTest, NobodyAdvertisesAnAddressOfThisHost)
{
	const auto advertise = [](const Addr6 &src, const Addr6 &to) {
		return ingress(Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
		               Ipv6{.src = src, .dst = to, .hops = 255} /
		               Nd{.type = 136,
		                  .target = kLake.v6,
		                  .linkAddress = kPeer.mac})
		    .reason;
	};

	for (const bool whole : {true, false}) {
		PolicyText text;

		(whole ? text.whole() : text.addresses())
		    .cloaked("2001:db8::5")
		    .peer("2001:db8::/64", CLOAK_PEER_INBOUND)
		    .commit(policy());
		for (const Addr6 &to : {kLake.v6, v6("ff02::1")})
			EXPECT_EQ(advertise(kPeer.v6, to), CLOAK_DROP_SELF);
		EXPECT_EQ(egress(reply(kPeer)).reason, CLOAK_PASS_AUTHORISED);
		EXPECT_EQ(advertise(kPeer.linkLocal, kLake.v6),
		          CLOAK_DROP_SELF);
	}
}

/** A prefix of peers may cover the host itself. */
TEST_F(PeerTest, NobodySendsFromAnAddressOfThisHost)
{
	PolicyText()
	    .whole()
	    .cloaked("192.0.2.5")
	    .cloaked("2001:db8::5")
	    .peer("192.0.2.0/24", CLOAK_PEER_INBOUND)
	    .peer("2001:db8::/64", CLOAK_PEER_OUTBOUND)
	    .commit(policy());
	Host thief = kLake;
	thief.mac = kScanner.mac;

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(ingress(syn(thief)).reason, CLOAK_DROP_SELF);
	EXPECT_EQ(ingress(Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
	                  Ipv6{.src = kLake.v6, .dst = kLake.v6} / Udp{})
	              .reason,
	          CLOAK_DROP_SELF);
}

} // namespace cloak::test
