// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Reading [[table]] and [[table.rule]].
 */
#ifndef CLOAKLAKE_POLICY_PARSE_RULES_H
#define CLOAKLAKE_POLICY_PARSE_RULES_H

#include "policy/policy.h"
#include "policy/table.h"

namespace cloak
{

/** Reads one [[table]] with all its rules. */
void readRuleTable(TableReader &reader, Policy &policy);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_PARSE_RULES_H
