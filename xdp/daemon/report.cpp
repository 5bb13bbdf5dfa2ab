// SPDX-License-Identifier: Apache-2.0
#include "daemon/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "bpf/counters.h"
#include "bpf/names.h"
#include "bpf/sources.h"
#include "daemon/seeing_report.h"
#include "policy/interfaces.h"
#include "policy/words.h"
#include "util/log.h"
#include "util/version.h"

namespace cloak
{
namespace
{

using nlohmann::json;

std::string wall(std::uint64_t nanoseconds)
{
	return timestamp(toWall(BootClock::fromNanoseconds(nanoseconds)));
}

std::string_view modeName(XdpMode mode)
{
	return mode == XdpMode::Native ? "native" : "generic";
}

/** How an interface of the policy is attached: "no" should not happen. */
json attachmentOf(const std::vector<Attachment> &attachments, unsigned index)
{
	auto found =
	    std::ranges::find(attachments, index, &Attachment::ifindex);

	if (found == attachments.end())
		return {{"attached", "no"},
		        {"dispatcher", false},
		        {"egress", false}};
	return {{"attached", modeName(found->mode)},
	        {"dispatcher", found->dispatcher},
	        {"egress", found->egress}};
}

/** What the policy says, and whom it is about: a pattern if it is none yet. */
json describeMatch(const InterfaceMatch &match)
{
	const InterfacePolicy &table = *match.table;
	const std::string &name = table.name.value;
	json entry = {
	    {"name", match.found != nullptr ? match.found->policyName() : name},
	    {"mode", wordOf(kScopes, table.scope.value)},
	    {"action", wordOf(kActions, table.action)},
	    {"present", match.found != nullptr},
	};

	if (isPattern(name))
		entry["pattern"] = name;
	return entry;
}

json reportInterfaces(const Engine &engine,
                      const std::vector<Attachment> &attachments)
{
	json list = json::array();

	if (!engine.inForce())
		return list;
	for (const InterfaceMatch &match :
	     matchInterfaces(engine.inForce()->policy, engine.host())) {
		json entry = describeMatch(match);
		const unsigned index =
		    match.found == nullptr ? 0 : match.found->index;
		entry.update(attachmentOf(attachments, index));
		const std::string refusal =
		    engine.enforcer() == nullptr
			? ""
			: engine.enforcer()->refusalOf(index);
		if (!refusal.empty())
			entry["refusal"] = refusal;
		list.push_back(std::move(entry));
	}
	return list;
}

json reportPolicy(const PolicyInForce &inForce)
{
	std::size_t peers = 0;
	std::size_t rules = 0;

	for (const PeerGroup &group : inForce.policy.peers)
		peers += group.prefixes.size();
	for (const TablePolicy &table : inForce.policy.tables)
		rules += table.rules.size();
	return {
	    {"source", inForce.source},
	    {"files", inForce.policy.files},
	    {"applied", timestamp(inForce.applied)},
	    {"addresses", inForce.policy.addresses.size()},
	    {"groups", inForce.policy.peers.size()},
	    {"peers", peers},
	    {"gateways", inForce.policy.gateways.size()},
	    {"tables", inForce.policy.tables.size()},
	    {"rules", rules},
	};
}

/** What others have taken off interfaces, and was put back. */
json reportRemoved(const Mender::Removed &removed)
{
	json counts = json::object();

	for (std::size_t i = 0; i < kHalves.size(); ++i)
		counts[std::string(kHalves.at(i).name)] = removed.at(i);
	return counts;
}

json reportGranted(const std::vector<Authorisation> &granted)
{
	json list = json::array();

	for (const Authorisation &authorisation : granted) {
		json entry = {{"peer", toString(authorisation.peer)}};
		if (authorisation.mac)
			entry["mac"] = toString(*authorisation.mac);
		if (authorisation.expires) {
			entry["expires"] =
			    timestamp(toWall(*authorisation.expires));
		}
		list.push_back(std::move(entry));
	}
	return list;
}

json reportAlerts(const Tracker::Stats &stats)
{
	return {
	    {"raised", stats.raised},         {"suppressed", stats.suppressed},
	    {"background", stats.background}, {"sources", stats.sources},
	    {"evicted", stats.evicted},
	};
}

void addExporters(const Exporters &exporters, json &list)
{
	for (const auto &[name, stats] : exporters.stats()) {
		list.push_back({
		    {"name", name},
		    {"written", stats.sent},
		    {"waiting", stats.waiting},
		    {"kept", stats.kept},
		    {"dropped", stats.dropped},
		    {"failed", stats.failed},
		    {"connected", stats.connected},
		    {"last_error", stats.lastError},
		});
	}
}

json reportLosses(const Exporters::Losses &losses)
{
	return {
	    {"flows", losses.flows},
	    {"alerts", losses.alerts},
	    {"leaving", losses.leaving},
	};
}

json reportOutputs(const Outputs &outputs)
{
	json list = json::array();

	for (const auto &[name, stats] : outputs.stats()) {
		list.push_back({
		    {"name", name},
		    {"written", stats.written},
		    {"waiting", stats.waiting},
		    {"dropped", stats.dropped},
		    {"failed", stats.failed},
		    {"last_error", stats.lastError},
		});
	}
	return list;
}

Result<json> reportEvents(const Enforcer &enforcer, const PerfReader *reader)
{
	auto stats = readEventStats(enforcer.maps());

	if (!stats)
		return stats.error();
	return json{
	    {"probes", (*stats)[CLOAK_STAT_PROBES]},
	    {"background", (*stats)[CLOAK_STAT_BACKGROUND]},
	    {"sent", (*stats)[CLOAK_STAT_SENT]},
	    {"suppressed", (*stats)[CLOAK_STAT_SUPPRESSED]},
	    {"rate_limited", (*stats)[CLOAK_STAT_RATE_LIMITED]},
	    {"failed", (*stats)[CLOAK_STAT_FAILED]},
	    {"unrecorded", (*stats)[CLOAK_STAT_UNRECORDED]},
	    {"lost", reader == nullptr ? 0 : reader->lost()},
	    {"malformed", reader == nullptr ? 0 : reader->malformed()},
	};
}

json reportSource(const Engine &engine, const cloak_source_key &key,
                  const cloak_source &source)
{
	const IpAddress ip = fromAbi(key.addr);
	json kinds = json::array();

	for (unsigned kind = 1; kind < CLOAK_KINDS; ++kind)
		if ((source.kinds >> kind & 1U) != 0)
			kinds.push_back(kindName(kind));
	json entry = {
	    {"mac", toString(macFromAbi(key.mac))},
	    {"interface", engine.host().nameOf(source.ifindex)},
	    {"probes", source.probes},
	    {"bytes", source.bytes},
	    {"ports", estimateDistinct(source.ports)},
	    {"targets", estimateDistinct(source.targets)},
	    {"kinds", std::move(kinds)},
	    {"first_seen", wall(source.first_ns)},
	    {"last_seen", wall(source.last_ns)},
	};
	if (!ip.isUnspecified())
		entry["address"] = toString(ip);
	return entry;
}

} // namespace

Result<json> reportStatus(const Engine &engine)
{
	const Enforcer *enforcer = engine.enforcer();
	std::vector<Attachment> attachments;
	json status = {
	    {"version", kVersion},
	    {"started", timestamp(toWall(engine.started()))},
	    {"cloak", enforcer != nullptr ? "on" : "off"},
	    {"pin_dir", engine.options().pinRoot},
	    {"authorised", reportGranted(engine.granted())},
	    {"alerts", reportAlerts(engine.tracker().stats())},
	    {"outputs", reportOutputs(engine.outputs())},
	    {"lost", reportLosses(engine.exporters().losses())},
	    {"removed", reportRemoved(engine.mender().removed())},
	    {"log", {{"lost", lostLogLines()}}},
	};
	addExporters(engine.exporters(), status["outputs"]);

	if (enforcer != nullptr) {
		auto attached = enforcer->attachments();
		if (!attached)
			return attached.error();
		attachments = std::move(*attached);
		auto events = reportEvents(*enforcer, engine.reader());
		if (!events)
			return events.error();
		status["events"] = std::move(*events);
		auto accounting = reportAccounting(enforcer->maps());
		if (!accounting)
			return accounting.error();
		status["accounting"] = std::move(*accounting);
		status["watch"] = reportWatch(engine.watch());
		status["watch"]["omitted"] = engine.flowEvents().omitted();
	}
	status["interfaces"] = reportInterfaces(engine, attachments);
	if (engine.inForce())
		status["policy"] = reportPolicy(*engine.inForce());
	if (!engine.mistakes().empty())
		status["policy"]["mistakes"] = engine.mistakes();
	if (const Trial *trial = engine.trial()) {
		status["confirmation"] = {
		    {"until", timestamp(toWall(trial->ends))},
		    {"former", trial->formerSource},
		};
	}
	return status;
}

json reportControl(const ControlServer::Stats &stats)
{
	return {
	    {"clients", stats.clients},        {"held_bytes", stats.held},
	    {"crowded_out", stats.crowdedOut}, {"unread", stats.unread},
	    {"starved", stats.starved},
	};
}

Result<json> reportDrops(const CloakMaps &maps, bool all)
{
	json list = json::array();

	auto rows = readCounters(maps);
	if (!rows)
		return rows.error();
	for (const CounterRow &row : *rows) {
		if (!all && !row.isDrop())
			continue;
		list.push_back({
		    {"direction",
		     row.direction == CLOAK_INGRESS ? "in" : "out"},
		    {"reason", reasonName(row.reason)},
		    {"verdict", !row.isDrop()   ? "pass"
		                : row.monitored ? "would drop"
		                                : "drop"},
		    {"packets", row.packets},
		    {"bytes", row.bytes},
		    {"text", reasonText(row.reason)},
		});
	}
	return list;
}

Result<json> reportSources(const Engine &engine, std::size_t most)
{
	json list = json::array();

	if (engine.enforcer() == nullptr)
		return list;
	auto entries = readAccounts(engine.enforcer()->maps().sources);
	if (!entries)
		return entries.error();
	std::ranges::sort(*entries, [](const auto &one, const auto &other) {
		return one.second.probes > other.second.probes;
	});
	for (const auto &[key, source] : *entries) {
		if (list.size() == most)
			break;
		list.push_back(reportSource(engine, key, source));
	}
	return list;
}

std::string stateOf(const Engine &engine)
{
	if (engine.enforcer() == nullptr)
		return "cloak off";
	std::string cloaked;
	std::string refusing;
	for (const CompiledInterface &interface :
	     engine.compiled().interfaces) {
		const bool refuses =
		    !engine.enforcer()->refusalOf(interface.index).empty();
		std::string &names = refuses ? refusing : cloaked;
		names += (names.empty() ? "" : ", ") + interface.name;
	}
	const std::string absent =
	    fmt::format("{}", fmt::join(engine.compiled().absent, ", "));
	return fmt::format(
	    "cloak on: {}{}{}{}", cloaked.empty() ? "no interface" : cloaked,
	    refusing.empty() ? "" : "; not cloaked: " + refusing,
	    absent.empty() ? "" : "; not there: " + absent,
	    engine.trial() == nullptr ? "" : "; policy awaits confirmation");
}

std::string summarise(const Engine &engine)
{
	return fmt::format("{}; {} alerts", stateOf(engine),
	                   engine.tracker().stats().raised);
}

} // namespace cloak
