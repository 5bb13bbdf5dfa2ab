// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whoever changes the policy stays connected.
 */
#ifndef CLOAKLAKE_DAEMON_SESSION_GUARD_H
#define CLOAKLAKE_DAEMON_SESSION_GUARD_H

#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/engine.h"
#include "host/connections.h"
#include "model/control.h"

namespace cloak
{

/** Sessions as they stand in a request. */
[[nodiscard]] nlohmann::json
sessionsToJson(const std::vector<Connection> &sessions);

/**
 * Objects to a policy that would cut somebody off who is logged in: an
 * established connection to one of the ports under "logins" of that policy
 * which what is in force lets through. For who asks without a session of his
 * own.
 * @param engine has to outlive the guard.
 */
[[nodiscard]] Engine::Guard guardLogins(const Engine &engine);

/**
 * Objects to a policy that would cut one of the "sessions" of @p request, the
 * connections over which the client is logged in. It is the client who finds
 * them: the daemon sees neither its environment nor its ancestors. A client
 * that has found none may be logged in all the same, so then it objects to what
 * guardLogins() objects to.
 * @param engine has to outlive the guard.
 * @returns an empty one if the client does not speak of sessions.
 */
[[nodiscard]] Result<Engine::Guard> guardSessions(const Engine &engine,
                                                  const Request &request);

/**
 * The same of who is let in beside a policy that stays: objects only to what
 * cuts a session that goes on now.
 * @param engine has to outlive the guard.
 */
[[nodiscard]] Result<Engine::Guard> guardGranted(const Engine &engine,
                                                 const Request &request);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_SESSION_GUARD_H
