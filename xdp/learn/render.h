// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A proposal as a policy to read, change and apply, or for scripts.
 */
#ifndef CLOAKLAKE_LEARN_RENDER_H
#define CLOAKLAKE_LEARN_RENDER_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "learn/propose.h"

namespace cloak
{

/**
 * A whole policy that drops nothing (action "monitor"), with the flows that
 * each rule covers as comments. Times are local.
 */
[[nodiscard]] std::string toToml(const Proposal &proposal);

/** The same with all flows; the names are a promise: scripts read them. */
[[nodiscard]] nlohmann::json toJson(const Proposal &proposal);

/** All flows that a proposal is made from. */
[[nodiscard]] FlowTotals totalsOf(const Proposal &proposal);

} // namespace cloak

#endif // CLOAKLAKE_LEARN_RENDER_H
