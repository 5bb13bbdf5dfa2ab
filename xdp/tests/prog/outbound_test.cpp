// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Connections that the host begins itself: what comes back of them, and for
 * how long.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"
#include "util/clock.h"
#include "util/fd.h"

namespace cloak::test
{

/** A socket that waits for connections at any address. */
class Listener
{
public:
	explicit Listener(int family)
	    : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		sockaddr_in6 at{};
		socklen_t size = sizeof(at);

		EXPECT_EQ(listen(fd_.get(), 1), 0);
		EXPECT_EQ(getsockname(fd_.get(),
		                      reinterpret_cast<sockaddr *>(&at), &size),
		          0);
		port_ = ntohs(at.sin6_port);
	}

	[[nodiscard]] std::uint16_t port() const { return port_; }
	void close() { fd_.reset(); }

private:
	Fd fd_;
	std::uint16_t port_ = 0;
};

class OutboundTest : public CloakTest
{
protected:
	static void forgetFlows()
	{
		const auto keys = maps().flows.keys();

		ASSERT_TRUE(keys.ok());
		for (const cloak_flow_key &key : *keys)
			EXPECT_TRUE(maps().flows.erase(key).ok());
	}

	static Packet ask(Layer transport)
	{
		return (Ethernet{.src = kLake.mac, .dst = kOutbound.mac} /
		        Ipv4{.src = kLake.v4, .dst = kOutbound.v4})
		    .append(std::move(transport));
	}

	/** Has the host been silent for so long, and does it hear this? */
	static bool hears(const Packet &packet, __u64 seconds)
	{
		age(maps().flows, seconds);
		return ingress(packet).passed;
	}

	static Packet answer(Layer transport)
	{
		return (Ethernet{.src = kOutbound.mac, .dst = kLake.mac} /
		        Ipv4{.src = kOutbound.v4, .dst = kLake.v4})
		    .append(std::move(transport));
	}

	void SetUp() override
	{
		CloakTest::SetUp();
		usualPolicy().commit(policy());
	}
};

TEST_F(OutboundTest, AnswerPassesOnlyAfterTheQuestion)
{
	const Packet fromServer = answer(Udp{.sport = 53, .dport = 40000});

	EXPECT_EQ(ingress(fromServer).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(egress(ask(Udp{.sport = 40000, .dport = 53})).reason,
	          CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(ingress(fromServer).reason, CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(answer(Udp{.sport = 53, .dport = 40001})).reason,
	          CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(ingress(answer(Udp{.sport = 54, .dport = 40000})).reason,
	          CLOAK_DROP_NO_FLOW);
}

TEST_F(OutboundTest, ConnectionIsNotAWayIn)
{
	egress(ask(Tcp{.sport = 40000, .dport = 443}));

	EXPECT_EQ(
	    ingress(
		answer(Tcp{.sport = 443, .dport = 40000, .flags = kSyn | kAck}))
		.reason,
	    CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(answer(Tcp{.sport = 443, .dport = 40000})).reason,
	          CLOAK_DROP_NO_FLOW);
}

/** A stack sends heartbeats in all associations, also who is revoked has. */
TEST_F(OutboundTest, OnlyWhatBeginsAnAssociationOpensOne)
{
	const auto chunk = [](std::uint8_t type) {
		return Raw{{type, 0, 0, 8, 0, 0, 0, 0}};
	};
	std::uint16_t port = 40000;

	for (const std::uint8_t type : {0, 2, 3, 4, 5, 11}) {
		egress(ask(Sctp{.sport = ++port}) / chunk(type));
		EXPECT_EQ(
		    ingress(answer(Sctp{.sport = 4420, .dport = port})).reason,
		    CLOAK_DROP_NO_FLOW)
		    << int(type);
	}
	for (const std::uint8_t type : {1, 10}) {
		egress(ask(Sctp{.sport = ++port}) / chunk(type));
		EXPECT_EQ(
		    ingress(answer(Sctp{.sport = 4420, .dport = port})).reason,
		    CLOAK_PASS_FLOW);
		egress(ask(Sctp{.sport = port}) / chunk(0));
		EXPECT_EQ(
		    ingress(answer(Sctp{.sport = 4420, .dport = port})).reason,
		    CLOAK_PASS_FLOW);
	}
}

/** Heartbeats find out which addresses of the other end can be reached. */
TEST_F(OutboundTest, AnAssociationHasSeveralAddresses)
{
	const Addr4 second = {198, 51, 100, 9};
	const auto heartbeat = [&second](std::uint16_t port) {
		egress(Ethernet{.src = kLake.mac, .dst = kOutbound.mac} /
		       Ipv4{.src = kLake.v4, .dst = second} /
		       Sctp{.sport = port} / Raw{{4, 0, 0, 8, 0, 0, 0, 0}});
		return ingress(
			   Ethernet{.src = kOutbound.mac, .dst = kLake.mac} /
			   Ipv4{.src = second, .dst = kLake.v4} /
			   Sctp{.sport = 4420, .dport = port})
		    .reason;
	};

	PolicyText()
	    .whole()
	    .cloaked("192.0.2.5")
	    .peer("192.0.2.53", CLOAK_PEER_OUTBOUND)
	    .peer("198.51.100.9", CLOAK_PEER_OUTBOUND)
	    .commit(policy());
	EXPECT_EQ(heartbeat(40001), CLOAK_DROP_NO_FLOW);
	egress(ask(Sctp{.sport = 40001}) / Raw{{1, 0, 0, 8, 0, 0, 0, 0}});
	EXPECT_EQ(heartbeat(40001), CLOAK_PASS_FLOW);
	EXPECT_EQ(heartbeat(40002), CLOAK_DROP_NO_FLOW);
}

/** It has not left: nobody may answer it, nor ask for the host. */
TEST_F(OutboundTest, WhatARuleDropsOpensNothing)
{
	const Packet answered = answer(Udp{.sport = 53, .dport = 40000});
	Policy rules;
	RulePolicy rule;
	Diagnostics errors;

	rule.direction = RuleDirection::Out;
	rule.destinationPorts = {{53, 53}};
	rule.verdict.value = CLOAK_RULE_DROP;
	rules.interfaces.resize(1);
	rules.tables.resize(1);
	rules.tables[0].address.value = *parseIp("192.0.2.5");
	rules.tables[0].rules = {rule};
	for (const cloak_mode mode : {CLOAK_MODE_ENFORCE, CLOAK_MODE_MONITOR}) {
		rules.tables[0].action = mode;
		const auto compiled = compileRules(rules, errors);
		usualPolicy().rules(*compiled).commit(policy());
		EXPECT_EQ(egress(ask(Udp{.sport = 40000, .dport = 53})).reason,
		          CLOAK_DROP_RULE);
		const bool left = mode == CLOAK_MODE_MONITOR;
		EXPECT_EQ(ingress(answered).reason,
		          left ? CLOAK_PASS_FLOW : CLOAK_DROP_NO_FLOW);
		EXPECT_EQ(ingress(arp(kOutbound)).reason,
		          left ? CLOAK_PASS_STATION : CLOAK_DROP_NO_FLOW);
	}
}

/** As of one whose right to come in was revoked: his connection ends. */
TEST_F(OutboundTest, WhatTheOtherEndHasBegunIsNoFlow)
{
	for (const int family : {AF_INET, AF_INET6}) {
		Listener served(family);
		const auto say = [&](int flags) {
			const Tcp segment = {
			    .sport = served.port(),
			    .dport = 50000,
			    .flags = static_cast<std::uint8_t>(flags)};
			const Ethernet link = {.src = kLake.mac,
			                       .dst = kOutbound.mac};
			return family == AF_INET
			           ? egress(link /
			                    Ipv4{.src = kLake.v4,
			                         .dst = kOutbound.v4} /
			                    segment)
			           : egress(link /
			                    Ipv6{.src = kLake.v6,
			                         .dst = kOutbound.v6} /
			                    segment);
		};
		const auto flows = [] { return maps().flows.keys()->size(); };

		for (const int flags : {int{kAck}, kSyn | kAck, int{kRst}}) {
			EXPECT_EQ(say(flags).reason, CLOAK_PASS_OUTBOUND);
			EXPECT_EQ(flows(), 0U) << flags;
		}
		say(kSyn);
		EXPECT_EQ(flows(), 1U) << "that this host begins";
		forgetFlows();
		served.close();
		say(kSyn | kAck);
		EXPECT_EQ(flows(), 0U);
		say(kAck);
		EXPECT_EQ(flows(), 1U) << "that was forgotten";
		forgetFlows();
	}
}

TEST_F(OutboundTest, ResetOfTheHostOpensNothing)
{
	egress(ask(Tcp{.sport = 4420, .dport = 50000, .flags = kRst}));

	EXPECT_EQ(
	    ingress(answer(Tcp{.sport = 50000, .dport = 4420, .flags = kAck}))
		.reason,
	    CLOAK_DROP_NO_FLOW);
}

TEST_F(OutboundTest, PingIsAnsweredAndNotPinged)
{
	egress(ask(Icmp{.type = 8, .id = 99}));

	EXPECT_EQ(ingress(answer(Icmp{.type = 0, .id = 99})).reason,
	          CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(answer(Icmp{.type = 0, .id = 98})).reason,
	          CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(ingress(answer(Icmp{.type = 8, .id = 99})).reason,
	          CLOAK_DROP_NO_FLOW);
}

TEST_F(OutboundTest, SilenceEndsAFlow)
{
	const Packet udp = answer(Udp{.sport = 53, .dport = 40000});
	const Packet tcp =
	    answer(Tcp{.sport = 443, .dport = 40000, .flags = kAck});
	const Packet echo = answer(Icmp{.type = 0, .id = 99});
	egress(ask(Udp{.sport = 40000, .dport = 53}));
	egress(ask(Tcp{.sport = 40000, .dport = 443}));
	egress(ask(Icmp{.type = 8, .id = 99}));

	EXPECT_TRUE(hears(echo, 58));
	EXPECT_FALSE(hears(echo, 61));
	EXPECT_TRUE(hears(udp, 298));
	EXPECT_FALSE(hears(udp, 301));
	EXPECT_TRUE(hears(tcp, 7438));
	EXPECT_FALSE(hears(tcp, 7441));

	egress(ask(Tcp{.sport = 40000, .dport = 443, .flags = kAck}));
	EXPECT_EQ(ingress(tcp).reason, CLOAK_PASS_FLOW);
}

TEST_F(OutboundTest, EitherEndKeepsAFlowAlive)
{
	const Packet question = ask(Udp{.sport = 40000, .dport = 53});
	const Packet fromServer = answer(Udp{.sport = 53, .dport = 40000});
	const auto silence = [] {
		auto flows = maps().flows.entries();
		EXPECT_EQ(flows->size(), 1U);
		return coarseTime() - flows->front().second;
	};
	egress(question);

	EXPECT_TRUE(hears(fromServer, 200));
	EXPECT_LT(silence(), 5'000'000'000U);
	age(maps().flows, 200);
	egress(question);
	EXPECT_LT(silence(), 5'000'000'000U);
}

/** One too many pushes out a quiet one, and what was not asked stays out. */
TEST_F(OutboundTest, AFullTableLetsNothingInAndTakesNewOnes)
{
	const Packet question = ask(Udp{.sport = 40000, .dport = 53});
	const Packet fromServer = answer(Udp{.sport = 53, .dport = 40000});
	cloak_flow_key key{};

	key.local_addr = addrOf("192.0.2.5");
	key.remote_addr = addrOf("198.51.100.9");
	key.protocol = 17;
	egress(question);
	for (__u32 i = 0; i < CLOAK_MAX_FLOWS * 9 / 8; i++) {
		key.remote = static_cast<__u16>(i);
		key.local = static_cast<__u16>(i >> 16);
		ASSERT_TRUE(maps().flows.put(key, i).ok());
	}
	EXPECT_LE(maps().flows.keys()->size(), std::size_t{CLOAK_MAX_FLOWS});
	EXPECT_EQ(ingress(fromServer).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(egress(question).reason, CLOAK_PASS_OUTBOUND);
	EXPECT_EQ(ingress(fromServer).reason, CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(answer(Udp{.sport = 53, .dport = 40001})).reason,
	          CLOAK_DROP_NO_FLOW);
}

TEST_F(OutboundTest, FragmentsFollowTheFirst)
{
	const auto piece = [](std::uint16_t offset, std::uint16_t id) {
		return Ethernet{.src = kOutbound.mac, .dst = kLake.mac} /
		       Ipv4{.src = kOutbound.v4,
		            .dst = kLake.v4,
		            .protocol = 17,
		            .id = id,
		            .offset = offset,
		            .more = true} /
		       Udp{.sport = 53, .dport = 40000} / payload(16);
	};
	egress(ask(Udp{.sport = 40000, .dport = 53}));

	EXPECT_EQ(ingress(piece(3, 7)).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(ingress(piece(0, 7)).reason, CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(piece(3, 7)).reason, CLOAK_PASS_FLOW);
	EXPECT_EQ(ingress(piece(3, 8)).reason, CLOAK_DROP_NO_FLOW);
	age(pieces(), 61);
	EXPECT_EQ(ingress(piece(3, 7)).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(maps().flows.keys()->size(), 1U) << "of the host alone";
}

/* It may not find us by ARP, but once spoken to it may keep its entry. */
TEST_F(OutboundTest, ResolvesOnlyWhileTheHostTalksToIt)
{
	EXPECT_EQ(ingress(arp(kOutbound)).reason, CLOAK_DROP_NO_FLOW);
	egress(ask(Udp{}));
	EXPECT_EQ(ingress(arp(kOutbound)).reason, CLOAK_PASS_STATION);
}

/** With `resolve = true`: after a new network card, say. */
TEST_F(OutboundTest, IsAskedForAnewWhenItsMacDoesNotAnswer)
{
	const Packet question =
	    Ethernet{.src = kLake.mac, .dst = kBroadcast} /
	    Arp{.sha = kLake.mac, .spa = kLake.v4, .tpa = kOutbound.v4};
	const Host renewed = {kScanner.mac, kOutbound.v4, {}, {}};

	PolicyText()
	    .whole(CLOAK_IFACE_RESOLVE_BROADCAST)
	    .peer("192.0.2.53", CLOAK_PEER_OUTBOUND)
	    .commit(policy());
	for (unsigned round = 0; round < 2; ++round) {
		EXPECT_EQ(egress(ask(Udp{.sport = 40000, .dport = 53})).reason,
		          CLOAK_PASS_OUTBOUND);
		EXPECT_EQ(egress(question).reason, CLOAK_PASS_RESOLVE);
		EXPECT_EQ(egress(question).reason, CLOAK_PASS_RESOLVE);
	}
	EXPECT_EQ(egress(question).reason, CLOAK_PASS_RESOLVE);
	EXPECT_EQ(ingress(arp(renewed)).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(egress(question).reason, CLOAK_PASS_RESOLVE_GROUP);
	EXPECT_EQ(ingress(arp(renewed)).reason, CLOAK_PASS_STATION);
}

TEST_F(OutboundTest, ResolvesForAWhileAfterTheHostFellSilent)
{
	const auto silent = [](__u64 seconds) {
		auto known = maps().neighbours.entries();
		ASSERT_EQ(known->size(), 1U);
		auto [key, value] = known->front();
		value.seen_ns = coarseTime() - seconds * 1'000'000'000;
		ASSERT_TRUE(maps().neighbours.put(key, value).ok());
	};
	const Packet tell = Ethernet{.src = kLake.mac, .dst = kOutbound.mac} /
	                    Arp{.op = 2,
	                        .sha = kLake.mac,
	                        .spa = kLake.v4,
	                        .tha = kOutbound.mac,
	                        .tpa = kOutbound.v4};
	egress(ask(Udp{}));

	silent(298);
	EXPECT_EQ(ingress(arp(kOutbound)).reason, CLOAK_PASS_STATION);
	silent(301);
	EXPECT_EQ(ingress(arp(kOutbound)).reason, CLOAK_DROP_NO_FLOW);
	EXPECT_EQ(egress(tell).reason, CLOAK_DROP_EGRESS_RESOLVE);
	egress(ask(Udp{}));
	EXPECT_EQ(ingress(arp(kOutbound)).reason, CLOAK_PASS_STATION);
}

// ---- ICMP errors by routers on the way ---------------------------------

namespace
{

const Addr4 kFarPeer = {198, 51, 100, 7};

/** What the lake has sent to @p to, as an error quotes it. */
Raw quote4(const Addr4 &to, Layer transport, std::size_t length = 28)
{
	const Bytes frame = (Ethernet{} / Ipv4{.src = kLake.v4, .dst = to})
	                        .append(std::move(transport))
	                        .bytes();

	return Raw{Bytes(frame.begin() + 14,
	                 frame.begin() + 14 + static_cast<long>(length))};
}

Raw quote6(const Addr6 &src, const Addr6 &to)
{
	const Bytes frame = (Ethernet{} / Ipv6{.src = src, .dst = to} /
	                     Tcp{.sport = 4420, .flags = kAck})
	                        .bytes();

	return Raw{Bytes(frame.begin() + 14, frame.end())};
}

/** From a router that is nobody here. */
Packet error4(std::uint8_t type, const Raw &quote, const Host &from = kScanner)
{
	return Ethernet{.src = kGateway.mac, .dst = kLake.mac} /
	       Ipv4{.src = from.v4, .dst = kLake.v4} /
	       Icmp{.type = type, .code = 4} / quote;
}

Packet error6(std::uint8_t type, const Raw &quote)
{
	return Ethernet{.src = kGateway.mac, .dst = kLake.mac} /
	       Ipv6{.src = kScanner.v6, .dst = kLake.v6} / Icmp6{.type = type} /
	       quote;
}

} // namespace

TEST_F(OutboundTest, ErrorsAboutWhatAPeerWasSentPass)
{
	const Raw sent = quote4(kFarPeer, Tcp{.sport = 4420, .flags = kAck});

	for (const std::uint8_t type : {3, 11, 12}) {
		EXPECT_EQ(ingress(error4(type, sent)).reason,
		          CLOAK_PASS_RELATED);
		EXPECT_EQ(ingress(error4(type, sent, kGateway)).reason,
		          CLOAK_PASS_RELATED);
	}
	for (const std::uint8_t type : {1, 2, 3, 4})
		EXPECT_EQ(
		    ingress(error6(type, quote6(kLake.v6, kPeer.v6))).reason,
		    CLOAK_PASS_RELATED);
}

/**
 * A host knows neither Mobility nor Shim6, and answers that they are unknown;
 * nor is there anybody who sends errors to groups.
 */
TEST_F(OutboundTest, ErrorsBehindWhatAHostAnswersDoNotPass)
{
	const auto behind = [](const Addr6 &to, std::uint8_t type) {
		return ingress(Ethernet{.src = kGateway.mac, .dst = kLake.mac} /
		               Ipv6{.src = kOutbound.v6, .dst = to} /
		               Extension{.type = type} / Icmp6{.type = 1} /
		               quote6(to, kPeer.v6))
		    .reason;
	};

	EXPECT_EQ(behind(kLake.v6, 60), CLOAK_PASS_RELATED);
	EXPECT_EQ(behind(kLake.v6, 0), CLOAK_PASS_RELATED);
	for (const std::uint8_t unknown : {135, 140})
		EXPECT_EQ(behind(kLake.v6, unknown), CLOAK_DROP_NO_FLOW);
	for (const std::uint8_t type : {0, 60, 135})
		EXPECT_NE(behind(v6("ff02::1"), type), CLOAK_PASS_RELATED);
}

/** The kernel would believe them of who has been asked nothing. */
TEST_F(OutboundTest, ErrorsAboutEchoesThatWereNotSentLowerNoMtu)
{
	const auto too4 = [](std::uint8_t type, std::uint16_t id) {
		return ingress(error4(3, quote4(kFarPeer,
		                                Icmp{.type = type, .id = id})))
		    .reason;
	};
	const auto too6 = [](Layer layer, std::uint8_t type = 2) {
		const Bytes frame =
		    (Ethernet{} / Ipv6{.src = kLake.v6, .dst = kPeer.v6})
			.append(std::move(layer))
			.append(payload(8))
			.bytes();

		return ingress(error6(type, Raw{Bytes(frame.begin() + 14,
		                                      frame.end())}))
		    .reason;
	};
	const auto quoteOf = [](std::uint8_t protocol) {
		const Bytes frame = (Ethernet{} /
		                     Ipv4{.src = kLake.v4,
		                          .dst = kFarPeer,
		                          .protocol = protocol} /
		                     payload(8))
		                        .bytes();

		return Raw{Bytes(frame.begin() + 14, frame.end())};
	};
	const Ethernet link = {.src = kLake.mac, .dst = kPeer.mac};

	EXPECT_EQ(too4(0, 7), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too4(8, 7), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(error4(3, quoteOf(47))).reason,
	          CLOAK_DROP_UNAUTHORISED)
	    << "GRE";
	for (const std::uint8_t protocol : {4, 41, 89, 112})
		EXPECT_EQ(ingress(error4(3, quoteOf(protocol))).reason,
		          CLOAK_DROP_UNAUTHORISED)
		    << "a tunnel or a raw socket: " << int(protocol);
	EXPECT_EQ(ingress(error4(3, quoteOf(51))).reason, CLOAK_PASS_RELATED)
	    << "AH";
	EXPECT_EQ(too6(Icmp6{.type = 129}), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too6(Icmp6{}), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too6(Extension{}), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too6(Icmp6{}, 1), CLOAK_DROP_UNAUTHORISED)
	    << "not reached: tunnels tell who has sent what they carried";
	EXPECT_EQ(too6(Tcp{.flags = kAck}), CLOAK_PASS_RELATED);
	EXPECT_EQ(too6(Fragment6{.next = 17}), CLOAK_PASS_RELATED)
	    << "of a datagram that the host has cut";
	EXPECT_EQ(too6(Fragment6{.next = 58}), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too6(Fragment6{.next = 60}), CLOAK_DROP_UNAUTHORISED);
	for (const std::uint8_t skipped : {47, 51})
		EXPECT_EQ(too6(Fragment6{.next = skipped}),
		          CLOAK_DROP_UNAUTHORISED);

	egress(link / Ipv4{.src = kLake.v4, .dst = kFarPeer} / Icmp{});
	egress(link / Ipv6{.src = kLake.v6, .dst = kPeer.v6} / Icmp6{});
	EXPECT_EQ(too4(8, 7), CLOAK_PASS_RELATED);
	EXPECT_EQ(too4(8, 8), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too4(0, 7), CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(too6(Icmp6{}), CLOAK_PASS_RELATED);
	EXPECT_EQ(too6(Icmp6{.id = 8}), CLOAK_DROP_UNAUTHORISED);
}

TEST_F(OutboundTest, NoOtherErrorOfAStrangerPasses)
{
	const Tcp segment = {.sport = 4420, .flags = kAck};
	const Raw sent = quote4(kFarPeer, segment);
	const auto dropped = [](const Packet &packet) {
		EXPECT_EQ(ingress(packet).reason, CLOAK_DROP_UNAUTHORISED);
	};

	for (const std::uint8_t type : {0, 4, 5, 8, 13})
		dropped(error4(type, sent));
	dropped(error4(3, quote4(kScanner.v4, segment)));
	dropped(error4(3, quote4(kGateway.v4, segment)));
	dropped(error4(3, quote4(kFarPeer, segment, 27)));
	dropped(error4(3, quote4(kFarPeer, segment, 8)));
	dropped(error6(128, quote6(kLake.v6, kPeer.v6)));
	dropped(error6(2, quote6(kPeer.v6, kPeer.v6)));
	dropped(error6(2, quote6(kLake.v6, kScanner.v6)));
	Bytes padded = error4(3, quote4(kFarPeer, segment, 8)).bytes();
	padded.resize(80);
	EXPECT_EQ(ingress(padded).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_NE(ingress(error4(3, sent, kLake)).reason, CLOAK_PASS_RELATED);
}

TEST_F(OutboundTest, ErrorsAboutAFlowPassWhileItLasts)
{
	const Packet error =
	    error4(3, quote4(kOutbound.v4, Udp{.sport = 40000, .dport = 53}));

	EXPECT_EQ(ingress(error).reason, CLOAK_DROP_UNAUTHORISED);
	egress(ask(Udp{.sport = 40000, .dport = 53}));
	EXPECT_EQ(ingress(error).reason, CLOAK_PASS_RELATED);
	EXPECT_EQ(ingress(error4(3, quote4(kOutbound.v4,
	                                   Udp{.sport = 40001, .dport = 53})))
	              .reason,
	          CLOAK_DROP_UNAUTHORISED);
	age(maps().flows, 301);
	EXPECT_EQ(ingress(error).reason, CLOAK_DROP_UNAUTHORISED);
}

} // namespace cloak::test
