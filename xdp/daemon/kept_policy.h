// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The policy that was put in force last, for a start whose files have errors.
 */
#ifndef CLOAKLAKE_DAEMON_KEPT_POLICY_H
#define CLOAKLAKE_DAEMON_KEPT_POLICY_H

#include <optional>
#include <string>

#include "policy/policy.h"
#include "policy/texts.h"
#include "util/result.h"

namespace cloak
{

/** Where the policy is kept in the state folder. */
[[nodiscard]] std::string keptPolicyIn(const std::string &folder);

/**
 * Writes @p policy to @p folder, which is made if only it is missing, unless
 * it is there already. Only root may read it. When this returns without an
 * error, it is on the disk.
 * @param source where it came from, for people.
 */
[[nodiscard]] Status keepPolicy(const std::string &folder, const Policy &policy,
                                const std::string &source);

/** What was kept in @p folder, or nothing. */
[[nodiscard]] Result<std::optional<PolicyTexts>>
recallPolicy(const std::string &folder);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_KEPT_POLICY_H
