// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Commands of the control socket about the policy in force.
 */
#ifndef CLOAKLAKE_DAEMON_POLICY_COMMANDS_H
#define CLOAKLAKE_DAEMON_POLICY_COMMANDS_H

#include <string>

#include "daemon/control.h"
#include "daemon/engine.h"

namespace cloak
{

/** What came of a change. @param source what the policy was read from. */
[[nodiscard]] ControlServer::Reply replyTo(const Outcome &outcome,
                                           const std::string &source);

/** @name Each carries out one command. */
/** @{ */
ControlServer::Reply applyCommand(Engine &engine, const Request &request);
ControlServer::Reply confirmCommand(Engine &engine, const Request &request);
ControlServer::Reply diffCommand(Engine &engine, const Request &request);
ControlServer::Reply reloadCommand(Engine &engine, const Request &request);
ControlServer::Reply onCommand(Engine &engine, const Request &request);
ControlServer::Reply offCommand(Engine &engine, const Request &request);
/** @} */

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_POLICY_COMMANDS_H
