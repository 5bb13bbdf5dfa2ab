// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "policy/compile.h"
#include "policy/interfaces.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** Not errors: an interface may come later. */
void addAbsent(const Policy &policy, json &result)
{
	auto host = Host::read();
	if (!host)
		return;
	for (const std::string &name :
	     compilePolicy(policy, *host, {}).absent) {
		const std::string text = absenceOf(name) + " here now";
		result["warnings"].push_back(text);
		result["details"].push_back(
		    {{"code", "interface_absent"}, {"text", text}});
	}
}

int check(const Context &context, const std::string &path)
{
	auto texts = readPolicyTexts(path);
	if (!texts)
		return explain(context, Failure::Unreadable,
		               texts.error().message());
	const ParsedPolicy parsed = readPolicy(*texts);
	if (!parsed.errors.empty())
		return explainErrors(context, parsed);

	json result = warningsOf(parsed);
	addAbsent(parsed.policy, result);
	printWarnings(result);
	if (context.json)
		printJson(result);
	else
		fmt::print("{} is right\n", path);
	return kDone;
}

} // namespace

const Command kCheckCommand = {
    "check", "look for errors in a policy, change nothing",
    [](CLI::App &app) -> Action {
	    auto path = std::make_shared<std::string>();

	    app.add_option("file", *path, "policy file, - for standard input")
		->required();
	    return [path](const Context &context) {
		    return check(context, *path);
	    };
    }};

} // namespace cloak
