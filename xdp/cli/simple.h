// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_CLI_SIMPLE_H
#define CLOAKLAKE_CLI_SIMPLE_H

#include <string>

#include "cli/command.h"

namespace cloak
{

/**
 * For commands whose answer is that it is done: asks, prints warnings, then
 * @p sentence or the result as JSON.
 */
int askAndSay(const Context &context, const Request &request,
              const std::string &sentence);

} // namespace cloak

#endif // CLOAKLAKE_CLI_SIMPLE_H
