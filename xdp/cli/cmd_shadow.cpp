// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "cli/simple.h"
#include "daemon/seeing_report.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct ShadowOptions {
	CLI::App *add = nullptr;
	CLI::App *drop = nullptr;
	std::string source;
	std::string duration;
};

/** The table is pinned: it can be read while no daemon runs. */
Answer readLocally(const Context &context)
{
	Answer answer;

	auto maps = CloakMaps::openPinned(context.pinRoot);
	if (!maps) {
		answer.exit = explainNoMaps(context, maps.error());
		return answer;
	}
	auto report = reportShadows(*maps);
	if (report)
		answer.result = std::move(*report);
	else
		answer.exit =
		    explain(context, Failure::Failed, report.error().message());
	return answer;
}

Answer read(const Context &context)
{
	Request request;

	if (!isDaemonThere(context))
		return readLocally(context);
	request.command = "shadows";
	return ask(context, request);
}

int list(const Context &context)
{
	Table table({"SOURCE", "CAUSE", "SINCE", "UNTIL", "PACKETS IN", "OUT",
	             "BYTES IN", "OUT", "KEPT", "NOT KEPT"});

	const Answer answer = read(context);
	if (answer.exit != kDone)
		return answer.exit;
	if (context.json) {
		printJson(answer.result);
		return kDone;
	}
	for (const json &shadow : answer.result) {
		table.add(
		    {field(shadow, "source"), listField(shadow, "causes"),
		     timeField(shadow, "since"), timeField(shadow, "until"),
		     field(shadow, "packets_in"), field(shadow, "packets_out"),
		     field(shadow, "bytes_in"), field(shadow, "bytes_out"),
		     field(shadow, "copied"), field(shadow, "not_copied")});
	}
	table.print();
	return kDone;
}

int add(const Context &context, const ShadowOptions &options)
{
	Request request;

	request.command = "shadow-add";
	request.arguments["source"] = options.source;
	if (!options.duration.empty())
		request.arguments["for"] = options.duration;
	return askAndTell(context, request, [&options](const json &result) {
		return options.source + " is shadowed until " +
		       timeField(result, "until");
	});
}

int drop(const Context &context, const ShadowOptions &options)
{
	Request request;

	request.command = "shadow-drop";
	request.arguments["source"] = options.source;
	return askAndSay(context, request,
	                 options.source + " is no longer shadowed");
}

int shadow(const Context &context, const ShadowOptions &options)
{
	if (options.add->parsed())
		return add(context, options);
	if (options.drop->parsed())
		return drop(context, options);
	return list(context);
}

} // namespace

const Command kShadowCommand = {
    "shadow", "list who is shadowed; add or drop a source",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<ShadowOptions>();

	    app.require_subcommand(0, 1);
	    app.add_subcommand("list", "list who is shadowed")->fallthrough();
	    options->add = app.add_subcommand("add", "shadow a source");
	    options->drop = app.add_subcommand("drop", "end a shadow");
	    for (CLI::App *sub : {options->add, options->drop}) {
		    sub->fallthrough();
		    sub->add_option("source", options->source, "its address")
			->required();
	    }
	    options->add->add_option("--for", options->duration,
	                             "for so long: 90s, 10m, 1h; else as "
	                             "the policy says");
	    return [options](const Context &context) {
		    return shadow(context, *options);
	    };
    }};

} // namespace cloak
