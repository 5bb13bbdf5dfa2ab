// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakd tells about its state and the data plane's, as JSON. The names
 * are a promise: scripts read them.
 */
#ifndef CLOAKLAKE_DAEMON_REPORT_H
#define CLOAKLAKE_DAEMON_REPORT_H

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/control.h"
#include "daemon/engine.h"
#include "util/result.h"

namespace cloak
{

/** Everything that "cloakctl status" shows. */
[[nodiscard]] Result<nlohmann::json> reportStatus(const Engine &engine);

/** How those who ask fare, which is a part of the status. */
[[nodiscard]] nlohmann::json reportControl(const ControlServer::Stats &stats);

/** Verdicts by reason; of passes too if @p all. */
[[nodiscard]] Result<nlohmann::json> reportDrops(const CloakMaps &maps,
                                                 bool all);

/** The sources with the most probes, at most @p most. */
[[nodiscard]] Result<nlohmann::json> reportSources(const Engine &engine,
                                                   std::size_t most);

/** Whether the cloak is on, where, and whether a policy is on trial. */
[[nodiscard]] std::string stateOf(const Engine &engine);

/** One line for "systemctl status": that, and how much it has told. */
[[nodiscard]] std::string summarise(const Engine &engine);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_REPORT_H
