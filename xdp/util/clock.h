// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The clock of the data plane, and how it becomes a time for people.
 */
#ifndef CLOAKLAKE_UTIL_CLOCK_H
#define CLOAKLAKE_UTIL_CLOCK_H

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloak
{

/**
 * Time since boot, suspended time included: CLOCK_BOOTTIME, which nobody can
 * step. All decisions are made on it; the time of day is for display only.
 */
struct BootClock {
	using duration = std::chrono::nanoseconds;
	using rep = duration::rep;
	using period = duration::period;
	using time_point = std::chrono::time_point<BootClock>;
	static constexpr bool is_steady = true;

	[[nodiscard]] static time_point now() noexcept;

	/** A time as the data plane writes it. */
	[[nodiscard]] static time_point fromNanoseconds(std::uint64_t value)
	{
		return time_point(duration(static_cast<rep>(value)));
	}
};

/**
 * CLOCK_MONOTONIC_COARSE in nanoseconds, by which the data plane dates what it
 * knows of flows and connections.
 */
[[nodiscard]] std::uint64_t coarseTime() noexcept;

using BootTime = BootClock::time_point;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/** The time of day at @p time, by what the wall clock says now. */
[[nodiscard]] WallTime toWall(BootTime time);

/** From when to when. */
struct WallSpan {
	WallTime begin;
	WallTime end;
};

/** Of both by one look at the clocks, so that it is as long as it was. */
[[nodiscard]] WallSpan toWall(BootTime begin, BootTime end);

/** "2026-11-21T06:39:51.123456+0000", as Suricata writes it. */
[[nodiscard]] std::string timestamp(WallTime time);

/** Reads what timestamp() writes; fraction and offset may be left out. */
[[nodiscard]] std::optional<WallTime> parseTimestamp(std::string_view text);

/** In the local time zone, as strftime(3) writes it by @p format. */
[[nodiscard]] std::string localTime(WallTime time, const char *format);

/**
 * A time not far from @p now as people say it: "14:05", and with the date
 * before it if that is another day.
 */
[[nodiscard]] std::string shortTime(WallTime time, WallTime now);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_CLOCK_H
