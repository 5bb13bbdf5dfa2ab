// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a policy is written in: a file, and the files of the folder beside it.
 */
#ifndef CLOAKLAKE_POLICY_TEXTS_H
#define CLOAKLAKE_POLICY_TEXTS_H

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "util/result.h"

namespace cloak
{

/** No policy may be longer in all; as many rules as the maps can hold. */
constexpr std::size_t kLongestPolicy = 64UL << 20U;

/** No policy is spread over more files, for a folder given by mistake. */
constexpr std::size_t kMostPolicyFiles = 1024;

/** One file of a policy, or what came in its place. */
struct PolicyText {
	std::string source; //!< its name in messages
	std::string text;
};

/** Never empty; the policy file first, then those of its folder in order. */
using PolicyTexts = std::vector<PolicyText>;

/** What the policy file may be; those beside it are regular files anyway. */
enum class PolicyFile {
	Any,     //!< a pipe, too, and "-" for standard input
	Regular, //!< for who must not wait
};

/**
 * Reads a policy: @p path, and of the folder that has its name with .d in place
 * of .toml every *.toml, in the order of their names; hidden files are passed
 * over. Without that folder, the file is all.
 */
[[nodiscard]] Result<PolicyTexts>
readPolicyTexts(const std::string &path, PolicyFile kind = PolicyFile::Any);

/** The arguments of a request to the daemon that is about @p texts. */
[[nodiscard]] nlohmann::json toArguments(const PolicyTexts &texts);

/** The texts that toArguments() was called with; never throws. */
[[nodiscard]] std::optional<PolicyTexts>
textsIn(const nlohmann::json &arguments);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_TEXTS_H
