// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakctl does itself when no daemon runs: the cloak needs none.
 */
#ifndef CLOAKLAKE_CLI_LOCAL_H
#define CLOAKLAKE_CLI_LOCAL_H

#include <nlohmann/json_fwd.hpp>

#include "cli/command.h"
#include "policy/parse.h"

namespace cloak
{

/**
 * Puts a policy in force without a daemon, unless it would cut a session of
 * the caller's. @returns the exit code.
 */
int applyLocally(const Context &context, const PolicyTexts &texts, bool mayCut);

/** Lifts the cloak without a daemon. @returns the exit code. */
int liftLocally(const Context &context);

/** Warnings of a policy: "warnings" for people, "details" for others. */
[[nodiscard]] nlohmann::json warningsOf(const ParsedPolicy &parsed);

/** Prints the errors of a policy; those of the form "FILE:LINE:COLUMN". */
int explainErrors(const Context &context, const ParsedPolicy &parsed);

/** Says why the pinned maps cannot be read. @returns the exit code. */
int explainNoMaps(const Context &context, const Error &error);

/** Whether a daemon answers; if it does, the command is for it. */
[[nodiscard]] bool isDaemonThere(const Context &context);

} // namespace cloak

#endif // CLOAKLAKE_CLI_LOCAL_H
