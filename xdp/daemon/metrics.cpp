// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.h"

#include <algorithm>

#include "alerts/text.h"
#include "bpf/batch.h"
#include "bpf/counters.h"
#include "bpf/names.h"
#include "bpf/programs.h"
#include "daemon/exposition.h"
#include "daemon/metrics_rules.h"
#include "policy/interfaces.h"
#include "util/log.h"
#include "util/version.h"

namespace cloak
{
namespace
{

void addVerdicts(Exposition &out, const CloakMaps &maps)
{
	auto rows = readCounters(maps);

	if (!rows)
		return;
	const auto sample = [&out](const CounterRow &row, std::uint64_t value) {
		const char *verdict = !row.isDrop()   ? "pass"
		                      : row.monitored ? "would_drop"
		                                      : "drop";
		const char *way = row.direction == CLOAK_INGRESS ? "in" : "out";
		out.sample({{"direction", way},
		            {"verdict", verdict},
		            {"reason", std::string(reasonName(row.reason))}},
		           value);
	};
	out.family("packets_total", "counter",
	           "Packets by verdict and its reason.");
	for (const CounterRow &row : *rows)
		sample(row, row.packets);
	out.family("bytes_total", "counter",
	           "Octets of frames by verdict and its reason.");
	for (const CounterRow &row : *rows)
		sample(row, row.bytes);
}

void addEvents(Exposition &out, const CloakMaps &maps, const Engine &engine)
{
	auto stats = readEventStats(maps);

	if (!stats)
		return;
	constexpr std::pair<cloak_event_stat, const char *> outcomes[] = {
	    {CLOAK_STAT_BACKGROUND, "background"},
	    {CLOAK_STAT_SENT, "sent"},
	    {CLOAK_STAT_SUPPRESSED, "suppressed"},
	    {CLOAK_STAT_RATE_LIMITED, "rate_limited"},
	    {CLOAK_STAT_FAILED, "failed"},
	};
	out.family("probes_total", "counter",
	           "Packets that were reported, by what became of the event.");
	for (const auto &[stat, name] : outcomes)
		out.sample({{"event", name}}, stats->at(stat));
	out.family("events_lost_total", "counter",
	           "Events that found the perf buffer full.");
	out.sample({}, engine.reader() ? engine.reader()->lost() : 0);
}

void addAccounting(Exposition &out, const CloakMaps &maps)
{
	auto stats = readAccountStats(maps);

	if (!stats)
		return;
	constexpr std::pair<cloak_account_stat, const char *> filing[] = {
	    {CLOAK_ACCOUNT_FILED, "filed"},
	    {CLOAK_ACCOUNT_FULL, "full"},
	    {CLOAK_ACCOUNT_OVER_BUDGET, "over_budget"},
	};
	constexpr std::pair<cloak_account_stat, const char *> copies[] = {
	    {CLOAK_ACCOUNT_COPIED, "copied"},
	    {CLOAK_ACCOUNT_UNWANTED, "unwanted"},
	    {CLOAK_ACCOUNT_LIMITED, "limited"},
	    {CLOAK_ACCOUNT_FAILED, "failed"},
	};
	out.family("accounted_packets_total", "counter",
	           "Packets that had to be accounted, by whether a flow "
	           "record has them.");
	for (const auto &[stat, name] : filing)
		out.sample({{"outcome", name}}, stats->at(stat));
	out.family("shadowed_packets_total", "counter",
	           "Packets of shadowed sources, by whether they were given "
	           "out as evidence.");
	for (const auto &[stat, name] : copies)
		out.sample({{"evidence", name}}, stats->at(stat));
}

/** How full the tables are. Counting takes a moment, each time. */
void addMaps(Exposition &out, const CloakMaps &maps)
{
	const auto count = [](const auto &map, std::size_t most) {
		auto entries = readBatch(map, most);
		return entries ? entries->size() : 0;
	};

	out.family("map_entries", "gauge", "Entries of a table.");
	out.sample({{"map", "sources"}},
	           count(maps.sources, CLOAK_MAX_SOURCES));
	out.sample({{"map", "shadows"}},
	           count(maps.shadows, CLOAK_MAX_SHADOWS));
	out.sample({{"map", "records"}},
	           count(maps.records, CLOAK_MAX_RECORDS));
	out.sample({{"map", "flows"}}, count(maps.flows, CLOAK_MAX_FLOWS));
	out.sample({{"map", "neighbours"}},
	           count(maps.neighbours, CLOAK_MAX_NEIGHBOURS));
	out.sample({{"map", "connections"}},
	           count(maps.connections, CLOAK_MAX_CONNECTIONS));
	out.sample({{"map", "openings"}},
	           count(maps.openings, CLOAK_MAX_OPENINGS));
	out.family("map_capacity", "gauge",
	           "Entries that a table has room for.");
	out.sample({{"map", "sources"}}, CLOAK_MAX_SOURCES);
	out.sample({{"map", "shadows"}}, CLOAK_MAX_SHADOWS);
	out.sample({{"map", "records"}}, CLOAK_MAX_RECORDS);
	out.sample({{"map", "flows"}}, CLOAK_MAX_FLOWS);
	out.sample({{"map", "neighbours"}}, CLOAK_MAX_NEIGHBOURS);
	out.sample({{"map", "connections"}}, CLOAK_MAX_CONNECTIONS);
	out.sample({{"map", "openings"}}, CLOAK_MAX_OPENINGS);
}

void addPrograms(Exposition &out, const Enforcer &enforcer)
{
	constexpr double second = 1e9;
	const auto ingress = readProgramStats(enforcer.ingressProgram());
	const auto egress = readProgramStats(enforcer.egressProgram());

	if (!ingress || !egress)
		return;
	out.family("program_runs_total", "counter",
	           "Runs of a program while they were measured.");
	out.sample({{"program", "ingress"}}, ingress->runs);
	out.sample({{"program", "egress"}}, egress->runs);
	out.family("program_run_seconds_total", "counter",
	           "Time that a program ran while it was measured.");
	out.sample({{"program", "ingress"}},
	           static_cast<double>(ingress->nanoseconds) / second);
	out.sample({{"program", "egress"}},
	           static_cast<double>(egress->nanoseconds) / second);
}

void addAlerts(Exposition &out, const Tracker::Stats &stats)
{
	out.family("alerts_total", "counter", "Alerts raised, by class.");
	for (std::size_t kind = 0; kind < stats.byClass.size(); ++kind)
		out.sample({{"class", std::string(className(
					  static_cast<AlertClass>(kind)))}},
		           stats.byClass.at(kind));
	out.family("alerts_suppressed_total", "counter",
	           "Alerts above the limit of the policy.");
	out.sample({}, stats.suppressed);
	out.family("tracked_sources", "gauge",
	           "Sources that alerts are raised about.");
	out.sample({}, stats.sources);
}

void addFlows(Exposition &out, const Watch &watch, const FlowEvents &events)
{
	const auto &closed = watch.collector().stats().closed;

	out.family("flows_total", "counter",
	           "Flow records that were closed, by the reason why.");
	for (std::size_t end = 1; end < closed.size(); ++end)
		out.sample(
		    {{"end", std::string(endName(static_cast<FlowEnd>(end)))}},
		    closed.at(end));
	out.family("shadows_crowded_out_total", "counter",
	           "Shadows that have ended before their time, as others "
	           "needed the room.");
	out.sample({}, watch.crowdedOut());
	out.family("flow_events_omitted_total", "counter",
	           "Flows above the limit of the policy, of which no event in "
	           "the EVE file tells.");
	out.sample({}, events.omitted());
	if (const auto evidence = watch.evidence()) {
		out.family("evidence_packets_total", "counter",
		           "Packets copied as evidence, by whether they are "
		           "in a file; the buffer was full for those lost.");
		out.sample({{"outcome", "written"}}, evidence->written);
		out.sample({{"outcome", "failed"}}, evidence->failed);
		out.sample({{"outcome", "lost"}}, evidence->lost);
	}
}

void addOutputs(Exposition &out, const Engine &engine)
{
	struct Row {
		std::string name;
		std::uint64_t written;
		std::uint64_t dropped;
		std::uint64_t failed;
		std::size_t waiting;
	};
	std::vector<Row> rows;

	for (const auto &[name, stats] : engine.outputs().stats())
		rows.push_back({name, stats.written, stats.dropped,
		                stats.failed, stats.waiting});
	for (const auto &[name, stats] : engine.exporters().stats())
		rows.push_back({name, stats.sent, stats.dropped, stats.failed,
		                stats.waiting});
	out.family("output_written_total", "counter",
	           "What an output has taken.");
	for (const Row &row : rows)
		out.sample({{"output", row.name}}, row.written);
	out.family("output_dropped_total", "counter",
	           "What found the queue of an output full.");
	for (const Row &row : rows)
		out.sample({{"output", row.name}}, row.dropped);
	out.family("output_failed_total", "counter",
	           "Attempts to write to an output or to reach a receiver "
	           "that ended in an error.");
	for (const Row &row : rows)
		out.sample({{"output", row.name}}, row.failed);
	out.family("output_waiting", "gauge", "What waits for an output.");
	for (const Row &row : rows)
		out.sample({{"output", row.name}}, row.waiting);
}

/** What receivers have not got, and will have after a restart, or never. */
void addReceivers(Exposition &out, const Exporters &exporters)
{
	const Exporters::Losses losses = exporters.losses();

	out.family("output_kept", "gauge",
	           "Of what waits, what is on the disk as well.");
	for (const auto &[name, stats] : exporters.stats())
		out.sample({{"output", name}}, stats.kept);
	out.family("receiver_connected", "gauge",
	           "Whether there is a connection to a receiver; there is none "
	           "before there is something to send.");
	for (const auto &[name, stats] : exporters.stats())
		out.sample({{"output", name}}, stats.connected ? 1 : 0);
	out.family("receiver_lost_total", "counter",
	           "What could not be delivered to a receiver before the "
	           "policy had it no more.");
	out.sample({{"of", "flows"}}, losses.flows);
	out.sample({{"of", "alerts"}}, losses.alerts);
}

/** By their names as the policy knows them; those that are there. */
void addInterfaces(Exposition &out, const Engine &engine)
{
	struct Row {
		std::string name;
		bool attached;
		bool refused;
	};
	const Enforcer &enforcer = *engine.enforcer();
	const auto attachments = enforcer.attachments();
	std::vector<Row> rows;

	if (!attachments || !engine.inForce())
		return;
	for (const InterfaceMatch &match :
	     matchInterfaces(engine.inForce()->policy, engine.host())) {
		if (match.found == nullptr)
			continue;
		const unsigned index = match.found->index;
		const bool attached = std::ranges::find(*attachments, index,
		                                        &Attachment::ifindex) !=
		                      attachments->end();
		rows.push_back({match.found->policyName(), attached,
		                !enforcer.refusalOf(index).empty()});
	}
	out.family("interface_attached", "gauge",
	           "Whether an interface of the policy is cloaked.");
	for (const Row &row : rows)
		out.sample({{"interface", row.name}}, row.attached ? 1 : 0);
	out.family("interface_refused", "gauge",
	           "Whether an interface cannot be cloaked as the policy says "
	           "and is tried again.");
	for (const Row &row : rows)
		out.sample({{"interface", row.name}}, row.refused ? 1 : 0);
}

void addRemoved(Exposition &out, const Mender::Removed &removed)
{
	out.family("removed_total", "counter",
	           "Parts of the cloak that others have taken off an "
	           "interface.");
	for (std::size_t i = 0; i < kHalves.size(); ++i)
		out.sample({{"part", std::string(kHalves.at(i).name)}},
		           removed.at(i));
}

void addControl(Exposition &out, const ControlServer::Stats &stats)
{
	out.family("control_clients", "gauge",
	           "Connections to the control socket.");
	out.sample({}, stats.clients);
	out.family("control_held_bytes", "gauge",
	           "Memory for requests that have not ended yet and for "
	           "answers that were not read.");
	out.sample({}, stats.held);
	out.family("control_refused_total", "counter",
	           "Clients of the control socket that were left, as others "
	           "left no room or as they did not read.");
	out.sample({{"cause", "no_room"}}, stats.crowdedOut);
	out.sample({{"cause", "unread"}}, stats.unread);
}

} // namespace

std::string renderMetrics(const Engine &engine,
                          const ControlServer::Stats &control)
{
	Exposition out;
	const Enforcer *enforcer = engine.enforcer();

	out.family("build_info", "gauge", "The version of cloakd.");
	out.sample({{"version", kVersion}}, 1);
	out.family("on", "gauge", "Whether the cloak is on.");
	out.sample({}, enforcer != nullptr ? 1 : 0);
	out.family("trial_pending", "gauge",
	           "Whether a policy on trial awaits confirmation.");
	out.sample({}, engine.trial() != nullptr ? 1 : 0);
	out.family("policy_mistaken", "gauge",
	           "Whether the policy had errors when cloakd started, and "
	           "what was in force before is.");
	out.sample({}, engine.mistakes().empty() ? 0 : 1);
	addAlerts(out, engine.tracker().stats());
	addFlows(out, engine.watch(), engine.flowEvents());
	addOutputs(out, engine);
	addReceivers(out, engine.exporters());
	out.family("log_lines_lost_total", "counter",
	           "Lines of the log that nobody has read in time.");
	out.sample({}, lostLogLines());
	addControl(out, control);
	addRemoved(out, engine.mender().removed());
	if (enforcer == nullptr)
		return out.take();
	addInterfaces(out, engine);
	addVerdicts(out, enforcer->maps());
	addEvents(out, enforcer->maps(), engine);
	addAccounting(out, enforcer->maps());
	addMaps(out, enforcer->maps());
	addPrograms(out, *enforcer);
	addRules(out, engine);
	return out.take();
}

} // namespace cloak
