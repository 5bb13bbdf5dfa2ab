// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From flows to rules.
 */
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "learn/cover.h"
#include "learn/propose.h"
#include "learn/render.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;
using nlohmann::json;

std::string covered(const std::vector<std::string> &members,
                    const std::vector<std::string> &others = {})
{
	const auto addresses = [](const std::vector<std::string> &list) {
		std::set<IpAddress> found;
		for (const std::string &text : list)
			found.insert(*parseIp(text));
		return found;
	};
	std::string text;

	for (const Prefix &prefix :
	     cover(addresses(members), addresses(others)))
		text += (text.empty() ? "" : " ") + toString(prefix);
	return text;
}

std::vector<std::string> hosts(int from, int to)
{
	std::vector<std::string> list;

	for (int i = from; i <= to; ++i)
		list.push_back(fmt::format("10.0.9.{}", i));
	return list;
}

TEST(Cover, FewAreNamed)
{
	EXPECT_EQ(covered({}), "");
	EXPECT_EQ(covered({"10.0.9.1"}), "10.0.9.1");
	EXPECT_EQ(covered(hosts(4, 6)), "10.0.9.4 10.0.9.5 10.0.9.6");
	EXPECT_EQ(covered({"10.0.9.1", "2001:db8::1"}), "10.0.9.1 2001:db8::1");
}

TEST(Cover, NetworksOnlyWhereTheyAreDense)
{
	EXPECT_EQ(covered(hosts(4, 7)), "10.0.9.4/30");
	EXPECT_EQ(covered(hosts(8, 13)), "10.0.9.8/29");
	EXPECT_EQ(covered(hosts(8, 12)), "10.0.9.8/30 10.0.9.12");
	EXPECT_EQ(
	    covered({"10.0.9.1", "10.0.9.65", "10.0.9.129", "10.0.9.193"}),
	    "10.0.9.1 10.0.9.65 10.0.9.129 10.0.9.193");
	EXPECT_EQ(covered(hosts(0, 255)), "10.0.9.0/24");
	EXPECT_EQ(covered({"2001:db8::10", "2001:db8::11", "2001:db8::12",
	                   "2001:db8::13"}),
	          "2001:db8::10/126");
}

TEST(Cover, NobodyElseIsIn)
{
	EXPECT_EQ(covered(hosts(8, 14), {"10.0.9.15"}),
	          "10.0.9.8/30 10.0.9.12 10.0.9.13 10.0.9.14");
	EXPECT_EQ(covered(hosts(8, 14), {"10.0.9.16"}), "10.0.9.8/29");
}

/** Events as cloakd writes them. */
class Flows
{
public:
	/** A flow to this host or, if @p inbound is false, from it. */
	json &add(const char *remote, std::uint16_t remotePort,
	          const char *local, std::uint16_t localPort,
	          const char *protocol = "TCP", bool inbound = true)
	{
		const char *theirs = inbound ? "src" : "dest";
		const char *ours = inbound ? "dest" : "src";
		json event = {
		    {"event_type", "flow"},
		    {"in_iface", "eth1"},
		    {"proto", protocol},
		    {std::string(theirs) + "_ip", remote},
		    {std::string(ours) + "_ip", local},
		    {std::string(theirs) + "_port", remotePort},
		    {std::string(ours) + "_port", localPort},
		    {"flow",
		     {{"pkts_toserver", 3U},
		      {"pkts_toclient", 2U},
		      {"bytes_toserver", 300U},
		      {"bytes_toclient", 200U},
		      {"start", "2026-11-21T13:00:00.000000+0000"},
		      {"end", "2026-11-21T13:05:00.000000+0000"}}},
		    {"cloak", {{"remote", theirs}, {"end", "ended"}}},
		};
		if (std::string_view(protocol) == "TCP") {
			event["tcp"] = {{"tcp_flags_ts", "1b"},
			                {"tcp_flags_tc", "1b"}};
		}
		events_.push_back(std::move(event));
		return events_.back();
	}

	json &icmp(const char *remote, const char *local, unsigned type,
	           const char *protocol = "ICMP", bool inbound = true)
	{
		json &event = add(remote, 0, local, 0, protocol, inbound);

		event.erase("src_port");
		event.erase("dest_port");
		event["icmp_type"] = type;
		return event;
	}

	void ping(const char *remote, const char *local)
	{
		icmp(remote, local, 8);
	}

	/** One ICMP error, which nobody ever answers. */
	void error(const char *remote, const char *local, unsigned type,
	           const char *protocol = "ICMP", bool inbound = true)
	{
		icmp(remote, local, type, protocol,
		     inbound)["flow"]["pkts_toclient"] = 0U;
	}

	[[nodiscard]] SeenFlows seen(const SeenFilter &filter = {}) const
	{
		SeenFlows seen;

		for (const json &event : events_)
			addFlow(seen, event, filter);
		return seen;
	}

	[[nodiscard]] Proposal proposal(const LearnOptions &options = {}) const
	{
		return propose(seen(), options);
	}

	/** A line for each rule, without the answers. */
	[[nodiscard]] std::string rules(const LearnOptions &options = {}) const
	{
		std::string text;

		for (const ProposedTable &table : proposal(options).tables)
			for (const ProposedRule &rule : table.rules)
				if (!rule.answers)
					text += describe(rule.rule) + "\n";
		return text;
	}

private:
	std::deque<json> events_;
};

/** No answer came. */
void unanswer(json &event)
{
	event["flow"]["pkts_toclient"] = 0U;
	event["tcp"] = {{"tcp_flags_ts", "02"}, {"tcp_flags_tc", "00"}};
}

constexpr const char *kLake = "10.0.9.5";

TEST(Learn, OneRuleForOneServiceWhoeverUsesIt)
{
	Flows flows;

	flows.add("10.0.9.10", 40001, kLake, 4420);
	flows.add("10.0.9.20", 40002, kLake, 4420);
	flows.add("10.0.9.10", 40003, kLake, 4420);
	EXPECT_EQ(flows.rules(), "in tcp from {10.0.9.10, 10.0.9.20} dport "
	                         "4420\n");
	const Proposal proposal = flows.proposal();
	const ProposedRule &rule = proposal.tables.front().rules.front();
	EXPECT_EQ(rule.rule.name.value, "tcp-4420");
	EXPECT_EQ(rule.totals.flows, 3U);
	EXPECT_EQ(rule.totals.bytes, 1500U);
	ASSERT_EQ(rule.covers.size(), 2U);
	EXPECT_EQ(rule.covers[0].totals.flows, 2U);
	EXPECT_EQ(rule.covers[0].port, 4420U);
}

TEST(Learn, ServicesOfTheSameUsersShareARule)
{
	Flows flows;

	for (const std::uint16_t port : {4420, 8009, 4421, 22})
		flows.add("10.0.9.10", 40001, kLake, port);
	flows.add("10.0.9.20", 40001, kLake, 22);
	flows.add("10.0.9.10", 123, kLake, 123, "UDP");
	EXPECT_EQ(flows.rules(),
	          "in tcp from {10.0.9.10, 10.0.9.20} dport 22\n"
	          "in tcp from 10.0.9.10 dport {4420-4421, 8009}\n"
	          "in udp from 10.0.9.10 dport 123\n");
}

TEST(Learn, NeighboursAreANetwork)
{
	Flows flows;

	for (const std::string &host : hosts(64, 71))
		flows.add(host.c_str(), 40001, kLake, 4420);
	EXPECT_EQ(flows.rules(), "in tcp from 10.0.9.64/29 dport 4420\n");
}

TEST(Learn, ANetworkHasNeitherThisHostNorAScanner)
{
	Flows flows;

	for (const std::string &host : hosts(0, 7))
		if (host != kLake)
			flows.add(host.c_str(), 40001, kLake, 4420);
	EXPECT_EQ(flows.rules(), "in tcp from {10.0.9.0/30, 10.0.9.4, "
	                         "10.0.9.6, 10.0.9.7} dport 4420\n");
}

TEST(Learn, WhatThisHostAsksForIsToBeAnswered)
{
	Flows flows;

	flows.add("10.0.8.1", 443, kLake, 40001, "TCP", false);
	const Proposal proposal = flows.proposal();
	const auto &rules = proposal.tables.front().rules;
	ASSERT_EQ(rules.size(), 2U);
	EXPECT_EQ(describe(rules[0].rule), "out tcp to 10.0.8.1 dport 443");
	EXPECT_EQ(rules[0].rule.name.value, "to-tcp-443");
	EXPECT_EQ(describe(rules[1].rule),
	          "in tcp from 10.0.8.1 sport 443 flags ack");
	EXPECT_EQ(rules[1].rule.name.value, "to-tcp-443-answers");
	ASSERT_EQ(proposal.peers.size(), 1U);
	EXPECT_EQ(proposal.peers[0].access, Access::Outbound);
}

TEST(Learn, EphemeralPortsAreNoServices)
{
	Flows flows;

	flows.add("10.0.9.10", 40001, kLake, 50001);
	flows.add("10.0.9.10", 40002, kLake, 50002);
	EXPECT_EQ(flows.rules(), "in tcp from 10.0.9.10 dport 32768-65535\n");
}

TEST(Learn, ANumberThatDoesNotFitIsNone)
{
	Flows flows;

	flows.add("10.0.9.10", 40001, kLake, 4420)["dest_port"] = 65536U + 22;
	EXPECT_EQ(flows.rules().find("dport 22"), std::string::npos);
}

/** A record that began in the middle of a flow says who spoke first then. */
TEST(Learn, DirectionIsThatOfTheConnection)
{
	Flows flows;

	// The answer to a SYN was seen first, then nothing of the handshake.
	json &late = flows.add("10.0.9.10", 40001, kLake, 4420, "TCP", false);
	late["tcp"] = {{"tcp_flags_ts", "1a"}, {"tcp_flags_tc", "18"}};
	json &middle = flows.add("10.0.9.10", 40001, kLake, 4420, "TCP", false);
	middle["tcp"] = {{"tcp_flags_ts", "18"}, {"tcp_flags_tc", "10"}};
	// NFS asks from low ports: only the first record tells.
	flows.add("10.0.9.11", 700, kLake, 2049);
	json &next = flows.add("10.0.9.11", 700, kLake, 2049, "TCP", false);
	next["tcp"] = {{"tcp_flags_ts", "18"}, {"tcp_flags_tc", "10"}};
	EXPECT_EQ(flows.rules(), "in tcp from 10.0.9.11 dport 2049\n"
	                         "in tcp from 10.0.9.10 dport 4420\n");
}

TEST(Learn, WhatWasNotAnsweredIsLeftOut)
{
	Flows flows;

	flows.add("10.0.9.10", 40001, kLake, 4420);
	unanswer(flows.add("10.0.9.11", 40001, kLake, 4420));
	json &refused = flows.add("10.0.9.12", 40001, kLake, 4420);
	refused["tcp"] = {{"tcp_flags_ts", "02"}, {"tcp_flags_tc", "14"}};
	json &halfOpen = flows.add("10.0.9.13", 40001, kLake, 4420);
	halfOpen["tcp"] = {{"tcp_flags_ts", "06"}, {"tcp_flags_tc", "12"}};
	EXPECT_EQ(flows.rules(), "in tcp from 10.0.9.10 dport 4420\n");
	const Proposal proposal = flows.proposal();
	ASSERT_EQ(proposal.leftOut.size(), 1U);
	EXPECT_EQ(proposal.leftOut[0].remotes.size(), 3U);
	LearnOptions options;
	options.unanswered = true;
	EXPECT_EQ(flows.rules(options),
	          "in tcp from {10.0.9.10, 10.0.9.11, 10.0.9.12, 10.0.9.13} "
	          "dport 4420\n");
}

TEST(Learn, NothingIsLearnedOfScanners)
{
	Flows flows;

	flows.add("10.0.9.66", 40001, kLake, 22);
	for (const std::uint16_t port : {1, 2, 3, 4, 5})
		unanswer(flows.add("10.0.9.66", 40001, kLake, port));
	flows.add("10.0.9.10", 40001, kLake, 22);
	EXPECT_EQ(flows.rules(), "in tcp from 10.0.9.10 dport 22\n");
	EXPECT_EQ(flows.proposal().leftOut.front().why, "of scanners");
}

TEST(Learn, RareServicesCanBeLeftOut)
{
	Flows flows;
	LearnOptions options;

	options.leastFlows = 2;
	flows.add("10.0.9.10", 40001, kLake, 4420);
	flows.add("10.0.9.11", 40001, kLake, 4420);
	flows.add("10.0.9.10", 40001, kLake, 22);
	EXPECT_EQ(flows.rules(options),
	          "in tcp from {10.0.9.10, 10.0.9.11} dport 4420\n");
}

TEST(Learn, PingsAreAnsweredByPings)
{
	Flows flows;

	flows.ping("10.0.9.10", kLake);
	const Proposal proposal = flows.proposal();
	const auto &rules = proposal.tables.front().rules;
	ASSERT_EQ(rules.size(), 2U);
	EXPECT_EQ(rules[0].rule.icmpType->value, 8U);
	EXPECT_EQ(rules[1].rule.icmpType->value, 0U);
}

/** Who are peers, a line for each group. */
std::string peersOf(const Proposal &proposal)
{
	std::string text;

	for (const PeerGroup &group : proposal.peers) {
		text += group.name.value;
		for (const auto &prefix : group.prefixes)
			text += " " + toString(prefix.value);
		text += "\n";
	}
	return text;
}

TEST(Learn, AnErrorMakesNobodyAPeer)
{
	Flows flows;
	LearnOptions options;

	flows.add("10.0.9.10", 40001, kLake, 4420);
	for (const unsigned type : {3U, 11U, 12U})
		flows.error("10.0.1.1", kLake, type);
	flows.add("2001:db8::1", 20000, "2001:db8::5", 22);
	for (const unsigned type : {1U, 2U, 3U, 4U})
		flows.error("2001:db8::9", "2001:db8::5", type, "IPv6-ICMP");
	// What nobody has asked for can be told to anybody.
	flows.error("10.0.7.7", kLake, 3, "ICMP", false);
	options.unanswered = true;
	EXPECT_EQ(peersOf(flows.proposal()), "learned 10.0.9.10 2001:db8::1\n");
	EXPECT_EQ(peersOf(flows.proposal(options)),
	          "learned 10.0.9.10 2001:db8::1\n");
	EXPECT_NE(flows.rules().find("in icmp from 10.0.1.1 "),
	          std::string::npos)
	    << "errors are let through all the same";
}

TEST(Learn, WhoSendsErrorsAndMoreIsAPeer)
{
	Flows flows;

	flows.add("10.0.9.10", 40001, kLake, 4420);
	flows.error("10.0.9.10", kLake, 3);
	EXPECT_EQ(peersOf(flows.proposal()), "learned 10.0.9.10\n");
}

TEST(Learn, ANetworkHasNobodyWhoOnlySendsErrors)
{
	Flows flows;

	for (const std::string &host : hosts(64, 70))
		flows.add(host.c_str(), 40001, kLake, 4420);
	for (const std::string &host : hosts(68, 71))
		flows.error(host.c_str(), kLake, 3);
	const std::string some = "10.0.9.64/30 10.0.9.68 10.0.9.69 10.0.9.70";
	EXPECT_EQ(peersOf(flows.proposal()), "learned " + some + "\n");
	const Proposal proposal = flows.proposal();
	ASSERT_EQ(proposal.tables.size(), 1U);
	for (const ProposedRule &rule : proposal.tables.front().rules) {
		const bool errors = rule.rule.icmpType.has_value();
		if (rule.answers)
			continue;
		ASSERT_EQ(rule.rule.sources.size(), errors ? 1U : 4U);
		EXPECT_EQ(toString(rule.rule.sources.front().value),
		          errors ? "10.0.9.68/30" : "10.0.9.64/30");
	}
}

TEST(Learn, NoAnswersWhereThereWereNone)
{
	Flows flows;
	LearnOptions options;

	options.unanswered = true;
	flows.add("10.0.9.10", 40001, kLake, 514,
	          "UDP")["flow"]["pkts_toclient"] = 0U;
	flows.add("10.0.9.10", 40001, kLake, 4420);
	const Proposal proposal = flows.proposal(options);
	const auto &rules = proposal.tables.front().rules;
	ASSERT_EQ(rules.size(), 3U);
	EXPECT_EQ(rules[0].rule.name.value, "tcp-4420");
	EXPECT_TRUE(rules[1].answers);
	EXPECT_EQ(rules[2].rule.name.value, "udp-514");
}

TEST(Learn, AFlowThatGoesOnCountsOnce)
{
	Flows flows;

	for (int i = 0; i < 3; ++i)
		flows.add("10.0.9.10", 40001, kLake, 4420)["cloak"]["end"] =
		    "active";
	EXPECT_EQ(totalsOf(flows.proposal()).flows, 1U);
	EXPECT_EQ(totalsOf(flows.proposal()).packets, 15U);
}

TEST(Learn, OnlyWhatIsAskedFor)
{
	Flows flows;
	SeenFilter filter;

	flows.add("10.0.9.10", 40001, kLake, 4420);
	flows.add("10.0.9.10", 40001, "10.0.9.6", 4420);
	filter.local = *parseIp(kLake);
	EXPECT_EQ(flows.seen(filter).kinds.size(), 1U);
	filter.since = *parseTimestamp("2026-11-21T13:05:01");
	EXPECT_TRUE(flows.seen(filter).kinds.empty());
}

TEST(Learn, NoRuleForGroupsNorNeighbourhood)
{
	Flows flows;

	flows.add("10.0.9.10", 5353, "224.0.0.251", 5353, "UDP");
	flows.add("fe80::1", 546, "fe80::2", 547, "UDP");
	flows.add("10.0.9.10", 40001, kLake, 2323)["cloak"]["decoy"] = true;
	flows.add("2001:db8::1", 40001, kLake, 4420);
	EXPECT_EQ(flows.rules(), "");
	EXPECT_EQ(flows.proposal().skipped, 4U);
}

TEST(Learn, WhatIsNoFlowIsNoMatter)
{
	SeenFlows seen;

	for (const char *text :
	     {"1", "{}", R"({"event_type":"alert"})",
	      R"({"event_type":"flow"})",
	      R"({"event_type":"flow","src_ip":1,"flow":2,"proto":3})",
	      R"({"event_type":"flow","src_ip":"x","dest_ip":"y",)"
	      R"("proto":"TCP"})"})
		addFlow(seen, json::parse(text), {});
	EXPECT_TRUE(seen.kinds.empty());
}

Flows someOfAll()
{
	Flows flows;

	for (const std::string &host : hosts(64, 71))
		flows.add(host.c_str(), 40001, kLake, 4420);
	for (const std::uint16_t port : {1, 2, 3, 4, 5, 6, 7, 8, 9})
		flows.add("10.0.7.1", 40001, kLake, port);
	flows.ping("10.0.9.10", kLake);
	flows.add("10.0.8.1", 53, kLake, 40001, "UDP", false);
	flows.add("10.0.8.1", 50000, kLake, 50000, "SCTP");
	flows.add("10.0.8.1", 0, kLake, 0, "103");
	flows.add("2001:db8::1", 40000, "2001:db8::5", 22);
	unanswer(flows.add("10.0.9.66", 40001, kLake, 1));
	return flows;
}

TEST(Learn, TheProposalIsAPolicyWithoutErrors)
{
	const Proposal proposal = someOfAll().proposal();
	const ParsedPolicy parsed = readPolicy(toToml(proposal));

	for (const Diagnostic &error : parsed.errors)
		ADD_FAILURE() << toString(error, {"policy"});
	ASSERT_EQ(parsed.policy.tables.size(), proposal.tables.size());
	for (std::size_t i = 0; i < proposal.tables.size(); ++i) {
		const auto &read = parsed.policy.tables[i].rules;
		const auto &rules = proposal.tables[i].rules;
		ASSERT_EQ(read.size(), rules.size());
		for (std::size_t j = 0; j < rules.size(); ++j)
			EXPECT_EQ(describe(read[j]), describe(rules[j].rule));
		EXPECT_EQ(parsed.policy.tables[i].action, CLOAK_MODE_MONITOR);
	}
	EXPECT_EQ(parsed.policy.interfaces.front().action, CLOAK_MODE_MONITOR);
	EXPECT_EQ(toJson(proposal)["tables"].size(), proposal.tables.size());
}

TEST(Learn, AnInterfaceThatLooksLikeAPatternIsNotNamed)
{
	Flows flows;

	for (const char *name : {"et[1", "eth*", "eth?", "eth0"})
		flows.add("10.0.9.10", 50000, kLake, 4420)["in_iface"] = name;
	EXPECT_EQ(flows.proposal().interfaces, std::set<std::string>{"eth0"});
}

} // namespace
} // namespace cloak
