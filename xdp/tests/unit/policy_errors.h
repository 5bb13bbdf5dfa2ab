// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_TESTS_UNIT_POLICY_ERRORS_H
#define CLOAKLAKE_TESTS_UNIT_POLICY_ERRORS_H

#include <string>
#include <string_view>
#include <vector>

#include "policy/parse.h"

namespace cloak
{

/** The errors of a policy as the lines that people see. */
inline std::vector<std::string> errorsOf(std::string_view text)
{
	std::vector<std::string> lines;

	for (const Diagnostic &error : readPolicy(text).errors)
		lines.push_back(toString(error, {"p"}));
	return lines;
}

/** A policy that is right but for the lines of the test, from line 3 on. */
inline std::vector<std::string> errorsWith(const std::string &lines)
{
	return errorsOf("[[interface]]\nname = \"eth1\"\n" + lines);
}

} // namespace cloak

#endif // CLOAKLAKE_TESTS_UNIT_POLICY_ERRORS_H
