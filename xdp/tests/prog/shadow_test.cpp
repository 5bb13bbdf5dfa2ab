// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Who is shadowed, what is accounted of him, and what decoys let in.
 */
#include <algorithm>
#include <thread>

#include "bpf/records.h"
#include "tests/harness/probe_frames.h"
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"
#include "util/clock.h"

namespace cloak::test
{

namespace
{

constexpr std::uint64_t kSecond = 1'000'000'000;

Packet tcp(const Host &from, const Host &to, std::uint16_t sport,
           std::uint16_t dport, std::uint8_t flags)
{
	return Ethernet{.src = from.mac, .dst = to.mac} /
	       Ipv4{.src = from.v4, .dst = to.v4} /
	       Tcp{.sport = sport, .dport = dport, .flags = flags};
}

Packet probe(std::uint16_t port, std::uint8_t flags = kSyn)
{
	return tcp(kScanner, kLake, 40000, port, flags);
}

Packet echo(const Host &from, const Host &to, std::uint8_t type)
{
	return Ethernet{.src = from.mac, .dst = to.mac} /
	       Ipv4{.src = from.v4, .dst = to.v4} / Icmp{.type = type};
}

} // namespace

class ShadowTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		usualPolicy().commit(policy());
		configure(config());
		// Whatever tokens other tests have used, there are enough.
		cloak_config plenty{};
		plenty.abi_version = CLOAK_ABI_VERSION;
		plenty.events_per_second = 1000000;
		plenty.sources_per_second = 1000000;
		plenty.sources_burst = ~0U;
		configure(plenty);
		before_ = accountStats();
	}

	static cloak_account_config config()
	{
		cloak_account_config config{};

		config.shadow_ns = 3600 * kSecond;
		config.snaplen = 64;
		config.copies_per_second = 100;
		config.all_copies_per_second = 1000;
		return config;
	}

	static cloak_shadow shadowOf(const std::string &addr)
	{
		auto shadow = maps().shadows.get(addrOf(addr));

		EXPECT_TRUE(shadow.ok() && *shadow) << addr;
		if (!shadow.ok() || !*shadow)
			return {};
		cloak_shadow_sum(&**shadow);
		return **shadow;
	}

	static std::size_t shadows() { return maps().shadows.keys()->size(); }

	static std::vector<std::pair<cloak_record_key, cloak_record>> records()
	{
		auto entries = readRecords(maps().records);

		EXPECT_TRUE(entries.ok());
		return *entries;
	}

	[[nodiscard]] std::uint64_t stat(cloak_account_stat which) const
	{
		return accountStats().at(which) - before_.at(which);
	}

	void expectSums() const
	{
		EXPECT_EQ(stat(CLOAK_ACCOUNT_PACKETS),
		          stat(CLOAK_ACCOUNT_FILED) + stat(CLOAK_ACCOUNT_FULL) +
		              stat(CLOAK_ACCOUNT_OVER_BUDGET));
		EXPECT_EQ(stat(CLOAK_ACCOUNT_SHADOWED),
		          stat(CLOAK_ACCOUNT_COPIED) +
		              stat(CLOAK_ACCOUNT_UNWANTED) +
		              stat(CLOAK_ACCOUNT_LIMITED) +
		              stat(CLOAK_ACCOUNT_FAILED));
	}

	static void shadowByHand(const std::string &addr, std::uint64_t until)
	{
		cloak_shadow shadow{};

		shadow.until_ns = until;
		shadow.causes = 1U << CLOAK_SHADOW_MANUAL;
		ASSERT_TRUE(maps().shadows.put(addrOf(addr), shadow).ok());
		gate(CLOAK_GATE_SHADOWS, 1);
	}

	/** @param perSecond so many copies are given out of a source. */
	static void probeWithCopies(unsigned perSecond, unsigned probes)
	{
		cloak_account_config little = config();

		little.copies_per_second = perSecond;
		configure(little);
		for (unsigned i = 0; i < probes; i++)
			ingress(probe(22));
	}

	/** Changes what is known of a source, and the only flow, of it. */
	template <typename Change>
	static void change(const std::string &addr, Change change)
	{
		auto shadow = maps().shadows.get(addrOf(addr));
		auto flows = maps().records.entries();

		ASSERT_TRUE(shadow.ok() && *shadow && flows.ok());
		ASSERT_EQ(flows->size(), 1U);
		auto &[key, record] = flows->front();
		change(**shadow, record);
		ASSERT_TRUE(maps().shadows.put(addrOf(addr), **shadow).ok());
		ASSERT_TRUE(maps().records.put(key, record).ok());
	}

	/** The kernel's tick is another one then, whatever its HZ. */
	static void nextTick()
	{
		std::this_thread::sleep_for(std::chrono::milliseconds(25));
	}

private:
	AccountStats before_{};
};

TEST_F(ShadowTest, ProberIsShadowedForTheTime)
{
	const std::uint64_t now = static_cast<std::uint64_t>(
	    BootClock::now().time_since_epoch().count());

	ingress(probe(22));
	EXPECT_EQ(maps().gates.get(CLOAK_GATE_SHADOWS)->value_or(0), 1U);
	const cloak_shadow shadow = shadowOf("192.0.2.66");
	EXPECT_EQ(shadow.causes, 1U << CLOAK_SHADOW_PROBE);
	EXPECT_GE(shadow.since_ns, now);
	EXPECT_EQ(shadow.until_ns, shadow.since_ns + 3600 * kSecond);
	EXPECT_EQ(stat(CLOAK_ACCOUNT_SHADOWS), 1U);
	expectSums();
}

TEST_F(ShadowTest, EveryFlowHasARecord)
{
	ingress(probe(22));
	ingress(probe(22));
	ingress(probe(80));
	ingress(probe(22, kFin));

	const auto flows = records();
	ASSERT_EQ(flows.size(), 2U);
	const auto ssh = std::ranges::find_if(
	    flows, [](const auto &one) { return one.first.local_port == 22; });
	ASSERT_NE(ssh, flows.end());
	const auto &[key, record] = *ssh;
	EXPECT_EQ(key.remote_port, 40000);
	EXPECT_EQ(key.protocol, 6);
	EXPECT_EQ(key.ethertype, 0x0800);
	EXPECT_EQ(key.ifindex, kIfindex);
	EXPECT_EQ(record.packets[CLOAK_INGRESS], 3U);
	EXPECT_EQ(record.bytes[CLOAK_INGRESS], 3U * 40);
	EXPECT_EQ(record.dropped[CLOAK_INGRESS], 3U);
	EXPECT_EQ(record.packets[CLOAK_EGRESS], 0U);
	EXPECT_EQ(record.tcp_flags[CLOAK_INGRESS], kSyn | kFin);
	EXPECT_EQ(record.reason[CLOAK_INGRESS], CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(record.flags, CLOAK_RECORD_SHADOWED);
	EXPECT_EQ(record.first, CLOAK_INGRESS);
	EXPECT_GE(record.last_ns, record.first_ns);
	EXPECT_TRUE(std::ranges::equal(record.mac, kScanner.mac));
	EXPECT_EQ(shadowOf("192.0.2.66").packets[CLOAK_INGRESS], 4U);
	EXPECT_EQ(shadowOf("192.0.2.66").unfiled, 0U);
	expectSums();
}

TEST_F(ShadowTest, BothDirectionsAreOneFlow)
{
	shadowByHand("192.0.2.10", ~0ULL);
	ingress(tcp(kPeer, kLake, 50000, 4420, kSyn));
	egress(tcp(kLake, kPeer, 4420, 50000, kSyn | kAck));
	ingress(echo(kPeer, kLake, 8));
	egress(echo(kLake, kPeer, 0));

	const auto flows = records();
	ASSERT_EQ(flows.size(), 2U);
	for (const auto &[key, record] : flows) {
		EXPECT_EQ(record.packets[CLOAK_INGRESS], 1U);
		EXPECT_EQ(record.packets[CLOAK_EGRESS], 1U);
		EXPECT_EQ(record.reason[CLOAK_INGRESS], CLOAK_PASS_AUTHORISED);
		EXPECT_EQ(record.dropped[CLOAK_INGRESS], 0U);
	}
	EXPECT_EQ(shadowOf("192.0.2.10").packets[CLOAK_EGRESS], 2U);
	expectSums();
}

/** The card takes a tag off what comes in; what goes out still has it. */
TEST_F(ShadowTest, OneFlowIfOneDirectionHasATag)
{
	shadowByHand("192.0.2.10", ~0ULL);
	ingress(tcp(kPeer, kLake, 50000, 4420, kSyn));
	egress(Ethernet{.src = kLake.mac, .dst = kPeer.mac} / Vlan{.id = 7} /
	       Ipv4{.src = kLake.v4, .dst = kPeer.v4} /
	       Tcp{.sport = 4420, .dport = 50000, .flags = kSyn | kAck});

	const auto flows = records();
	ASSERT_EQ(flows.size(), 1U);
	EXPECT_EQ(flows[0].second.vlan, 7);
	EXPECT_EQ(flows[0].second.packets[CLOAK_INGRESS], 1U);
	EXPECT_EQ(flows[0].second.packets[CLOAK_EGRESS], 1U);
}

TEST_F(ShadowTest, OthersAndThoseWhoseTimeIsOverAreNot)
{
	ingress(tcp(kPeer, kLake, 50000, 4420, kSyn));
	EXPECT_EQ(shadows(), 0U);
	shadowByHand("192.0.2.10", 1);
	ingress(tcp(kPeer, kLake, 50000, 4420, kSyn));
	EXPECT_TRUE(records().empty());
	EXPECT_EQ(stat(CLOAK_ACCOUNT_PACKETS), 0U);
}

TEST_F(ShadowTest, AForgedAddressIsNotShadowed)
{
	usualPolicy()
	    .bound("192.0.2.77", CLOAK_PEER_INBOUND, kPeer.mac)
	    .commit(policy());
	Host forger = kScanner;
	forger.v4 = {192, 0, 2, 77};
	EXPECT_EQ(ingress(tcp(forger, kLake, 1, 2, kSyn)).reason,
	          CLOAK_DROP_WRONG_MAC);
	EXPECT_EQ(shadows(), 0U);
}

/** Nor is this host, whose address anybody can use. */
TEST_F(ShadowTest, NoAddressOfThisHostIsShadowed)
{
	Host thief = kScanner;
	thief.v4 = kLake.v4;

	EXPECT_EQ(ingress(tcp(thief, kLake, 1, 2, kSyn)).reason,
	          CLOAK_DROP_UNAUTHORISED);
	EXPECT_EQ(ingress(arpTo(thief, kBroadcast)).reason, CLOAK_DROP_ARP);
	EXPECT_EQ(shadows(), 0U);
	ingress(probe(22));
	EXPECT_EQ(shadows(), 1U);
}

TEST_F(ShadowTest, StrayPacketsShadowNobody)
{
	ingress(probe(22, kSyn | kAck));
	ingress(probe(22, kRst));
	EXPECT_EQ(shadows(), 0U);
	ingress(probe(22));
	EXPECT_EQ(shadows(), 1U);
}

TEST_F(ShadowTest, NobodyWithoutTime)
{
	configure(cloak_account_config{});
	ingress(probe(22));
	EXPECT_EQ(shadows(), 0U);
	EXPECT_TRUE(records().empty());
}

TEST_F(ShadowTest, AllFlowsIfWanted)
{
	gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_ALL);
	ingress(tcp(kPeer, kLake, 50000, 4420, kSyn));
	ingress(Ethernet{.src = kPeer.mac, .dst = kLake.mac} / Vlan{.id = 7} /
	        Ipv4{.src = kPeer.v4, .dst = kLake.v4} /
	        Udp{.sport = 50000, .dport = 53});
	ingress(Ethernet{.src = kPeer.mac, .dst = kBroadcast} /
	        Arp{.sha = kPeer.mac, .spa = kPeer.v4, .tpa = kLake.v4});

	const auto flows = records();
	ASSERT_EQ(flows.size(), 3U);
	EXPECT_TRUE(std::ranges::any_of(
	    flows,
	    [](const auto &one) {
		    return one.second.vlan == 7 && one.first.protocol == 17;
	    }));
	EXPECT_TRUE(std::ranges::any_of(
	    flows,
	    [](const auto &one) {
		    return one.first.ethertype == 0x0806 &&
		           one.second.bytes[CLOAK_INGRESS] == 28;
	    }));
	EXPECT_TRUE(std::ranges::none_of(flows, [](const auto &one) {
		return (one.second.flags & CLOAK_RECORD_SHADOWED) != 0;
	}));
	EXPECT_EQ(stat(CLOAK_ACCOUNT_SHADOWED), 0U);
	expectSums();
}

TEST_F(ShadowTest, NewFlowsOfASourceAreBudgeted)
{
	// More than at once and what comes back meanwhile.
	constexpr unsigned many = 40000;

	ingress(probe(22));
	const Bytes frame = probe(22).bytes();
	std::vector<Bytes> frames(many, frame);
	for (unsigned port = 1; port <= many; port++) {
		frames[port - 1][36] = static_cast<std::uint8_t>(port >> 8U);
		frames[port - 1][37] = static_cast<std::uint8_t>(port);
	}
	ingressAll(frames);
	const cloak_shadow shadow = shadowOf("192.0.2.66");
	EXPECT_EQ(shadow.packets[CLOAK_INGRESS], many + 1U);
	EXPECT_EQ(shadow.unfiled, stat(CLOAK_ACCOUNT_OVER_BUDGET));
	EXPECT_EQ(stat(CLOAK_ACCOUNT_RECORDS), records().size());
	EXPECT_GE(records().size(), 16384U);
	EXPECT_LT(records().size(), many);
	expectSums();
}

TEST_F(ShadowTest, EvidenceIsBoundedAndCounted)
{
	probeWithCopies(1, 300);
	EXPECT_EQ(stat(CLOAK_ACCOUNT_SHADOWED), 300U);
	// Nobody reads the perf buffer: what was tried has failed.
	EXPECT_GE(stat(CLOAK_ACCOUNT_FAILED), 1U);
	EXPECT_GT(stat(CLOAK_ACCOUNT_LIMITED), 0U);
	const cloak_shadow shadow = shadowOf("192.0.2.66");
	EXPECT_EQ(shadow.copied + shadow.uncopied, 300U);
	expectSums();
}

TEST_F(ShadowTest, EvidenceComesBack)
{
	probeWithCopies(100, 300);
	ASSERT_GT(stat(CLOAK_ACCOUNT_LIMITED), 0U);
	const std::uint64_t tried = stat(CLOAK_ACCOUNT_FAILED);
	nextTick();
	ingress(probe(22));
	EXPECT_EQ(stat(CLOAK_ACCOUNT_FAILED), tried + 1);
	expectSums();
}

TEST_F(ShadowTest, EveryCpuCountsFlowsAndShadows)
{
	cloak_shadow shadow{};
	cloak_record record{};

	probeWithCopies(1, 20);
	// As if another one had been first.
	change("192.0.2.66", [&](auto &ofSource, auto &ofFlow) {
		ofSource.home_cpu += 1000;
		ofFlow.home_cpu += 1000;
		shadow = ofSource;
		record = ofFlow.record;
	});
	for (unsigned i = 0; i < 20; i++)
		ingress(probe(22));

	const auto split = maps().shadows.get(addrOf("192.0.2.66"));
	ASSERT_TRUE(split.ok() && *split);
	EXPECT_EQ((*split)->packets[CLOAK_INGRESS],
	          shadow.packets[CLOAK_INGRESS]);
	EXPECT_EQ((*split)->bytes[CLOAK_INGRESS], shadow.bytes[CLOAK_INGRESS]);
	EXPECT_EQ((*split)->uncopied, shadow.uncopied);
	const auto flows = maps().records.entries();
	ASSERT_TRUE(flows.ok());
	ASSERT_EQ(flows->size(), 1U);
	const cloak_record &flow = flows->front().second.record;
	EXPECT_EQ(flow.packets[CLOAK_INGRESS], record.packets[CLOAK_INGRESS]);
	EXPECT_EQ(flow.bytes[CLOAK_INGRESS], record.bytes[CLOAK_INGRESS]);
	EXPECT_EQ(flow.dropped[CLOAK_INGRESS], record.dropped[CLOAK_INGRESS]);

	const cloak_shadow sum = shadowOf("192.0.2.66");
	EXPECT_EQ(sum.packets[CLOAK_INGRESS], 40U);
	EXPECT_EQ(sum.bytes[CLOAK_INGRESS], 40U * 40);
	EXPECT_EQ(sum.copied + sum.uncopied, 40U);
	EXPECT_EQ(records()[0].second.packets[CLOAK_INGRESS], 40U);
	EXPECT_EQ(records()[0].second.bytes[CLOAK_INGRESS], 40U * 40);
	EXPECT_EQ(records()[0].second.dropped[CLOAK_INGRESS], 40U);
	expectSums();
}

TEST_F(ShadowTest, ATickLaterItIsLookedAgain)
{
	ingress(probe(22));
	const cloak_record before = records().at(0).second;
	EXPECT_EQ(before.last_ns, before.first_ns);
	nextTick();
	ingress(probe(22));
	const cloak_record after = records().at(0).second;
	EXPECT_GT(after.last_ns, before.last_ns);

	cloak_account_config never = config();
	never.shadow_ns = 0;
	configure(never);
	change("192.0.2.66", [](auto &ofSource, auto & /*ofFlow*/) {
		ofSource.until_ns = 1;
	});
	nextTick();
	ingress(probe(22));
	EXPECT_EQ(records().at(0).second.packets[CLOAK_INGRESS], 2U);
}

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

} // namespace cloak::test
