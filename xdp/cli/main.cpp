// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * cloakctl: options, then one command of the table. See cloakctl(8).
 */
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "util/duration.h"
#include "util/quote.h"
#include "util/version.h"

namespace
{

using cloak::Action;
using cloak::Command;
using cloak::Context;
using cloak::Failure;

void declareCommon(CLI::App &app, Context &context)
{
	app.set_version_flag("--version,-V",
	                     std::string("cloakctl ") + cloak::kVersion);
	app.add_option("-s,--socket", context.socket,
	               "control socket of cloakd")
	    ->capture_default_str();
	app.add_option("-d,--pin-dir", context.pinRoot,
	               "folder of the pins, for when no cloakd runs")
	    ->capture_default_str();
	app.add_flag("-j,--json", context.json, "answer in JSON");
	app.add_option_function<std::string>(
	    "--timeout",
	    [&context](const std::string &text) {
		    const auto read = cloak::parseDuration(text);
		    if (!read)
			    throw CLI::ValidationError(
				"--timeout", cloak::quote(text) +
						 " is no time: a number "
						 "and ms, s, m or h");
		    context.timeout = *read;
	    },
	    "longest wait for an answer, 0s for ever [2m]");
	app.require_subcommand(0, 1);
}

/** The actions of all commands by the subcommand that asks for them. */
std::map<CLI::App *, Action> declareCommands(CLI::App &app)
{
	std::map<CLI::App *, Action> actions;

	for (const Command *command : cloak::allCommands()) {
		CLI::App *sub =
		    app.add_subcommand(command->name, command->summary);
		sub->fallthrough();
		actions[sub] = command->declare(*sub);
	}
	return actions;
}

/** "help" and "help COMMAND", as many people type it. */
Action declareHelp(CLI::App &app, CLI::App &sub)
{
	auto name = std::make_shared<std::string>();

	sub.add_option("command", *name, "command to explain");
	return [name, &app](const Context &context) -> int {
		if (name->empty()) {
			fmt::print("{}", app.help());
			return cloak::kDone;
		}
		const auto known = app.get_subcommands([&name](CLI::App *one) {
			return one->get_name() == *name;
		});
		if (known.empty())
			return cloak::explain(context, Failure::Usage,
			                      "there is no command " + *name);
		fmt::print("{}", known.front()->help());
		return cloak::kDone;
	};
}

/** Whoever wants JSON wants it of errors, wherever the parser has stopped. */
bool wantsJson(int argc, char **argv)
{
	return std::any_of(
	    argv, argv + argc,
	    [](const char *argument) {
		    const std::string_view text(argument);
		    return text == "-j" || text == "--json";
	    });
}

/** "cloakctl apply", as far as the command line makes sense. */
std::string nameOf(const CLI::App &app)
{
	const auto chosen = app.get_subcommands();

	return app.get_name() +
	       (chosen.empty() ? "" : " " + nameOf(*chosen.front()));
}

int explainUsage(const CLI::App &app, const Context &context,
                 const std::string &sentence)
{
	return cloak::explain(
	    context, Failure::Usage,
	    fmt::format("{}; see \"{} --help\"", sentence, nameOf(app)));
}

/** The version or the help that was asked for, by no stream of its own. */
int printHelp(const CLI::App &app, const CLI::ParseError &error)
{
	std::ostringstream text;

	const int exit = app.exit(error, text, text);
	fmt::print("{}", text.str());
	return exit;
}

/** Reads the command line and does what it says. @returns the exit code. */
int run(CLI::App &app, Context &context, int argc, char **argv)
{
	declareCommon(app, context);
	auto actions = declareCommands(app);
	CLI::App *help = app.add_subcommand("help", "explain a command");
	actions[help] = declareHelp(app, *help);
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		if (error.get_exit_code() == 0)
			return printHelp(app, error);
		context.json = context.json || wantsJson(argc, argv);
		return explainUsage(app, context, error.what());
	}
	const auto chosen = app.get_subcommands();
	if (chosen.empty() && !context.json)
		cloak::printError(app.help());
	if (chosen.empty())
		return explainUsage(app, context, "a command is missing");
	return actions.at(chosen.front())(context);
}

/** The exit code if it could not be done: diff(1) has another one for that. */
int failedOf(const CLI::App &app)
{
	const auto chosen = app.get_subcommands();

	return !chosen.empty() &&
	               chosen.front()->get_name() == cloak::kDiffCommand.name
	           ? cloak::kTrouble
	           : cloak::kFailed;
}

/** The same if a library gives up: it is said. Output that fails is thrown. */
int runOrExplain(CLI::App &app, Context &context, int argc, char **argv)
{
	try {
		return run(app, context, argc, argv);
	} catch (const std::exception &error) {
		if (std::ferror(stdout) != 0)
			throw;
		cloak::explain(context, Failure::Failed, error.what());
		return failedOf(app);
	}
}

/** Nobody has heard that it was done. Who has left need not be told. */
int explainLost(const CLI::App &app, const std::system_error &error, int exit)
{
	if (error.code().value() != EPIPE) {
		cloak::printError(
		    "cloakctl: cannot write to standard output: " +
		    error.code().message() + "\n");
	}
	return exit == cloak::kDone || exit == cloak::kFailed ? failedOf(app)
	                                                      : exit;
}

} // namespace

int main(int argc, char **argv)
{
	CLI::App app("Asks and commands the cloak of this host.", "cloakctl");
	Context context;
	int exit = cloak::kDone;

	try {
		exit = runOrExplain(app, context, argc, argv);
		cloak::flush();
	} catch (const std::system_error &error) {
		return explainLost(app, error, exit);
	} catch (const std::exception &) {
		// There is no room to say more.
		return failedOf(app);
	}
	return exit;
}
