// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_JSON_H
#define CLOAKLAKE_UTIL_JSON_H

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace cloak
{

/** One line of JSON without an end of line, valid UTF-8 whatever is in it. */
[[nodiscard]] std::string toLine(const nlohmann::json &value);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_JSON_H
