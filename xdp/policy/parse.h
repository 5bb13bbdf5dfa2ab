// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policy text to policy. Pure: reads no file and looks at no interface.
 */
#ifndef CLOAKLAKE_POLICY_PARSE_H
#define CLOAKLAKE_POLICY_PARSE_H

#include "policy/compile_rules.h"
#include "policy/policy.h"
#include "policy/texts.h"
#include "policy/warning.h"

#include <span>
#include <string_view>

namespace cloak
{

/**
 * A policy as far as it could be read, and everything that was wrong. The
 * policy may be used only when there is no error.
 */
struct ParsedPolicy {
	Policy policy;
	Diagnostics errors;
	Warnings warnings;       //!< of readPolicy(), if there are no errors
	bool unreadable = false; //!< a part of it says nothing: not TOML
	/** Of readPolicy(): its tables, ready for use; null if it has none. */
	std::shared_ptr<const CompiledRules> rules;
};

/**
 * Reads TOML and notes every fault of form: syntax (the first one of a file
 * only, as nothing behind it can be read reliably), a key of more than
 * kMostKeyParts parts, unknown keys, values of the wrong type or shape, missing
 * keys. What may be there several times, and
 * what [cloak] lists, adds up over the files; any other table stands in one of
 * them.
 */
[[nodiscard]] ParsedPolicy parsePolicy(std::span<const PolicyText> texts);

/** The same of a single text. */
[[nodiscard]] ParsedPolicy parsePolicy(std::string_view text);

/**
 * parsePolicy(), checkPolicy() and compileRules() together: all errors of the
 * texts, in the order in which they stand in them, or else warnOfRules().
 */
[[nodiscard]] ParsedPolicy readPolicy(std::span<const PolicyText> texts);

/** The same of a single text. */
[[nodiscard]] ParsedPolicy readPolicy(std::string_view text);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_PARSE_H
