// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cli/command.h"

namespace cloak
{

std::span<const Command *const> allCommands()
{
	static constexpr std::array<const Command *, 20> commands = {
	    &kCheckCommand,   &kDiffCommand,      &kApplyCommand,
	    &kConfirmCommand, &kReloadCommand,    &kOnCommand,
	    &kOffCommand,     &kStatusCommand,    &kAlertsCommand,
	    &kDropsCommand,   &kSourcesCommand,   &kShadowCommand,
	    &kFlowsCommand,   &kRulesCommand,     &kCountersCommand,
	    &kTopCommand,     &kLearnCommand,     &kAuthoriseCommand,
	    &kRevokeCommand,  &kFromNvmetCommand,
	};

	return commands;
}

} // namespace cloak
