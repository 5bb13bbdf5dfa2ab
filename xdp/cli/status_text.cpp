// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

#include <fmt/format.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Lines = std::vector<std::string>;

/** A number of an object; 0 if a cloakd of before does not know it. */
std::uint64_t countIn(const json &object, const char *key)
{
	const auto found = object.find(key);

	return found != object.end() && found->is_number_integer()
	           ? found->get<std::uint64_t>()
	           : 0;
}

/** What is counted under a key, and what that is called. */
using Named = std::pair<const char *, const char *>;

/** "3 lost, 1 failed": those that are not 0. */
std::string countsOf(const json &object, std::initializer_list<Named> wanted)
{
	Lines parts;

	for (const auto &[key, name] : wanted)
		if (const std::uint64_t count = countIn(object, key))
			parts.push_back(fmt::format("{} {}", count, name));
	return fmt::format("{}", fmt::join(parts, ", "));
}

/** A line with @p text, unless that is empty. */
void addIfAny(Lines &lines, const char *heading, const std::string &text)
{
	if (!text.empty())
		lines.push_back(fmt::format("{:<9}{}", heading, text));
}

void addDaemon(Lines &lines, const json &status, WallTime now)
{
	const auto started = parseTimestamp(field(status, "started"));

	lines.push_back("cloak    " + field(status, "cloak"));
	lines.push_back(fmt::format("daemon   {}, up {}",
	                            field(status, "version"),
	                            started ? spanText(now - *started) : "-"));
}

/** The first file is the source, the others are those of its folder. */
void addFiles(Lines &lines, const json &policy)
{
	const json &files = listIn(policy, "files");

	for (std::size_t i = 1; i < files.size(); ++i)
		if (files[i].is_string())
			lines.push_back("         and " +
			                files[i].get<std::string>());
}

void addPolicy(Lines &lines, const json &status)
{
	const json &policy = objectIn(status, "policy");

	lines.push_back(fmt::format("policy   {}, applied {}",
	                            field(policy, "source"),
	                            timeField(policy, "applied")));
	addFiles(lines, policy);
	for (const json &mistake : listIn(policy, "mistakes"))
		if (mistake.is_string())
			lines.push_back("mistake  " +
			                mistake.get<std::string>());
	if (status.contains("confirmation")) {
		const json &awaited = objectIn(status, "confirmation");
		lines.push_back(fmt::format(
		    "confirm  awaited until {}, else back to {}",
		    timeField(awaited, "until"), field(awaited, "former")));
	}
	lines.push_back(fmt::format(
	    "peers    {} in {} groups, {} gateways", field(policy, "peers"),
	    field(policy, "groups"), field(policy, "gateways")));
	lines.push_back(fmt::format("rules    {} in {} tables",
	                            field(policy, "rules"),
	                            field(policy, "tables")));
}

/** What was seen, and what of it has not come through. */
void addSeen(Lines &lines, const json &status)
{
	const json &events = objectIn(status, "events");
	const json &alerts = objectIn(status, "alerts");
	const std::string evicted =
	    countsOf(alerts, {{"evicted", "forgotten for room"}});

	lines.push_back(fmt::format("probes   {}, background {}",
	                            field(events, "probes"),
	                            field(events, "background")));
	addIfAny(lines, "events",
	         countsOf(events, {{"lost", "lost"},
	                           {"rate_limited", "above the limit"},
	                           {"failed", "without room"},
	                           {"unrecorded", "without an account"},
	                           {"malformed", "malformed"}}));
	lines.push_back(fmt::format(
	    "alerts   {} raised, {} suppressed, {} sources known{}",
	    field(alerts, "raised"), field(alerts, "suppressed"),
	    field(alerts, "sources"), evicted.empty() ? "" : ", " + evicted));
}

std::uint64_t sumOf(const json &counts)
{
	std::uint64_t sum = 0;

	for (const json &count : counts)
		if (count.is_number_integer())
			sum += count.get<std::uint64_t>();
	return sum;
}

void addEvidence(Lines &lines, const json &watch)
{
	const json &evidence = objectIn(watch, "evidence");

	if (evidence.empty())
		return;
	const std::string lacking =
	    countsOf(evidence, {{"failed", "failed"},
	                        {"lost", "lost"},
	                        {"malformed", "malformed"}});
	const std::string error = evidence.value("last_error", std::string());
	lines.push_back(fmt::format("evidence {} packets written{}{}{}{}",
	                            field(evidence, "written"),
	                            lacking.empty() ? "" : ", ", lacking,
	                            error.empty() ? "" : "; ", error));
}

/** Shadows, flows and evidence: there is nothing of them without a cloak. */
void addWatch(Lines &lines, const json &status)
{
	const json &watch = objectIn(status, "watch");
	const json &accounting = objectIn(status, "accounting");

	if (watch.empty())
		return;
	const std::string early =
	    countsOf(watch, {{"crowded_out", "ended early for room"}});
	lines.push_back(fmt::format(
	    "shadows  {}{}, and {} flows go on, {} were told",
	    field(watch, "shadows"), early.empty() ? "" : ", " + early,
	    field(watch, "records"), sumOf(objectIn(watch, "closed"))));
	addIfAny(lines, "omitted",
	         countsOf(watch, {{"omitted",
	                           "events of flows, above eve_per_second"}}));
	addIfAny(lines, "unfiled",
	         countsOf(accounting,
	                  {{"full", "packets as the table of flows was full"},
	                   {"over_budget", "packets above the budget"},
	                   {"no_room", "sources not shadowed for want of "
	                               "room"}}));
	addEvidence(lines, watch);
}

/** For want of room, or as they did not read. */
std::uint64_t refusedOf(const json &control)
{
	return countIn(control, "crowded_out") + countIn(control, "unread");
}

void addOthers(Lines &lines, const json &status)
{
	const json &control = objectIn(status, "control");
	const json &removed = objectIn(status, "removed");

	lines.push_back(fmt::format("clients  {}, {} refused",
	                            field(control, "clients"),
	                            refusedOf(control)));
	if (sumOf(removed) != 0) {
		lines.push_back(fmt::format(
		    "removed  by others and put back: ingress {}, egress {}, "
		    "answers {}",
		    field(removed, "ingress"), field(removed, "egress"),
		    field(removed, "answers")));
	}
	addIfAny(lines, "log",
	         countsOf(objectIn(status, "log"),
	                  {{"lost", "lines lost, as nobody has read them"}}));
	addIfAny(lines, "lost",
	         countsOf(objectIn(status, "lost"),
	                  {{"alerts", "alerts"},
	                   {"flows", "flows for receivers that are no more"},
	                   {"leaving", "receivers about to end"}}));
}

/** Of a receiver; a file or stream is simply there. */
std::string connectionOf(const json &output)
{
	if (!output.contains("connected"))
		return "";
	return output.value("connected", false) ? "connected, "
	                                        : "not connected, ";
}

void addOutputs(Lines &lines, const json &outputs)
{
	for (const json &output : outputs) {
		const std::string error =
		    output.value("last_error", std::string());
		const std::string kept =
		    countsOf(output, {{"kept", "on disk"}});
		lines.push_back(fmt::format(
		    "output   {}: {}{} written, {} waiting{}, {} dropped{}",
		    field(output, "name"), connectionOf(output),
		    field(output, "written"), field(output, "waiting"),
		    kept.empty() ? "" : " (" + kept + ")",
		    field(output, "dropped"),
		    error.empty() ? "" : "; " + error));
	}
}

/** With the pattern that it matches. */
std::string interfaceName(const json &interface, bool present)
{
	const std::string name = field(interface, "name");

	return present && interface.contains("pattern")
	           ? fmt::format("{} ({})", name, field(interface, "pattern"))
	           : name;
}

void addTable(Lines &lines, const Table &table)
{
	lines.emplace_back();
	for (std::string &line : table.lines())
		lines.push_back(std::move(line));
}

void addInterfaces(Lines &lines, const json &interfaces)
{
	Table table({"INTERFACE", "CLOAKED", "ACTION", "XDP", "EGRESS"});

	for (const json &interface : interfaces) {
		const bool present = interface.value("present", false);
		const bool egress = interface.value("egress", false);
		table.add({interfaceName(interface, present),
		           field(interface, "mode"), field(interface, "action"),
		           present ? attachmentText(interface) : "absent",
		           egress ? "yes" : "no"});
	}
	addTable(lines, table);
	for (const json &interface : interfaces)
		if (interface.contains("refusal"))
			lines.push_back("not attached, tried again: " +
			                field(interface, "refusal"));
}

void addAuthorised(Lines &lines, const json &authorised)
{
	Table table({"AUTHORISED", "MAC", "UNTIL"});

	for (const json &peer : authorised) {
		table.add({field(peer, "peer"), field(peer, "mac"),
		           timeField(peer, "expires")});
	}
	if (!table.empty())
		addTable(lines, table);
}

} // namespace

Lines describeStatus(const json &status, WallTime now)
{
	Lines lines;

	addDaemon(lines, status, now);
	addPolicy(lines, status);
	addSeen(lines, status);
	addWatch(lines, status);
	addOthers(lines, status);
	addOutputs(lines, listIn(status, "outputs"));
	addInterfaces(lines, listIn(status, "interfaces"));
	addAuthorised(lines, listIn(status, "authorised"));
	return lines;
}

} // namespace cloak
