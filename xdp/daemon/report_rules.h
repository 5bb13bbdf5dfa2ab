// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakd tells about tables of rules and their counters, as JSON. The
 * names are a promise: scripts read them.
 */
#ifndef CLOAKLAKE_DAEMON_REPORT_RULES_H
#define CLOAKLAKE_DAEMON_REPORT_RULES_H

#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/engine.h"
#include "util/result.h"

namespace cloak
{

/** Which rules are asked for. */
struct RuleSelection {
	std::optional<IpAddress> address; //!< of one table; none: of all
	bool list = true; //!< the rules themselves, else only the tables
	bool hit = false; //!< only rules that a packet has matched
};

/** Tables with what their rules have counted. */
[[nodiscard]] Result<nlohmann::json>
reportRules(const Engine &engine, const RuleSelection &selection);

/** The counters that rules share, by name. */
[[nodiscard]] Result<nlohmann::json> reportShared(const Engine &engine);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_REPORT_RULES_H
