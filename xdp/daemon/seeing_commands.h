// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Commands of the control socket about shadows and flows.
 */
#ifndef CLOAKLAKE_DAEMON_SEEING_COMMANDS_H
#define CLOAKLAKE_DAEMON_SEEING_COMMANDS_H

#include "daemon/control.h"
#include "daemon/engine.h"

namespace cloak
{

/** @name Each carries out one command. */
/** @{ */
ControlServer::Reply shadowsCommand(Engine &engine, const Request &request);
ControlServer::Reply shadowAddCommand(Engine &engine, const Request &request);
ControlServer::Reply shadowDropCommand(Engine &engine, const Request &request);
ControlServer::Reply flowsCommand(Engine &engine, const Request &request);
/** @} */

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_SEEING_COMMANDS_H
