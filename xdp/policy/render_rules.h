// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tables of rules as text.
 */
#ifndef CLOAKLAKE_POLICY_RENDER_RULES_H
#define CLOAKLAKE_POLICY_RENDER_RULES_H

#include <string>

#include "policy/rule.h"

namespace cloak
{

/** A [[table]] with its rules, every key spelt out. */
[[nodiscard]] std::string renderTable(const TablePolicy &table);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RENDER_RULES_H
