// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

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

struct Options {
	std::string address;
	bool hit = false;
};

void printTable(const json &table)
{
	Table rows({"NR", "PACKETS", "BYTES", "VERDICT", "ACTION", "NAME",
	            "COUNTER", "MATCH"});
	const json undecided = table.value("undecided", json::object());
	const std::string verdict = field(table, "default");

	fmt::print("table {}  default {}  action {}  rules {}\n",
	           field(table, "address"), verdict, field(table, "action"),
	           field(table, "rules"));
	for (const json &rule : table.value("rule", json::array())) {
		rows.add({field(rule, "number"), field(rule, "packets"),
		          field(rule, "bytes"), field(rule, "verdict"),
		          field(rule, "action"), field(rule, "name"),
		          field(rule, "counter"), field(rule, "match")});
	}
	for (const char *direction : {"in", "out"}) {
		const json rest = undecided.value(direction, json::object());

		rows.add({"-", field(rest, "packets"), field(rest, "bytes"),
		          verdict, field(table, "action"), "-", "-",
		          fmt::format("{}, no rule decides", direction)});
	}
	rows.print();
}

/** One answer for each table: all rules together could be too long for one. */
Answer askTable(const Context &context, const std::string &address, bool hit)
{
	Request request;

	request.command = "rules";
	request.arguments = {{"address", address}, {"hit", hit}};
	return ask(context, request);
}

Answer askAll(const Context &context, const Options &options)
{
	Answer answer;
	Request request;

	if (!options.address.empty())
		return askTable(context, options.address, options.hit);
	request.command = "rules";
	request.arguments = {{"list", false}};
	const Answer tables = ask(context, request);
	if (tables.exit != kDone)
		return tables;
	answer.result = json::array();
	for (const json &table : tables.result) {
		const Answer one =
		    askTable(context, field(table, "address"), options.hit);
		if (one.exit != kDone)
			return one;
		for (const json &found : one.result)
			answer.result.push_back(found);
	}
	return answer;
}

int rules(const Context &context, const Options &options)
{
	const Answer answer = askAll(context, options);
	bool first = true;

	if (answer.exit != kDone)
		return answer.exit;
	if (answer.result.empty() && !options.address.empty()) {
		return explain(context, Failure::Failed,
		               "there are no rules for " + options.address);
	}
	if (context.json) {
		printJson(answer.result);
		return kDone;
	}
	for (const json &table : answer.result) {
		fmt::print("{}", first ? "" : "\n");
		printTable(table);
		first = false;
	}
	return kDone;
}

} // namespace

const Command kRulesCommand = {
    "rules", "list the rules of each address, and how often they matched",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<Options>();

	    app.add_option("address", options->address,
	                   "only the table of this address");
	    app.add_flag("--hit", options->hit,
	                 "only rules that a packet has matched");
	    return [options](const Context &context) {
		    return rules(context, *options);
	    };
    }};

} // namespace cloak
