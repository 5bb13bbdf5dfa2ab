// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that ask for the state of a connection: what begins one, what is part
 * of one, and when it is forgotten.
 */
#include <bpf/bpf.h>
#include <netinet/in.h>

#include "bpf/rule_counters.h"
#include "tests/harness/progrun.h"
#include "util/clock.h"

// A namespace of its own, as the files here are compiled together.
namespace cloak::test::state
{

namespace
{

constexpr std::uint16_t kService = 22; //!< anybody may begin with it
constexpr std::uint16_t kFar = 443;    //!< this host may begin with it
constexpr std::uint16_t kClient = 40000;
constexpr std::uint8_t kGre = 47;
constexpr __u64 kSecond = 1'000'000'000;

/** What the lake may send: addresses of one family, and the link. */
struct Way {
	bool v4 = true;
	bool in = true;
};

constexpr Way kIn4{true, true};
constexpr Way kOut4{true, false};
constexpr Way kIn6{false, true};
constexpr Way kOut6{false, false};

Way back(Way way)
{
	return {way.v4, !way.in};
}

/** A packet between the lake and a stranger. */
Packet ip(Way way, std::optional<std::uint8_t> protocol = std::nullopt)
{
	const Host &from = way.in ? kScanner : kLake;
	const Host &to = way.in ? kLake : kScanner;
	const Ethernet link{.src = from.mac, .dst = to.mac};

	if (way.v4)
		return link /
		       Ipv4{.src = from.v4, .dst = to.v4, .protocol = protocol};
	return link / Ipv6{.src = from.v6, .dst = to.v6, .next = protocol};
}

constexpr std::uint32_t kSequence = 0xfffffff0; //!< of the first segment

/** Between @p local of the lake and @p remote. */
Packet tcp(Way way, std::uint16_t local, std::uint16_t remote,
           std::uint8_t flags, std::uint32_t acknowledged = kSequence + 1)
{
	return ip(way) / Tcp{.sport = way.in ? remote : local,
	                     .dport = way.in ? local : remote,
	                     .flags = flags,
	                     .sequence = kSequence,
	                     .acknowledged = acknowledged};
}

Packet udp(Way way, std::uint16_t local, std::uint16_t remote)
{
	return ip(way) /
	       Udp{.sport = way.in ? remote : local,
	           .dport = way.in ? local : remote} /
	       payload(32);
}

Packet echo(Way way, bool reply, std::uint16_t id)
{
	if (way.v4)
		return ip(way) /
		       Icmp{.type = std::uint8_t(reply ? 0 : 8), .id = id} /
		       payload(56);
	return ip(way) /
	       Icmp6{.type = std::uint8_t(reply ? 129 : 128), .id = id} /
	       payload(56);
}

/** An ICMP error that quotes @p about. */
Packet error(Way way, std::uint8_t type, const Packet &about,
             std::size_t length = 2000)
{
	const Bytes frame = about.bytes();
	const auto first = frame.begin() + 14;
	const auto left = static_cast<std::size_t>(frame.end() - first);
	const Raw quote{
	    Bytes(first, first + static_cast<long>(std::min(left, length)))};

	if (way.v4)
		return ip(way) /
		       Icmp{.type = type, .code = 1, .id = 0, .sequence = 0} /
		       quote;
	return ip(way) /
	       Icmp6{.type = type, .code = 1, .id = 0, .sequence = 0} / quote;
}

RulePolicy rule(RuleDirection direction, ConnectionState state)
{
	RulePolicy rule;

	rule.direction = direction;
	rule.states = {state};
	rule.verdict.value = CLOAK_RULE_ALLOW;
	return rule;
}

RulePolicy ruleFor(RuleDirection direction, std::uint16_t port)
{
	RulePolicy made = rule(direction, ConnectionState::New);

	made.destinationPorts = {{port, port}};
	return made;
}

RulePolicy ruleFor(RuleDirection direction, std::uint8_t protocol)
{
	RulePolicy made = rule(direction, ConnectionState::New);

	made.protocol = {protocol, {}};
	return made;
}

/** "Answers to what this host has begun, and one service, nothing else". */
TablePolicy tableOf(const char *address)
{
	TablePolicy table;

	table.address.value = *parseIp(address);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {
	    rule(RuleDirection::In, ConnectionState::Established),
	    ruleFor(RuleDirection::In, kService),
	    rule(RuleDirection::Out, ConnectionState::Established),
	    ruleFor(RuleDirection::Out, kFar),
	    ruleFor(RuleDirection::Out, std::uint8_t{IPPROTO_ICMP}),
	    ruleFor(RuleDirection::Out, std::uint8_t{IPPROTO_ICMPV6}),
	    ruleFor(RuleDirection::Out, kGre),
	};
	return table;
}

Policy usual()
{
	Policy policy;
	InterfacePolicy interface;

	interface.name.value = "one";
	interface.scope.value = CLOAK_SCOPE_ADDRESSES;
	policy.interfaces.push_back(interface);
	policy.tables = {tableOf("192.0.2.5"), tableOf("2001:db8::5")};
	return policy;
}

} // namespace

class StateTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		use(usual());
	}

	void use(const Policy &policy)
	{
		Diagnostics errors;

		compiled_ = compileRules(policy, errors);
		ASSERT_TRUE(errors.empty());
		PolicyText()
		    .addresses()
		    .rules(*compiled_)
		    .commit(this->policy());
	}

	static Outcome run(Way way, const Packet &packet)
	{
		return way.in ? ingress(packet) : egress(packet);
	}

	static void expectPasses(Way way, const Packet &packet)
	{
		EXPECT_EQ(run(way, packet).reason, CLOAK_PASS_VISIBLE);
	}

	/** New, and no rule wants it. */
	static void expectDropped(Way way, const Packet &packet)
	{
		EXPECT_EQ(run(way, packet).reason, CLOAK_DROP_TABLE);
	}

	/** Packets that a rule of the table for IPv4 has decided about. */
	[[nodiscard]] std::uint64_t hits(std::size_t rule) const
	{
		const auto key = compiled_->tables.front().rules[rule].counter;
		auto counters = RuleCounters::open(maps());
		EXPECT_TRUE(counters.ok());
		auto numbers = counters->claim(maps(), compiled_->keys);
		EXPECT_TRUE(numbers.ok());
		auto values = RuleCounters::read(
		    maps(), std::span(*numbers).subspan(key, 1));
		EXPECT_TRUE(values.ok());
		return values->front().packets;
	}

	/** How many connections a map has. */
	static std::size_t sizeOf(const ConnectionMap &map)
	{
		auto keys = map.keys();

		EXPECT_TRUE(keys.ok());
		return keys->size();
	}

	/** Lets all of them be silent for so long. */
	static void age(__u64 seconds)
	{
		for (const auto *map :
		     {&maps().connections, &maps().openings}) {
			auto entries = map->entries();
			ASSERT_TRUE(entries.ok());
			for (auto [key, value] : *entries) {
				value.seen_ns =
				    coarseTime() - seconds * kSecond;
				ASSERT_TRUE(map->put(key, value).ok());
			}
		}
	}

	/** A handshake that this host begins. */
	static void connectOut(Way way, std::uint16_t local = kClient)
	{
		expectPasses(way, tcp(way, local, kFar, kSyn));
		expectPasses(back(way),
		             tcp(back(way), local, kFar, kSyn | kAck));
		expectPasses(way, tcp(way, local, kFar, kAck));
	}

	/** One that begins elsewhere. */
	static void connectIn(Way way, std::uint16_t remote = kClient)
	{
		expectPasses(way, tcp(way, kService, remote, kSyn));
		expectPasses(back(way),
		             tcp(back(way), kService, remote, kSyn | kAck));
		expectPasses(way, tcp(way, kService, remote, kAck));
	}

	std::shared_ptr<const CompiledRules> compiled_;
};

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

TEST_F(StateTest, AProvenConnectionMayBeSilentForHours)
{
	connectOut(kOut4);
	age(7440 - 1);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	age(7440 + 1);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
}

TEST_F(StateTest, FinsOfBothEndsEndIt)
{
	connectOut(kOut4);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kFin | kAck));
	age(241);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kFin | kAck));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	age(241);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
}

TEST_F(StateTest, ThePortsOfOneThatHasEndedMayBeUsedAgain)
{
	connectIn(kIn4);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kFin | kAck));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kFin | kAck));
	connectIn(kIn4);
	age(241);
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck));
}

TEST_F(StateTest, OnlyAResetOfThisHostEndsIt)
{
	connectOut(kOut4);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kRst));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kRst));
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectDropped(kOut4, tcp(kOut4, kService, kClient, kRst));
}

TEST_F(StateTest, AResetIsNoAnswerThatProves)
{
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kRst | kAck));
	age(241);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kRst | kAck));
}

TEST_F(StateTest, OnlyAHandshakeLeadsAmongTheProven)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U) << "nobody has answered";
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
	EXPECT_EQ(sizeOf(maps().openings), 0U);

	for (int i = 0; i < 3; ++i) {
		expectPasses(kIn4, udp(kIn4, kService, kClient));
		expectPasses(kOut4, udp(kOut4, kService, kClient));
	}
	EXPECT_EQ(sizeOf(maps().connections), 1U);
	EXPECT_EQ(sizeOf(maps().openings), 1U);
}

/** Who forges the end of a handshake has not seen its middle. */
TEST_F(StateTest, AGuessedNumberProvesNothing)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	for (const std::uint32_t off : {0U, 0U - 1U, 1U + 65536U, 1U << 31U}) {
		expectPasses(
		    kIn4, tcp(kIn4, kService, kClient, kAck, kSequence + off));
		EXPECT_EQ(sizeOf(maps().connections), 0U) << off;
	}
	// The segments in between may have been lost.
	expectPasses(kIn4,
	             tcp(kIn4, kService, kClient, kAck, kSequence + 1 + 65535));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
}

/** A second SYN is answered with no SYN, and makes the kernel forget both. */
TEST_F(StateTest, AGuessedNumberBehindASecondFirstSegmentProvesNothing)
{
	for (const Way in : {kIn4, kIn6}) {
		const Way out = back(in);

		expectPasses(in, tcp(in, kService, kClient, kSyn));
		expectPasses(out, tcp(out, kService, kClient, kSyn | kAck));
		expectPasses(in, tcp(in, kService, kClient, kSyn, 0));
		expectPasses(out, tcp(out, kService, kClient, kAck));
		for (const std::uint32_t guess :
		     {1U << 20U, kSequence - 1, 1U << 30U})
			expectPasses(in,
			             tcp(in, kService, kClient, kAck, guess));
		EXPECT_EQ(sizeOf(maps().connections), 0U);
	}
}

/** One in the middle, as it was forgotten here. */
TEST_F(StateTest, WhatGoesOnIsProvenByWhatItAcknowledges)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 1U << 20U));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck | kPsh));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 1U << 20U));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, kSequence - 9));
	EXPECT_EQ(sizeOf(maps().connections), 1U) << "the last is on its way";
}

/** Its SYN has come by another way, or was forgotten in a flood. */
TEST_F(StateTest, WhatBeginsWithAnAnswerIsProvenBySomebodyElse)
{
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn | kAck));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck, 1U << 20U));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn | kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
}

/** The host's second answer, to the same question, begins anew. */
TEST_F(StateTest, TheLastAnswerIsAcknowledged)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kOut4, ip(kOut4) / Tcp{.sport = kService,
	                                    .dport = kClient,
	                                    .flags = kSyn | kAck,
	                                    .sequence = 7});
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 8));
	EXPECT_EQ(sizeOf(maps().connections), 1U) << "8 is not far behind";
}

TEST_F(StateTest, AFloodPushesOutWhatIsNotProven)
{
	constexpr std::size_t source = 14 + 12; // in an IPv4 header
	std::vector<Bytes> flood(CLOAK_MAX_OPENINGS * 9 / 8,
	                         tcp(kIn4, kService, kClient, kSyn).bytes());

	connectOut(kOut4);
	expectPasses(kOut4, udp(kOut4, kClient, kFar));
	connectIn(kIn4);
	for (std::size_t i = 0; i < flood.size(); ++i) {
		flood[i][source] = 10;
		flood[i][source + 1] = static_cast<std::uint8_t>(i >> 16);
		flood[i][source + 2] = static_cast<std::uint8_t>(i >> 8);
		flood[i][source + 3] = static_cast<std::uint8_t>(i);
	}
	ingressAll(flood);
	EXPECT_LE(sizeOf(maps().openings), std::size_t{CLOAK_MAX_OPENINGS});
	EXPECT_GT(sizeOf(maps().openings), CLOAK_MAX_OPENINGS / 2U);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kIn4, udp(kIn4, kClient, kFar));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck));
	expectDropped(kIn4, udp(kIn4, kClient, kFar + 1));
	connectIn(kIn4, kClient + 1);
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
