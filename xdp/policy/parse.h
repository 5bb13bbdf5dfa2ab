// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policy text to policy. Pure: reads no file and looks at no interface.
 */
#ifndef CLOAKLAKE_POLICY_PARSE_H
#define CLOAKLAKE_POLICY_PARSE_H

#include "policy/compile_rules.h"
#include "policy/policy.h"

#include <string_view>

namespace cloak
{

/** No policy text may be longer; as many rules as the maps can hold. */
constexpr std::size_t kLongestPolicy = 64UL << 20U;

/**
 * A policy as far as it could be read, and everything that was wrong. The
 * policy may be used only when there is no error.
 */
struct ParsedPolicy {
	Policy policy;
	Diagnostics errors;
	bool unreadable = false; //!< not TOML: the policy says nothing
	/** Of readPolicy(): its tables, ready for use; null if it has none. */
	std::shared_ptr<const CompiledRules> rules;
};

/**
 * Reads TOML and notes every fault of form: syntax (the first one only, as
 * nothing behind it can be read reliably), unknown keys, values of the wrong
 * type or shape, missing keys.
 */
[[nodiscard]] ParsedPolicy parsePolicy(std::string_view text);

/**
 * parsePolicy(), checkPolicy() and compileRules() together: all errors of a
 * text, in the order in which they stand in it.
 */
[[nodiscard]] ParsedPolicy readPolicy(std::string_view text);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_PARSE_H
