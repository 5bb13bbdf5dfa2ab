// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tables of rules in the data plane: what they decide, and what is counted.
 */
#include <chrono>

#include "bpf/rule_counters.h"
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"
#include "tests/harness/rules.h"
#include "util/clock.h"

namespace cloak::test
{

namespace
{

const IpAddress kLocal = *parseIp("192.0.2.5");

/** TCP from kPeer, or to it. */
Asked tcp(std::uint16_t remotePort, std::uint16_t localPort, bool in = true)
{
	Asked asked;

	asked.in = in;
	asked.local = kLocal;
	asked.remote = *parseIp("192.0.2.10");
	asked.mac = {kPeer.mac};
	asked.remotePort = remotePort;
	asked.localPort = localPort;
	asked.tcpFlags = kSyn;
	return asked;
}

TablePolicy tableOf(const IpAddress &local)
{
	TablePolicy table;

	table.address.value = local;
	return table;
}

RulePolicy rule(cloak_rule_verdict verdict)
{
	RulePolicy rule;

	rule.verdict.value = verdict;
	return rule;
}

RulePolicy ruleForPort(cloak_rule_verdict verdict, std::uint16_t port)
{
	RulePolicy made = rule(verdict);

	made.destinationPorts = {{port, port}};
	return made;
}

/** The same packet about another address of the lake. */
Asked about(const IpAddress &local, Asked asked)
{
	asked.local = local;
	return asked;
}

/** IPv4 from kPeer, one piece of a datagram. */
Packet piece(std::uint8_t protocol, std::uint16_t offset, bool more)
{
	return Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
	       Ipv4{.src = kPeer.v4,
	            .dst = kLake.v4,
	            .protocol = protocol,
	            .id = 9,
	            .offset = offset,
	            .more = more};
}

/** IPv6 from kPeer. */
Packet ip6()
{
	return Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
	       Ipv6{.src = kPeer.v6, .dst = kLake.v6};
}

/** Some octets of the header of a segment to port 22. */
Raw headerOf22(long first, long last)
{
	const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{.dport = 22}).bytes();
	const auto tcp = frame.end() - 20;

	return Raw{Bytes(tcp + first, tcp + last)};
}

} // namespace

class RulesTest : public CloakTest
{
protected:
	/** Puts one table in force on a wholly cloaked interface. */
	void use(const TablePolicy &table)
	{
		Policy policy;
		InterfacePolicy interface;

		interface.name.value = "one";
		policy.interfaces.push_back(interface);
		policy.tables.push_back(table);
		use(policy);
	}

	/** All but port 22, for both families. */
	void useWithout22()
	{
		Policy policy;
		InterfacePolicy interface;

		interface.name.value = "one";
		policy.interfaces.push_back(interface);
		for (const char *local : {"192.0.2.5", "2001:db8::5"}) {
			policy.tables.push_back(tableOf(*parseIp(local)));
			policy.tables.back().rules = {
			    ruleForPort(CLOAK_RULE_DROP, 22)};
		}
		use(policy);
	}

	void use(const Policy &policy)
	{
		Diagnostics errors;

		compiled_ = compileRules(policy, errors);
		ASSERT_TRUE(errors.empty());
		PolicyText()
		    .whole()
		    .peer("0.0.0.0/0", CLOAK_PEER_INBOUND)
		    .peer("::/0", CLOAK_PEER_INBOUND)
		    .rules(*compiled_)
		    .commit(this->policy());
	}

	/** Compares @p packets packets and one random table with a list. */
	void compare(std::uint32_t seed, const IpAddress &local,
	             std::size_t rules, unsigned packets)
	{
		RuleGenerator generator(seed);
		const Policy made = generator.policy(local, rules);
		const TablePolicy &table = made.tables.front();

		use(made);
		for (unsigned i = 0; i < packets; i++) {
			Asked asked = generator.asked(table);
			asked.established = establish(asked);
			const auto decided = decideLinear(made, table, asked);
			const bool allowed =
			    (decided ? table.rules[*decided].verdict.value
			             : table.verdict) == CLOAK_RULE_ALLOW;

			ASSERT_EQ(run(asked).passed, allowed)
			    << "seed " << seed << ", packet " << i;
		}
	}

	static Outcome run(const Asked &asked)
	{
		return asked.in ? ingress(asked.packet())
		                : egress(asked.packet());
	}

	/**
	 * Makes the packet part of a connection that is established, if it
	 * wants that and can be, or else of none.
	 */
	static bool establish(const Asked &asked)
	{
		cloak_flow_key key{};
		cloak_connection value{};

		if (asked.isIcmp()) {
			forgetState();
			return false;
		}
		key.remote_addr = toAbi(asked.remote);
		key.local_addr = toAbi(asked.local);
		key.protocol = asked.protocol;
		if (asked.hasPorts()) {
			key.remote = asked.remotePort;
			key.local = asked.localPort;
		}
		EXPECT_TRUE(maps().connections.erase(key).ok());
		EXPECT_TRUE(maps().openings.erase(key).ok());
		if (!asked.established ||
		    (asked.protocol == 6 &&
		     (asked.tcpFlags & (kSyn | kAck)) == kSyn))
			return false;
		value.flags = CLOAK_CONNECTION_ANSWERED;
		value.seen_ns = ~0ULL >> 1U; // as if just now, whenever it is
		EXPECT_TRUE(maps().connections.put(key, value).ok());
		return true;
	}

	/** What a counter of the compiled rules stands at. */
	[[nodiscard]] std::uint64_t count(std::uint32_t index) const
	{
		auto counters = RuleCounters::open(maps());
		EXPECT_TRUE(counters.ok());
		auto numbers = counters->claim(maps(), compiled_->keys);
		EXPECT_TRUE(numbers.ok());
		auto values = RuleCounters::read(maps(), *numbers);
		EXPECT_TRUE(values.ok());
		auto alone = RuleCounters::read(
		    maps(), std::span(*numbers).subspan(index, 1));
		EXPECT_TRUE(alone.ok());
		EXPECT_EQ(alone->front().packets, (*values)[index].packets);
		return (*values)[index].packets;
	}

	[[nodiscard]] std::uint64_t hits(std::size_t rule) const
	{
		return count(compiled_->tables.front().rules[rule].counter);
	}

	std::shared_ptr<const CompiledRules> compiled_;
};

TEST_F(RulesTest, FirstRuleThatMatchesDecides)
{
	TablePolicy table = tableOf(kLocal);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {ruleForPort(CLOAK_RULE_DROP, 22),
	               ruleForPort(CLOAK_RULE_ALLOW, 22),
	               ruleForPort(CLOAK_RULE_ALLOW, 4420)};
	use(table);
	const auto before = hits(0);

	EXPECT_EQ(run(tcp(40000, 22)).reason, CLOAK_DROP_RULE);
	EXPECT_EQ(run(tcp(40000, 4420)).reason, CLOAK_PASS_AUTHORISED);
	EXPECT_EQ(run(tcp(40000, 80)).reason, CLOAK_DROP_TABLE);
	EXPECT_EQ(hits(0), before + 1);
	EXPECT_EQ(hits(2), 1U);
}

TEST_F(RulesTest, PriorityGoesBeforeOrder)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {ruleForPort(CLOAK_RULE_ALLOW, 22),
	               ruleForPort(CLOAK_RULE_DROP, 22)};
	table.rules[1].priority = 1;
	use(table);

	EXPECT_EQ(run(tcp(40000, 22)).reason, CLOAK_DROP_RULE);
}

TEST_F(RulesTest, HoldForTheOtherDirectionToo)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {ruleForPort(CLOAK_RULE_DROP, 25)};
	table.rules[0].direction = RuleDirection::Out;
	use(table);

	EXPECT_EQ(run(tcp(25, 40000, false)).reason, CLOAK_DROP_RULE);
	EXPECT_TRUE(run(tcp(26, 40000, false)).passed);
	EXPECT_TRUE(run(tcp(40000, 25)).passed);
}

TEST_F(RulesTest, MonitorLetsPassAndSaysSo)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {ruleForPort(CLOAK_RULE_DROP, 22)};
	table.rules[0].action = CLOAK_MODE_MONITOR;
	use(table);

	Outcome outcome = run(tcp(40000, 22));
	EXPECT_TRUE(outcome.passed);
	EXPECT_TRUE(outcome.monitored);
	EXPECT_EQ(outcome.reason, CLOAK_DROP_RULE);
	const auto seen = events();
	ASSERT_FALSE(seen.empty());
	EXPECT_TRUE(seen.front().event.flags & CLOAK_EVENT_MONITOR);

	table.rules[0].action = CLOAK_MODE_ENFORCE;
	table.action = CLOAK_MODE_MONITOR;
	table.verdict = CLOAK_RULE_DROP;
	use(table);
	EXPECT_TRUE(run(tcp(40000, 22)).monitored);
	outcome = run(tcp(40000, 23));
	EXPECT_TRUE(outcome.passed);
	EXPECT_EQ(outcome.reason, CLOAK_DROP_TABLE);
}

TEST_F(RulesTest, CountingRulesGoOn)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {rule(CLOAK_RULE_COUNT), rule(CLOAK_RULE_LOG),
	               ruleForPort(CLOAK_RULE_DROP, 22),
	               rule(CLOAK_RULE_COUNT)};
	table.rules[0].counter = "everything";
	table.rules[2].counter = "everything";
	use(table);
	const auto before = std::array{hits(0), hits(1), hits(2), hits(3)};
	const auto shared = count(compiled_->shared.front().counter);

	EXPECT_FALSE(run(tcp(40000, 22)).passed);
	EXPECT_TRUE(run(tcp(40000, 23)).passed);
	EXPECT_EQ(hits(0), before[0] + 2);
	EXPECT_EQ(hits(1), before[1] + 2);
	EXPECT_EQ(hits(2), before[2] + 1);
	EXPECT_EQ(hits(3), before[3] + 1) << "not behind the rule that drops";
	EXPECT_EQ(count(compiled_->shared.front().counter), shared + 3);
}

TEST_F(RulesTest, ARangeOfPortsCountsOnce)
{
	struct Range {
		std::uint16_t first;
		std::uint16_t last;
	};

	// Each of them falls into pieces of which some share a bucket.
	for (const auto &[first, last] :
	     {Range{20, 21}, Range{80, 81}, Range{137, 139}, Range{1000, 1040},
	      Range{1, 65534}}) {
		TablePolicy table = tableOf(kLocal);
		table.rules = {rule(CLOAK_RULE_COUNT)};
		table.rules[0].destinationPorts = {{first, last}};
		table.rules[0].counter = "range";
		use(table);
		for (const std::uint16_t port : {first, last}) {
			const auto before = hits(0);
			const auto shared =
			    count(compiled_->shared.front().counter);

			EXPECT_TRUE(run(tcp(40000, port)).passed);
			EXPECT_EQ(hits(0), before + 1) << port;
			EXPECT_EQ(count(compiled_->shared.front().counter),
			          shared + 1)
			    << port;
		}
	}
}

TEST_F(RulesTest, ShadowTheSource)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {ruleForPort(CLOAK_RULE_SHADOW, 23)};
	use(table);
	cloak_account_config config{};
	config.shadow_ns = 3600'000'000'000;
	ASSERT_TRUE(maps().accountConfig.put(0, config).ok());
	const auto shadow = [] {
		return maps().shadows.get(addrOf("192.0.2.10"));
	};

	EXPECT_TRUE(run(tcp(40000, 22)).passed);
	ASSERT_TRUE(shadow().ok());
	EXPECT_FALSE(*shadow());
	EXPECT_TRUE(run(tcp(40000, 23)).passed);
	ASSERT_TRUE(*shadow());
	EXPECT_EQ((*shadow())->causes, 1U << CLOAK_SHADOW_RULE);
}

/** Whoever forges sources leaves room in the table for others. */
TEST_F(RulesTest, ShadowsOfRulesHaveABudget)
{
	constexpr unsigned asked = 8192;
	TablePolicy table = tableOf(kLocal);
	cloak_account_config config{};
	const auto noRoom = [] {
		return accountStats().at(CLOAK_ACCOUNT_NO_ROOM);
	};

	table.rules = {ruleForPort(CLOAK_RULE_SHADOW, 23)};
	use(table);
	config.shadow_ns = 3600'000'000'000;
	ASSERT_TRUE(maps().accountConfig.put(0, config).ok());
	const auto before = noRoom();
	const auto begun = BootClock::now();
	for (unsigned i = 0; i < asked; i++) {
		Asked forged = tcp(40000, 23);

		forged.remote.octets[14] = static_cast<std::uint8_t>(i >> 8U);
		forged.remote.octets[15] = static_cast<std::uint8_t>(i & 255U);
		EXPECT_TRUE(run(forged).passed);
	}
	const std::chrono::duration<double> took = BootClock::now() - begun;
	auto shadows = maps().shadows.entries();
	ASSERT_TRUE(shadows.ok());
	EXPECT_GE(shadows->size(), 4096U);
	EXPECT_EQ(shadows->size() + noRoom() - before, asked);
	// On a slow machine there may be enough for all of them.
	EXPECT_LE(static_cast<double>(shadows->size()),
	          4096 + 1024 * took.count() + 1);
}

TEST_F(RulesTest, LogToUserSpace)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {rule(CLOAK_RULE_LOG)};
	use(table);
	const auto before = stats();

	EXPECT_TRUE(run(tcp(40000, 22)).passed);
	EXPECT_TRUE(run(tcp(22, 40000, false)).passed);
	const auto seen = events();
	ASSERT_EQ(seen.size(), 1U) << "the rule is for what comes in";
	EXPECT_TRUE(seen.front().event.flags & CLOAK_EVENT_RULE);
	EXPECT_EQ(seen.front().event.dport, 22);
	EXPECT_NE(seen.front().event.rule, 0U);
	EXPECT_EQ(stats()[CLOAK_STAT_LOGGED], before[CLOAK_STAT_LOGGED] + 1);
	EXPECT_EQ(stats()[CLOAK_STAT_PROBES], before[CLOAK_STAT_PROBES]);
}

TEST_F(RulesTest, WhatTheCloakDropsIsNotAsked)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {rule(CLOAK_RULE_ALLOW)};
	use(table);
	usualPolicy().rules(*compiled_).commit(policy());

	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_TRUE(ingress(syn(kPeer)).passed);
}

TEST_F(RulesTest, LeaveNeighbourDiscoveryAlone)
{
	TablePolicy table = tableOf(*parseIp("2001:db8::5"));
	table.verdict = CLOAK_RULE_DROP;
	use(table);
	const Packet solicitation =
	    Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
	    Ipv6{.src = kPeer.v6, .dst = kLake.v6, .hops = 255} /
	    Nd{.type = 135, .target = kLake.v6};

	EXPECT_TRUE(ingress(solicitation).passed);
	EXPECT_EQ(ingress(Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
	                  Ipv6{.src = kPeer.v6, .dst = kLake.v6} / Icmp6{})
	              .reason,
	          CLOAK_DROP_TABLE);
}

TEST_F(RulesTest, LaterFragmentsFollowTheFirst)
{
	TablePolicy table = tableOf(kLocal);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {ruleForPort(CLOAK_RULE_ALLOW, 53)};
	use(table);
	const auto piece = [](std::uint16_t id, std::uint16_t offset) {
		return Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
		       Ipv4{.src = kPeer.v4,
		            .dst = kLake.v4,
		            .protocol = 17,
		            .id = id,
		            .offset = offset,
		            .more = offset == 0};
	};

	EXPECT_EQ(ingress(piece(7, 8) / payload(64)).reason, CLOAK_DROP_TABLE);
	EXPECT_TRUE(
	    ingress(piece(7, 0) / Udp{.dport = 53} / payload(56)).passed);
	EXPECT_TRUE(ingress(piece(7, 8) / payload(64)).passed);
	EXPECT_FALSE(
	    ingress(piece(8, 0) / Udp{.dport = 54} / payload(56)).passed);
	EXPECT_FALSE(ingress(piece(8, 8) / payload(64)).passed);
}

TEST_F(RulesTest, TableWithoutRulesSharesNothingWithTheNext)
{
	const IpAddress next = *parseIp("192.0.2.6");
	Policy policy;
	InterfacePolicy interface;
	interface.name.value = "one";
	policy.interfaces.push_back(interface);
	policy.tables = {tableOf(kLocal), tableOf(next)};
	for (TablePolicy &table : policy.tables)
		table.verdict = CLOAK_RULE_DROP;
	policy.tables[1].rules = {ruleForPort(CLOAK_RULE_ALLOW, 443)};
	use(policy);

	EXPECT_EQ(run(tcp(40001, 443)).reason, CLOAK_DROP_TABLE);
	EXPECT_TRUE(run(about(next, tcp(40001, 443))).passed);
	EXPECT_TRUE(run(about(next, tcp(40002, 443))).passed);
	EXPECT_EQ(run(tcp(40002, 443)).reason, CLOAK_DROP_TABLE);
}

TEST_F(RulesTest, DirectionWithoutRulesSharesNothingWithTheOther)
{
	TablePolicy table = tableOf(kLocal);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {rule(CLOAK_RULE_ALLOW)};
	table.rules[0].direction = RuleDirection::Out;
	use(table);

	EXPECT_EQ(run(tcp(443, 40001)).reason, CLOAK_DROP_TABLE);
	EXPECT_TRUE(run(tcp(443, 40001, false)).passed);
	EXPECT_TRUE(run(tcp(443, 40002, false)).passed);
	EXPECT_EQ(run(tcp(443, 40002)).reason, CLOAK_DROP_TABLE);
}

/** RFC 1858: ports in one piece, flags in the next. */
TEST_F(RulesTest, HeaderInPiecesIsDropped)
{
	useWithout22();
	const Packet first = piece(6, 0, true) / headerOf22(0, 8);
	Bytes padded = first.bytes();
	padded.resize(60);

	EXPECT_EQ(ingress(first).reason, CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(ingress(padded).reason, CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(ingress(piece(6, 1, false) / headerOf22(8, 20)).reason,
	          CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(
	    ingress(ip6() / Fragment6{.next = 6} / headerOf22(0, 8)).reason,
	    CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(
	    ingress(ip6() / Fragment6{.offset = 1, .more = false, .next = 6} /
	            headerOf22(8, 20))
		.reason,
	    CLOAK_DROP_BAD_HEADERS);

	EXPECT_EQ(
	    ingress(piece(6, 0, true) / Tcp{.dport = 22} / payload(4)).reason,
	    CLOAK_DROP_RULE);
	EXPECT_TRUE(
	    ingress(piece(6, 0, true) / Tcp{.dport = 23} / payload(4)).passed);
	EXPECT_TRUE(ingress(piece(6, 3, false) / payload(40)).passed);
	EXPECT_TRUE(ingress(piece(17, 1, false) / payload(40)).passed);
}

/** Padding of the frame is no header. */
TEST_F(RulesTest, HeaderEndsWithItsPacket)
{
	useWithout22();
	for (const std::uint8_t protocol : {1, 6, 17, 132}) {
		Bytes frame = (piece(protocol, 0, false) / payload(4)).bytes();
		frame.resize(60);
		EXPECT_EQ(ingress(frame).reason, CLOAK_DROP_BAD_HEADERS)
		    << "protocol " << int{protocol};
		frame = (ip6() / payload(4)).bytes();
		frame[14 + 6] = protocol == 1 ? 58 : protocol;
		frame.resize(80);
		EXPECT_EQ(ingress(frame).reason, CLOAK_DROP_BAD_HEADERS)
		    << "IPv6, protocol " << int{protocol};
	}
}

TEST_F(RulesTest, HeadersOutOfSightAreDropped)
{
	useWithout22();
	Packet endless = ip6();
	for (int i = 0; i < 9; i++)
		endless.append(Extension{.type = 60});

	EXPECT_EQ(ingress(endless / Tcp{.dport = 22}).reason,
	          CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(
	    ingress(ip6() / Extension{.type = 60} / Tcp{.dport = 22}).reason,
	    CLOAK_DROP_RULE);
	EXPECT_EQ(ingress(ip6() / Extension{.type = 60, .body = Bytes(2030)} /
	                  Tcp{.dport = 22})
	              .reason,
	          CLOAK_DROP_BAD_HEADERS);
	EXPECT_EQ(ingress(ip6() / Fragment6{.next = 60} / payload(4)).reason,
	          CLOAK_DROP_BAD_HEADERS);
}

TEST_F(RulesTest, HeadersOutOfSightAreOnlyWatchedInMonitorMode)
{
	TablePolicy table = tableOf(kLocal);
	table.action = CLOAK_MODE_MONITOR;
	use(table);
	const Outcome outcome = ingress(piece(6, 0, true) / headerOf22(0, 8));

	EXPECT_TRUE(outcome.passed);
	EXPECT_TRUE(outcome.monitored);
	EXPECT_EQ(outcome.reason, CLOAK_DROP_BAD_HEADERS);
}

TEST_F(RulesTest, FragmentsFollowForAMinute)
{
	TablePolicy table = tableOf(kLocal);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {ruleForPort(CLOAK_RULE_ALLOW, 53)};
	use(table);

	ASSERT_TRUE(ingress(piece(17, 0, true) / Udp{.dport = 53}).passed);
	age(pieces(), 59);
	EXPECT_TRUE(ingress(piece(17, 1, false) / payload(64)).passed);
	age(pieces(), 61);
	EXPECT_EQ(ingress(piece(17, 1, false) / payload(64)).reason,
	          CLOAK_DROP_TABLE);
}

/** Nobody makes the host forget by fragments what it has begun. */
TEST_F(RulesTest, FragmentsAreNotAmongTheFlowsOfTheHost)
{
	useWithout22();
	ASSERT_TRUE(ingress(piece(17, 0, true) / Udp{.dport = 53}).passed);

	EXPECT_TRUE(maps().flows.keys()->empty());
	EXPECT_EQ(pieces().keys()->size(), 1U);
}

TEST_F(RulesTest, CountersSurviveUnderTheirNames)
{
	TablePolicy table = tableOf(kLocal);
	table.rules = {ruleForPort(CLOAK_RULE_ALLOW, 1),
	               ruleForPort(CLOAK_RULE_ALLOW, 2)};
	table.rules[1].name.value = "kept";
	use(table);
	run(tcp(40000, 2));
	run(tcp(40000, 2));
	const auto before = hits(1);

	table.rules.erase(table.rules.begin());
	table.rules[0].destinationPorts = {{3, 3}};
	use(table);
	EXPECT_EQ(hits(0), before);
	run(tcp(40000, 3));
	EXPECT_EQ(hits(0), before + 1);
}

TEST_F(RulesTest, DecideAsAPlainListWould)
{
	for (std::uint32_t seed = 0; seed < 12; seed++)
		compare(seed, seed % 2 ? kLocal : *parseIp("2001:db8::5"),
		        1 + seed * seed * 4, 250);
}

/** As many as a table is promised to have. */
TEST_F(RulesTest, FiftyThousandDecideAsAPlainListWould)
{
	compare(7, kLocal, 50000, 40);
}

} // namespace cloak::test
