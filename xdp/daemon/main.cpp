// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * cloakd: options, then the daemon. See cloakd(8).
 */
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <sstream>

#include "daemon/daemon.h"
#include "daemon/descriptors.h"
#include "util/log.h"
#include "util/output.h"
#include "util/version.h"

namespace
{

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2 };

struct Options {
	cloak::Engine::Options engine;
	cloak::ControlServer::Options control;
	std::string level = "info";
};

void declare(CLI::App &app, Options &options)
{
	auto &engine = options.engine;

	app.set_version_flag("--version,-V",
	                     std::string("cloakd ") + cloak::kVersion);
	app.add_option("-p,--policy", engine.policyPath, "policy file")
	    ->capture_default_str();
	app.add_option("-s,--socket", options.control.path,
	               "control socket, for cloakctl")
	    ->capture_default_str();
	app.add_option("-g,--group", options.control.group,
	               "group that may use cloakctl")
	    ->capture_default_str();
	app.add_option("-d,--pin-dir", engine.pinRoot,
	               "folder of the pins in a BPF file system")
	    ->capture_default_str();
	app.add_option("-S,--state-dir", engine.stateFolder,
	               "folder for the policy in force, one on trial, and "
	               "alerts that wait")
	    ->capture_default_str();
	app.add_option("-e,--eve", engine.eve,
	               "file for JSON events, instead of the policy's");
	app.add_option("-l,--log-level", options.level,
	               "error, warn, info or debug")
	    ->capture_default_str();
}

/** The version or the help that was asked for, by no stream of its own. */
int printHelp(const CLI::App &app, const CLI::ParseError &error)
{
	std::ostringstream text;

	app.exit(error, text, text);
	std::fputs(text.str().c_str(), stdout);
	const cloak::Status out = cloak::flushOutput();

	if (out)
		return kDone;
	std::fprintf(stderr, "cloakd: %s\n", out.error().message().c_str());
	return kFailed;
}

int serve(const Options &options)
{
	auto loop = cloak::Loop::create();

	if (!loop) {
		spdlog::error("{}", loop.error().message());
		return kFailed;
	}
	cloak::Daemon daemon(*loop, options.engine);
	cloak::Status status = daemon.start(options.control);
	if (status)
		status = daemon.run();
	if (!status) {
		spdlog::error("{}", status.error().message());
		return kFailed;
	}
	return kDone;
}

} // namespace

int main(int argc, char **argv)
{
	CLI::App app("Cloaks this host: applies the policy, raises alerts.",
	             "cloakd");
	Options options;

	declare(app, options);
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		if (error.get_exit_code() == 0)
			return printHelp(app, error);
		app.exit(error);
		return kUsage;
	}
	auto log = cloak::setUpLog(options.level);
	if (!log) {
		std::fprintf(stderr, "cloakd: %s\n",
		             log.error().message().c_str());
		return kUsage;
	}
	std::signal(SIGPIPE, SIG_IGN);
	const cloak::Status raised = cloak::raiseDescriptorLimit();
	if (!raised)
		spdlog::warn("{}", raised.error().message());
	return serve(options);
}
