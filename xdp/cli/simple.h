// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_CLI_SIMPLE_H
#define CLOAKLAKE_CLI_SIMPLE_H

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command.h"

namespace cloak
{

/** What to say of a result. */
using Tell = std::function<std::string(const nlohmann::json &result)>;

/**
 * For commands whose answer is that it is done: asks, prints warnings, then
 * @p sentence or the result as JSON.
 */
int askAndSay(const Context &context, const Request &request,
              const std::string &sentence);

/** The same with a sentence that depends on the result. */
int askAndTell(const Context &context, const Request &request,
               const Tell &tell);

} // namespace cloak

#endif // CLOAKLAKE_CLI_SIMPLE_H
