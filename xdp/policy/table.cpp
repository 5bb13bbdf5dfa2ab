// SPDX-License-Identifier: Apache-2.0
#include "policy/table.h"

#include "util/duration.h"
#include "util/quote.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>

namespace cloak
{

Position positionOf(const toml::source_region &source)
{
	std::uint32_t file = 0;

	if (source.path != nullptr) {
		const std::string &number = *source.path;
		std::from_chars(number.data(), number.data() + number.size(),
		                file);
	}
	return {file, source.begin.line, source.begin.column};
}

std::string shown(const toml::node &node)
{
	if (const auto *string = node.as_string())
		return quote(string->get());
	if (node.is_table())
		return "a table";
	if (node.is_array())
		return "a list";
	std::ostringstream text;
	node.visit([&text](const auto &value) {
		if constexpr (toml::is_value<decltype(value)>)
			text << value;
	});
	return text.str();
}

std::string shownKey(std::string_view key)
{
	auto plain = [](char character) {
		return std::isalnum(static_cast<unsigned char>(character)) !=
		           0 ||
		       character == '_' || character == '-';
	};

	if (key.empty() || !std::ranges::all_of(key, plain))
		return quote(key);
	return std::string(key);
}

TableReader::TableReader(const toml::table &table, std::string path,
                         Diagnostics &errors)
    : table_(table), path_(std::move(path)), errors_(errors)
{
}

void TableReader::flag(std::string_view key, bool &into)
{
	const toml::node *node = find(key);

	if (node == nullptr)
		return;
	if (const auto *boolean = node->as_boolean())
		into = boolean->get();
	else
		fault(*node, key, "true or false");
}

bool TableReader::ports(std::string_view key,
                        std::vector<Located<std::uint16_t>> &into)
{
	constexpr std::int64_t most = 0xffff;
	const toml::node *node = find(key);

	if (node == nullptr)
		return false;
	const toml::array *array = node->as_array();
	if (array == nullptr) {
		fault(*node, key, "a list of ports");
		return true;
	}
	into.clear();
	for (const toml::node &member : *array) {
		const auto *port = member.as_integer();

		if (port == nullptr || port->get() < 1 || port->get() > most) {
			fault(member, key, "a port from 1 to 65535");
			continue;
		}
		into.push_back({static_cast<std::uint16_t>(port->get()),
		                positionOf(member.source())});
	}
	return true;
}

void TableReader::integer(std::string_view key, std::uint32_t &into,
                          IntegerRange range)
{
	const toml::node *node = find(key);

	if (node == nullptr)
		return;
	const auto *integer = node->as_integer();
	if (integer != nullptr && integer->get() >= range.least &&
	    integer->get() <= range.most) {
		into = static_cast<std::uint32_t>(integer->get());
	} else {
		fault(*node, key,
		      fmt::format("a whole number from {} to {}", range.least,
		                  range.most));
	}
}

void TableReader::duration(std::string_view key,
                           std::chrono::milliseconds &into,
                           std::chrono::milliseconds least)
{
	auto parse = [least](std::string_view text) {
		auto duration = parseDuration(text);

		return duration && *duration < least ? std::nullopt : duration;
	};

	text(
	    key, into, parse,
	    fmt::format("a time such as \"10s\", \"5m\" or \"1h\", at least {}",
	                toString(least)));
}

void TableReader::tables(std::string_view key,
                         const std::function<void(TableReader &)> &read)
{
	const toml::node *node = find(key);
	const std::string path = name(key);

	if (node == nullptr)
		return;
	const toml::array *array = node->as_array();
	if (array == nullptr) {
		fault(*node, key, "tables, each under [[" + path + "]]");
		return;
	}
	for (const toml::node &member : *array) {
		const toml::table *table = member.as_table();

		if (table == nullptr) {
			fault(member, key, "a table, [[" + path + "]]");
			continue;
		}
		TableReader reader(*table, path, errors_);
		read(reader);
		reader.finish();
	}
}

bool TableReader::require(std::string_view key, std::string_view expected)
{
	if (find(key) != nullptr)
		return true;
	errors_.push_back({positionOf(table_.source()), name(key), "",
	                   fmt::format("{}; the key is missing", expected)});
	return false;
}

void TableReader::finish()
{
	for (const auto &[key, node] : table_) {
		if (known_.contains(key.str()))
			continue;
		errors_.push_back({positionOf(key.source()),
		                   name(shownKey(key.str())), shown(node),
		                   fmt::format("one of the keys {}",
		                               fmt::join(known_, ", "))});
	}
}

const toml::node *TableReader::find(std::string_view key)
{
	known_.emplace(key);
	return table_.get(key);
}

void TableReader::fault(const toml::node &node, std::string_view key,
                        std::string_view expected)
{
	errors_.push_back({positionOf(node.source()), name(key), shown(node),
	                   std::string(expected)});
}

std::string TableReader::name(std::string_view key) const
{
	return fmt::format("{}.{}", path_, key);
}

} // namespace cloak
