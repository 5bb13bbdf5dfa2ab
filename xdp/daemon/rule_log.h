// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Lines about packets that a rule with the verdict "log" has matched.
 */
#ifndef CLOAKLAKE_DAEMON_RULE_LOG_H
#define CLOAKLAKE_DAEMON_RULE_LOG_H

#include <cstdint>
#include <string>

#include "cloak_abi.h"
#include "policy/compile_rules.h"

namespace cloak
{

/**
 * The rule whose counter has the given index in CompiledRules::keys, by its
 * name and the address of its table.
 */
[[nodiscard]] std::string nameOfRule(const CompiledRules &rules,
                                     std::uint32_t index);

/** "rule NAME of ADDRESS: tcp 10.0.3.7:40000 > 10.0.9.5:22, 60 bytes". */
[[nodiscard]] std::string describeLogged(const cloak_event &event,
                                         const std::string &rule);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_RULE_LOG_H
