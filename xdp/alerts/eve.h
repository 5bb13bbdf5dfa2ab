// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An alert as a JSON event in the shape of Suricata's EVE, so that whatever
 * reads EVE reads ours. What EVE has no place for stands under "cloak".
 */
#ifndef CLOAKLAKE_ALERTS_EVE_H
#define CLOAKLAKE_ALERTS_EVE_H

#include <nlohmann/json_fwd.hpp>

#include "model/alert.h"
#include "util/clock.h"

namespace cloak
{

/** @param time of day at which the alert was raised. */
[[nodiscard]] nlohmann::json toEve(const Alert &alert, WallTime time);

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_EVE_H
