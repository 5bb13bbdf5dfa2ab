// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What "cloakctl top" makes of two looks at the daemon, and its screen.
 */
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/top_report.h"
#include "cli/top_view.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;
using nlohmann::json;

json drop(const char *reason, unsigned packets)
{
	return {{"direction", "in"},
	        {"verdict", "drop"},
	        {"reason", reason},
	        {"packets", packets},
	        {"bytes", 60 * packets}};
}

json flow(unsigned id, unsigned up, unsigned down)
{
	return {{"flow_id", id},
	        {"proto", "TCP"},
	        {"src_ip", "10.0.9.10"},
	        {"src_port", 40000 + id},
	        {"dest_ip", "2001:db8::5"},
	        {"dest_port", 4420},
	        {"flow",
	         {{"bytes_toserver", up},
	          {"bytes_toclient", down},
	          {"pkts_toserver", up / 100},
	          {"pkts_toclient", down / 100}}},
	        {"cloak", {{"verdict", "pass"}}}};
}

json source(const char *address, unsigned probes, WallTime seen)
{
	return {{"address", address},
	        {"mac", "52:54:00:00:00:01"},
	        {"interface", "eth1"},
	        {"probes", probes},
	        {"ports", 3},
	        {"targets", 1},
	        {"last_seen", timestamp(seen)}};
}

/** Two looks, two seconds from one to the next. */
class TopTest : public testing::Test
{
protected:
	TopTest()
	{
		before_.at = BootTime(100s);
		before_.time = WallTime(1'795'156'791s);
		now_.at = before_.at + 2s;
		now_.time = before_.time + 2s;
		now_.status = {
		    {"cloak", "on"},
		    {"started", timestamp(now_.time - 26h)},
		    {"interfaces",
		     {{{"name", "eth1"},
		       {"action", "monitor"},
		       {"attached", "native"},
		       {"present", true}}}},
		};
	}

	[[nodiscard]] json report() const { return reportTop(before_, now_); }

	[[nodiscard]] std::string view(std::optional<std::size_t> height) const
	{
		std::string text;
		for (const ScreenLine &line : viewTop(report(), height))
			text += line.text + "\n";
		return text;
	}

	TopLook before_;
	TopLook now_;
};

TEST_F(TopTest, DropsHaveRatesAndTheBusiestIsFirst)
{
	before_.drops = {drop("arp", 1000), drop("rule", 10)};
	now_.drops = {drop("arp", 1000), drop("rule", 30), drop("nd", 4),
	              drop("self", 0)};
	const json drops = report()["drops"];
	ASSERT_EQ(drops.size(), 3U) << "what never was is not shown";
	EXPECT_EQ(drops[0]["reason"], "rule");
	EXPECT_EQ(drops[0]["packets_per_second"], 10.0);
	EXPECT_EQ(drops[0]["bytes_per_second"], 600.0);
	EXPECT_EQ(drops[1]["reason"], "nd");
	EXPECT_EQ(drops[2]["packets_per_second"], 0.0);
}

TEST_F(TopTest, CountersThatBeginAgainCountFromZero)
{
	before_.drops = json::array({drop("arp", 1000)});
	now_.drops = json::array({drop("arp", 10)});
	EXPECT_EQ(report()["drops"][0]["packets_per_second"], 5.0);
}

TEST_F(TopTest, FlowsByWhatTheySendNow)
{
	before_.flows = {flow(1, 1'000'000, 0), flow(2, 100, 100)};
	now_.flows = {flow(1, 1'000'000, 0), flow(2, 2100, 4100)};
	const json flows = report()["flows"];
	EXPECT_EQ(flows[0]["flow_id"], 2);
	EXPECT_EQ(flows[0]["bytes_toserver_per_second"], 1000.0);
	EXPECT_EQ(flows[0]["bytes_per_second"], 3000.0);
	EXPECT_EQ(flows[1]["bytes_per_second"], 0.0);
}

TEST_F(TopTest, ScannersAreThoseWhoProbeNowOrAreShadowed)
{
	before_.sources = json::array({source("10.0.9.66", 10, now_.time)});
	now_.sources = {source("10.0.9.1", 9, now_.time - 2min),
	                source("10.0.9.2", 9, now_.time - 2min),
	                source("10.0.9.66", 30, now_.time)};
	const std::string until = timestamp(now_.time + 1h);
	now_.shadows = {{{"source", "10.0.9.2"}, {"until", until}},
	                {{"source", "10.0.9.77"}, {"until", until}}};
	const json scanners = report()["scanners"];
	ASSERT_EQ(scanners.size(), 3U);
	EXPECT_EQ(scanners[0]["address"], "10.0.9.66");
	EXPECT_EQ(scanners[0]["probes_per_second"], 10.0);
	EXPECT_EQ(scanners[1]["address"], "10.0.9.2");
	EXPECT_EQ(scanners[1]["shadowed_until"], until);
	EXPECT_EQ(scanners[2]["address"], "10.0.9.77");
}

TEST_F(TopTest, TheScreenSaysHowTheCloakIs)
{
	now_.drops = json::array({drop("arp", 2'400'000)});
	now_.flows = json::array({flow(1, 100, 100)});
	now_.alerts = {{{"text", "first"}}, {{"text", "second"}}};
	const std::string text = view(24);
	EXPECT_NE(
	    text.find("cloak on: eth1 (monitor, native); up 1 d 02:00:00"),
	    std::string::npos)
	    << text;
	EXPECT_NE(text.find("1.2M"), std::string::npos) << text;
	EXPECT_NE(text.find("[2001:db8::5]:4420"), std::string::npos) << text;
	EXPECT_LT(text.find("second"), text.find("first"));
}

TEST_F(TopTest, NoScreenIsTooSmall)
{
	for (unsigned i = 0; i < 50; ++i) {
		now_.flows.push_back(flow(i, i, i));
		now_.alerts.push_back({{"text", "alert"}});
	}
	for (std::size_t height = 10; height < 60; ++height)
		EXPECT_EQ(viewTop(report(), height).size(), height);
	EXPECT_LE(viewTop(report(), 1).size(), 10U);
	EXPECT_EQ(viewTop(report(), std::nullopt).size(),
	          10 + 2 * kRowsOfSection);
}

TEST_F(TopTest, WhatIsNotThereIsNotShown)
{
	now_.status = json::object();
	EXPECT_EQ(viewTop(report(), 24).size(), 10U);
	EXPECT_EQ(viewTop(json::object(), 24).size(), 10U);
}

TEST(ShareRows, NobodyGoesShortWhileAnotherHasMore)
{
	using Rows = std::vector<std::size_t>;

	EXPECT_EQ(shareRows(10, {1, 2, 3}), (Rows{1, 2, 3}));
	EXPECT_EQ(shareRows(5, {1, 20, 20}), (Rows{1, 2, 2}));
	EXPECT_EQ(shareRows(7, {1, 20, 20}), (Rows{1, 3, 3}));
	EXPECT_EQ(shareRows(2, {5, 5, 5}), (Rows{1, 1, 0}));
	EXPECT_EQ(shareRows(0, {5}), Rows{0});
	EXPECT_EQ(shareRows(5, {}), Rows{});
}

TEST(Scaled, ThreeDigitsAreEnough)
{
	EXPECT_EQ(scaled(0), "0");
	EXPECT_EQ(scaled(0.5), "0.5");
	EXPECT_EQ(scaled(12.4), "12");
	EXPECT_EQ(scaled(999), "999");
	EXPECT_EQ(scaled(999.9), "1.0k");
	EXPECT_EQ(scaled(1'200'000), "1.2M");
	EXPECT_EQ(scaled(45e9), "45G");
	EXPECT_EQ(scaled(5e15), "5000T");
}

} // namespace
} // namespace cloak
