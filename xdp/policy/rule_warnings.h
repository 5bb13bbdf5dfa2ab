// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that no packet ever meets. Pure.
 */
#ifndef CLOAKLAKE_POLICY_RULE_WARNINGS_H
#define CLOAKLAKE_POLICY_RULE_WARNINGS_H

#include "policy/policy.h"
#include "policy/warning.h"

namespace cloak
{

/** So many warnings about rules of one policy, the first ones. */
inline constexpr std::size_t kMostWarnings = 100;

/**
 * Warns of rules that ask for what no packet has, and of those that an earlier
 * rule hides: it decides about all that they would match, or several do of
 * which each decides about a part that is written out (a member of a list).
 * Of policies so large that it would take long, not all rules are compared.
 * @param policy one without errors.
 */
[[nodiscard]] Warnings warnOfRules(const Policy &policy);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RULE_WARNINGS_H
