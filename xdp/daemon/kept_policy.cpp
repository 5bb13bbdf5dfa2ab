// SPDX-License-Identifier: Apache-2.0
#include "daemon/kept_policy.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "policy/render.h"
#include "util/file.h"
#include "util/quote.h"

namespace cloak
{

std::string keptPolicyIn(const std::string &folder)
{
	return folder + "/in-force.toml";
}

Status keepPolicy(const std::string &folder, const Policy &policy,
                  const std::string &source)
{
	const std::string path = keptPolicyIn(folder);
	const std::string text = fmt::format(
	    "# What cloakd has put in force last, from {}.\n"
	    "# A start whose policy has errors puts it in force again.\n{}",
	    printable(source), renderPolicy(policy));

	if (text.size() > kLongestPolicy)
		return Error("it is too long to be kept");
	if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
		return Error::fromErrno("cannot make " + folder);
	const auto former = readRegularFile(path, kLongestPolicy);
	if (former && *former == text)
		return {};
	return replaceFile(path, text);
}

Result<std::optional<PolicyTexts>> recallPolicy(const std::string &folder)
{
	const std::string path = keptPolicyIn(folder);

	auto text = readRegularFile(path, kLongestPolicy);
	if (!text && text.error().code() == ENOENT)
		return std::optional<PolicyTexts>();
	if (!text)
		return text.error();
	return std::optional(PolicyTexts{{path, *std::move(text)}});
}

} // namespace cloak
