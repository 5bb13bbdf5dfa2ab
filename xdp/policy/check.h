// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whether a policy makes sense as a whole. Pure, like parsing.
 */
#ifndef CLOAKLAKE_POLICY_CHECK_H
#define CLOAKLAKE_POLICY_CHECK_H

#include "policy/policy.h"

namespace cloak
{

/**
 * Notes what contradicts itself or could not be enforced as it is written:
 * names used twice, networks with host bits, references to nothing, an address
 * that is cloaked and authorised at once, more entries than the maps hold.
 */
void checkPolicy(const Policy &policy, Diagnostics &errors);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_CHECK_H
