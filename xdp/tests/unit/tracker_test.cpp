// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "alerts/text.h"
#include "alerts/tracker.h"
#include "tests/unit/scanner.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

/** A tracker with everything that it says and asks in sight. */
class TrackerTest : public testing::Test
{
protected:
	void tellAtMost(unsigned perSecond)
	{
		AlertPolicy policy;

		policy.perSecond = perSecond;
		tracker_.configure(policy);
	}

	/** Of 10.0.3.0 and those that follow, all in the same second. */
	void oneProbeOfEach(unsigned sources)
	{
		for (unsigned i = 0; i < sources; ++i) {
			Scanner scanner(
			    ("10.0.3." + std::to_string(i)).c_str());
			tracker_.probe(scanner.arp("10.0.9.5", 1s));
		}
	}

	/** A packet each millisecond, of sources that nobody counts. */
	void flood(std::chrono::milliseconds from, std::chrono::milliseconds to)
	{
		for (auto now = from; now < to; now += 1ms) {
			Scanner forged("10.0.4.1");
			Probe probe = forged.tcp("10.0.9.5", 80, now);

			probe.event.flags |= CLOAK_EVENT_NO_SOURCE;
			probe.event.totals = {};
			tracker_.probe(probe);
			if (now % 1s == 0s)
				tracker_.tick(at(now));
		}
	}

	Tracker another()
	{
		Tracker tracker([this](const auto &) { return account_; },
		                [this](const Alert &alert) {
					said_.push_back(describe(alert));
				});

		tracker.takeNotes([this](const auto &, const cloak_told &told) {
			note_ = told;
		});
		return tracker;
	}

	void takeNotes()
	{
		tracker_.takeNotes(
		    [this](const auto &, const cloak_told &told) {
			    note_ = told;
		    });
	}

	Tracker tracker_{
	    [this](const cloak_source_key &) { return account_; },
	    [this](const Alert &alert) { said_.push_back(describe(alert)); }};
	cloak_told note_{};
	std::optional<cloak_source> account_;
	std::vector<std::string> said_;
};

using Lines = std::vector<std::string>;

TEST_F(TrackerTest, FirstProbeIsToldAtOnce)
{
	Scanner scanner("10.0.3.7");

	tracker_.probe(scanner.arp("10.0.9.5", 1s));
	EXPECT_EQ(said_, Lines{"10.0.3.7 (52:54:00:aa:bb:cc) probed 10.0.9.5 "
	                       "(ARP request)"});
}

TEST_F(TrackerTest, ASingleProbeIsToldOnce)
{
	Scanner scanner("10.0.3.7");

	tracker_.probe(scanner.arp("10.0.9.5", 1s));
	account_ = scanner.totals();
	for (auto now = 2s; now < 3600s; now += 1s)
		tracker_.tick(at(now));
	EXPECT_EQ(said_.size(), 1U);
}

TEST_F(TrackerTest, EachNewKindIsToldAtOnce)
{
	Scanner scanner("10.0.3.7");

	tracker_.probe(scanner.arp("10.0.9.5", 1s));
	tracker_.probe(scanner.tcp("10.0.9.5", 22, 1s + 1ms));
	tracker_.probe(scanner.tcp("10.0.9.5", 23, 1s + 2ms));
	tracker_.probe(scanner.tcp("10.0.9.5", 22, 1s + 3ms, CLOAK_KIND_XMAS));
	ASSERT_EQ(said_.size(), 3U);
	EXPECT_EQ(said_[1], "10.0.3.7 (52:54:00:aa:bb:cc) probed tcp 22 on "
	                    "10.0.9.5 (TCP SYN scan)");
	EXPECT_EQ(said_[2], "10.0.3.7 (52:54:00:aa:bb:cc) probed tcp 22 on "
	                    "10.0.9.5 (TCP Xmas scan)");
}

TEST_F(TrackerTest, TheRestIsToldWhenTheSourcePauses)
{
	Scanner scanner("10.0.3.7");

	for (unsigned host = 1; host < 6; ++host) {
		const std::string target = "10.0.9." + std::to_string(host);
		tracker_.probe(scanner.arp(target.c_str(), 1s));
	}
	for (const std::uint16_t port : {22, 445, 4420})
		tracker_.probe(scanner.tcp("10.0.9.5", port, 2s));
	scanner.quietly(204, 4400ms);
	account_ = scanner.totals();
	tracker_.tick(at(5s));
	EXPECT_EQ(said_.size(), 3U) << "told too early";
	tracker_.tick(at(6s));
	ASSERT_EQ(said_.size(), 4U);
	EXPECT_EQ(said_[3],
	          "10.0.3.7 (52:54:00:aa:bb:cc) swept 10.0.9.0/24 with ARP and "
	          "probed tcp 22, 445, 4420 on 10.0.9.5 (TCP SYN scan); 212 "
	          "probes in 3.4 s");
}

TEST_F(TrackerTest, WhatMakesAScanOfItIsToldAtOnce)
{
	Scanner scanner("10.0.3.7");

	for (std::uint16_t port = 1; port <= 8; ++port)
		tracker_.probe(scanner.tcp("10.0.9.5", port, port * 1ms));
	ASSERT_EQ(said_.size(), 2U);
	EXPECT_EQ(said_[1], "10.0.3.7 (52:54:00:aa:bb:cc) probed tcp 1, 2, 3, "
	                    "4, 5 on 10.0.9.5 (TCP SYN scan); 5 probes in "
	                    "0.0 s");
}

TEST_F(TrackerTest, AScanThatGoesOnIsToldAgainAndAgain)
{
	Scanner scanner("10.0.3.7");

	tracker_.probe(scanner.tcp("10.0.9.5", 22, 1s));
	for (auto now = 2s; now <= 61s; now += 1s) {
		scanner.quietly(100, now);
		account_ = scanner.totals();
		tracker_.tick(at(now));
	}
	EXPECT_EQ(said_.size(), 7U) << "one at once, one each ten seconds";
}

TEST_F(TrackerTest, ASlowScanIsTold)
{
	Scanner scanner("10.0.3.7");

	// nmap -T0: five minutes between probes; the kinds are all known.
	tracker_.probe(scanner.tcp("10.0.9.5", 1, 1s));
	for (auto now = 2s; now <= 1500s; now += 1s) {
		if (now % 300s == 0s)
			scanner.quietly(1, now);
		account_ = scanner.totals();
		tracker_.tick(at(now));
	}
	EXPECT_EQ(said_.size(), 5U);
}

TEST_F(TrackerTest, SilentSourcesAreForgotten)
{
	Scanner scanner("10.0.3.7");

	tracker_.probe(scanner.arp("10.0.9.5", 1s));
	account_ = scanner.totals();
	EXPECT_EQ(tracker_.stats().sources, 1U);
	for (auto now = 2s; now < 3800s; now += 1s)
		tracker_.tick(at(now));
	EXPECT_EQ(tracker_.stats().sources, 0U);
}

TEST_F(TrackerTest, RemembersNoMoreThanItMay)
{
	AlertPolicy policy;

	policy.sources = 16;
	policy.perSecond = 1000;
	tracker_.configure(policy);
	oneProbeOfEach(100);
	EXPECT_EQ(tracker_.stats().sources, 16U);
	EXPECT_EQ(tracker_.stats().evicted, 84U);
	EXPECT_EQ(said_.size(), 100U);
}

TEST_F(TrackerTest, RaisesNoMoreThanItMayAndCountsTheRest)
{
	tellAtMost(10);
	oneProbeOfEach(100);
	EXPECT_EQ(said_.size(), 10U);
	EXPECT_EQ(tracker_.stats().suppressed, 90U);
}

TEST_F(TrackerTest, WhatWasSuppressedIsToldLater)
{
	Scanner first("10.0.3.7");
	Scanner second("10.0.3.8");

	tellAtMost(1);
	tracker_.probe(first.arp("10.0.9.5", 1s));
	tracker_.probe(second.arp("10.0.9.5", 1s));
	ASSERT_EQ(said_.size(), 1U);
	for (auto now = 2s; now < 10s; now += 1s)
		tracker_.tick(at(now));
	ASSERT_EQ(said_.size(), 2U);
	EXPECT_EQ(said_[1], "10.0.3.8 (52:54:00:aa:bb:cc) probed 10.0.9.5 with "
	                    "ARP");
}

TEST_F(TrackerTest, WhatWaitsIsSuppressedOnce)
{
	tellAtMost(1);
	oneProbeOfEach(10);
	for (auto now = 2s; now < 20s; now += 1s)
		tracker_.tick(at(now));
	EXPECT_EQ(said_.size(), 10U);
	EXPECT_EQ(tracker_.stats().raised, 10U);
	EXPECT_EQ(tracker_.stats().suppressed, 9U);
}

TEST_F(TrackerTest, NewKindOfWhoWaitsIsSuppressedToo)
{
	Scanner first("10.0.3.7");
	Scanner second("10.0.3.8");

	tellAtMost(1);
	tracker_.probe(first.arp("10.0.9.5", 1s));
	tracker_.probe(second.arp("10.0.9.5", 1s));
	EXPECT_EQ(tracker_.stats().suppressed, 1U);
	tracker_.probe(second.ping("10.0.9.5", 1s));
	EXPECT_EQ(tracker_.stats().suppressed, 2U);
	tracker_.probe(second.ping("10.0.9.5", 1s));
	EXPECT_EQ(tracker_.stats().suppressed, 2U);
}

TEST_F(TrackerTest, FloodWithoutAccountsLeavesNoTrace)
{
	Scanner scanner("10.0.3.7");
	Probe probe = scanner.tcp("10.0.9.5", 80, 1s);

	probe.event.flags |= CLOAK_EVENT_NO_SOURCE;
	probe.event.totals = {};
	for (int i = 0; i < 1000; ++i)
		tracker_.probe(probe);
	EXPECT_EQ(tracker_.stats().sources, 0U);
	EXPECT_EQ(said_.size(), 100U) << "AlertPolicy::perSecond";
	EXPECT_EQ(tracker_.stats().suppressed, 900U);
}

/** Which keeps on for longer than any budget lasts. */
TEST_F(TrackerTest, FloodWithoutAccountsDoesNotSilenceASlowScan)
{
	Scanner scanner("10.0.3.7");
	const auto told = [this] {
		return std::ranges::count_if(said_, [](const auto &line) {
			return line.starts_with("10.0.3.7 ") &&
			       line.find("5 probes") != std::string::npos;
		});
	};

	for (std::uint16_t port = 1; port <= 4; ++port)
		tracker_.probe(scanner.tcp("10.0.9.5", port, port * 300s));
	flood(1495s, 1500s + 5ms);
	EXPECT_EQ(told(), 0);
	tracker_.probe(scanner.tcp("10.0.9.5", 5, 1500s + 5ms));
	account_ = scanner.totals();
	flood(1500s + 5ms, 1505s);
	EXPECT_EQ(told(), 1);
	EXPECT_EQ(tracker_.stats().byClass.at(
		      static_cast<std::size_t>(AlertClass::SlowScan)),
	          1U);
}

TEST_F(TrackerTest, FloodWithoutAccountsGetsHalfOfWhatMayBeTold)
{
	tellAtMost(10);
	flood(1s, 11s);
	EXPECT_GE(said_.size(), 55U);
	EXPECT_LE(said_.size(), 60U);
}

TEST_F(TrackerTest, BackgroundIsNoAlert)
{
	Scanner scanner("10.0.3.7");

	for (const cloak_kind kind :
	     {CLOAK_KIND_BACKSCATTER, CLOAK_KIND_MLD, CLOAK_KIND_RS})
		tracker_.probe(scanner.tcp("10.0.9.5", 80, 1s, kind));
	EXPECT_EQ(said_, Lines{});
	EXPECT_EQ(tracker_.stats().background, 3U);
	EXPECT_EQ(tracker_.stats().sources, 0U);
}

TEST_F(TrackerTest, TellsWhatNobodyHeardOf)
{
	Scanner scanner("10.0.3.7");
	const Probe probe = scanner.arp("10.0.9.5", 1s);

	account_ = scanner.totals();
	tracker_.recall(probe.event.source, scanner.totals(), {}, "eth1");
	tracker_.tick(at(5s));
	EXPECT_EQ(said_, Lines{"10.0.3.7 (52:54:00:aa:bb:cc) sent ARP "
	                       "request"});
}

TEST_F(TrackerTest, RecallsNoStrays)
{
	Scanner scanner("10.0.3.7");
	const Probe probe =
	    scanner.tcp("10.0.9.5", 80, 1s, CLOAK_KIND_BACKSCATTER);

	account_ = scanner.totals();
	tracker_.recall(probe.event.source, scanner.totals(), {}, "eth1");
	tracker_.tick(at(5s));
	EXPECT_EQ(said_, Lines{});
}

TEST_F(TrackerTest, TellsOnceWhatCameWhileNobodyHeard)
{
	Scanner scanner("10.0.3.7");
	const Probe probe = scanner.arp("10.0.9.5", 1s);

	takeNotes();
	tracker_.probe(probe);
	EXPECT_EQ(note_.probes, 1U);
	scanner.quietly(1000, 20s);
	account_ = scanner.totals();
	Tracker next = another();
	next.recall(probe.event.source, scanner.totals(), note_, "eth1");
	next.tick(at(25s));
	ASSERT_EQ(said_.size(), 2U);
	EXPECT_NE(said_[1].find("1001 probes"), std::string::npos);
	EXPECT_EQ(note_.probes, 1001U);
	Tracker last = another();
	last.recall(probe.event.source, scanner.totals(), note_, "eth1");
	for (auto now = 26s; now < 300s; now += 1s)
		last.tick(at(now));
	EXPECT_EQ(said_.size(), 2U);
}

/** What it was called is no news for the next daemon either. */
TEST_F(TrackerTest, NotesWhatItHasCalledASource)
{
	Scanner scanner("10.0.3.7");
	Probe probe = scanner.tcp("10.0.9.5", 1, 1s);

	takeNotes();
	tracker_.probe(probe);
	for (std::uint16_t port = 2; port < 9; ++port) {
		probe = scanner.tcp("10.0.9.5", port, 1s);
		tracker_.probe(probe);
	}
	account_ = scanner.totals();
	tracker_.tick(at(3s));
	const std::size_t said = said_.size();
	EXPECT_EQ(note_.probes, 8U);
	EXPECT_NE(note_.classes &
	              1U << static_cast<unsigned>(AlertClass::PortScan),
	          0U);
	Tracker next = another();
	next.recall(probe.event.source, scanner.totals(), note_, "eth1");
	scanner.quietly(1, 4s);
	account_ = scanner.totals();
	next.tick(at(5s));
	EXPECT_EQ(said_.size(), said);
	next.tick(at(14s));
	EXPECT_EQ(said_.size(), said + 1);
}

/** The data plane had no room for the source for a while. */
TEST_F(TrackerTest, TellsOfAnAccountThatBeginsAnew)
{
	Scanner before("10.0.3.7");
	Scanner after("10.0.3.7");

	tracker_.probe(before.arp("10.0.9.5", 1s));
	before.quietly(100, 1s);
	account_ = before.totals();
	tracker_.tick(at(3s));
	EXPECT_EQ(said_.size(), 2U);
	tracker_.probe(after.arp("10.0.9.5", 60s));
	after.quietly(6, 61s);
	account_ = after.totals();
	tracker_.tick(at(63s));
	ASSERT_EQ(said_.size(), 4U);
	EXPECT_NE(said_[3].find("7 probes"), std::string::npos);
}

TEST_F(TrackerTest, DoesNotTellAgainWhatAFormerDaemonHasTold)
{
	Scanner scanner("10.0.3.7");
	const Probe probe = scanner.arp("10.0.9.5", 1s);
	cloak_source totals = scanner.totals();
	cloak_told told{};

	told.first_ns = totals.first_ns;
	told.probes = 1;
	account_ = totals;
	tracker_.recall(probe.event.source, totals, told, "eth1");
	tracker_.tick(at(5s));
	EXPECT_EQ(said_, Lines{});
	++totals.probes;
	totals.last_ns = std::chrono::nanoseconds(20s).count();
	account_ = totals;
	for (auto now = 6s; now < 30s; now += 1s)
		tracker_.tick(at(now));
	EXPECT_EQ(said_.size(), 1U);
}

} // namespace
} // namespace cloak
