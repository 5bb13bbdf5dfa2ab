// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that reject: the answers, to the last octet and checksum, as the
 * packet builder would write them, and what is never answered.
 */
#include "tests/prog/reject.h"

namespace cloak::test
{

namespace
{

constexpr std::uint8_t kControl = 0xc0;

Tcp reset(std::uint8_t flags, std::uint32_t sequence,
          std::uint32_t acknowledged)
{
	return {.sport = 22,
	        .dport = 40000,
	        .flags = flags,
	        .sequence = sequence,
	        .acknowledged = acknowledged,
	        .window = 0};
}

/** The first @p length octets of the IP packet in a frame. */
Raw quoted(const Packet &packet, std::size_t linkLength,
           std::size_t length = 2000)
{
	const Bytes frame = packet.bytes();
	const auto first = frame.begin() + static_cast<long>(linkLength);
	const auto left = static_cast<std::size_t>(frame.end() - first);

	return Raw{
	    Bytes(first, first + static_cast<long>(std::min(left, length)))};
}

constexpr Icmp kUnreachable = {.type = 3, .code = 13, .id = 0, .sequence = 0};
constexpr Icmp6 kUnreachable6 = {.type = 1, .code = 1, .id = 0, .sequence = 0};

} // namespace

TEST_F(RejectTest, ResetAcknowledgesWhatWasSent)
{
	const Tcp syn = {.dport = 22, .sequence = 0xfffffffe};

	expectAnswer(inLink() / in4() / syn,
	             outLink() / out4() / reset(kRst | kAck, 0, 0xffffffff));
	expectAnswer(inLink() / in6() / syn,
	             outLink() / out6() / reset(kRst | kAck, 0, 0xffffffff));
	expectAnswer(inLink() / in4() /
	                 Tcp{.dport = 22,
	                     .flags = kSyn | kFin,
	                     .options = Bytes(20, 1),
	                     .sequence = 0xfffffffe} /
	                 payload(301),
	             outLink() / out4() / reset(kRst | kAck, 0, 301));
	expectAnswer(inLink() / in4() / Tcp{.dport = 22, .flags = 0},
	             outLink() / out4() / reset(kRst | kAck, 0, 1));
}

TEST_F(RejectTest, ResetOfWhatAcknowledgesSomething)
{
	const Tcp ack = {.dport = 22,
	                 .flags = kAck | kPsh,
	                 .sequence = 5,
	                 .acknowledged = 0x12345678};

	expectAnswer(inLink() / in4() / ack / payload(100),
	             outLink() / out4() / reset(kRst, 0x12345678, 0));
	expectAnswer(inLink() / in6() / ack / payload(1400),
	             outLink() / out6() / reset(kRst, 0x12345678, 0));
}

TEST_F(RejectTest, TagsAndOddHeadersStayWhereTheyAre)
{
	const Tcp syn = {.dport = 22};
	const Udp udp = {.dport = 22};
	const Vlan outer = {.id = 0x6007, .tpid = 0x88a8};
	const Vlan inner = {.id = 9};
	const Packet tagged =
	    inLink() / outer / inner / in4() / udp / payload(9);

	expectAnswer(inLink() / outer / inner / in4() / syn,
	             outLink() / outer / inner / out4() /
	                 reset(kRst | kAck, 0, 2));
	expectAnswer(tagged, outLink() / outer / inner / out4(kControl) /
	                         kUnreachable / quoted(tagged, 14 + 8));
	Ipv4 optional = in4();
	optional.options = Bytes(12, 1);
	expectAnswer(inLink() / optional / syn,
	             outLink() / out4() / reset(kRst | kAck, 0, 2));
	expectAnswer(inLink() / in6() / Extension{.body = Bytes(14)} / syn,
	             outLink() / out6() / reset(kRst | kAck, 0, 2));
}

TEST_F(RejectTest, ErrorQuotesAsMuchAsFits)
{
	for (const std::size_t size :
	     {0U, 1U, 2U, 511U, 520U, 521U, 1184U, 1185U, 1400U}) {
		const Packet four =
		    inLink() / in4() / Udp{.dport = 53} / payload(size);
		const Packet six =
		    inLink() / in6() / Udp{.dport = 53} / payload(size);

		expectAnswer(four, outLink() / out4(kControl) / kUnreachable /
		                       quoted(four, 14, 576 - 28));
		expectAnswer(six, outLink() / out6() / kUnreachable6 /
		                      quoted(six, 14, 1280 - 48));
	}
}

TEST_F(RejectTest, PaddingOfTheFrameIsNotQuoted)
{
	const Packet udp = inLink() / in4() / Udp{.dport = 53} / payload(3);
	Bytes padded = udp.bytes();

	padded.resize(60);
	const Outcome outcome = ingress(padded);
	EXPECT_EQ(outcome.frame,
	          (outLink() / out4(kControl) / kUnreachable / quoted(udp, 14))
	              .bytes());
}

TEST_F(RejectTest, OtherProtocolsGetAnErrorToo)
{
	const Packet echo = inLink() / in4() / Icmp{} / payload(56);
	const Packet echo6 = inLink() / in6() / Icmp6{} / payload(56);
	const Packet sctp = inLink() / in6() / Sctp{};
	Ipv4 gre = in4();
	gre.protocol = 47;
	const Packet raw = inLink() / gre / payload(12);
	Ipv4 piece = in4();
	piece.more = true;
	const Packet first = inLink() / piece / Udp{} / payload(56);

	for (const Packet &packet : {echo, raw, first}) {
		expectAnswer(packet, outLink() / out4(kControl) / kUnreachable /
		                         quoted(packet, 14));
	}
	for (const Packet &packet : {echo6, sctp}) {
		expectAnswer(packet, outLink() / out6() / kUnreachable6 /
		                         quoted(packet, 14));
	}
}

TEST_F(RejectTest, NeverInAnswerToAnAnswer)
{
	const auto none = [](const Packet &packet) {
		expectNone(packet, CLOAK_DROP_REJECT_MUTE);
	};
	const auto quoting = [](const Packet &sent) {
		const Bytes frame = sent.bytes();

		return Raw{Bytes(frame.begin() + 14, frame.end())};
	};
	const Raw quote4 = quoting(
	    Ethernet{} / Ipv4{.src = in4().dst, .dst = in4().src} / Udp{});
	const Raw quote6 = quoting(
	    Ethernet{} / Ipv6{.src = in6().dst, .dst = in6().src} / Udp{});

	for (const unsigned more : {0U, 0U + kAck, 0U + kSyn}) {
		const auto flags = static_cast<std::uint8_t>(kRst | more);

		none(inLink() / in4() / Tcp{.dport = 22, .flags = flags});
	}
	none(inLink() / in6() / Tcp{.dport = 22, .flags = kRst});
	for (const std::uint8_t type : {3, 4, 11, 12, 40})
		none(inLink() / in4() / Icmp{.type = type} / quote4);
	expectNone(inLink() / in4() / Icmp{.type = 5} / payload(28),
	           CLOAK_DROP_UNAUTHORISED);
	for (const std::uint8_t type : {1, 2, 3, 4, 100})
		none(inLink() / in6() / Icmp6{.type = type} / quote6);
}

TEST_F(RejectTest, NeverToLaterFragmentsAndBrokenHeaders)
{
	Ipv4 later = in4();
	later.protocol = 17;
	later.offset = 8;
	expectNone(inLink() / later / payload(64), CLOAK_DROP_REJECT_MUTE);
	expectNone(inLink() / in6() / Fragment6{.offset = 8, .next = 17} /
	               payload(64),
	           CLOAK_DROP_REJECT_MUTE);
	Ipv4 first = in4();
	first.more = true;
	expectNone(inLink() / first / Tcp{.dport = 22} / payload(36),
	           CLOAK_DROP_REJECT_MUTE);
	Ipv4 cut = in4();
	cut.protocol = 6;
	expectNone(inLink() / cut / payload(12), CLOAK_DROP_BAD_HEADERS);
}

TEST_F(RejectTest, NeverToSourcesThatAreNoHost)
{
	const auto from4 = [](const char *source) {
		Ipv4 ip = in4();
		ip.src = v4(source);
		return inLink() / ip / Udp{};
	};
	const auto from6 = [](const char *source) {
		Ipv6 ip = in6();
		ip.src = v6(source);
		return inLink() / ip / Udp{};
	};

	for (const char *source :
	     {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1",
	      "255.255.255.255", "192.0.2.5"})
		expectNone(from4(source), CLOAK_DROP_REJECT_MUTE);
	for (const char *source : {"::", "::1", "ff02::1", "2001:db8::5"})
		expectNone(from6(source), CLOAK_DROP_REJECT_MUTE);
}

TEST_F(RejectTest, NeverToGroupsAndOtherStations)
{
	for (const Mac &to : {kBroadcast, kPeer.mac}) {
		expectNone(Ethernet{.src = kScanner.mac, .dst = to} / in4() /
		               Udp{},
		           CLOAK_DROP_REJECT_MUTE);
	}
	for (const Mac &from : {kBroadcast, Mac{}}) {
		expectNone(Ethernet{.src = from, .dst = kLake.mac} / in4() /
		               Udp{},
		           CLOAK_DROP_REJECT_MUTE);
	}
}

TEST_F(RejectTest, NeverAboutCloakedAddresses)
{
	const Packet packet = inLink() / in4() / Tcp{.dport = 22};

	use(rejecting(),
	    PolicyText().whole(CLOAK_IFACE_ANSWERS).peer("0.0.0.0/0", 1));
	expectNone(packet, CLOAK_DROP_REJECT_CLOAKED);
	use(rejecting(),
	    visiblePolicy().cloaked("192.0.2.5").peer("0.0.0.0/0", 1));
	expectNone(packet, CLOAK_DROP_REJECT_CLOAKED);
	use(rejecting(), visiblePolicy().cloaked("192.0.2.66"));
	expectNone(packet, CLOAK_DROP_SELF);
	use(rejecting(), PolicyText().addresses());
	expectNone(packet, CLOAK_DROP_REJECT_CLOAKED);
}

TEST_F(RejectTest, MonitorPassesAndSaysSo)
{
	const Packet packet = inLink() / in4() / Tcp{.dport = 22};

	use(rejecting(CLOAK_MODE_MONITOR));
	const Outcome outcome = ingress(packet);
	EXPECT_TRUE(outcome.passed);
	EXPECT_TRUE(outcome.monitored);
	EXPECT_EQ(outcome.reason, CLOAK_DROP_REJECT);
	EXPECT_EQ(outcome.frame, packet.bytes());
}

TEST_F(RejectTest, BudgetOfEachSource)
{
	Ipv4 other = in4();
	std::size_t answered = 0;

	other.src = v4("198.51.100.7");
	for (std::size_t i = 0; i < 10 * kBudget; ++i) {
		const Outcome outcome =
		    ingress(inLink() / other / Tcp{.dport = 22});

		answered += outcome.answered ? 1 : 0;
		EXPECT_TRUE(outcome.answered ||
		            outcome.reason == CLOAK_DROP_REJECT_LIMITED);
	}
	EXPECT_GE(answered, kBudget);
	EXPECT_LT(answered, 8 * kBudget);
	EXPECT_TRUE(ingress(inLink() / in4() / Tcp{.dport = 22}).answered)
	    << "another source";
}

TEST_F(RejectTest, NothingIsRejectedOnEgress)
{
	Policy policy = rejecting();
	policy.tables[0].rules[0].direction = RuleDirection::Out;
	use(policy);

	EXPECT_EQ(egress(outLink() / out4() / Tcp{}).reason, CLOAK_DROP_RULE);
}

} // namespace cloak::test
