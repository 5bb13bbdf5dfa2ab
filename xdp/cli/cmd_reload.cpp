// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/session.h"
#include "cli/simple.h"

namespace cloak
{

const Command kReloadCommand = {
    "reload", "have cloakd read its policy file again",
    [](CLI::App &app) -> Action {
	    auto mayCut = declareCut(app);

	    return [mayCut](const Context &context) {
		    Request request;

		    request.command = "reload";
		    protectSessions(request, *mayCut);
		    return askAndSay(context, request, "reloaded");
	    };
    }};

} // namespace cloak
