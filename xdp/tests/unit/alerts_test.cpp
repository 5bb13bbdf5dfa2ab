// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "alerts/eve.h"
#include "alerts/outputs.h"
#include "alerts/text.h"
#include "alerts/tracker.h"
#include "bpf/names.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

constexpr std::uint16_t kEthertypeArp = 0x0806;
constexpr std::uint16_t kEthertypeV4 = 0x0800;

BootTime at(std::chrono::nanoseconds since)
{
	return BootTime(since);
}

/** Builds the events that the data plane would send of one source. */
class Scanner
{
public:
	explicit Scanner(const char *address)
	{
		event_.source.addr = toAbi(*parseIp(address));
		const MacAddress mac = *parseMac("52:54:00:aa:bb:cc");
		std::copy(mac.octets.begin(), mac.octets.end(),
		          event_.source.mac);
		event_.flags = CLOAK_EVENT_V4;
		event_.ethertype = kEthertypeV4;
		event_.packet_len = 60;
		event_.reason = CLOAK_DROP_UNAUTHORISED;
	}

	Probe arp(const char *target, std::chrono::nanoseconds when)
	{
		event_.ethertype = kEthertypeArp;
		event_.flags = CLOAK_EVENT_V4;
		return probe(CLOAK_KIND_ARP, target, when);
	}

	Probe ping(const char *target, std::chrono::nanoseconds when)
	{
		event_.protocol = 1;
		event_.icmp_type = 8;
		event_.flags = CLOAK_EVENT_V4;
		return probe(CLOAK_KIND_PING, target, when);
	}

	Probe tcp(const char *target, std::uint16_t port,
	          std::chrono::nanoseconds when,
	          cloak_kind kind = CLOAK_KIND_SYN)
	{
		event_.protocol = 6;
		event_.ethertype = kEthertypeV4;
		event_.sport = 40000;
		event_.dport = port;
		event_.flags = CLOAK_EVENT_V4 | CLOAK_EVENT_PORTS;
		event_.totals.ports[port / 64 % CLOAK_PORT_WORDS] |=
		    1ULL << (port % 64U);
		return probe(kind, target, when);
	}

	/** Probes that the data plane counts but does not report. */
	void quietly(unsigned probes, std::chrono::nanoseconds when)
	{
		event_.totals.probes += probes;
		event_.totals.last_ns =
		    static_cast<std::uint64_t>(when.count());
	}

	[[nodiscard]] const cloak_source &totals() const
	{
		return event_.totals;
	}

private:
	Probe probe(cloak_kind kind, const char *target,
	            std::chrono::nanoseconds when)
	{
		const auto bit = static_cast<std::uint32_t>(1U << kind);
		const IpAddress ip = *parseIp(target);
		cloak_source &totals = event_.totals;

		event_.kind = static_cast<std::uint8_t>(kind);
		event_.target = toAbi(ip);
		event_.time_ns = static_cast<std::uint64_t>(when.count());
		if (totals.probes == 0) {
			totals.first_ns = event_.time_ns;
			event_.flags |= CLOAK_EVENT_FIRST;
		}
		if ((totals.kinds & bit) == 0)
			event_.flags |= CLOAK_EVENT_NEW_KIND;
		totals.kinds |= bit;
		totals.last_ns = event_.time_ns;
		totals.targets[0] |= 1ULL << (ip.octets[15] % 64U);
		++totals.probes;
		return {event_, std::vector<std::uint8_t>{1, 2, 3}, "eth1"};
	}

	cloak_event event_{};
};

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

Alert alertOf(const Probe &probe, bool summary)
{
	Alert alert;

	alert.probe = probe;
	alert.summary = summary;
	alert.seen.add(probe);
	alert.totals = probe.event.totals;
	return alert;
}

TEST(Describe, NamesTheStationWhenThereIsNoAddress)
{
	Scanner scanner("0.0.0.0");

	EXPECT_EQ(describe(alertOf(scanner.arp("10.0.9.5", 1s), false)),
	          "52:54:00:aa:bb:cc probed 10.0.9.5 (ARP request)");
}

TEST(Describe, SaysThatNothingWasDropped)
{
	Scanner scanner("10.0.3.7");
	Probe probe = scanner.ping("10.0.9.5", 1s);

	probe.event.flags |= CLOAK_EVENT_MONITOR;
	EXPECT_EQ(
	    describe(alertOf(probe, false)),
	    "10.0.3.7 (52:54:00:aa:bb:cc) probed 10.0.9.5 (ping); monitor "
	    "mode, nothing was dropped");
}

TEST(Describe, SaysHowLongTheSourceIsShadowed)
{
	const WallTime now = std::chrono::system_clock::now();
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.arp("10.0.9.5", 1s), false);

	EXPECT_FALSE(toEve(alert, now)["cloak"].contains("shadowed_until"));
	alert.shadowedUntil = now;
	EXPECT_EQ(describe(alert), "10.0.3.7 (52:54:00:aa:bb:cc) probed "
	                           "10.0.9.5 (ARP request); shadowed until " +
	                               localTime(now, "%H:%M"));
	EXPECT_EQ(toEve(alert, now)["cloak"]["shadowed_until"], timestamp(now));
}

/** Each CPU tells of its own probes, and the clock may be set. */
TEST(Outputs, KnowWhatWasGivenOutAfter)
{
	Outputs outputs;
	Scanner scanner("10.0.3.7");

	const auto early =
	    outputs.publish(alertOf(scanner.ping("10.0.9.5", 2s), false));
	const auto late =
	    outputs.publish(alertOf(scanner.ping("10.0.9.6", 1s), false));
	ASSERT_LT(late.time, early.time);
	EXPECT_EQ(outputs.recent({}).size(), 2U);
	const auto found = outputs.recent({}, early.number);
	ASSERT_EQ(found.size(), 1U);
	EXPECT_EQ(found.front().text, late.text);
	EXPECT_TRUE(outputs.recent({}, late.number).empty());
}

TEST(Outputs, TellTheTimeOfTheirPlace)
{
	Outputs outputs;
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.ping("10.0.9.5", 1s), false);

	setenv("TZ", "XYZ-5:30", 1);
	tzset();
	alert.shadowedUntil = std::chrono::system_clock::now();
	const auto published = outputs.publish(alert);
	const std::string time = localTime(published.time, "%FT%T");
	const std::string until = localTime(*alert.shadowedUntil, "%H:%M");
	unsetenv("TZ");
	tzset();
	EXPECT_TRUE(published.text.starts_with(time + "+0530 10.0.3.7 "))
	    << published.text;
	EXPECT_TRUE(published.text.ends_with("; shadowed until " + until))
	    << published.text;
	EXPECT_EQ(
	    parseTimestamp(published.text.substr(0, published.text.find(' '))),
	    std::chrono::floor<std::chrono::seconds>(published.time));
}

TEST(Describe, NamesFewAndCountsMany)
{
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.tcp("10.0.9.5", 1, 1s), true);

	for (std::uint16_t port = 2; port <= 12; ++port)
		alert.seen.add(scanner.tcp("10.0.9.5", port, 2s));
	alert.totals = scanner.totals();
	alert.portCount = 1000;
	EXPECT_EQ(
	    describe(alert),
	    "10.0.3.7 (52:54:00:aa:bb:cc) probed tcp 1, 2, 3, 4, 5, 6, 7, "
	    "8 and 4 more on 10.0.9.5 and about 988 more ports (TCP SYN "
	    "scan); 12 probes in 1.0 s");
}

TEST(Describe, CountsTargetsWithoutACommonNetwork)
{
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.ping("10.1.9.5", 1s), true);

	alert.seen.add(scanner.ping("10.2.9.5", 1s));
	alert.seen.add(scanner.ping("10.3.9.5", 1s));
	alert.totals = scanner.totals();
	EXPECT_EQ(describe(alert), "10.0.3.7 (52:54:00:aa:bb:cc) swept 3 "
	                           "addresses with ping; 3 probes in 0.0 s");
}

TEST(Describe, NamesATargetOnceForAllManners)
{
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.arp("10.0.9.5", 1s), true);

	alert.seen.add(scanner.ping("10.0.9.5", 2s));
	alert.totals = scanner.totals();
	EXPECT_EQ(describe(alert),
	          "10.0.3.7 (52:54:00:aa:bb:cc) probed 10.0.9.5 with ARP and "
	          "ping; 2 probes in 1.0 s");
}

TEST(Describe, SaysWhatHasNeitherAddressNorPort)
{
	Scanner scanner("10.0.3.7");
	Probe probe = scanner.ping("10.0.9.5", 1s);

	probe.event.kind = CLOAK_KIND_FRAGMENT;
	probe.event.totals.kinds = 1U << CLOAK_KIND_FRAGMENT;
	EXPECT_EQ(describe(alertOf(probe, true)),
	          "10.0.3.7 (52:54:00:aa:bb:cc) sent IP fragment");
}

TEST(Observed, KeepsNoMoreThanItsBound)
{
	Scanner scanner("10.0.3.7");
	Observed seen;

	for (unsigned port = 0; port < 1000; ++port) {
		seen.add(scanner.tcp("10.0.9.5",
		                     static_cast<std::uint16_t>(port), 1s));
	}
	EXPECT_EQ(seen.ports().at("tcp").size(), Observed::kMost);
}

TEST(Eve, HasTheShapeOfSuricata)
{
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.tcp("10.0.9.5", 4420, 1s), false);
	const auto event = toEve(alert, WallTime(1'795'156'791s));

	EXPECT_EQ(event["timestamp"], "2026-11-20T06:39:51.000000+0000");
	EXPECT_EQ(event["event_type"], "alert");
	EXPECT_EQ(event["src_ip"], "10.0.3.7");
	EXPECT_EQ(event["src_port"], 40000);
	EXPECT_EQ(event["dest_ip"], "10.0.9.5");
	EXPECT_EQ(event["dest_port"], 4420);
	EXPECT_EQ(event["proto"], "TCP");
	EXPECT_EQ(event["in_iface"], "eth1");
	EXPECT_EQ(event["ether"]["src_mac"], "52:54:00:aa:bb:cc");
	EXPECT_EQ(event["alert"]["action"], "blocked");
	EXPECT_EQ(event["alert"]["signature"], "CLOAK probe: TCP SYN scan");
	EXPECT_EQ(event["alert"]["signature_id"], 1'900'013);
	EXPECT_EQ(event["alert"]["severity"], 3);
	EXPECT_TRUE(event["alert"]["category"].is_string());
	EXPECT_EQ(event["cloak"]["kind"], "syn");
	EXPECT_EQ(event["cloak"]["probes"], 1);
	EXPECT_EQ(event["cloak"]["ports"]["tcp"][0], 4420);
	EXPECT_EQ(event["cloak"]["targets"][0], "10.0.9.5");
	EXPECT_EQ(event["cloak"]["text"], describe(alert));
	EXPECT_EQ(event["packet"], "AQID");
	EXPECT_EQ(event["packet_info"]["linktype"], 1);
}

TEST(Eve, LeavesOutWhatTheFrameDoesNotSay)
{
	Scanner scanner("0.0.0.0");
	const auto event =
	    toEve(alertOf(scanner.arp("10.0.9.5", 1s), false), WallTime(0s));

	EXPECT_FALSE(event.contains("src_ip"));
	EXPECT_FALSE(event.contains("src_port"));
	EXPECT_EQ(event["dest_ip"], "10.0.9.5");
	EXPECT_EQ(event["proto"], "ARP");
}

TEST(Eve, SaysWhatMonitorModeLetThrough)
{
	Scanner scanner("10.0.3.7");
	Probe probe = scanner.ping("10.0.9.5", 1s);

	probe.event.flags |= CLOAK_EVENT_MONITOR;
	const auto event = toEve(alertOf(probe, false), WallTime(0s));
	EXPECT_EQ(event["alert"]["action"], "allowed");
	EXPECT_EQ(event["proto"], "ICMP");
	EXPECT_EQ(event["icmp_type"], 8);
}

TEST(Eve, GradesScansHigher)
{
	Scanner scanner("10.0.3.7");
	Alert alert = alertOf(scanner.tcp("10.0.9.5", 1, 1s), true);

	alert.kind = AlertClass::PortScan;
	const auto event = toEve(alert, WallTime(0s));
	EXPECT_EQ(event["alert"]["severity"], 2);
	EXPECT_EQ(event["alert"]["signature"], "CLOAK port scan: TCP SYN scan");
	EXPECT_EQ(event["cloak"]["class"], "port scan");
}

TEST(RateLimit, GivesSoManyASecond)
{
	RateLimit limit(10);
	int taken = 0;

	for (auto now = 0ms; now < 10s; now += 10ms)
		taken += limit.take(at(now)) ? 1 : 0;
	EXPECT_GE(taken, 100);
	EXPECT_LE(taken, 110);
}

} // namespace
} // namespace cloak
