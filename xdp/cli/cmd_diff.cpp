// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "policy/texts.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** The value of one side; a rule is a line with its number. */
std::string sideOf(const json &setting, const std::string &side)
{
	const json &value = setting.at(side);
	const std::string key = field(setting, "key");
	const std::string number = field(setting, (side + "_number").c_str());

	if (number != "-")
		return fmt::format("{} {}: {}", key, number,
		                   field(setting, side.c_str()));
	return fmt::format("{} = {}", key,
	                   value.is_string()
	                       ? quoteToml(value.get<std::string>())
	                       : value.dump());
}

void printSetting(const json &setting)
{
	if (setting.contains("before"))
		fmt::print("-     {}\n", sideOf(setting, "before"));
	if (setting.contains("after"))
		fmt::print("+     {}\n", sideOf(setting, "after"));
}

void printChange(const json &change)
{
	const std::string word = field(change, "change");
	const std::string name = field(change, "name");

	fmt::print("{} {}{}\n",
	           word == "added"     ? "+"
	           : word == "removed" ? "-"
	                               : " ",
	           field(change, "kind"), name == "-" ? "" : " " + name);
	for (const json &setting : change.value("settings", json::array()))
		printSetting(setting);
}

void printDiff(const json &diff, const std::string &path)
{
	if (diff.at("changes").empty()) {
		fmt::print("{} says what is in force\n", path);
		return;
	}
	for (const json &change : diff.at("changes"))
		printChange(change);
	if (diff.value("omitted", 0) != 0)
		fmt::print("... and {} more\n", field(diff, "omitted"));
	fmt::print("{} would add {}, remove {}, change {}\n", path,
	           field(diff, "added"), field(diff, "removed"),
	           field(diff, "changed"));
}

/** As of diff(1): 1 says that there is a difference, so errors have others. */
int diff(const Context &context, const std::string &path)
{
	Request request;

	auto texts = readPolicyTexts(path);
	if (!texts) {
		explain(context, Failure::Unreadable, texts.error().message());
		return kTrouble;
	}
	request.command = "diff";
	request.arguments = toArguments(*texts);
	const Answer answer = ask(context, request);
	if (answer.exit != kDone)
		return answer.exit == kFailed ? kTrouble : answer.exit;
	printWarnings(answer.result);
	if (context.json)
		printJson(answer.result);
	else
		printDiff(answer.result, path);
	return answer.result.at("changes").empty() ? kDone : kDiffers;
}

} // namespace

const Command kDiffCommand = {
    "diff", "show what a policy would change, change nothing",
    [](CLI::App &app) -> Action {
	    auto path = std::make_shared<std::string>();

	    app.add_option("file", *path, "policy file, - for standard input")
		->required();
	    return
		[path](const Context &context) { return diff(context, *path); };
    }};

} // namespace cloak
