// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Not to cut the branch that one sits on.
 */
#ifndef CLOAKLAKE_CLI_SESSION_H
#define CLOAKLAKE_CLI_SESSION_H

#include <memory>

#include "cli/command.h"

namespace cloak
{

/** Declares --cut-my-session. @returns whether it was given, later. */
[[nodiscard]] std::shared_ptr<bool> declareCut(CLI::App &app);

/** Has cloakd refuse what would cut a session of the caller's. */
void protectSessions(Request &request, bool mayCut);

} // namespace cloak

#endif // CLOAKLAKE_CLI_SESSION_H
