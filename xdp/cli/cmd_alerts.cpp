// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct AlertsOptions {
	std::string since;
	bool follow = false;
};

/** An alert for people, or the EVE event as it is in the file. */
void print(const Context &context, const json &alert)
{
	if (context.json)
		printJson(alert.value("eve", json::object()));
	else
		fmt::print("{}\n", field(alert, "text"));
	flush();
}

int alerts(const Context &context, const AlertsOptions &options)
{
	Request request;
	int exit = kDone;

	request.command = "alerts";
	request.arguments["follow"] = options.follow;
	if (!options.since.empty()) {
		auto since = parseSince(options.since);
		if (!since)
			return explain(context, Failure::Usage, kSinceExpected);
		request.arguments["since"] = timestamp(*since);
	}
	auto client = connectOrExplain(context, exit);
	if (!client)
		return exit;
	const Answer answer = ask(context, *client, request);
	if (answer.exit != kDone)
		return answer.exit;
	for (const json &alert : answer.result)
		print(context, alert);
	if (!options.follow)
		return kDone;
	return followEvents(context, *client,
	                    [&](const json &alert) { print(context, alert); });
}

} // namespace

const Command kAlertsCommand = {
    "alerts", "show the last alerts, oldest first",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<AlertsOptions>();

	    app.add_flag("-f,--follow", options->follow,
	                 "stay, and show alerts as they are raised");
	    app.add_option("--since", options->since,
	                   "show those since a time: 10m, 1h, a date");
	    return [options](const Context &context) {
		    return alerts(context, *options);
	    };
    }};

} // namespace cloak
