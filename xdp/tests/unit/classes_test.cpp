// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What kind of scan an alert calls it.
 */
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "alerts/eve.h"
#include "alerts/text.h"
#include "alerts/tracker.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

/** Probes of many sources, each with the account the data plane would keep. */
class ClassesTest : public testing::Test
{
protected:
	void probe(const std::string &source, const std::string &target,
	           std::uint16_t port, std::chrono::nanoseconds when,
	           unsigned flags = 0)
	{
		const IpAddress from = *parseIp(source);
		const IpAddress to = *parseIp(target);
		cloak_source &totals = accounts_[from];
		cloak_event event{};

		event.time_ns = static_cast<std::uint64_t>(when.count());
		event.source.addr = toAbi(from);
		event.target = toAbi(to);
		event.ethertype = 0x0800;
		event.protocol = 6;
		event.dport = port;
		event.kind = kind_;
		event.reason = CLOAK_DROP_UNAUTHORISED;
		event.flags = static_cast<std::uint16_t>(
		    CLOAK_EVENT_V4 | CLOAK_EVENT_PORTS | flags);
		if (totals.probes == 0) {
			event.flags |= CLOAK_EVENT_FIRST;
			totals.first_ns = event.time_ns;
		}
		++totals.probes;
		++totals.events;
		totals.kinds |= 1U << kind_;
		totals.last_ns = event.time_ns;
		totals.ports[port / 64 % CLOAK_PORT_WORDS] |= 1ULL
		                                              << (port % 64U);
		totals.targets[0] |= 1ULL << (to.octets[15] % 64U);
		event.totals = totals;
		tracker_.probe(Probe(event, {}, "eth0"));
	}

	/** Lets time pass, a second at a time. */
	void pass(std::chrono::seconds from, std::chrono::seconds to)
	{
		for (auto now = from; now <= to; now += 1s)
			tracker_.tick(BootTime(now));
	}

	[[nodiscard]] std::string lastClass() const
	{
		return alerts_.empty()
		           ? ""
		           : std::string(className(alerts_.back().kind));
	}

	/** As of a program that connects, unless a test says otherwise. */
	cloak_kind kind_ = CLOAK_KIND_CONNECT;
	std::vector<Alert> alerts_;
	std::map<IpAddress, cloak_source> accounts_;
	Tracker tracker_{
	    [this](const cloak_source_key &key) {
		    return std::optional(accounts_[fromAbi(key.addr)]);
	    },
	    [this](const Alert &alert) { alerts_.push_back(alert); }};
};

TEST_F(ClassesTest, OneMistypedAddressIsNoScan)
{
	for (auto retry = 1s; retry < 8s; retry *= 2)
		probe("10.0.3.7", "10.0.9.5", 22, retry);
	pass(1s, 60s);
	EXPECT_EQ(lastClass(), "probe");
}

TEST_F(ClassesTest, FivePortsAreAPortScan)
{
	for (std::uint16_t port = 1; port <= 5; ++port)
		probe("10.0.3.7", "10.0.9.5", port, 1s);
	pass(1s, 5s);
	EXPECT_EQ(lastClass(), "port scan");
}

/* All the same bit to the sketch. */
TEST_F(ClassesTest, PortsThatAreKnownNeedNoEstimate)
{
	for (const std::uint16_t port : {256, 512, 768, 1024, 1280})
		probe("10.0.3.7", "10.0.9.5", port, 1s);
	EXPECT_EQ(lastClass(), "port scan");
	EXPECT_EQ(alerts_.back().totals.probes, 5U);
	EXPECT_EQ(alerts_.back().portCount, 5U);
}

TEST_F(ClassesTest, OnceCalledAScanItIsGatheredAgain)
{
	for (std::uint16_t port = 1; port <= 100; ++port)
		probe("10.0.3.7", "10.0.9.5", port, 1s);
	EXPECT_EQ(alerts_.size(), 2U) << "the first probe, and the fifth";
	pass(1s, 3s);
	ASSERT_EQ(alerts_.size(), 3U);
	EXPECT_EQ(alerts_.back().totals.probes, 100U);
}

/* As nmap -T0 does with ports that do not answer. */
TEST_F(ClassesTest, FiveProbesThatOnlyAScannerMakesAreAScan)
{
	constexpr std::array<std::uint16_t, 5> ports = {445, 445, 445, 80, 80};

	kind_ = CLOAK_KIND_SYN;
	for (std::size_t i = 0; i < ports.size(); ++i) {
		const auto when = 300s * static_cast<int>(i) + 1s;
		EXPECT_NE(lastClass(), "slow scan");
		probe("10.0.3.7", "10.0.9.5", ports.at(i), when);
		if (i + 1 < ports.size())
			pass(when, when + 299s);
	}
	EXPECT_EQ(lastClass(), "slow scan");
	EXPECT_EQ(alerts_.back().totals.probes, 5U);
	EXPECT_EQ(alerts_.back().portCount, 2U);
}

TEST_F(ClassesTest, OnePortThatIsTriedAgainIsNoScanWhoeverMakesThePackets)
{
	kind_ = CLOAK_KIND_SYN;
	for (auto when = 1s; when < 600s; when += 15s) {
		probe("10.0.3.7", "10.0.9.5", 22, when);
		pass(when, when + 14s);
	}
	EXPECT_EQ(lastClass(), "probe");
}

TEST_F(ClassesTest, MoreAddressesThanPortsAreASweep)
{
	for (int host = 1; host <= 20; ++host) {
		for (std::uint16_t port = 1; port <= 6; ++port)
			probe("10.0.3.7", "10.0.9." + std::to_string(host),
			      port, 1s);
	}
	pass(1s, 5s);
	EXPECT_EQ(lastClass(), "port sweep");
}

TEST_F(ClassesTest, FourPortsThatAProgramConnectsToAreNoScan)
{
	for (std::uint16_t port = 1; port <= 4; ++port)
		probe("10.0.3.7", "10.0.9.5", port, 1s);
	pass(1s, 60s);
	EXPECT_EQ(lastClass(), "probe");
}

TEST_F(ClassesTest, ASlowScanIsToldWithItsFifthProbe)
{
	for (int i = 0; i < 5; ++i) {
		const auto when = 15s * i + 1s;
		probe("10.0.3.7", "10.0.9.5", static_cast<std::uint16_t>(i + 1),
		      when);
		if (i < 4)
			pass(when, when + 14s);
	}
	EXPECT_EQ(lastClass(), "slow scan");
	EXPECT_EQ(alerts_.back().totals.probes, 5U);
}

TEST_F(ClassesTest, FiveAddressesAreASweep)
{
	for (int host = 1; host <= 5; ++host)
		probe("10.0.3.7", "10.0.9." + std::to_string(host), 22, 1s);
	pass(1s, 5s);
	EXPECT_EQ(lastClass(), "port sweep");
}

TEST_F(ClassesTest, LongPausesMakeItSlow)
{
	for (int i = 0; i < 5; ++i) {
		const auto when = 300s * i + 1s;
		probe("10.0.3.7", "10.0.9.5", static_cast<std::uint16_t>(i + 1),
		      when);
		pass(when, when + 299s);
	}
	EXPECT_EQ(lastClass(), "slow scan");
	EXPECT_NE(describe(alerts_.back()).find("slow scan, a probe each 5"),
	          std::string::npos)
	    << describe(alerts_.back());
}

TEST_F(ClassesTest, ADecoyIsToldAtOnce)
{
	probe("10.0.3.7", "10.0.9.5", 3389, 1s, CLOAK_EVENT_DECOY);
	ASSERT_EQ(alerts_.size(), 1U);
	EXPECT_EQ(lastClass(), "decoy");
	const auto event = toEve(alerts_[0], {});
	EXPECT_EQ(event.at("alert").at("action"), "allowed");
	EXPECT_EQ(event.at("alert").at("severity"), 1);
	EXPECT_EQ(tracker_.stats().byClass.at(
		      static_cast<std::size_t>(AlertClass::Decoy)),
	          1U);
}

TEST_F(ClassesTest, ManyAtOnePortAtOnceAreADecoyScan)
{
	for (int host = 1; host <= 4; ++host)
		probe("10.0.3." + std::to_string(host), "10.0.9.5", 22, 1s);
	EXPECT_EQ(lastClass(), "decoy scan");
	EXPECT_EQ(toEve(alerts_.back(), {}).at("cloak").at("source_count"), 4);
}

TEST_F(ClassesTest, ManyWhoShareTheWorkAreADistributedScan)
{
	for (int host = 1; host <= 5; ++host)
		probe("10.0.3." + std::to_string(host), "10.0.9.5",
		      static_cast<std::uint16_t>(host), 1s * host);
	EXPECT_EQ(lastClass(), "distributed scan");
	EXPECT_NE(describe(alerts_.back()).find("5 sources: 10.0.3.1"),
	          std::string::npos)
	    << describe(alerts_.back());
}

TEST_F(ClassesTest, ManyWithoutHasteAreStrangers)
{
	for (int host = 1; host <= 10; ++host)
		probe("10.0.3." + std::to_string(host), "10.0.9.5", 22,
		      20s * host);
	EXPECT_EQ(lastClass(), "probe");
}

TEST_F(ClassesTest, AsManyAsNmapNamesAreADecoyScanAndOneMoreAreAFlood)
{
	Campaigns campaigns;
	cloak_event event{};

	event.target = toAbi(*parseIp("10.0.9.5"));
	event.flags = CLOAK_EVENT_V4 | CLOAK_EVENT_PORTS;
	for (unsigned host = 1; host <= 130; ++host) {
		event.source.addr =
		    toAbi(*parseIp("10.0.3." + std::to_string(host)));
		const auto campaign = campaigns.add(Probe(event, {}, "eth0"));
		EXPECT_EQ(campaign.has_value(), host >= 4 && host <= 129)
		    << host;
	}
}

TEST_F(ClassesTest, SlowScannerInAFloodIsCalledSlow)
{
	const IpAddress slow = *parseIp("10.0.3.7");
	auto now = 1s;

	for (const std::uint16_t port : {22, 80, 443, 4420, 8009}) {
		for (int forged = 0; forged < 150; ++forged)
			probe("10.1." + std::to_string(port % 256) + "." +
			          std::to_string(forged),
			      "10.0.9.5", 22, now);
		probe("10.0.3.7", "10.0.9.5", port, now);
		pass(now, now + 14s);
		now += 15s;
	}
	std::vector<std::string_view> classes;
	for (const Alert &alert : alerts_)
		if (alert.probe.source() == slow)
			classes.push_back(className(alert.kind));
	ASSERT_FALSE(classes.empty());
	EXPECT_EQ(classes.back(), "slow scan");
	classes.pop_back();
	for (const auto name : classes)
		EXPECT_EQ(name, "probe");
}

TEST_F(ClassesTest, WhatIsRememberedOfCampaignsIsBounded)
{
	Campaigns campaigns;

	for (unsigned i = 0; i < 100'000; ++i) {
		cloak_event event{};
		IpAddress to = *parseIp("10.0.0.0");

		to.octets[13] = static_cast<std::uint8_t>(i >> 16U);
		to.octets[14] = static_cast<std::uint8_t>(i >> 8U);
		to.octets[15] = static_cast<std::uint8_t>(i);
		event.source.addr = toAbi(*parseIp("10.0.3.7"));
		event.target = toAbi(to);
		event.flags = CLOAK_EVENT_V4 | CLOAK_EVENT_PORTS;
		EXPECT_FALSE(campaigns.add(Probe(event, {}, "eth0")));
	}
}

} // namespace
} // namespace cloak
