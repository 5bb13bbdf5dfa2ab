// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bpf/link.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "cli/status_text.h"

namespace cloak
{
namespace
{

using nlohmann::json;

void printStatus(const json &status)
{
	for (const std::string &line :
	     describeStatus(status, std::chrono::system_clock::now()))
		fmt::print("{}\n", line);
}

/** The cloak may be on although the daemon is not there: say so. */
int statusWithoutDaemon(const Context &context, int exit)
{
	auto attached = Links(context.pinRoot).list();

	if (attached && !context.json) {
		fmt::print("cloak    {}\n", attached->empty() ? "off" : "on");
		fmt::print("alerts   nobody is told, as no cloakd runs\n");
	}
	return exit;
}

int status(const Context &context)
{
	const Answer answer = ask(context, {"status"});

	if (answer.exit == kNoDaemon)
		return statusWithoutDaemon(context, answer.exit);
	if (answer.exit != kDone)
		return answer.exit;
	if (context.json)
		printJson(answer.result);
	else
		printStatus(answer.result);
	return kDone;
}

} // namespace

const Command kStatusCommand = {
    "status", "show whether the cloak is on, and how it fares",
    [](CLI::App &) -> Action { return status; }};

} // namespace cloak
