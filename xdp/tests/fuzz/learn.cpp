// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whatever stands in a file of events, the proposal that is learned from it is
 * a policy without errors, and JSON.
 */
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "learn/propose.h"
#include "learn/render.h"
#include "policy/parse.h"
#include "util/json.h"

namespace
{

void propose(const cloak::SeenFlows &seen, bool unanswered)
{
	const cloak::Proposal proposal =
	    cloak::propose(seen, {.leastFlows = 1, .unanswered = unanswered});

	if (!nlohmann::json::accept(cloak::toLine(cloak::toJson(proposal))))
		std::abort();
	const cloak::ParsedPolicy parsed =
	    cloak::readPolicy(cloak::toToml(proposal));
	if (parsed.unreadable)
		std::abort();
	// No flow has named an interface, and a policy has to.
	if (proposal.interfaces.empty())
		return;
	if (!parsed.errors.empty() ||
	    parsed.policy.tables.size() != proposal.tables.size())
		std::abort();
}

} // namespace

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	std::istringstream lines(
	    std::string(reinterpret_cast<const char *>(data), size));
	cloak::SeenFlows seen;

	cloak::addFlows(seen, lines, {});
	propose(seen, false);
	propose(seen, true);
	return 0;
}
