// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/simple.h"

namespace cloak
{

const Command kReloadCommand = {
    "reload", "have cloakd read its policy file again",
    [](CLI::App &) -> Action {
	    return [](const Context &context) {
		    return askAndSay(context, {"reload"}, "reloaded");
	    };
    }};

} // namespace cloak
