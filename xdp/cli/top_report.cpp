// SPDX-License-Identifier: Apache-2.0
#include "cli/top_report.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Key = std::string (*)(const json &);

double seconds(const TopLook &before, const TopLook &now)
{
	const std::chrono::duration<double> passed = now.at - before.at;

	return std::max(passed.count(), 0.001);
}

double numberIn(const json &object, const char *key)
{
	const auto found = object.find(key);

	return found != object.end() && found->is_number()
	           ? found->get<double>()
	           : 0;
}

std::map<std::string, const json *> byKey(const json &list, Key key)
{
	std::map<std::string, const json *> found;

	for (const json &entry : list)
		found[key(entry)] = &entry;
	return found;
}

/** A counter that has begun again counts from zero. */
double rate(const json *before, const json &now, const char *name,
            double interval)
{
	const double value = numberIn(now, name);
	const double last = before == nullptr ? 0 : numberIn(*before, name);

	return (value < last ? value : value - last) / interval;
}

std::string keyOfDrop(const json &row)
{
	return field(row, "direction") + field(row, "verdict") +
	       field(row, "reason");
}

std::string keyOfSource(const json &source)
{
	return field(source, "address") + field(source, "mac") +
	       field(source, "interface");
}

std::string keyOfFlow(const json &flow)
{
	return field(flow, "flow_id");
}

void sortBy(json &list, const char *first, const char *second)
{
	std::stable_sort(
	    list.begin(), list.end(),
	    [&](const json &one, const json &other) {
		    return std::pair(numberIn(one, first),
		                     numberIn(one, second)) >
		           std::pair(numberIn(other, first),
		                     numberIn(other, second));
	    });
}

json dropsOf(const TopLook &before, const TopLook &now)
{
	const auto known = byKey(before.drops, keyOfDrop);
	json list = json::array();

	for (json row : now.drops) {
		const auto last = known.find(keyOfDrop(row));
		const json *old = last == known.end() ? nullptr : last->second;
		const double interval = seconds(before, now);

		row["packets_per_second"] = rate(old, row, "packets", interval);
		row["bytes_per_second"] = rate(old, row, "bytes", interval);
		if (numberIn(row, "packets") != 0)
			list.push_back(std::move(row));
	}
	sortBy(list, "packets_per_second", "packets");
	return list;
}

/** What a flow has sent since; one that is new was not there before. */
json flowsOf(const TopLook &before, const TopLook &now)
{
	const auto known = byKey(before.flows, keyOfFlow);
	const json nothing = json::object();
	json list = json::array();

	for (json flow : now.flows) {
		const auto last = known.find(keyOfFlow(flow));
		const double interval = seconds(before, now);
		const json &counts =
		    flow.contains("flow") ? flow["flow"] : nothing;
		const json *old = nullptr;
		if (last != known.end() && last->second->contains("flow"))
			old = &(*last->second)["flow"];
		const double up = rate(old, counts, "bytes_toserver", interval);
		const double down =
		    rate(old, counts, "bytes_toclient", interval);
		const double packets =
		    rate(old, counts, "pkts_toserver", interval) +
		    rate(old, counts, "pkts_toclient", interval);

		flow["bytes_toserver_per_second"] = up;
		flow["bytes_toclient_per_second"] = down;
		flow["bytes_per_second"] = up + down;
		flow["packets_per_second"] = packets;
		list.push_back(std::move(flow));
	}
	sortBy(list, "bytes_per_second", "packets_per_second");
	return list;
}

bool isActive(const json &source, WallTime now)
{
	const auto last = parseTimestamp(field(source, "last_seen"));

	return last && now - *last <= kTopActive;
}

/** Those who probe now, and those who are shadowed for what they did. */
json scannersOf(const TopLook &before, const TopLook &now)
{
	const auto known = byKey(before.sources, keyOfSource);
	auto shadows = byKey(now.shadows, [](const json &shadow) {
		return field(shadow, "source");
	});
	json list = json::array();

	for (json source : now.sources) {
		const auto shadow = shadows.find(field(source, "address"));
		const auto last = known.find(keyOfSource(source));
		const json *old = last == known.end() ? nullptr : last->second;

		if (shadow == shadows.end() && !isActive(source, now.time))
			continue;
		source["probes_per_second"] =
		    rate(old, source, "probes", seconds(before, now));
		if (shadow != shadows.end()) {
			source["shadowed_until"] = (*shadow->second)["until"];
			shadows.erase(shadow);
		}
		list.push_back(std::move(source));
	}
	for (const auto &[address, shadow] : shadows) {
		list.push_back({{"address", address},
		                {"shadowed_until", shadow->value("until", "")},
		                {"causes", shadow->value("causes", json())}});
	}
	sortBy(list, "probes_per_second", "probes");
	return list;
}

json alertsOf(const TopLook &now)
{
	json list = json::array();

	std::reverse_copy(now.alerts.begin(), now.alerts.end(),
	                  std::back_inserter(list));
	return list;
}

} // namespace

json reportTop(const TopLook &before, const TopLook &now)
{
	return {
	    {"timestamp", timestamp(now.time)},
	    {"interval", seconds(before, now)},
	    {"status", now.status},
	    {"drops", dropsOf(before, now)},
	    {"flows", flowsOf(before, now)},
	    {"scanners", scannersOf(before, now)},
	    {"alerts", alertsOf(now)},
	};
}

} // namespace cloak
