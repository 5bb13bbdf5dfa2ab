// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How many hash tables a stage gets, and which rules each of them.
 */
#ifndef CLOAKLAKE_RULES_PLANNER_H
#define CLOAKLAKE_RULES_PLANNER_H

#include <optional>
#include <vector>

#include "rules/place.h"

namespace cloak
{

/**
 * Plans in which no bucket needs more than CLOAK_MAX_CANDIDATES. Together they
 * have every rule that can be the first to match; there are none if too many
 * overlap.
 */
[[nodiscard]] std::optional<std::vector<Plan>> planStage(const Placer &placer);

} // namespace cloak

#endif // CLOAKLAKE_RULES_PLANNER_H
