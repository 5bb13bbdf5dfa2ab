// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cli/command.h"

namespace cloak
{

std::span<const Command *const> allCommands()
{
	static constexpr std::array<const Command *, 18> commands = {
	    &kCheckCommand,   &kDiffCommand,      &kApplyCommand,
	    &kConfirmCommand, &kReloadCommand,    &kOnCommand,
	    &kOffCommand,     &kStatusCommand,    &kAlertsCommand,
	    &kDropsCommand,   &kSourcesCommand,   &kShadowCommand,
	    &kFlowsCommand,   &kRulesCommand,     &kCountersCommand,
	    &kLearnCommand,   &kAuthoriseCommand, &kRevokeCommand,
	};

	return commands;
}

} // namespace cloak
