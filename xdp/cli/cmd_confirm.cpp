// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/simple.h"

namespace cloak
{

const Command kConfirmCommand = {
    "confirm", "keep the policy of apply --confirm, or undo it",
    [](CLI::App &app) -> Action {
	    auto undo = std::make_shared<bool>(false);

	    app.add_flag("--undo", *undo,
	                 "put the former policy back in force at once");
	    return [undo](const Context &context) {
		    Request request;

		    request.command = "confirm";
		    request.arguments = {{"undo", *undo}};
		    return askAndSay(context, request,
		                     *undo ? "the former policy is in force"
		                           : "confirmed");
	    };
    }};

} // namespace cloak
