// SPDX-License-Identifier: Apache-2.0
#include "daemon/seeing_report.h"

#include <algorithm>

#include "bpf/counters.h"
#include "flows/eve.h"

namespace cloak
{
namespace
{

using nlohmann::json;

json asJson(const Shadow &shadow)
{
	const cloak_shadow &account = shadow.account;
	const auto since = BootClock::fromNanoseconds(account.since_ns);

	return {
	    {"source", toString(shadow.source)},
	    {"since", timestamp(toWall(since))},
	    {"until", timestamp(toWall(shadow.until()))},
	    {"causes", causeNames(account.causes)},
	    {"packets_in", account.packets[CLOAK_INGRESS]},
	    {"packets_out", account.packets[CLOAK_EGRESS]},
	    {"bytes_in", account.bytes[CLOAK_INGRESS]},
	    {"bytes_out", account.bytes[CLOAK_EGRESS]},
	    {"unfiled", account.unfiled},
	    {"copied", account.copied},
	    {"not_copied", account.uncopied},
	};
}

/** Those with the most octets, or those seen last, if there are many. */
void keepMost(std::vector<Flow> &flows, const FlowQuery &query)
{
	const std::size_t most =
	    query.top != 0 ? std::min(query.top, kMostFlows) : kMostFlows;

	if (flows.size() <= most)
		return;
	const auto end = flows.begin() + static_cast<std::ptrdiff_t>(most);
	std::nth_element(flows.begin(), end, flows.end(),
	                 [&query](const Flow &one, const Flow &other) {
				 return query.top != 0
		                            ? one.bytes() > other.bytes()
		                            : one.last() > other.last();
			 });
	flows.erase(end, flows.end());
}

} // namespace

Result<json> reportShadows(const CloakMaps &maps)
{
	auto shadows = listShadows(maps, BootClock::now());
	json list = json::array();

	if (!shadows)
		return shadows.error();
	for (const Shadow &shadow : *shadows)
		list.push_back(asJson(shadow));
	return list;
}

json reportFlows(std::vector<Flow> flows, const FlowQuery &query)
{
	const WallTime now = std::chrono::system_clock::now();
	json list = json::array();

	if (query.source) {
		std::erase_if(
		    flows,
		    [&query](const Flow &flow) {
			    return flow.remote() != *query.source;
		    });
	}
	keepMost(flows, query);
	std::ranges::sort(flows, [&query](const Flow &one, const Flow &other) {
		return query.top != 0
		           ? one.bytes() > other.bytes()
		           : one.record.first_ns < other.record.first_ns;
	});
	for (const Flow &flow : flows)
		list.push_back(toEve(flow, now));
	return list;
}

json reportWatch(const Watch &watch)
{
	const Collector::Stats &stats = watch.collector().stats();
	json closed = json::object();

	for (std::size_t end = 1; end < stats.closed.size(); ++end)
		closed[std::string(endName(static_cast<FlowEnd>(end)))] =
		    stats.closed.at(end);
	json report = {
	    {"shadows", watch.shadows()},
	    {"crowded_out", watch.crowdedOut()},
	    {"records", stats.records},
	    {"closed", std::move(closed)},
	};
	if (const auto evidence = watch.evidence()) {
		report["evidence"] = {
		    {"written", evidence->written},
		    {"failed", evidence->failed},
		    {"lost", evidence->lost},
		    {"malformed", evidence->malformed},
		    {"last_error", evidence->lastError},
		};
	}
	return report;
}

Result<json> reportAccounting(const CloakMaps &maps)
{
	auto stats = readAccountStats(maps);

	if (!stats)
		return stats.error();
	return json{
	    {"packets", (*stats)[CLOAK_ACCOUNT_PACKETS]},
	    {"filed", (*stats)[CLOAK_ACCOUNT_FILED]},
	    {"full", (*stats)[CLOAK_ACCOUNT_FULL]},
	    {"over_budget", (*stats)[CLOAK_ACCOUNT_OVER_BUDGET]},
	    {"records", (*stats)[CLOAK_ACCOUNT_RECORDS]},
	    {"shadowed", (*stats)[CLOAK_ACCOUNT_SHADOWED]},
	    {"copied", (*stats)[CLOAK_ACCOUNT_COPIED]},
	    {"unwanted", (*stats)[CLOAK_ACCOUNT_UNWANTED]},
	    {"limited", (*stats)[CLOAK_ACCOUNT_LIMITED]},
	    {"failed", (*stats)[CLOAK_ACCOUNT_FAILED]},
	    {"shadows", (*stats)[CLOAK_ACCOUNT_SHADOWS]},
	    {"no_room", (*stats)[CLOAK_ACCOUNT_NO_ROOM]},
	};
}

} // namespace cloak
