// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/session.h"
#include "cli/simple.h"

namespace cloak
{
namespace
{

int revoke(const Context &context, const std::string &peer, bool mayCut)
{
	Request request;

	request.command = "revoke";
	request.arguments["peer"] = peer;
	protectSessions(request, mayCut);
	return askAndSay(context, request, peer + " is revoked");
}

} // namespace

const Command kRevokeCommand = {
    "revoke", "take back what authorise gave", [](CLI::App &app) -> Action {
	    auto peer = std::make_shared<std::string>();

	    app.add_option("peer", *peer, "address or network")->required();
	    auto mayCut = declareCut(app);
	    return [peer, mayCut](const Context &context) {
		    return revoke(context, *peer, *mayCut);
	    };
    }};

} // namespace cloak
