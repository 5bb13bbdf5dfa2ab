// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is no error of a policy, but hardly what somebody wanted.
 */
#ifndef CLOAKLAKE_POLICY_WARNING_H
#define CLOAKLAKE_POLICY_WARNING_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "policy/diagnostic.h"

namespace cloak
{

/** One warning. */
struct Warning {
	const char *code; //!< a word for its kind; stable, see cloakctl(8)
	Position at;
	std::string key;   //!< as a path, "table.rule.icmp_type"
	std::string value; //!< as it is written
	std::string reason;
};

using Warnings = std::vector<Warning>;

/** "FILE:LINE:COLUMN: KEY = VALUE: REASON". */
[[nodiscard]] std::string toString(const Warning &warning,
                                   const FileNames &files);

/** The same of each. */
[[nodiscard]] std::vector<std::string> textsOf(const Warnings &warnings,
                                               const FileNames &files);

/** The warnings as a list, each also as the line that people read. */
[[nodiscard]] nlohmann::json toJson(const Warnings &warnings,
                                    const FileNames &files);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_WARNING_H
