// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/simple.h"
#include "policy/parse.h"
#include "util/file.h"

namespace cloak
{
namespace
{

/** As the daemon has another current folder. */
std::string absolute(const std::string &path)
{
	std::error_code error;

	if (path == "-")
		return "standard input";
	const auto full = std::filesystem::absolute(path, error);
	return error ? path : full.string();
}

int applyFile(const Context &context, const std::string &path)
{
	Request request;

	auto text = readFile(path, kLongestPolicy);
	if (!text)
		return explain(context, kFailed, text.error().message());
	request.command = "apply";
	request.arguments = {{"text", *text}, {"source", absolute(path)}};
	return askAndSay(context, request, path + " is in force");
}

} // namespace

const Command kApplyCommand = {
    "apply", "put a policy in force until the next reload",
    [](CLI::App &app) -> Action {
	    auto path = std::make_shared<std::string>();

	    app.add_option("file", *path, "policy file, - for standard input")
		->required();
	    return [path](const Context &context) {
		    return applyFile(context, *path);
	    };
    }};

} // namespace cloak
