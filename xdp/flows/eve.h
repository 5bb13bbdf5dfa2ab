// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A flow as a JSON event in the shape of Suricata's EVE. What EVE has no
 * place for stands under "cloak".
 */
#ifndef CLOAKLAKE_FLOWS_EVE_H
#define CLOAKLAKE_FLOWS_EVE_H

#include <nlohmann/json_fwd.hpp>

#include "model/flow.h"
#include "util/clock.h"

namespace cloak
{

/** @param time of day at which the flow was closed or looked at. */
[[nodiscard]] nlohmann::json toEve(const Flow &flow, WallTime time);

} // namespace cloak

#endif // CLOAKLAKE_FLOWS_EVE_H
