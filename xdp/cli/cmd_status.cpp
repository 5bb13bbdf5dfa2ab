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
int statusWithoutDaemon(const Context &context, Response response)
{
	auto attached = Links(context.pinRoot).list();
	const std::string cloak = !attached           ? "unknown"
	                          : attached->empty() ? "off"
	                                              : "on";

	response.details = {{"cloak", cloak}};
	if (!attached)
		response.details["reason"] = attached.error().message();
	if (!context.json) {
		fmt::print("cloak    {}{}\n", cloak,
		           attached ? "" : ": " + attached.error().message());
		fmt::print("alerts   nobody is told, as no cloakd runs\n");
	}
	return explain(context, response);
}

int status(const Context &context)
{
	auto client = Client::connect(context.socket, context.timeout);

	if (!client) {
		const Response why = whyNotConnected(context, client.error());
		return why.failure == Failure::NoDaemon
		           ? statusWithoutDaemon(context, why)
		           : explain(context, why);
	}
	const Answer answer = ask(context, *client, {"status"});
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
