// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "learn/propose.h"
#include "learn/render.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct LearnCommandOptions {
	std::vector<std::string> from; //!< files; empty: what the daemon has
	std::string since;
	std::string address;
	LearnOptions learn;
};

Status addFile(const std::string &path, const SeenFilter &filter,
               SeenFlows &seen)
{
	if (path == "-") {
		addFlows(seen, std::cin, filter);
		return {};
	}
	std::ifstream file(path);
	if (!file)
		return Error::fromErrno("cannot read " + path);
	addFlows(seen, file, filter);
	return {};
}

/**
 * The file that the daemon writes events to; empty if there is none. One that
 * cannot be looked for is there: reading it says why not.
 */
std::string eveOf(const json &status)
{
	for (const json &output : status.value("outputs", json::array())) {
		const std::string name = field(output, "name");
		std::error_code failure;
		if (name.starts_with('/') &&
		    (std::filesystem::exists(name, failure) || failure))
			return name;
	}
	return {};
}

/** Flows that go on, of the daemon, and those that it has told of. */
int addFromDaemon(const Context &context, const SeenFilter &filter,
                  SeenFlows &seen)
{
	const Answer flows = ask(context, {"flows"});
	if (flows.exit != kDone)
		return flows.exit;
	const Answer status = ask(context, {"status"});
	if (status.exit != kDone)
		return status.exit;
	for (const json &flow : flows.result)
		addFlow(seen, flow, filter);
	const std::string eve = eveOf(status.result);
	if (eve.empty())
		return kDone;
	auto added = addFile(eve, filter, seen);
	return added ? kDone
	             : explain(context, Failure::Unreadable,
	                       added.error().message());
}

int addAll(const Context &context, const LearnCommandOptions &options,
           const SeenFilter &filter, SeenFlows &seen)
{
	if (options.from.empty())
		return addFromDaemon(context, filter, seen);
	for (const std::string &path : options.from) {
		auto added = addFile(path, filter, seen);
		if (!added) {
			return explain(context, Failure::Unreadable,
			               added.error().message());
		}
	}
	return kDone;
}

int learn(const Context &context, const LearnCommandOptions &options)
{
	SeenFilter filter;
	SeenFlows seen;

	if (!options.since.empty()) {
		auto since = parseSince(options.since);
		if (!since)
			return explain(context, Failure::Usage, kSinceExpected);
		filter.since = *since;
	}
	if (!options.address.empty()) {
		filter.local = parseIp(options.address);
		if (!filter.local) {
			return explain(context, Failure::Usage,
			               "--address wants an address");
		}
	}
	const int exit = addAll(context, options, filter, seen);
	if (exit != kDone)
		return exit;
	const Proposal proposal = propose(seen, options.learn);
	if (context.json) {
		printJson(toJson(proposal));
	} else if (proposal.tables.empty()) {
		return explain(context, Failure::Failed,
		               "no flow was seen that a rule could be made "
		               "of; flows are accounted with \"all = true\" "
		               "under [flows]");
	} else {
		fmt::print("{}", toToml(proposal));
	}
	return kDone;
}

} // namespace

const Command kLearnCommand = {
    "learn", "propose rules for the flows that were seen",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<LearnCommandOptions>();

	    app.add_option("--since", options->since,
	                   "of flows since a time: 10m, 1h, a date");
	    app.add_option("-a,--address", options->address,
	                   "for this address of the host only");
	    app.add_option("-m,--min-flows", options->learn.leastFlows,
	                   "leave out services with fewer flows")
		->capture_default_str();
	    app.add_flag("-u,--unanswered", options->learn.unanswered,
	                 "of flows that nobody has answered, too");
	    app.add_option(
		"-f,--from", options->from,
		"read JSON events of this file; - is standard input");
	    return [options](const Context &context) {
		    return learn(context, *options);
	    };
    }};

} // namespace cloak
