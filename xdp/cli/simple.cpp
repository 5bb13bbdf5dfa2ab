// SPDX-License-Identifier: Apache-2.0
#include "cli/simple.h"

#include <fmt/format.h>

#include "cli/client.h"
#include "cli/print.h"

namespace cloak
{

int askAndSay(const Context &context, const Request &request,
              const std::string &sentence)
{
	return askAndTell(
	    context, request,
	    [&sentence](const nlohmann::json &) { return sentence; });
}

int askAndTell(const Context &context, const Request &request, const Tell &tell)
{
	const Answer answer = ask(context, request);

	if (answer.exit != kDone)
		return answer.exit;
	printWarnings(answer.result);
	if (context.json)
		printJson(answer.result);
	else
		fmt::print("{}\n", tell(answer.result));
	return kDone;
}

} // namespace cloak
