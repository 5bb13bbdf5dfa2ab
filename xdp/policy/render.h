// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policy to text: what parsePolicy() would read as the same policy.
 */
#ifndef CLOAKLAKE_POLICY_RENDER_H
#define CLOAKLAKE_POLICY_RENDER_H

#include <string>

#include "policy/policy.h"

namespace cloak
{

/** The policy as TOML, every key written out. */
[[nodiscard]] std::string renderPolicy(const Policy &policy);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RENDER_H
