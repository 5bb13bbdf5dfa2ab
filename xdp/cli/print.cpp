// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "util/clock.h"
#include "util/json.h"

namespace cloak
{

using nlohmann::json;

Table::Table(std::vector<std::string> headings)
{
	rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> row)
{
	row.resize(rows_.front().size());
	rows_.push_back(std::move(row));
}

void Table::print() const
{
	std::vector<std::size_t> widths(rows_.front().size());

	for (const auto &row : rows_)
		for (std::size_t i = 0; i < row.size(); ++i)
			widths[i] = std::max(widths[i], row[i].size());
	for (const auto &row : rows_) {
		std::string line;
		for (std::size_t i = 0; i < row.size(); ++i)
			line += fmt::format("{:<{}}  ", row[i], widths[i]);
		line.erase(line.find_last_not_of(' ') + 1);
		fmt::print("{}\n", line);
	}
}

std::string field(const json &object, const char *key)
{
	auto found = object.find(key);

	if (found == object.end() || found->is_null())
		return "-";
	return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string listField(const json &object, const char *key)
{
	auto found = object.find(key);
	std::string text;

	if (found == object.end() || !found->is_array() || found->empty())
		return "-";
	for (const json &member : *found) {
		text += text.empty() ? "" : ", ";
		text += member.is_string() ? member.get<std::string>()
		                           : member.dump();
	}
	return text;
}

std::string timeField(const json &object, const char *key)
{
	const std::string text = field(object, key);
	auto time = parseTimestamp(text);
	std::array<char, sizeof("2026-11-21 06:39:51")> local{};
	std::tm fields{};

	if (!time)
		return text;
	const std::time_t seconds =
	    std::chrono::floor<std::chrono::seconds>(*time)
		.time_since_epoch()
		.count();
	localtime_r(&seconds, &fields);
	std::strftime(local.data(), local.size(), "%F %T", &fields);
	return local.data();
}

void printWarnings(const json &result)
{
	auto found = result.find("warnings");

	if (found == result.end() || !found->is_array())
		return;
	for (const json &warning : *found) {
		fmt::print(stderr, "cloakctl: warning: {}\n",
		           warning.is_string() ? warning.get<std::string>()
		                               : warning.dump());
	}
}

void printJson(const json &value)
{
	fmt::print("{}\n", toLine(value));
	std::fflush(stdout);
}

} // namespace cloak
