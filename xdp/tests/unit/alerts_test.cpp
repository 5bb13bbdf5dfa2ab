// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "alerts/eve.h"
#include "alerts/outputs.h"
#include "alerts/text.h"
#include "tests/unit/scanner.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

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

TEST(Outputs, HaveRoomForAlertsHoweverManyFlowsWait)
{
	Outputs outputs;
	Scanner scanner("10.0.3.7");

	outputs.configure({false, "/dev/full"});
	for (std::size_t i = 0; i < LineQueue::kMostLines; ++i)
		outputs.publishEvent("{}");
	const auto before = outputs.stats().at("/dev/full");
	EXPECT_GT(before.dropped, 0U);
	outputs.publish(alertOf(scanner.ping("10.0.9.5", 2s), false));
	const auto behind = outputs.stats().at("/dev/full");
	EXPECT_EQ(behind.waiting, before.waiting + 1);
	EXPECT_EQ(behind.dropped, before.dropped);
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
