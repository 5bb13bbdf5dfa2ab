// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is reported, how often, and that nothing is lost in the count.
 */
#include <algorithm>
#include <chrono>
#include <thread>

#include "bpf/sources.h"
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

namespace
{

Packet syn(const Host &from, std::uint16_t port)
{
	return Ethernet{.src = from.mac, .dst = kLake.mac} /
	       Ipv4{.src = from.v4, .dst = kLake.v4} / Tcp{.dport = port};
}

// Buckets of tokens live on from test to test: one MAC for each that uses
// them up.
constexpr Mac kFlooder = {0x02, 0, 0, 0, 1, 1};

Host hostNumber(unsigned number, const Mac &mac = kScanner.mac)
{
	Host host = kScanner;

	host.mac = mac;
	host.v4 = {203, 0, static_cast<std::uint8_t>(number >> 8U),
	           static_cast<std::uint8_t>(number)};
	return host;
}

/** A flood of single SYNs, sent at once: budgets grow with time. */
std::vector<Bytes> floodOf(unsigned sources, const Mac &mac)
{
	std::vector<Bytes> frames;

	for (unsigned number = 1; number <= sources; ++number)
		frames.push_back(syn(hostNumber(number, mac), 1).bytes());
	return frames;
}

std::uint64_t since(const EventStats &before, const EventStats &after,
                    cloak_event_stat which)
{
	return after.at(which) - before.at(which);
}

} // namespace

class ReportTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		usualPolicy().commit(policy());
		before_ = stats();
	}

	[[nodiscard]] std::uint64_t stat(cloak_event_stat which) const
	{
		return since(before_, stats(), which);
	}

	/** The equation of the ABI, and the drops it is about. */
	void expectAllAccounted(std::uint64_t probes) const
	{
		EXPECT_EQ(stat(CLOAK_STAT_PROBES), probes);
		EXPECT_EQ(stat(CLOAK_STAT_SENT) + stat(CLOAK_STAT_SUPPRESSED) +
		              stat(CLOAK_STAT_RATE_LIMITED) +
		              stat(CLOAK_STAT_FAILED),
		          probes);
	}

	static cloak_source only()
	{
		auto sources = readAccounts(maps().sources);

		EXPECT_TRUE(sources.ok());
		EXPECT_EQ(sources->size(), 1U);
		return sources->empty() ? cloak_source{}
		                        : sources->front().second;
	}

private:
	EventStats before_{};
};

TEST_F(ReportTest, TellsWhatTheProbeWas)
{
	ingress(syn(kScanner, 4420));

	const auto seen = events();
	ASSERT_EQ(seen.size(), 1U);
	const cloak_event &event = seen[0].event;
	EXPECT_EQ(event.sport, 40000);
	EXPECT_EQ(event.dport, 4420);
	EXPECT_EQ(event.protocol, 6);
	EXPECT_EQ(event.tcp_flags, kSyn);
	EXPECT_EQ(event.ethertype, 0x0800);
	EXPECT_EQ(event.flags, CLOAK_EVENT_FIRST | CLOAK_EVENT_NEW_KIND |
	                           CLOAK_EVENT_COUNT | CLOAK_EVENT_V4 |
	                           CLOAK_EVENT_PORTS);
	EXPECT_TRUE(
	    std::ranges::equal(event.target.bytes, addrOf("192.0.2.5").bytes));
	EXPECT_TRUE(std::ranges::equal(event.source.addr.bytes,
	                               addrOf("192.0.2.66").bytes));
	EXPECT_GT(event.time_ns, 0U);
	EXPECT_EQ(event.totals.probes, 1U);
	EXPECT_EQ(event.totals.events, 1U);
	EXPECT_EQ(event.totals.first_ns, event.time_ns);
}

TEST_F(ReportTest, TargetOfArpAndTagsAreTold)
{
	ingress(Ethernet{.src = kScanner.mac, .dst = kBroadcast} /
	        Vlan{.id = 100, .tpid = 0x88a8} / Vlan{.id = 7} /
	        Arp{.sha = kScanner.mac, .spa = kScanner.v4, .tpa = kLake.v4});

	const auto seen = events();
	ASSERT_EQ(seen.size(), 1U);
	const cloak_event &event = seen[0].event;
	EXPECT_EQ(event.vlan_count, 2);
	EXPECT_EQ(event.vlans[0], 100);
	EXPECT_EQ(event.vlans[1], 7);
	EXPECT_EQ(event.ethertype, 0x0806);
	EXPECT_TRUE(
	    std::ranges::equal(event.target.bytes, addrOf("192.0.2.5").bytes));
}

TEST_F(ReportTest, EightAreToldAndThenThoseAtPowersOfTwo)
{
	for (std::uint16_t port = 1; port <= 100; port++)
		ingress(syn(kScanner, port));

	const auto seen = events();
	ASSERT_EQ(seen.size(), 11U); // 1 to 8, 16 32 64
	EXPECT_TRUE(std::ranges::any_of(seen, [](const Seen &one) {
		return one.event.totals.probes == 64;
	}));
	expectAllAccounted(100);
	EXPECT_EQ(stat(CLOAK_STAT_SUPPRESSED), 89U);
	const cloak_source source = only();
	EXPECT_EQ(source.probes, 100U);
	EXPECT_EQ(source.events, 11U);
	EXPECT_NEAR(static_cast<double>(estimateDistinct(source.ports)), 100,
	            20);
	EXPECT_EQ(estimateDistinct(source.targets), 1U);
}

/** The counts of the CPU that saw a source first, and of all the others. */
TEST_F(ReportTest, EveryCpuCounts)
{
	const std::uint64_t each = syn(kScanner, 1).bytes().size();
	const auto send = [](std::uint16_t from, std::uint16_t to) {
		for (std::uint16_t port = from; port <= to; ++port)
			ingress(syn(kScanner, port));
	};

	send(1, 20);
	auto known = maps().sources.entries();
	ASSERT_TRUE(known.ok());
	ASSERT_EQ(known->size(), 1U);
	auto [key, source] = known->front();
	source.home_cpu += 1000; // as if another one had been first
	ASSERT_TRUE(maps().sources.put(key, source).ok());
	send(21, 40);

	auto split = maps().sources.get(key);
	ASSERT_TRUE(split.ok() && *split);
	EXPECT_EQ((*split)->probes, source.probes);
	EXPECT_GE((*split)->away_probes, 20U);
	EXPECT_EQ(only().probes, 40U);
	EXPECT_EQ(only().bytes, 40 * each);
	const auto seen = events();
	ASSERT_EQ(seen.size(), 10U); // 1 to 8, 16 32
	EXPECT_EQ(seen.back().event.totals.probes, 32U);
	EXPECT_EQ(seen.back().event.totals.bytes, 32 * each);
}

TEST_F(ReportTest, EachNewKindIsTold)
{
	std::uint32_t kinds = 0;
	std::uint64_t probes = 0;
	for (const Probe &probe : allProbes()) {
		ingress(probe.make(kScanner));
		if (probe.kind == CLOAK_KIND_NONE)
			continue;
		kinds |= 1U << probe.kind;
		probes++;
	}

	std::uint32_t told = 0;
	for (const Seen &one : events())
		if (one.event.flags & CLOAK_EVENT_NEW_KIND)
			told |= 1U << one.event.kind;
	EXPECT_EQ(told, kinds);
	expectAllAccounted(probes);
}

TEST_F(ReportTest, SweepOfPortsAndAddressesIsEstimated)
{
	for (unsigned port = 1; port <= 500; port++)
		ingress(syn(kScanner, static_cast<std::uint16_t>(port)));
	for (std::uint8_t last = 100; last < 150; last++)
		ingress(Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
		        Ipv4{.src = kScanner.v4, .dst = {192, 0, 2, last}} /
		        Tcp{});

	const cloak_source source = only();
	EXPECT_NEAR(static_cast<double>(estimateDistinct(source.ports)), 500,
	            120);
	EXPECT_NEAR(static_cast<double>(estimateDistinct(source.targets)), 51,
	            12);
}

/** Of a device above the interface, as macvlan. */
TEST_F(ReportTest, ASecondMacOfTheHostIsAimedAtToo)
{
	EXPECT_FALSE(ingress(Ethernet{.src = kScanner.mac,
	                              .dst = {2, 0, 0, 0, 0, 0x77}} /
	                     Ipv4{.src = kScanner.v4, .dst = kLake.v4} / Tcp{})
	                 .passed);
	EXPECT_EQ(events().size(), 1U);
	EXPECT_EQ(stat(CLOAK_STAT_BACKGROUND), 0U);
}

TEST_F(ReportTest, BackgroundIsDroppedButNoProbe)
{
	const Ethernet all = {.src = kScanner.mac, .dst = kBroadcast};

	EXPECT_FALSE(ingress(all / Arp{.sha = kScanner.mac,
	                               .spa = kScanner.v4,
	                               .tpa = kPeer.v4})
	                 .passed);
	EXPECT_FALSE(
	    ingress(all / Ipv4{.src = {}, .dst = v4("255.255.255.255")} /
	            Udp{.sport = 68, .dport = 67})
		.passed);
	EXPECT_FALSE(ingress(Ethernet{.src = kScanner.mac,
	                              .dst = {1, 0x80, 0xc2, 0, 0, 0},
	                              .type = 38} /
	                     payload(38))
	                 .passed);
	EXPECT_FALSE(ingress(Ethernet{.src = kScanner.mac, .dst = kPeer.mac} /
	                     Ipv4{.src = kScanner.v4, .dst = kPeer.v4} / Tcp{})
	                 .passed);

	EXPECT_TRUE(events().empty());
	EXPECT_EQ(stat(CLOAK_STAT_BACKGROUND), 4U);
	expectAllAccounted(0);
}

TEST_F(ReportTest, EventsAreLimitedAndCounted)
{
	cloak_config config{};
	config.abi_version = CLOAK_ABI_VERSION;
	config.events_per_second = 1;
	config.sources_per_second = 1000;
	config.sources_burst = 1000;
	configure(config);

	for (unsigned number = 1; number <= 50; number++)
		ingress(syn(hostNumber(number), 1));

	EXPECT_LT(events().size(), 10U);
	EXPECT_GT(stat(CLOAK_STAT_RATE_LIMITED), 40U);
	expectAllAccounted(50);
}

/* A first probe that could not be told is told with the next one. */
TEST_F(ReportTest, SourceStaysNewUntilItIsTold)
{
	cloak_config config{};
	config.abi_version = CLOAK_ABI_VERSION;
	config.events_per_second = 1;
	configure(config);
	for (unsigned number = 1; number <= 5; number++)
		ingress(syn(hostNumber(number), 1));
	events();
	config.events_per_second = 1000000;
	configure(config);

	ingress(syn(hostNumber(5), 2));
	ingress(syn(hostNumber(5), 3));

	const auto seen = events();
	ASSERT_EQ(seen.size(), 2U);
	EXPECT_TRUE(seen[0].event.flags & CLOAK_EVENT_FIRST);
	EXPECT_EQ(seen[0].event.totals.probes, 2U);
	EXPECT_FALSE(seen[1].event.flags & CLOAK_EVENT_FIRST);
}

/** Who has an entry is told of, however many others there are. */
TEST_F(ReportTest, FloodWithoutEntriesLeavesRoomForThoseWithOne)
{
	Host early = kScanner;
	early.mac = {0x02, 0, 0, 0, 1, 2};
	const Mac flooder = {0x02, 0, 0, 0, 1, 3};
	cloak_config config{};
	// Other tests have used up the budget of a second.
	std::this_thread::sleep_for(std::chrono::milliseconds(1100));
	config.abi_version = CLOAK_ABI_VERSION;
	config.events_per_second = 10;
	config.sources_per_second = 1000000;
	config.sources_burst = 1000000;
	configure(config);
	ingress(syn(early, 1));
	config.sources_per_second = 1;
	config.sources_burst = 1;
	configure(config);
	events();

	ingressAll(floodOf(50, flooder));
	EXPECT_GE(stat(CLOAK_STAT_RATE_LIMITED), 30U);
	events();
	ingress(syn(early, 2));
	const auto seen = events();

	ASSERT_EQ(seen.size(), 1U);
	EXPECT_EQ(seen[0].event.dport, 2);
	expectAllAccounted(52);
}

TEST_F(ReportTest, SourcesAreBudgetedAndTheCountIsExact)
{
	Host early = kScanner;
	early.mac = kFlooder;
	ingress(syn(early, 1)); // who was there before the flood
	cloak_config config{};
	config.abi_version = CLOAK_ABI_VERSION;
	config.events_per_second = 1000000;
	config.sources_per_second = 1;
	config.sources_burst = 40;
	configure(config);
	events();

	ingressAll(floodOf(500, kFlooder));

	expectAllAccounted(501);
	auto sources = maps().sources.entries();
	ASSERT_TRUE(sources.ok());
	EXPECT_LT(sources->size(), 20U) << "one MAC has a share only";
	EXPECT_GE(stat(CLOAK_STAT_UNRECORDED), 480U);
	const auto seen = events();
	EXPECT_EQ(seen.size(), 500U);
	EXPECT_GE(
	    std::ranges::count_if(seen,
	                          [](const Seen &one) {
					  return (one.event.flags &
		                                  CLOAK_EVENT_NO_SOURCE) != 0;
				  }),
	    480);
	std::uint64_t probes = 0;
	for (const auto &[key, source] : *sources)
		if (std::ranges::equal(key.addr.bytes,
		                       addrOf("192.0.2.66").bytes))
			probes = source.probes;
	EXPECT_EQ(probes, 1U) << "the first scanner is still known";
}

TEST_F(ReportTest, OfAJumboFrameTheHeadIsTaken)
{
	const Bytes frame =
	    (Ethernet{.src = kScanner.mac, .dst = kLake.mac} /
	     Ipv4{.src = kScanner.v4, .dst = kLake.v4} / Udp{} / payload(8800))
		.bytes();

	EXPECT_FALSE(ingress(frame).passed);

	const auto seen = events();
	ASSERT_EQ(seen.size(), 1U);
	EXPECT_EQ(seen[0].event.packet_len, frame.size());
	EXPECT_EQ(seen[0].head, Bytes(frame.begin(), frame.begin() + 128));
}

/** Those whose share is used up are refused, and nobody else at that moment. */
TEST_F(ReportTest, AMacWithoutShareKeepsNoOtherOut)
{
	constexpr unsigned others = 100;
	constexpr unsigned each = 120; // of the flooder's, to one of the others
	const Mac flooder = {0x02, 0, 0, 0, 1, 4};
	std::vector<Bytes> frames;
	cloak_config config{};
	config.abi_version = CLOAK_ABI_VERSION;
	// Forty seconds of it, for the test before has used up twenty.
	config.sources_per_second = 1000;
	config.sources_burst = 40000;
	configure(config);

	for (const Bytes &frame : floodOf(each * others, flooder)) {
		frames.push_back(frame);
		if (frames.size() % (each + 1) != each)
			continue;
		const auto number =
		    static_cast<std::uint8_t>(frames.size() / (each + 1));
		Host other = kScanner;
		other.mac = {0x02, 0, 0, 0, 2, number};
		other.v4.back() = number + 100;
		frames.push_back(syn(other, 1).bytes());
	}
	ingressAll(frames);

	auto sources = maps().sources.entries();
	ASSERT_TRUE(sources.ok());
	EXPECT_EQ(std::ranges::count_if(*sources,
	                                [](const auto &entry) {
						return entry.first.mac[4] == 2;
					}),
	          others);
	EXPECT_LT(sources->size(), (each - 1) * others);
}

} // namespace cloak::test
