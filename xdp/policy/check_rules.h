// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Faults of tables of rules that no single key shows.
 */
#ifndef CLOAKLAKE_POLICY_CHECK_RULES_H
#define CLOAKLAKE_POLICY_CHECK_RULES_H

#include "policy/policy.h"

namespace cloak
{

/** Notes what is wrong with the tables of @p policy. */
void checkRules(const Policy &policy, Diagnostics &errors);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_CHECK_RULES_H
