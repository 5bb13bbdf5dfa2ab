// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Output for people.
 */
#ifndef CLOAKLAKE_CLI_PRINT_H
#define CLOAKLAKE_CLI_PRINT_H

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "util/clock.h"

namespace cloak
{

/** Rows under headings, in columns as wide as they need to be. */
class Table
{
public:
	explicit Table(std::vector<std::string> headings);

	void add(std::vector<std::string> row);
	[[nodiscard]] bool empty() const { return rows_.size() == 1; }
	/** As they are printed, without ends of line, the headings first. */
	[[nodiscard]] std::vector<std::string> lines() const;
	void print() const;

private:
	std::vector<std::vector<std::string>> rows_; //!< headings first
};

/** A member that is a list; an empty one if it is absent, or none. */
[[nodiscard]] const nlohmann::json &listIn(const nlohmann::json &object,
                                           const char *key);

/** The same of an object. */
[[nodiscard]] const nlohmann::json &objectIn(const nlohmann::json &object,
                                             const char *key);

/** "00:12:03", "1 d 02:00:00". */
[[nodiscard]] std::string spanText(std::chrono::nanoseconds time);

/** A member of an object as text: numbers and words alike; "-" if absent. */
[[nodiscard]] std::string field(const nlohmann::json &object, const char *key);

/** The members of a list, with ", " between them; "-" if there are none. */
[[nodiscard]] std::string listField(const nlohmann::json &object,
                                    const char *key);

/**
 * The end "src" or "dest" of a flow: "10.0.9.5:4420", "[2001:db8::5]:4420" or
 * the address alone.
 */
[[nodiscard]] std::string endField(const nlohmann::json &flow,
                                   const std::string &end);

/** How an interface of a report is attached: "native", "native, dispatcher". */
[[nodiscard]] std::string attachmentText(const nlohmann::json &interface);

/** "2026-11-21 06:39:51" of the local time zone, of a timestamp. */
[[nodiscard]] std::string timeField(const nlohmann::json &object,
                                    const char *key);

/** Reads "10m", a time before now, or a time of day as EVE writes it. */
[[nodiscard]] std::optional<WallTime> parseSince(const std::string &text);

inline constexpr const char *kSinceExpected =
    "--since wants a time such as 10m, 1h or 2026-11-21T06:39:51";

/** A text on standard error; if it cannot be said there, it is not said. */
void printError(const std::string &text);

/** Warnings that came with a success, on standard error. */
void printWarnings(const nlohmann::json &result);

/**
 * Has what was printed come out at once. Throws std::system_error if it cannot,
 * as fmt::print() does; main() says so.
 */
void flush();

/** One line of JSON on standard output, at once as of flush(). */
void printJson(const nlohmann::json &value);

} // namespace cloak

#endif // CLOAKLAKE_CLI_PRINT_H
