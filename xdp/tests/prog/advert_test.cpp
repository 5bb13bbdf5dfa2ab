// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What visible addresses must not tell of the cloaked ones: discovery, and the
 * addresses that SCTP names.
 */
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"
#include "tests/prog/addresses.h"

namespace cloak::test
{

namespace
{

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
	for (const Mac &to :
	     {Mac{1, 0xe0, 0x52, 0xcc, 0xcc, 0xcc}, Mac{0, 0xe0, 0x2b, 0, 0, 0},
	      Mac{1, 0, 0x81, 0, 1, 0}, Mac{1, 0, 0x81, 0, 1, 1}})
		EXPECT_EQ(
		    egress(Ethernet{.src = kLake.mac, .dst = to, .type = 100} /
		           payload(100))
			.reason,
		    CLOAK_DROP_EGRESS_ADVERT);
}

/** They list virtual addresses and routes. */
TEST_F(AddressesTest, WhatRoutersTellEachOtherIsForListedGroups)
{
	const auto to4 = [](const char *group, Layer layer,
	                    std::optional<std::uint8_t> protocol = {},
	                    const Mac &mac = {1, 0, 0x5e, 0, 0, 5}) {
		return egress((Ethernet{.src = kLake.mac, .dst = mac} /
		               Ipv4{.src = visible4(),
		                    .dst = v4(group),
		                    .protocol = protocol})
		                  .append(std::move(layer)))
		    .reason;
	};
	const auto to6 = [](const char *group, Layer layer,
	                    std::optional<std::uint8_t> protocol = {}) {
		return egress((Ethernet{.src = kLake.mac,
		                        .dst = groupMac(v6(group))} /
		               Ipv6{.src = visible6(),
		                    .dst = v6(group),
		                    .next = protocol})
		                  .append(std::move(layer)))
		    .reason;
	};
	const Layer rip = Udp{.sport = 520, .dport = 520};
	const Layer ripng = Udp{.sport = 521, .dport = 521};
	const Layer body = payload(40);

	EXPECT_EQ(to4("224.0.0.18", body, 112), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to4("224.0.0.5", body, 89), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to4("224.0.0.9", rip), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to6("ff02::12", body, 112), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to6("ff02::5", body, 89), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to6("ff02::9", ripng), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to4("224.0.0.5", body, 46), CLOAK_PASS_VISIBLE) << "RSVP";
	EXPECT_EQ(to4("192.0.2.77", body, 89, kScanner.mac),
	          CLOAK_PASS_VISIBLE);
	EXPECT_EQ(to4("192.0.2.255", rip, {}, kBroadcast),
	          CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to4("224.0.0.13", body, 103), CLOAK_DROP_EGRESS_GROUP);
	EXPECT_EQ(to6("ff02::1:6", Udp{.sport = 6696, .dport = 6696}),
	          CLOAK_DROP_EGRESS_GROUP);
	PolicyText()
	    .addresses()
	    .cloaked("192.0.2.5")
	    .peer("224.0.0.18", CLOAK_PEER_GROUP)
	    .peer("ff02::5", CLOAK_PEER_GROUP)
	    .commit(policy());
	EXPECT_EQ(to4("224.0.0.18", body, 112), CLOAK_PASS_GROUP);
	EXPECT_EQ(to6("ff02::5", body, 89), CLOAK_PASS_GROUP);
	EXPECT_EQ(to4("224.0.0.5", body, 89), CLOAK_DROP_EGRESS_GROUP);
}

/**
 * A host looks at options, and for a route, before it knows whose a packet is:
 * what it says then of all addresses but the cloaked ones tells of these.
 */
TEST_F(AddressesTest, ErrorsAboutOthersGoToPeersOnly)
{
	const auto quote = [](const Packet &packet) {
		const Bytes frame = packet.bytes();

		return Raw{Bytes(frame.begin() + 14, frame.end())};
	};
	const auto error4 = [&quote](const Host &to, std::uint8_t type,
	                             std::uint8_t code, const Addr4 &asked) {
		return egress(Ethernet{.src = kLake.mac, .dst = to.mac} /
		              Ipv4{.src = visible4(), .dst = to.v4} /
		              Icmp{.type = type, .code = code} /
		              quote(Ethernet{} /
		                    Ipv4{.src = to.v4, .dst = asked} / Udp{}))
		    .reason;
	};
	const auto error6 = [&quote](const Host &to, std::uint8_t type,
	                             std::uint8_t code, const Addr6 &asked) {
		return egress(Ethernet{.src = kLake.mac, .dst = to.mac} /
		              Ipv6{.src = visible6(), .dst = to.v6} /
		              Icmp6{.type = type, .code = code} /
		              quote(Ethernet{} /
		                    Ipv6{.src = to.v6, .dst = asked} / Udp{}))
		    .reason;
	};
	const Addr4 free4 = v4("192.0.2.77");
	const Addr6 free6 = v6("2001:db8::77");

	EXPECT_EQ(error4(kScanner, 12, 0, free4), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(error6(kScanner, 4, 2, free6), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(error6(kScanner, 4, 2, v6("ff02::1:ff12:3456")),
	          CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(error6(kScanner, 1, 0, free6), CLOAK_DROP_EGRESS_ADVERT);
	EXPECT_EQ(egress(Ethernet{.src = kLake.mac, .dst = kScanner.mac} /
	                 Ipv4{.src = visible4(), .dst = kScanner.v4} /
	                 Icmp{.type = 12} / payload(12))
	              .reason,
	          CLOAK_DROP_EGRESS_ADVERT)
	    << "nobody knows about whom";
	EXPECT_EQ(error4(kPeer, 12, 0, free4), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(error6(kPeer, 4, 2, free6), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(error4(kScanner, 12, 0, visible4()), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(error6(kScanner, 4, 2, visible6()), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(error6(kScanner, 1, 0, visible6()), CLOAK_PASS_VISIBLE);
	/* What routers say about packets that they would send on. */
	for (const std::uint8_t type : {3, 11})
		EXPECT_EQ(error4(kScanner, type, 4, free4), CLOAK_PASS_VISIBLE);
	for (const std::uint8_t type : {2, 3})
		EXPECT_EQ(error6(kScanner, type, 0, free6), CLOAK_PASS_VISIBLE);
	EXPECT_EQ(error6(kScanner, 1, 3, free6), CLOAK_PASS_VISIBLE);
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

} // namespace cloak::test
