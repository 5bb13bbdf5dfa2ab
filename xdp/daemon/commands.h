// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_COMMANDS_H
#define CLOAKLAKE_DAEMON_COMMANDS_H

#include "daemon/control.h"
#include "daemon/engine.h"

namespace cloak
{

/** Does what a request asks. */
[[nodiscard]] ControlServer::Reply execute(Engine &engine,
                                           const Request &request);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_COMMANDS_H
