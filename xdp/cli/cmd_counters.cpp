// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;

int counters(const Context &context)
{
	Table table({"COUNTER", "PACKETS", "BYTES", "RULES"});
	const Answer answer = ask(context, {"counters"});

	if (answer.exit != kDone)
		return answer.exit;
	if (context.json) {
		printJson(answer.result);
		return kDone;
	}
	for (const json &counter : answer.result) {
		table.add({field(counter, "name"), field(counter, "packets"),
		           field(counter, "bytes"), field(counter, "rules")});
	}
	table.print();
	return kDone;
}

} // namespace

const Command kCountersCommand = {
    "counters", "show the counters that rules share, by name",
    [](CLI::App &) -> Action { return counters; }};

} // namespace cloak
