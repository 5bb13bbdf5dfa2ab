// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "daemon/report.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** The counters are pinned: they can be read while no daemon runs. */
Answer readLocally(const Context &context, bool all)
{
	Answer answer;

	auto maps = CloakMaps::openPinned(context.pinRoot);
	if (!maps) {
		answer.exit = explainNoMaps(context, maps.error());
		return answer;
	}
	auto report = reportDrops(*maps, all);
	if (!report) {
		answer.exit =
		    explain(context, Failure::Failed, report.error().message());
		return answer;
	}
	answer.result = std::move(*report);
	return answer;
}

Answer read(const Context &context, bool all)
{
	Request request;

	if (!isDaemonThere(context))
		return readLocally(context, all);
	request.command = "drops";
	request.arguments["all"] = all;
	return ask(context, request);
}

int drops(const Context &context, bool all)
{
	Table table({"DIRECTION", "VERDICT", "REASON", "PACKETS", "BYTES", ""});

	const Answer answer = read(context, all);
	if (answer.exit != kDone)
		return answer.exit;
	if (context.json) {
		printJson(answer.result);
		return kDone;
	}
	for (const json &row : answer.result) {
		table.add({field(row, "direction"), field(row, "verdict"),
		           field(row, "reason"), field(row, "packets"),
		           field(row, "bytes"), field(row, "text")});
	}
	table.print();
	return kDone;
}

} // namespace

const Command kDropsCommand = {
    "drops", "count what was dropped, by reason", [](CLI::App &app) -> Action {
	    auto all = std::make_shared<bool>(false);

	    app.add_flag("--all", *all, "count what passed as well");
	    return
		[all](const Context &context) { return drops(context, *all); };
    }};

} // namespace cloak
