// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "daemon/seeing_report.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct FlowsOptions {
	std::string source;
	unsigned top = 0;
	bool follow = false;
};

std::string flagsOf(const json &flow)
{
	const json tcp = flow.value("tcp", json::object());
	constexpr std::array<std::pair<const char *, char>, 8> letters = {{
	    {"fin", 'F'},
	    {"syn", 'S'},
	    {"rst", 'R'},
	    {"psh", 'P'},
	    {"ack", 'A'},
	    {"urg", 'U'},
	    {"ecn", 'E'},
	    {"cwr", 'C'},
	}};
	std::string text;

	for (const auto &[name, letter] : letters)
		if (tcp.contains(name))
			text += letter;
	return text.empty() ? "-" : text;
}

/** Why its last packets met with what they did. */
std::string reasonOf(const json &cloak)
{
	const json reasons = cloak.value("reasons", json::object());
	std::string text;

	for (const auto &reason : reasons) {
		const std::string name = reason.get<std::string>();
		if (text.find(name) == std::string::npos)
			text += (text.empty() ? "" : ", ") + name;
	}
	return text.empty() ? "-" : text;
}

std::vector<std::string> rowOf(const json &event)
{
	const json flow = event.value("flow", json::object());
	const json cloak = event.value("cloak", json::object());

	return {field(event, "proto"),
	        endField(event, "src"),
	        endField(event, "dest"),
	        fmt::format("{}/{}", field(flow, "pkts_toserver"),
	                    field(flow, "pkts_toclient")),
	        fmt::format("{}/{}", field(flow, "bytes_toserver"),
	                    field(flow, "bytes_toclient")),
	        flagsOf(event),
	        field(cloak, "verdict"),
	        reasonOf(cloak),
	        timeField(flow, "start"),
	        field(flow, "age") + "s",
	        field(event, "in_iface"),
	        field(cloak, "end")};
}

Table emptyTable()
{
	return Table({"PROTO", "SOURCE", "DESTINATION", "PACKETS", "BYTES",
	              "FLAGS", "VERDICT", "REASON", "START", "AGE", "INTERFACE",
	              "END"});
}

void printFlows(const Context &context, const json &flows)
{
	if (context.json) {
		for (const json &flow : flows)
			printJson(flow);
		return;
	}
	Table table = emptyTable();
	for (const json &flow : flows)
		table.add(rowOf(flow));
	table.print();
}

/** The records are pinned: they can be read while no daemon runs. */
int showLocally(const Context &context, const FlowsOptions &options)
{
	const auto nameOf = [](unsigned index) -> std::string {
		std::array<char, IF_NAMESIZE> name{};
		const char *found = if_indextoname(index, name.data());
		return found == nullptr ? fmt::format("{}", index) : found;
	};
	FlowQuery query;

	if (!options.source.empty()) {
		query.source = parseIp(options.source);
		if (!query.source)
			return explain(context, Failure::Usage,
			               "--source wants an address");
	}
	query.top = options.top;
	auto maps = CloakMaps::openPinned(context.pinRoot);
	if (!maps)
		return explainNoMaps(context, maps.error());
	auto flows = Collector([](const Flow &) {}, nameOf).current(*maps);
	if (!flows)
		return explain(context, Failure::Failed,
		               flows.error().message());
	printFlows(context, reportFlows(std::move(*flows), query));
	return kDone;
}

/** Is the other end of the flow the one that was asked for? */
bool isOf(const json &event, const std::optional<IpAddress> &source)
{
	const json cloak = event.value("cloak", json::object());
	const std::string end = field(cloak, "remote") + "_ip";

	return !source || parseIp(field(event, end.c_str())) == source;
}

/** A flow that was closed, in a line. */
void printClosed(const Context &context, const json &flow)
{
	if (context.json)
		printJson(flow);
	else
		fmt::print("{}\n", fmt::join(rowOf(flow), "  "));
	flush();
}

int follow(const Context &context, Client &client,
           const std::optional<IpAddress> &source)
{
	return followEvents(
	    context, client,
	    [&](const json &flow) {
		    if (isOf(flow, source))
			    printClosed(context, flow);
	    });
}

int flows(const Context &context, const FlowsOptions &options)
{
	Request request;
	int exit = kDone;

	if (!options.follow && !isDaemonThere(context))
		return showLocally(context, options);
	request.command = "flows";
	request.arguments["follow"] = options.follow;
	request.arguments["top"] = options.top;
	if (!options.source.empty())
		request.arguments["source"] = options.source;
	auto client = connectOrExplain(context, exit);
	if (!client)
		return exit;
	const Answer answer = ask(context, *client, request);
	if (answer.exit != kDone)
		return answer.exit;
	if (options.follow)
		return follow(context, *client, parseIp(options.source));
	printFlows(context, answer.result);
	return kDone;
}

} // namespace

const Command kFlowsCommand = {
    "flows", "list flows that are accounted, oldest first",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<FlowsOptions>();

	    auto *follow = app.add_flag("-f,--follow", options->follow,
	                                "stay, and show flows as they end");
	    app.add_option("-t,--top", options->top,
	                   "only so many, most octets first")
		->expected(0, 1)
		->default_str("10")
		->excludes(follow);
	    app.add_option("--source", options->source,
	                   "only those of this address");
	    return [options](const Context &context) {
		    return flows(context, *options);
	    };
    }};

} // namespace cloak
