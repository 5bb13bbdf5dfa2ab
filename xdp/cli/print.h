// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Output for people.
 */
#ifndef CLOAKLAKE_CLI_PRINT_H
#define CLOAKLAKE_CLI_PRINT_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cloak
{

/** Rows under headings, in columns as wide as they need to be. */
class Table
{
public:
	explicit Table(std::vector<std::string> headings);

	void add(std::vector<std::string> row);
	[[nodiscard]] bool empty() const { return rows_.size() == 1; }
	void print() const;

private:
	std::vector<std::vector<std::string>> rows_; //!< headings first
};

/** A member of an object as text: numbers and words alike; "-" if absent. */
[[nodiscard]] std::string field(const nlohmann::json &object, const char *key);

/** The members of a list, with ", " between them; "-" if there are none. */
[[nodiscard]] std::string listField(const nlohmann::json &object,
                                    const char *key);

/** "2026-11-21 06:39:51" of the local time zone, of a timestamp. */
[[nodiscard]] std::string timeField(const nlohmann::json &object,
                                    const char *key);

/** Warnings that came with a success, on standard error. */
void printWarnings(const nlohmann::json &result);

/** One line of JSON on standard output. */
void printJson(const nlohmann::json &value);

} // namespace cloak

#endif // CLOAKLAKE_CLI_PRINT_H
