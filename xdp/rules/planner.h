// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How many hash tables a stage gets, and which rules each of them.
 */
#ifndef CLOAKLAKE_RULES_PLANNER_H
#define CLOAKLAKE_RULES_PLANNER_H

#include <vector>

#include "rules/place.h"

namespace cloak
{

/**
 * Plans in which no bucket needs more than CLOAK_MAX_CANDIDATES. Together they
 * have every rule that can be the first to match.
 */
[[nodiscard]] std::vector<Plan> planStage(const Placer &placer);

} // namespace cloak

#endif // CLOAKLAKE_RULES_PLANNER_H
