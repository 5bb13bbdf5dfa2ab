// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What "cloakctl status" says, and what it leaves out.
 */
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/status_text.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;
using nlohmann::json;

/** All is well. */
json calm(WallTime now)
{
	return {
	    {"version", "9.8.7"},
	    {"started", timestamp(now - 26h)},
	    {"cloak", "on"},
	    {"policy",
	     {{"source", "/etc/p.toml"},
	      {"files", {"/etc/p.toml", "/etc/p.d/10-more.toml"}},
	      {"peers", 2},
	      {"groups", 1},
	      {"gateways", 0},
	      {"rules", 7},
	      {"tables", 1}}},
	    {"events",
	     {{"probes", 12},
	      {"background", 3},
	      {"lost", 0},
	      {"rate_limited", 0},
	      {"failed", 0}}},
	    {"alerts",
	     {{"raised", 5},
	      {"suppressed", 0},
	      {"sources", 4},
	      {"evicted", 0}}},
	    {"watch",
	     {{"shadows", 2},
	      {"crowded_out", 0},
	      {"records", 9},
	      {"closed", {{"idle", 3}, {"end", 4}}},
	      {"omitted", 0},
	      {"evidence",
	       {{"written", 8},
	        {"failed", 0},
	        {"lost", 0},
	        {"last_error", ""}}}}},
	    {"accounting", {{"full", 0}, {"over_budget", 0}, {"no_room", 0}}},
	    {"lost", {{"alerts", 0}, {"flows", 0}, {"leaving", 0}}},
	    {"removed", {{"ingress", 0}, {"egress", 0}, {"answers", 0}}},
	    {"log", {{"lost", 0}}},
	    {"control", {{"clients", 1}, {"crowded_out", 0}, {"unread", 0}}},
	    {"outputs",
	     {{{"name", "syslog tcp://h:1"},
	       {"written", 5},
	       {"waiting", 0},
	       {"kept", 0},
	       {"dropped", 0},
	       {"connected", true},
	       {"last_error", ""}},
	      {{"name", "/e.json"},
	       {"written", 5},
	       {"waiting", 0},
	       {"dropped", 0},
	       {"last_error", ""}}}},
	};
}

class StatusText : public testing::Test
{
protected:
	[[nodiscard]] std::string text() const
	{
		std::string all;
		for (const std::string &line : describeStatus(status_, now_))
			all += line + "\n";
		return all;
	}

	void expect(const std::string &line) const
	{
		EXPECT_NE(("\n" + text()).find("\n" + line + "\n"),
		          std::string::npos)
		    << line << "\nis not in\n"
		    << text();
	}

	WallTime now_{1'795'156'791s};
	json status_ = calm(now_);
};

TEST_F(StatusText, SaysWhatThereAlwaysIs)
{
	expect("cloak    on");
	expect("daemon   9.8.7, up 1 d 02:00:00");
	expect("         and /etc/p.d/10-more.toml");
	expect("rules    7 in 1 tables");
	expect("probes   12, background 3");
	expect("alerts   5 raised, 0 suppressed, 4 sources known");
	expect("shadows  2, and 9 flows go on, 7 were told");
	expect("evidence 8 packets written");
	expect("output   syslog tcp://h:1: connected, 5 written, 0 waiting, "
	       "0 dropped");
	expect("output   /e.json: 5 written, 0 waiting, 0 dropped");
}

TEST_F(StatusText, OfLossesOnlyWhereThereAreSome)
{
	for (const char *heading :
	     {"events ", "omitted ", "unfiled ", "lost ", "removed ", "log "})
		EXPECT_EQ(("\n" + text()).find(std::string("\n") + heading),
		          std::string::npos)
		    << heading;
}

TEST_F(StatusText, NoLossIsLeftOut)
{
	status_["events"].update(
	    {{"lost", 1}, {"rate_limited", 2}, {"failed", 3}});
	status_["alerts"]["evicted"] = 4;
	status_["accounting"].update(
	    {{"full", 5}, {"over_budget", 6}, {"no_room", 7}});
	status_["watch"]["omitted"] = 14;
	status_["watch"]["evidence"].update(
	    {{"failed", 8}, {"lost", 9}, {"last_error", "cannot write: full"}});
	status_["lost"].update({{"alerts", 10}, {"flows", 11}});
	status_["log"]["lost"] = 12;
	status_["outputs"][0].update({{"connected", false},
	                              {"waiting", 12},
	                              {"kept", 13},
	                              {"last_error", "refused"}});
	expect("events   1 lost, 2 above the limit, 3 without room");
	expect("alerts   5 raised, 0 suppressed, 4 sources known, 4 forgotten "
	       "for room");
	expect("omitted  14 events of flows, above eve_per_second");
	expect("unfiled  5 packets as the table of flows was full, 6 packets "
	       "above the budget, 7 sources not shadowed for want of room");
	expect("evidence 8 packets written, 8 failed, 9 lost; cannot write: "
	       "full");
	expect("lost     10 alerts, 11 flows for receivers that are no more");
	expect("log      12 lines lost, as nobody has read them");
	expect("output   syslog tcp://h:1: not connected, 5 written, 12 "
	       "waiting (13 on disk), 0 dropped; refused");
}

/** A cloakd of another version may say less. */
TEST_F(StatusText, WhatIsNotSaidIsNoFault)
{
	status_ = {{"cloak", "off"}};
	expect("cloak    off");
	status_ = json::object();
	expect("cloak    -");
}

} // namespace
} // namespace cloak
