// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Reading one TOML table key by key, with every fault noted at its place.
 */
#ifndef CLOAKLAKE_POLICY_TABLE_H
#define CLOAKLAKE_POLICY_TABLE_H

#include "policy/diagnostic.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

namespace cloak
{

/**
 * Where a node of the document begins. The documents of a policy are parsed
 * with their number as the name of the source.
 */
Position positionOf(const toml::source_region &source);

/** A value as the message should show it. */
std::string shown(const toml::node &node);

/** A key as the message should show it: quoted unless it is a plain one. */
std::string shownKey(std::string_view key);

/** A range that an integer has to lie in, both ends included. */
struct IntegerRange {
	std::uint32_t least;
	std::uint32_t most;
};

/**
 * Reads the keys of one table. Each reader leaves its target untouched when
 * the key is absent, notes a diagnostic when the value is wrong, and marks the
 * key as known; finish() notes all keys that nobody asked for.
 */
class TableReader
{
public:
	/** @param path the table's name in messages, "peers" */
	TableReader(const toml::table &table, std::string path,
	            Diagnostics &errors);

	/**
	 * Reads a string through @p parse, which gives an optional of the
	 * target's type.
	 * @returns whether the target was set.
	 */
	template <typename T, typename Parse>
	bool text(std::string_view key, Located<T> &into, Parse parse,
	          std::string_view expected);

	/** The same where nobody will ask for the place of the value. */
	template <typename T, typename Parse>
	bool text(std::string_view key, T &into, Parse parse,
	          std::string_view expected);

	/** The same where the absence of the key means something. */
	template <typename T, typename Parse>
	bool text(std::string_view key, std::optional<Located<T>> &into,
	          Parse parse, std::string_view expected);

	/**
	 * Reads a list of strings, each through `parse`; members that are wrong
	 * are noted and left out.
	 */
	template <typename T, typename Parse>
	void list(std::string_view key, std::vector<Located<T>> &into,
	          Parse parse, std::string_view expected);

	/**
	 * Reads a value of any type through @p parse, which takes the node and
	 * gives an optional of what @p into takes.
	 */
	template <typename T, typename Parse>
	void value(std::string_view key, std::optional<T> &into, Parse parse,
	           std::string_view expected);

	/** The same for one value or a list of them. */
	template <typename T, typename Parse>
	void values(std::string_view key, std::vector<T> &into, Parse parse,
	            std::string_view expected);

	/** Reads each table of a list of tables, and finishes it. */
	void tables(std::string_view key,
	            const std::function<void(TableReader &)> &read);

	/**
	 * A list of port numbers, instead of those that are there.
	 * @returns whether the key is there.
	 */
	bool ports(std::string_view key,
	           std::vector<Located<std::uint16_t>> &into);

	void flag(std::string_view key, bool &into);
	void integer(std::string_view key, std::uint32_t &into,
	             IntegerRange range);
	void duration(std::string_view key, std::chrono::milliseconds &into,
	              std::chrono::milliseconds least);

	/** Where the table begins. */
	[[nodiscard]] Position position() const
	{
		return positionOf(table_.source());
	}

	/** Notes it if the key is missing. @returns whether it is there. */
	bool require(std::string_view key, std::string_view expected);

	/** Notes all keys that no reader has asked for. */
	void finish();

private:
	const toml::node *find(std::string_view key);
	void fault(const toml::node &node, std::string_view key,
	           std::string_view expected);
	std::string name(std::string_view key) const;

	const toml::table &table_;
	std::string path_;
	Diagnostics &errors_;
	std::set<std::string, std::less<>> known_; //!< keys that were asked for
};

template <typename T, typename Parse>
bool TableReader::text(std::string_view key, Located<T> &into, Parse parse,
                       std::string_view expected)
{
	const toml::node *node = find(key);

	if (node == nullptr)
		return false;
	const auto *string = node->as_string();
	std::optional<T> value = string ? parse(string->get()) : std::nullopt;
	if (!value) {
		fault(*node, key, expected);
		return false;
	}
	into = {std::move(*value), positionOf(node->source())};
	return true;
}

template <typename T, typename Parse>
bool TableReader::text(std::string_view key, T &into, Parse parse,
                       std::string_view expected)
{
	Located<T> located;

	if (!text(key, located, parse, expected))
		return false;
	into = std::move(located.value);
	return true;
}

template <typename T, typename Parse>
bool TableReader::text(std::string_view key, std::optional<Located<T>> &into,
                       Parse parse, std::string_view expected)
{
	Located<T> located;

	if (!text(key, located, parse, expected))
		return false;
	into = std::move(located);
	return true;
}

template <typename T, typename Parse>
void TableReader::list(std::string_view key, std::vector<Located<T>> &into,
                       Parse parse, std::string_view expected)
{
	const toml::node *node = find(key);

	if (node == nullptr)
		return;
	const toml::array *array = node->as_array();
	if (array == nullptr) {
		fault(*node, key,
		      "a list, each member " + std::string(expected));
		return;
	}
	for (const toml::node &member : *array) {
		const auto *string = member.as_string();
		std::optional<T> value =
		    string ? parse(string->get()) : std::nullopt;

		if (value) {
			into.push_back(
			    {std::move(*value), positionOf(member.source())});
		} else {
			fault(member, key, expected);
		}
	}
}

template <typename T, typename Parse>
void TableReader::value(std::string_view key, std::optional<T> &into,
                        Parse parse, std::string_view expected)
{
	const toml::node *node = find(key);

	if (node == nullptr)
		return;
	std::optional<T> value = parse(*node);
	if (value)
		into = std::move(value);
	else
		fault(*node, key, expected);
}

template <typename T, typename Parse>
void TableReader::values(std::string_view key, std::vector<T> &into,
                         Parse parse, std::string_view expected)
{
	const toml::node *node = find(key);
	const auto add = [&](const toml::node &member) {
		std::optional<T> value = parse(member);

		if (value)
			into.push_back(std::move(*value));
		else
			fault(member, key, expected);
	};

	if (node == nullptr)
		return;
	const toml::array *array = node->as_array();
	if (array == nullptr || array->empty()) {
		add(*node);
		return;
	}
	for (const toml::node &member : *array)
		add(member);
}

} // namespace cloak

#endif // CLOAKLAKE_POLICY_TABLE_H
