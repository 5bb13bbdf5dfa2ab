// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What goes on now: two looks at the daemon and what has changed between them.
 * Pure.
 */
#ifndef CLOAKLAKE_CLI_TOP_REPORT_H
#define CLOAKLAKE_CLI_TOP_REPORT_H

#include <deque>
#include <nlohmann/json.hpp>

#include "util/clock.h"

namespace cloak
{

/** What the daemon has answered at one time. */
struct TopLook {
	BootTime at;
	WallTime time; //!< the same by the clock on the wall
	nlohmann::json status = nlohmann::json::object();
	nlohmann::json drops = nlohmann::json::array();
	nlohmann::json flows = nlohmann::json::array();
	nlohmann::json sources = nlohmann::json::array();
	nlohmann::json shadows = nlohmann::json::array();
	std::deque<nlohmann::json> alerts; //!< the last ones, oldest first
};

/** So many of each are looked at. */
inline constexpr std::size_t kTopFlows = 256;
inline constexpr std::size_t kTopSources = 100;
inline constexpr std::size_t kTopAlerts = 50;

/** A source that was silent for longer is not active. */
inline constexpr std::chrono::minutes kTopActive{1};

/**
 * One object with **status**, **drops**, **flows**, **scanners** and
 * **alerts**, the busiest and latest in front. What is counted has its rate
 * beside it, with
 * "_per_second" behind the name. The names are a promise: scripts read them.
 */
[[nodiscard]] nlohmann::json reportTop(const TopLook &before,
                                       const TopLook &now);

} // namespace cloak

#endif // CLOAKLAKE_CLI_TOP_REPORT_H
