// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "util/duration.h"
#include "util/json.h"
#include "util/output.h"

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

std::vector<std::string> Table::lines() const
{
	std::vector<std::size_t> widths(rows_.front().size());
	std::vector<std::string> found;

	for (const auto &row : rows_)
		for (std::size_t i = 0; i < row.size(); ++i)
			widths[i] = std::max(widths[i], row[i].size());
	for (const auto &row : rows_) {
		std::string line;
		for (std::size_t i = 0; i < row.size(); ++i)
			line += fmt::format("{:<{}}  ", row[i], widths[i]);
		line.erase(line.find_last_not_of(' ') + 1);
		found.push_back(std::move(line));
	}
	return found;
}

void Table::print() const
{
	for (const std::string &line : lines())
		fmt::print("{}\n", line);
}

const json &listIn(const json &report, const char *key)
{
	static const json none = json::array();
	const auto found = report.find(key);

	return found != report.end() && found->is_array() ? *found : none;
}

const json &objectIn(const json &report, const char *key)
{
	static const json none = json::object();
	const auto found = report.find(key);

	return found != report.end() && found->is_object() ? *found : none;
}

std::string spanText(std::chrono::nanoseconds time)
{
	const auto seconds =
	    std::chrono::floor<std::chrono::seconds>(time).count();
	const auto days = seconds / 86400;
	const std::string clock =
	    fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24,
	                seconds / 60 % 60, seconds % 60);

	return days == 0 ? clock : fmt::format("{} d {}", days, clock);
}

std::string field(const json &object, const char *key)
{
	auto found = object.find(key);

	if (found == object.end() || found->is_null())
		return "-";
	return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string attachmentText(const json &interface)
{
	const bool dispatcher = interface.value("dispatcher", false);

	return field(interface, "attached") +
	       (dispatcher ? ", dispatcher" : "");
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

std::string endField(const json &flow, const std::string &end)
{
	const std::string address = field(flow, (end + "_ip").c_str());

	if (!flow.contains(end + "_port"))
		return address;
	const std::string port = field(flow, (end + "_port").c_str());
	return address.find(':') == std::string::npos
	           ? address + ":" + port
	           : "[" + address + "]:" + port;
}

std::string timeField(const json &object, const char *key)
{
	const std::string text = field(object, key);
	auto time = parseTimestamp(text);

	return time ? localTime(*time, "%F %T") : text;
}

std::optional<WallTime> parseSince(const std::string &text)
{
	const auto ago = parseDuration(text);

	if (ago)
		return std::chrono::system_clock::now() - *ago;
	return parseTimestamp(text);
}

void printError(const std::string &text)
{
	std::fputs(text.c_str(), stderr);
}

void printWarnings(const json &result)
{
	auto found = result.find("warnings");

	if (found == result.end() || !found->is_array())
		return;
	for (const json &warning : *found) {
		const std::string text = warning.is_string()
		                             ? warning.get<std::string>()
		                             : warning.dump();
		printError(fmt::format("cloakctl: warning: {}\n", text));
	}
}

void flush()
{
	const Status out = flushOutput();

	if (!out)
		throw std::system_error(out.error().code(),
		                        std::generic_category(),
		                        "cannot write to standard output");
}

void printJson(const json &value)
{
	fmt::print("{}\n", toLine(value));
	flush();
}

} // namespace cloak
