// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Single cloaked addresses among visible ones: 192.0.2.5 and 2001:db8::5 are
 * cloaked, 192.0.2.6, 2001:db8::6 and the link-local address are not.
 */
#include <algorithm>

#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

namespace
{

const Addr4 &visible4()
{
	static const Addr4 addr = v4("192.0.2.6");
	return addr;
}

const Addr6 &visible6()
{
	static const Addr6 addr = v6("2001:db8::6");
	return addr;
}

Ethernet fromScanner(const Mac &to = kLake.mac)
{
	return {.src = kScanner.mac, .dst = to};
}

Ethernet toScanner()
{
	return {.src = kLake.mac, .dst = kScanner.mac};
}

Bytes operator+(Bytes left, const Bytes &right)
{
	left.insert(left.end(), right.begin(), right.end());
	return left;
}

Bytes times(unsigned count, const Bytes &bytes)
{
	Bytes all;

	while (count-- > 0)
		all = std::move(all) + bytes;
	return all;
}

Bytes padded(Bytes bytes)
{
	bytes.resize((bytes.size() + 3) / 4 * 4);
	return bytes;
}

/** A parameter of SCTP. */
Bytes parameter(std::uint16_t type, const Bytes &value)
{
	const auto length = static_cast<std::uint16_t>(4 + value.size());

	return padded(Bytes{static_cast<std::uint8_t>(type >> 8U),
	                    static_cast<std::uint8_t>(type),
	                    static_cast<std::uint8_t>(length >> 8U),
	                    static_cast<std::uint8_t>(length)} +
	              value);
}

template <typename Addr> Bytes addressParameter(const Addr &addr)
{
	constexpr std::uint16_t ipv4 = 5;
	constexpr std::uint16_t ipv6 = 6;

	return parameter(addr.size() == sizeof(Addr4) ? ipv4 : ipv6,
	                 Bytes(addr.begin(), addr.end()));
}

/** A chunk of SCTP. */
Bytes chunk(std::uint8_t type, const Bytes &value)
{
	return parameter(static_cast<std::uint16_t>(type << 8U), value);
}

} // namespace

class AddressesTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		PolicyText()
		    .addresses()
		    .cloaked("192.0.2.5")
		    .cloaked("2001:db8::5")
		    .cloaked("ff02::1:ff00:5", CLOAK_ADDRESS_GROUP)
		    .peer("192.0.2.10", CLOAK_PEER_INBOUND)
		    .peer("2001:db8::10", CLOAK_PEER_INBOUND)
		    .commit(policy());
	}

	/** What becomes of these chunks of SCTP from the visible address. */
	static cloak_reason sctp(Bytes chunks, const Host &to = kScanner)
	{
		return egress(Ethernet{.src = kLake.mac, .dst = to.mac} /
		              Ipv4{.src = visible4(), .dst = to.v4} / Sctp{} /
		              Raw{std::move(chunks)})
		    .reason;
	}
};

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

TEST_F(AddressesTest, DiscoveryProtocolsOfSwitchesDoNotLeave)
{
	const Ethernet cdp = {.src = kLake.mac,
	                      .dst = {1, 0, 0x0c, 0xcc, 0xcc, 0xcc},
	                      .type = 100};
	const Ethernet lldp = {.src = kLake.mac,
	                       .dst = {1, 0x80, 0xc2, 0, 0, 0xe},
	                       .type = 0x88cc};
	const Ethernet stp = {
	    .src = kLake.mac, .dst = {1, 0x80, 0xc2, 0, 0, 0}, .type = 100};

	EXPECT_EQ(egress(cdp / payload(100)).reason, CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(egress(lldp / payload(100)).reason, CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(egress(stp / payload(100)).reason, CLOAK_PASS_VISIBLE);
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

/** Responders list all addresses, whichever they answer from. */
TEST_F(AddressesTest, DiscoveryIsAnsweredToPeersOnly)
{
	const auto answer4 = [](const Host &to, Udp ports) {
		return Ethernet{.src = kLake.mac, .dst = to.mac} /
		       Ipv4{.src = visible4(), .dst = to.v4} / ports /
		       payload(64);
	};
	const auto answer6 = [](const Host &to, Udp ports) {
		return Ethernet{.src = kLake.mac, .dst = to.mac} /
		       Ipv6{.src = visible6(), .dst = to.v6} / ports /
		       payload(64);
	};

	for (const std::uint16_t port : {137, 138, 1900, 3702, 5353, 5355}) {
		const Udp ports{.sport = port, .dport = 40000};

		EXPECT_EQ(egress(answer4(kScanner, ports)).reason,
		          CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(egress(answer6(kScanner, ports)).reason,
		          CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(egress(answer4(kPeer, ports)).reason,
		          CLOAK_PASS_VISIBLE);
		EXPECT_EQ(egress(answer6(kPeer, ports)).reason,
		          CLOAK_PASS_VISIBLE);
	}
	for (const Host &to : {kScanner, kPeer})
		EXPECT_EQ(egress(Ethernet{.src = kLake.mac, .dst = to.mac} /
		                 Ipv4{.src = visible4(), .dst = to.v4} /
		                 Tcp{.sport = 5355, .flags = kAck})
		              .reason,
		          to.mac == kPeer.mac ? CLOAK_PASS_VISIBLE
		                              : CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(
	    egress(answer4(kScanner, {.sport = 40000, .dport = 5353})).reason,
	    CLOAK_PASS_VISIBLE)
	    << "a question names nobody";
	EXPECT_EQ(
	    egress(answer4(kScanner, {.sport = 53, .dport = 40000})).reason,
	    CLOAK_PASS_VISIBLE);
}

/** Only the first piece has the ports. */
TEST_F(AddressesTest, DiscoveryInPiecesDoesNotLeave)
{
	const auto piece4 = [](const Addr4 &to, std::uint16_t id,
	                       std::uint16_t offset, Layer layer) {
		const Mac mac = to == kScanner.v4 ? kScanner.mac : kBroadcast;

		return egress((Ethernet{.src = kLake.mac, .dst = mac} /
		               Ipv4{.src = visible4(),
		                    .dst = to,
		                    .protocol = 17,
		                    .id = id,
		                    .offset = offset,
		                    .more = offset == 0})
		                  .append(std::move(layer))
		                  .append(payload(64)))
		    .reason;
	};
	const auto piece6 = [](const Addr6 &to, std::uint32_t id,
	                       std::uint16_t offset, Layer layer) {
		return egress((Ethernet{.src = kLake.mac, .dst = groupMac(to)} /
		               Ipv6{.src = visible6(), .dst = to} /
		               Fragment6{.offset = offset,
		                         .more = offset == 0,
		                         .id = id,
		                         .next = 17})
		                  .append(std::move(layer))
		                  .append(payload(64)))
		    .reason;
	};
	const Udp hello = {.sport = 40000, .dport = 3702};
	const Udp answer = {.sport = 5353, .dport = 40000};
	const Udp other = {.sport = 40000, .dport = 9};
	const Addr4 all4 = v4("239.255.255.250");
	const Addr6 all6 = v6("ff02::c");

	EXPECT_EQ(piece4(all4, 1, 0, hello), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece4(all4, 1, 9, payload(8)), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece4(kScanner.v4, 2, 0, answer), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece4(kScanner.v4, 2, 9, payload(8)),
	          CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece4(all4, 3, 0, other), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(piece4(all4, 3, 9, payload(8)), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(piece6(all6, 1, 0, hello), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece6(all6, 1, 9, payload(8)), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(piece6(all6, 3, 0, other), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(piece6(all6, 3, 9, payload(8)), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(egress(Ethernet{.src = kLake.mac, .dst = groupMac(all6)} /
	                 Ipv6{.src = visible6(), .dst = all6} /
	                 Extension{.type = 0, .body = Bytes(6, 0)} / hello)
	              .reason,
	          CLOAK_DROP_EGRESS_ADVERT);
}

/** An end of SCTP names all its addresses when an association begins. */
TEST_F(AddressesTest, SctpNamesNoCloakedAddressToStrangers)
{
	const Bytes visible = addressParameter(visible4());
	const Bytes cloaked4 = addressParameter(kLake.v4);
	const Bytes cloaked6 = addressParameter(kLake.v6);
	const Bytes cookie = parameter(7, Bytes(203, 0x5a));
	const Bytes other = parameter(0x8000, {});

	for (const std::uint8_t type : {1, 2}) {
		const auto begin = [&](const Bytes &parameters) {
			return sctp(chunk(type, Bytes(16, 1) + parameters));
		};

		EXPECT_EQ(begin({}), CLOAK_PASS_VISIBLE);
		EXPECT_EQ(begin(visible + cookie + other), CLOAK_PASS_VISIBLE);
		EXPECT_EQ(begin(visible + cloaked4), CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(begin(cloaked6 + visible), CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(begin(cookie + cookie + other + cloaked6),
		          CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(begin(times(16, visible)), CLOAK_PASS_VISIBLE);
		EXPECT_EQ(begin(times(17, visible)), CLOAK_DROP_EGRESS_ADVERT)
		    << "without end";
		EXPECT_EQ(begin({0, 5, 0, 0}), CLOAK_DROP_EGRESS_ADVERT)
		    << "a length that leads nowhere";
	}
	EXPECT_EQ(sctp(chunk(1, Bytes(16, 1) + cloaked4), kPeer),
	          CLOAK_PASS_VISIBLE);
}

TEST_F(AddressesTest, SctpChangesNoCloakedAddress)
{
	const Bytes visible = addressParameter(visible6());
	const Bytes correlation = {0, 0, 0, 1};
	const auto change = [&](std::uint16_t type, const Bytes &address) {
		const Bytes serial = {0, 0, 0, 1};

		return chunk(0xc1, serial + visible +
		                       parameter(type, correlation + address));
	};
	const Bytes sack = chunk(3, Bytes(12, 0));
	const Bytes data = chunk(0, Bytes(16, 0));

	for (const std::uint16_t type : {0xc001, 0xc002, 0xc004}) {
		const Bytes naming = change(type, addressParameter(kLake.v6));

		EXPECT_EQ(sctp(change(type, visible)), CLOAK_PASS_VISIBLE);
		EXPECT_EQ(sctp(naming), CLOAK_DROP_EGRESS_ADVERT);
		EXPECT_EQ(sctp(sack + naming), CLOAK_DROP_EGRESS_ADVERT);
	}
	EXPECT_EQ(sctp(sack + data), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(sctp(times(60, data)), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(sctp(times(16, sack)), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(sctp(times(17, sack)), CLOAK_DROP_EGRESS_ADVERT);
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

} // namespace cloak::test
