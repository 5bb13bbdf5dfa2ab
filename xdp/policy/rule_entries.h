// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * One rule as entries of the data plane.
 */
#ifndef CLOAKLAKE_POLICY_RULE_ENTRIES_H
#define CLOAKLAKE_POLICY_RULE_ENTRIES_H

#include <cstdint>
#include <vector>

#include "cloak_abi.h"
#include "policy/policy.h"

namespace cloak
{

/**
 * Adds the entries of @p rule for packets in @p direction from or to
 * @p local: none if it is not about these, several if it has lists, no two of
 * which ever match the same packet.
 * @param model order, counters, verdict and mode of all of them.
 */
void addEntries(const Policy &policy, const RulePolicy &rule,
                const IpAddress &local, cloak_direction direction,
                const cloak_entry &model, std::vector<cloak_entry> &into);

/**
 * No fewer than addEntries() adds, in either direction; of lists that are far
 * too long, as many as are too many.
 */
[[nodiscard]] std::uint64_t countEntries(const RulePolicy &rule);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RULE_ENTRIES_H
