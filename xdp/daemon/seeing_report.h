// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Shadows and flows as JSON, for the control socket and for cloakctl when no
 * cloakd runs. The names are a promise: scripts read them.
 */
#ifndef CLOAKLAKE_DAEMON_SEEING_REPORT_H
#define CLOAKLAKE_DAEMON_SEEING_REPORT_H

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "daemon/watch.h"

namespace cloak
{

/** Who is shadowed, since when, until when, and what was counted of it. */
[[nodiscard]] Result<nlohmann::json> reportShadows(const CloakMaps &maps);

/** No answer has more flows: those seen last, or the largest. */
inline constexpr std::size_t kMostFlows = 10000;

/** Which flows somebody wants to see. */
struct FlowQuery {
	std::optional<IpAddress> source; //!< only of this other end
	std::size_t top = 0; //!< so many with the most octets; 0: all by age
};

/** Flows as EVE events. */
[[nodiscard]] nlohmann::json reportFlows(std::vector<Flow> flows,
                                         const FlowQuery &query);

/** For the status: how many, and what became of evidence. */
[[nodiscard]] nlohmann::json reportWatch(const Watch &watch);

/** What was accounted; the numbers of enum cloak_account_stat. */
[[nodiscard]] Result<nlohmann::json> reportAccounting(const CloakMaps &maps);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_SEEING_REPORT_H
