// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The status of cloakd in the words of a person.
 */
#ifndef CLOAKLAKE_CLI_STATUS_TEXT_H
#define CLOAKLAKE_CLI_STATUS_TEXT_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "util/clock.h"

namespace cloak
{

/**
 * Lines without an end of line. What there is always comes first; of losses
 * and the like there is a line only where there are some. Pure.
 * @param status the answer of cloakd, of whichever version
 * @param now for how long it has run
 */
[[nodiscard]] std::vector<std::string>
describeStatus(const nlohmann::json &status, WallTime now);

} // namespace cloak

#endif // CLOAKLAKE_CLI_STATUS_TEXT_H
