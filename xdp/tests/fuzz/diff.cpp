// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Any two policies, with a zero octet between them, can be compared: what one
 * way adds the other way removes, and no policy differs from itself.
 */
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "policy/diff.h"
#include "policy/parse.h"
#include "policy/render.h"
#include "util/json.h"

namespace
{

/** As many as the daemon lists, nearly. */
constexpr std::size_t kListed = 100;

auto count(const cloak::PolicyDiff &diff, std::string_view change)
{
	return std::ranges::count(diff, change, &cloak::ItemChange::change);
}

void compare(const cloak::Policy &one, const cloak::Policy &other)
{
	const auto there = diffPolicies(one, other);
	const auto back = diffPolicies(other, one);

	if (count(there, "added") != count(back, "removed") ||
	    count(there, "changed") != count(back, "changed") ||
	    !diffPolicies(one, one).empty() ||
	    (renderPolicy(one) == renderPolicy(other) && !there.empty()) ||
	    !nlohmann::json::accept(
		cloak::toLine(cloak::toJson(there, kListed))))
		std::abort();
}

} // namespace

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const std::size_t end = std::min(text.find('\0'), size);
	const auto one = cloak::readPolicy(text.substr(0, end));

	if (!one.errors.empty())
		return 0;
	const auto other =
	    cloak::readPolicy(end < size ? text.substr(end + 1) : text);
	if (other.errors.empty())
		compare(one.policy, other.policy);
	return 0;
}
