// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;

constexpr unsigned kUsualLimit = 100;

int sources(const Context &context, unsigned limit)
{
	Table table({"SOURCE", "MAC", "INTERFACE", "PROBES", "PORTS", "TARGETS",
	             "LAST SEEN", "KINDS"});
	Request request;

	request.command = "sources";
	request.arguments["limit"] = limit;
	const Answer answer = ask(context, request);
	if (answer.exit != kDone)
		return answer.exit;
	if (context.json) {
		printJson(answer.result);
		return kDone;
	}
	for (const json &source : answer.result) {
		table.add({field(source, "address"), field(source, "mac"),
		           field(source, "interface"), field(source, "probes"),
		           field(source, "ports"), field(source, "targets"),
		           timeField(source, "last_seen"),
		           listField(source, "kinds")});
	}
	table.print();
	return kDone;
}

} // namespace

const Command kSourcesCommand = {
    "sources", "list who has probed, most probes first",
    [](CLI::App &app) -> Action {
	    auto limit = std::make_shared<unsigned>(kUsualLimit);

	    app.add_option("-n,--limit", *limit, "list so many at most")
		->capture_default_str();
	    return [limit](const Context &context) {
		    return sources(context, *limit);
	    };
    }};

} // namespace cloak
