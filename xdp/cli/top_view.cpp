// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/print.h"
#include "util/clock.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** A part of the screen: a heading and rows below it. */
struct Section {
	std::string heading;
	std::vector<std::string> rows;
};

std::string scaledField(const json &object, const char *key)
{
	return object.contains(key) ? scaled(object.value(key, 0.0)) : "-";
}

Section asSection(const Table &table)
{
	std::vector<std::string> lines = table.lines();
	Section section{lines.front(), {}};

	section.rows.assign(lines.begin() + 1, lines.end());
	return section;
}

std::string interfacesOf(const json &status)
{
	std::string text;

	for (const json &interface : listIn(status, "interfaces")) {
		const bool present = interface.value("present", false);
		text += fmt::format(
		    "{}{} ({}, {})", text.empty() ? "" : ", ",
		    field(interface, "name"), field(interface, "action"),
		    present ? attachmentText(interface) : "absent");
	}
	return text.empty() ? "no interface" : text;
}

std::vector<std::string> statusLines(const json &report)
{
	const json &status = objectIn(report, "status");
	const json &events = objectIn(status, "events");
	const json &alerts = objectIn(status, "alerts");
	const json &watch = objectIn(status, "watch");
	const auto now = parseTimestamp(field(report, "timestamp"));
	const auto started = parseTimestamp(field(status, "started"));

	return {
	    fmt::format("{}  cloak {}: {}; up {}",
	                now ? localTime(*now, "%T") : "-",
	                field(status, "cloak"), interfacesOf(status),
	                now && started ? spanText(*now - *started) : "-"),
	    fmt::format("{} probes, {} events lost; {} alerts, {} suppressed; "
	                "{} shadows, {} flows",
	                field(events, "probes"), field(events, "lost"),
	                field(alerts, "raised"), field(alerts, "suppressed"),
	                field(watch, "shadows"), field(watch, "records")),
	};
}

Section dropsSection(const json &report)
{
	Table table(
	    {"DROPS", "VERDICT", "REASON", "PACKETS/S", "BYTES/S", "PACKETS"});

	for (const json &row : listIn(report, "drops")) {
		table.add({field(row, "direction"), field(row, "verdict"),
		           field(row, "reason"),
		           scaledField(row, "packets_per_second"),
		           scaledField(row, "bytes_per_second"),
		           field(row, "packets")});
	}
	return asSection(table);
}

Section flowsSection(const json &report)
{
	Table table({"FLOWS", "SOURCE", "DESTINATION", "SENT/S", "ANSWERED/S",
	             "PACKETS/S", "VERDICT"});

	for (const json &flow : listIn(report, "flows")) {
		table.add({field(flow, "proto"), endField(flow, "src"),
		           endField(flow, "dest"),
		           scaledField(flow, "bytes_toserver_per_second"),
		           scaledField(flow, "bytes_toclient_per_second"),
		           scaledField(flow, "packets_per_second"),
		           field(objectIn(flow, "cloak"), "verdict")});
	}
	return asSection(table);
}

Section scannersSection(const json &report)
{
	Table table({"SCANNERS AND SHADOWS", "PROBES/S", "PROBES", "PORTS",
	             "TARGETS", "LAST SEEN", "SHADOWED UNTIL"});

	for (const json &source : listIn(report, "scanners")) {
		table.add({source.contains("address") ? field(source, "address")
		                                      : field(source, "mac"),
		           scaledField(source, "probes_per_second"),
		           field(source, "probes"), field(source, "ports"),
		           field(source, "targets"),
		           timeField(source, "last_seen"),
		           timeField(source, "shadowed_until")});
	}
	return asSection(table);
}

Section alertsSection(const json &report)
{
	Section section{"ALERTS", {}};

	for (const json &alert : listIn(report, "alerts"))
		section.rows.push_back(field(alert, "text"));
	return section;
}

} // namespace

std::string scaled(double value)
{
	constexpr std::array<const char *, 5> units = {"", "k", "M", "G", "T"};
	constexpr double step = 1000;
	std::size_t unit = 0;

	while (value >= step - 0.5 && unit + 1 < units.size()) {
		value /= step;
		++unit;
	}
	const bool whole = value >= 10 || value == 0;
	return fmt::format("{:.{}f}{}", value, whole ? 0 : 1, units.at(unit));
}

std::vector<std::size_t> shareRows(std::size_t available,
                                   const std::vector<std::size_t> &wanted)
{
	std::vector<std::size_t> shares(wanted.size());
	bool given = true;

	while (given) {
		given = false;
		for (std::size_t i = 0; i < wanted.size(); ++i) {
			if (available == 0 || shares[i] == wanted[i])
				continue;
			++shares[i];
			--available;
			given = true;
		}
	}
	return shares;
}

std::vector<ScreenLine> viewTop(const json &report,
                                std::optional<std::size_t> height)
{
	const std::array<Section, 4> sections = {
	    dropsSection(report), flowsSection(report), scannersSection(report),
	    alertsSection(report)};
	std::vector<ScreenLine> lines;
	std::vector<std::size_t> wanted;

	for (std::string &text : statusLines(report))
		lines.push_back({std::move(text)});
	for (const Section &section : sections)
		wanted.push_back(
		    height ? section.rows.size()
			   : std::min(section.rows.size(), kRowsOfSection));
	// Each section has a heading and an empty line before it.
	const std::size_t used = lines.size() + 2 * sections.size();
	const auto shares =
	    height ? shareRows(*height - std::min(*height, used), wanted)
		   : wanted;
	for (std::size_t i = 0; i < sections.size(); ++i) {
		const Section &section = sections.at(i);
		lines.push_back({""});
		lines.push_back({section.heading, true});
		for (std::size_t row = 0; row < shares[i]; ++row)
			lines.push_back({section.rows[row]});
	}
	return lines;
}

} // namespace cloak
