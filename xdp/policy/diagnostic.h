// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is wrong with a policy, said in one shape everywhere: where, which
 * key, which value, and what was expected instead.
 */
#ifndef CLOAKLAKE_POLICY_DIAGNOSTIC_H
#define CLOAKLAKE_POLICY_DIAGNOSTIC_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cloak
{

/**
 * A place in a policy: the file, an index into Policy::files, and the place in
 * it; both of these count from 1, 0 means "nowhere in it".
 */
struct Position {
	std::uint32_t file = 0;
	std::uint32_t line = 0;
	std::uint32_t column = 0;

	auto operator<=>(const Position &) const = default;
};

/** A value of a policy together with the place where it is written. */
template <typename T> struct Located {
	T value{};
	Position at{};
};

/** One error of a policy. */
struct Diagnostic {
	Position at;
	/** The key as a path, "peers.prefixes"; empty for an error of syntax.
	 */
	std::string key;
	/** The value as it is written; empty when it is the value that is
	 * missing. */
	std::string value;
	std::string expected;
};

using Diagnostics = std::vector<Diagnostic>;

/** The names of the files that a policy is written in. */
using FileNames = std::vector<std::string>;

/** The name of the file that a position is in. */
[[nodiscard]] std::string fileOf(const Position &at, const FileNames &files);

/** "FILE:LINE:COLUMN", or the file alone. */
[[nodiscard]] std::string placeOf(const Position &at, const FileNames &files);

/** "FILE:LINE:COLUMN: KEY = VALUE: expected EXPECTED". */
std::string toString(const Diagnostic &diagnostic, const FileNames &files);

/** The errors as a list, each also as the line that people read. */
[[nodiscard]] nlohmann::json toJson(const Diagnostics &errors,
                                    const FileNames &files);

/** "line 5", and of which file unless it is that of @p here. */
std::string lineOf(const Position &place, const Position &here,
                   const FileNames &files);

/** Sorts the errors by the place where they are, as a compiler lists them. */
void sortByPosition(Diagnostics &diagnostics);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_DIAGNOSTIC_H
