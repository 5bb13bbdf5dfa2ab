// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Durations as people write them: "250ms", "10s", "5m", "1h", "2d".
 */
#ifndef CLOAKLAKE_UTIL_DURATION_H
#define CLOAKLAKE_UTIL_DURATION_H

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cloak
{

/** The longest duration that is accepted anywhere: ten years. */
constexpr std::chrono::milliseconds kLongestDuration =
    std::chrono::hours(24 * 365 * 10);

/**
 * Reads one number with one unit (ms, s, m, h, d); nothing when the text is
 * anything else, or longer than `kLongestDuration`.
 */
std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);

/**
 * Writes a duration in the largest unit that leaves no remainder, so that
 * parseDuration() gives the same value back.
 */
std::string toString(std::chrono::milliseconds duration);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_DURATION_H
