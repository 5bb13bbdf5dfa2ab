// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a command of cloakctl is made of. One file for each, and one table
 * (table.cpp) that knows them all.
 */
#ifndef CLOAKLAKE_CLI_COMMAND_H
#define CLOAKLAKE_CLI_COMMAND_H

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "bpf/maps.h"
#include "model/control.h"

namespace cloak
{

/** Exit status of cloakctl: a promise, see cloakctl(8). */
enum ExitCode {
	kDone = 0,
	kFailed = 1,       //!< it could not be done
	kDiffers = 1,      //!< of diff: it would change something
	kUsage = 2,        //!< the command line makes no sense
	kTrouble = 2,      //!< of diff: it could not be done
	kNoDaemon = 3,     //!< no cloakd answers at the socket
	kBadPolicy = 4,    //!< the policy has errors
	kNotPermitted = 5, //!< neither root nor in the group
};

/** The options that every command has. */
struct Context {
	std::string socket = kDefaultSocket;
	std::string pinRoot = kDefaultPinRoot;
	bool json = false;
	/** For how long an answer may be awaited; 0: for ever. */
	std::chrono::milliseconds timeout = std::chrono::minutes(2);
};

/** Carries a command out. @returns its exit code. */
using Action = std::function<int(const Context &)>;

/** A command: its name, and what declares its options. */
struct Command {
	const char *name;
	const char *summary;
	/** Adds options to @p app; the action reads them when it is called. */
	Action (*declare)(CLI::App &app);
};

extern const Command kAlertsCommand;
extern const Command kApplyCommand;
extern const Command kAuthoriseCommand;
extern const Command kCheckCommand;
extern const Command kConfirmCommand;
extern const Command kCountersCommand;
extern const Command kDiffCommand;
extern const Command kDropsCommand;
extern const Command kFlowsCommand;
extern const Command kFromNvmetCommand;
extern const Command kLearnCommand;
extern const Command kOffCommand;
extern const Command kOnCommand;
extern const Command kReloadCommand;
extern const Command kRevokeCommand;
extern const Command kRulesCommand;
extern const Command kShadowCommand;
extern const Command kSourcesCommand;
extern const Command kStatusCommand;
extern const Command kTopCommand;

/** All commands in the order in which the help lists them. */
[[nodiscard]] std::span<const Command *const> allCommands();

} // namespace cloak

#endif // CLOAKLAKE_CLI_COMMAND_H
