// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Who is shadowed, and what is accounted of him.
 */
#include <algorithm>
#include <thread>

#include "flows/shadows.h"
#include "tests/harness/probe_frames.h"
#include "tests/harness/probes.h"
#include "tests/prog/shadow.h"

namespace cloak::test::shadow
{

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

/** Who was silent for longest goes, unless somebody wants him. */
TEST_F(ShadowTest, RoomIsMadeBeforeTheTableIsFull)
{
	constexpr unsigned crowd = CLOAK_MAX_SHADOWS / 4 * 3;
	const BootTime now = BootClock::now();
	const auto nth = [](unsigned i) {
		cloak_addr address = addrOf("203.0.0.0");

		address.bytes[14] = static_cast<std::uint8_t>(i >> 8U);
		address.bytes[15] = static_cast<std::uint8_t>(i);
		return address;
	};
	const auto shadowed = [&](unsigned i) {
		auto entry = maps().shadows.get(nth(i));
		return entry.ok() && entry->has_value();
	};
	const auto add = [&](unsigned i, cloak_shadow_cause cause) {
		cloak_shadow shadow{};

		shadow.until_ns =
		    static_cast<__u64>((now + std::chrono::seconds(60 + i))
		                           .time_since_epoch()
		                           .count());
		shadow.causes = 1U << cause;
		ASSERT_TRUE(maps().shadows.put(nth(i), shadow).ok());
	};

	add(0, CLOAK_SHADOW_MANUAL);
	add(1, CLOAK_SHADOW_DECOY);
	for (unsigned i = 2; i < crowd - 1; i++)
		add(i, i % 2 != 0 ? CLOAK_SHADOW_PROBE : CLOAK_SHADOW_RULE);
	gate(CLOAK_GATE_SHADOWS, 1);
	auto left = expireShadows(maps(), now);
	ASSERT_TRUE(left.ok());
	EXPECT_EQ(left->going, crowd - 1);
	EXPECT_EQ(left->crowdedOut, 0U);

	add(crowd - 1, CLOAK_SHADOW_PROBE);
	left = expireShadows(maps(), now);
	ASSERT_TRUE(left.ok());
	EXPECT_EQ(left->going, CLOAK_MAX_SHADOWS / 2U);
	EXPECT_EQ(left->crowdedOut, crowd - CLOAK_MAX_SHADOWS / 2U);
	EXPECT_TRUE(shadowed(0) && shadowed(1) && shadowed(crowd - 1));
	EXPECT_FALSE(shadowed(2) || shadowed(left->crowdedOut + 1));
	EXPECT_TRUE(shadowed(left->crowdedOut + 2));

	left = expireShadows(maps(), now + std::chrono::hours(24));
	ASSERT_TRUE(left.ok());
	EXPECT_EQ(left->going, 0U);
	EXPECT_EQ(maps().gates.get(CLOAK_GATE_SHADOWS).valueOr(1), 0U);

	// Decoys can be touched by forged sources as well.
	add(0, CLOAK_SHADOW_MANUAL);
	for (unsigned i = 1; i < crowd; i++)
		add(i, CLOAK_SHADOW_DECOY);
	gate(CLOAK_GATE_SHADOWS, 1);
	left = expireShadows(maps(), now);
	ASSERT_TRUE(left.ok());
	EXPECT_EQ(left->going, CLOAK_MAX_SHADOWS / 2U);
	EXPECT_TRUE(shadowed(0) && shadowed(crowd - 1));
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

} // namespace cloak::test::shadow
