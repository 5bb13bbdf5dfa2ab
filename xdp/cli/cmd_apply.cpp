// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/session.h"
#include "policy/texts.h"

namespace cloak
{
namespace
{

struct ApplyOptions {
	std::string path;
	std::string confirm; //!< within what time; empty: need not be
};

/** As the daemon has another current folder. */
std::string absolute(const std::string &path)
{
	std::error_code error;

	if (path == "-")
		return "standard input";
	const auto full = std::filesystem::absolute(path, error);
	return error ? path : full.string();
}

void say(const nlohmann::json &result, const std::string &path)
{
	if (!result.contains("confirm_until")) {
		fmt::print("{} is in force\n", path);
		return;
	}
	fmt::print("{} is in force until {}, unless you say \"cloakctl "
	           "confirm\" before\n",
	           path, timeField(result, "confirm_until"));
}

int applyFile(const Context &context, const ApplyOptions &options, bool mayCut)
{
	Request request;

	auto texts = readPolicyTexts(options.path);
	if (!texts)
		return explain(context, Failure::Unreadable,
		               texts.error().message());
	for (PolicyText &text : *texts)
		text.source = absolute(text.source);
	request.command = "apply";
	request.arguments = toArguments(*texts);
	if (!options.confirm.empty())
		request.arguments["confirm"] = options.confirm;
	protectSessions(request, mayCut);
	const Answer answer = ask(context, request);
	if (answer.exit != kDone)
		return answer.exit;
	printWarnings(answer.result);
	if (context.json)
		printJson(answer.result);
	else
		say(answer.result, options.path);
	return kDone;
}

} // namespace

const Command kApplyCommand = {
    "apply", "put a policy in force until the next reload",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<ApplyOptions>();

	    app.add_option("file", options->path,
	                   "policy file, - for standard input")
		->required();
	    app.add_option("--confirm", options->confirm,
	                   "undo it unless confirmed within 60s, 5m, ...");
	    auto mayCut = declareCut(app);
	    return [options, mayCut](const Context &context) {
		    return applyFile(context, *options, *mayCut);
	    };
    }};

} // namespace cloak
