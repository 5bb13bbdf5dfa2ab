// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that ask for the state of a connection: what begins one, what is part
 * of one, and when it is forgotten.
 */
#include "tests/prog/state.h"

namespace cloak::test::state
{

TEST_F(StateTest, AnswersToWhatThisHostHasBegun)
{
	for (const Way out : {kOut4, kOut6}) {
		const Way in = back(out);
		const Packet answer = tcp(in, kClient, kFar, kSyn | kAck);

		expectDropped(in, answer);
		connectOut(out);
		expectPasses(in, answer);
		expectPasses(in, tcp(in, kClient, kFar, kAck | kPsh));
		expectDropped(in, tcp(in, kClient, kFar + 1, kAck));
		expectDropped(in, tcp(in, kClient + 1, kFar, kAck));

		expectDropped(in, udp(in, kClient, kFar));
		expectPasses(out, udp(out, kClient, kFar));
		expectPasses(in, udp(in, kClient, kFar));
	}
}

TEST_F(StateTest, WhatIsLetInBeginsOneToo)
{
	for (const Way in : {kIn4, kIn6}) {
		const Way out = back(in);

		expectDropped(out, tcp(out, kService, kClient, kSyn | kAck));
		connectIn(in);
		expectPasses(out, tcp(out, kService, kClient, kAck));
		expectDropped(out, udp(out, kService, kClient));
		expectPasses(in, udp(in, kService, kClient));
		expectPasses(out, udp(out, kService, kClient));
	}
}

TEST_F(StateTest, WhatIsDroppedBeginsNone)
{
	expectDropped(kIn4, tcp(kIn4, 23, kClient, kSyn));
	expectDropped(kOut4, tcp(kOut4, 23, kClient, kSyn | kAck));
	expectDropped(kOut4, udp(kOut4, kClient, 53));
	expectDropped(kIn4, udp(kIn4, kClient, 53));
	EXPECT_EQ(sizeOf(maps().openings) + sizeOf(maps().connections), 0U);
}

TEST_F(StateTest, WhatIsOnlyWatchedBeginsNone)
{
	Policy policy = usual();
	policy.tables[0].action = CLOAK_MODE_MONITOR;
	use(policy);

	EXPECT_TRUE(run(kIn4, tcp(kIn4, 23, kClient, kSyn)).monitored);
	EXPECT_EQ(sizeOf(maps().openings) + sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	EXPECT_EQ(sizeOf(maps().openings), 1U);
}

/** One rule that watches, in a table that does not: as if it were not there. */
TEST_F(StateTest, WhatARuleOnlyWatchesBeginsOne)
{
	Policy policy = usual();
	RulePolicy watched = ruleFor(RuleDirection::In, kService);

	watched.verdict.value = CLOAK_RULE_DROP;
	watched.action = CLOAK_MODE_MONITOR;
	auto &rules = policy.tables[0].rules;
	rules.insert(rules.begin(), watched);
	use(policy);

	const Outcome begun = run(kIn4, tcp(kIn4, kService, kClient, kSyn));
	EXPECT_TRUE(begun.monitored);
	EXPECT_EQ(begun.reason, CLOAK_DROP_RULE);
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
}

TEST_F(StateTest, NewUntilTheOtherEndSpeaks)
{
	const auto before = hits(1);

	expectPasses(kIn4, udp(kIn4, kService, kClient));
	expectPasses(kIn4, udp(kIn4, kService, kClient));
	EXPECT_EQ(hits(1), before + 2);
	expectPasses(kOut4, udp(kOut4, kService, kClient));
	expectPasses(kIn4, udp(kIn4, kService, kClient));
	EXPECT_EQ(hits(1), before + 2);
}

TEST_F(StateTest, AFirstSegmentIsAlwaysNew)
{
	for (const Way out : {kOut4, kOut6}) {
		const Way in = back(out);

		connectOut(out);
		for (const unsigned more : {0U, 0U + kFin, 0U + kRst})
			expectDropped(
			    in, tcp(in, kClient, kFar,
			            static_cast<std::uint8_t>(kSyn | more)));
		expectPasses(in, tcp(in, kClient, kFar, kAck));
	}
}

TEST_F(StateTest, AForgedFirstSegmentDisturbsNoConnection)
{
	connectIn(kIn4);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	const auto before = hits(1);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck));
	EXPECT_EQ(hits(1), before) << "it is new no more";
}

TEST_F(StateTest, PingsOfEitherEnd)
{
	for (const Way out : {kOut4, kOut6}) {
		const Way in = back(out);

		expectDropped(in, echo(in, true, 7));
		expectPasses(out, echo(out, false, 7));
		expectPasses(in, echo(in, true, 7));
		expectDropped(in, echo(in, true, 8));
		expectDropped(in, echo(in, false, 7));
		// The other end must not profit from an identifier of 0.
		expectPasses(out, echo(out, false, 0));
		expectDropped(in, echo(in, false, 0));
	}
	Policy policy = usual();
	policy.tables[0].rules[1] =
	    ruleFor(RuleDirection::In, std::uint8_t{IPPROTO_ICMP});
	policy.tables[0].rules.resize(3);
	use(policy);
	expectPasses(kIn4, echo(kIn4, false, 9));
	expectPasses(kOut4, echo(kOut4, true, 9));
	expectDropped(kOut4, echo(kOut4, true, 10));
	expectDropped(kOut4, echo(kOut4, false, 9));
}

TEST_F(StateTest, AReplyBeginsNothing)
{
	expectPasses(kOut4, echo(kOut4, true, 7));
	expectDropped(kIn4, echo(kIn4, false, 7));
	EXPECT_EQ(sizeOf(maps().openings) + sizeOf(maps().connections), 0U);
}

TEST_F(StateTest, OtherProtocolsGoByTheirAddresses)
{
	for (const Way out : {kOut4, kOut6}) {
		const Way in = back(out);

		expectDropped(in, ip(in, kGre) / payload(32));
		expectPasses(out, ip(out, kGre) / payload(32));
		expectPasses(in, ip(in, kGre) / payload(32));
		expectDropped(in, ip(in, 50) / payload(32));
	}
}

TEST_F(StateTest, SilenceEndsThem)
{
	struct Case {
		Packet out;
		Packet in;
		__u64 seconds;
	};
	const Case cases[] = {
	    {tcp(kOut4, kClient, kFar, kSyn),
	     tcp(kIn4, kClient, kFar, kSyn | kAck), 240},
	    {udp(kOut4, kClient, kFar), udp(kIn4, kClient, kFar), 300},
	    {echo(kOut4, false, 7), echo(kIn4, true, 7), 60},
	    {echo(kOut6, false, 7), echo(kIn6, true, 7), 60},
	    {ip(kOut4, kGre) / payload(32), ip(kIn4, kGre) / payload(32), 300},
	};

	for (const Case &one : cases) {
		forgetState();
		EXPECT_TRUE(egress(one.out).passed);
		EXPECT_TRUE(ingress(one.in).passed);
		age(one.seconds - 1);
		EXPECT_TRUE(ingress(one.in).passed) << "and begins anew";
		age(2);
		EXPECT_TRUE(ingress(one.in).passed);
		age(one.seconds + 1);
		EXPECT_FALSE(ingress(one.in).passed);
	}
}

TEST_F(StateTest, ErrorsAboutAConnection)
{
	for (const Way out : {kOut4, kOut6}) {
		const Way in = back(out);
		const auto unreachable = std::uint8_t(out.v4 ? 3 : 1);
		const auto exceeded = std::uint8_t(out.v4 ? 11 : 3);
		const auto quench = std::uint8_t(out.v4 ? 4 : 100);
		const std::size_t header = out.v4 ? 20 : 40;
		const Packet asked = udp(out, kClient, kFar);

		expectDropped(in, error(in, unreachable, asked));
		expectPasses(out, asked);
		expectPasses(in, error(in, unreachable, asked));
		expectPasses(in, error(in, exceeded, asked, header + 8));
		expectDropped(in, error(in, exceeded, asked, header + 7));
		expectDropped(in, error(in, quench, asked));
		expectDropped(
		    in, error(in, unreachable, udp(out, kClient, kFar + 1)));
		expectDropped(in,
		              error(in, unreachable, udp(in, kClient, kFar)));
		expectPasses(out, echo(out, false, 7));
		expectPasses(in, error(in, exceeded, echo(out, false, 7)));
		expectDropped(in, error(in, exceeded, echo(out, true, 7)));
		expectDropped(in, error(in, exceeded, echo(out, false, 8)));
		expectPasses(out, ip(out, kGre) / payload(32));
		expectPasses(
		    in, error(in, unreachable, ip(out, kGre) / payload(32)));

		// And those of this host about what it has let in.
		const Packet begun = udp(in, kService, kClient);
		const auto answer = error(out, unreachable, begun);
		Policy policy = usual();
		for (TablePolicy &table : policy.tables)
			table.rules.resize(3);
		use(policy);
		expectDropped(out, answer);
		expectPasses(in, begun);
		expectPasses(out, answer);
		use(usual());
	}
}

TEST_F(StateTest, AnErrorIsForWhoHasSentWhatItQuotes)
{
	const Packet asked = Ethernet{} /
	                     Ipv4{.src = kPeer.v4, .dst = kScanner.v4} /
	                     Udp{.sport = kClient, .dport = kFar} / payload(32);
	cloak_flow_key key{};
	cloak_connection value{};

	key.remote_addr = addrOf("192.0.2.66");
	key.local_addr = addrOf("192.0.2.10");
	key.remote = kFar;
	key.local = kClient;
	key.protocol = IPPROTO_UDP;
	value.seen_ns = coarseTime();
	ASSERT_TRUE(maps().connections.put(key, value).ok());
	expectDropped(kIn4, error(kIn4, 3, asked));
}

TEST_F(StateTest, FragmentsOfAnAnswer)
{
	const auto piece = [](std::uint16_t id, bool first) {
		return Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
		       Ipv4{.src = kScanner.v4,
		            .dst = kLake.v4,
		            .protocol = 17,
		            .id = id,
		            .offset = std::uint16_t(first ? 0 : 5),
		            .more = first};
	};
	const Udp header{.sport = kFar, .dport = kClient};

	expectPasses(kOut4, udp(kOut4, kClient, kFar));
	expectDropped(kIn4, piece(7, false) / payload(64));
	expectPasses(kIn4, piece(7, true) / header / payload(32));
	expectPasses(kIn4, piece(7, false) / payload(64));
	expectDropped(kIn4, piece(8, false) / payload(64));
}

TEST_F(StateTest, WhatCannotBeReadBeginsNone)
{
	Policy policy = usual();
	policy.tables[0].rules[1] =
	    ruleFor(RuleDirection::In, std::uint8_t{IPPROTO_TCP});
	use(policy);
	const Packet cut = ip(kIn4, IPPROTO_TCP) / payload(12);

	EXPECT_EQ(run(kIn4, cut).reason, CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(sizeOf(maps().openings), 0U);
	policy.tables[0].rules[1].protocol = {IPPROTO_ICMP, {}};
	use(policy);
	expectPasses(kIn4, ip(kIn4) / Icmp{.type = 13} / payload(12));
	EXPECT_EQ(sizeOf(maps().openings), 0U);
}

TEST_F(StateTest, TablesThatDoNotAskKeepNone)
{
	Policy policy = usual();
	policy.tables[1].verdict = CLOAK_RULE_ALLOW;
	policy.tables[1].rules.clear();
	use(policy);

	expectPasses(kOut6, tcp(kOut6, kClient, kFar, kSyn));
	expectPasses(kIn6, tcp(kIn6, kService, kClient, kSyn));
	EXPECT_EQ(sizeOf(maps().openings) + sizeOf(maps().connections), 0U);
	policy.tables[1].rules = {
	    rule(RuleDirection::In, ConnectionState::New)};
	policy.tables[1].rules[0].states.push_back(
	    ConnectionState::Established);
	use(policy);
	expectPasses(kIn6, tcp(kIn6, kService, kClient, kSyn));
	EXPECT_EQ(sizeOf(maps().openings) + sizeOf(maps().connections), 0U)
	    << "both states are no question";
}

TEST_F(StateTest, TheyOutliveThePolicy)
{
	connectOut(kOut4);
	use(usual());
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
}

} // namespace cloak::test::state
