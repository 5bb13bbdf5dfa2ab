// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_METRICS_H
#define CLOAKLAKE_DAEMON_METRICS_H

#include <string>

#include "daemon/control.h"
#include "daemon/engine.h"

namespace cloak
{

/** Everything that is counted, in the text format of Prometheus. */
[[nodiscard]] std::string renderMetrics(const Engine &engine,
                                        const ControlServer::Stats &control);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_METRICS_H
