// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whether a change of the host means anything to a policy.
 */
#ifndef CLOAKLAKE_POLICY_HOST_CHANGES_H
#define CLOAKLAKE_POLICY_HOST_CHANGES_H

#include "policy/host.h"
#include "policy/policy.h"

namespace cloak
{

/**
 * Whether compilePolicy() makes the same of both, as far as can be told without
 * it: a look at a large policy takes much longer than one at the host.
 */
[[nodiscard]] bool isSameFor(const Policy &policy, const Host &one,
                             const Host &other);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_HOST_CHANGES_H
