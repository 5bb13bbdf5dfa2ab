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

struct AuthoriseOptions {
	std::string peer;
	std::string mac;
	std::string duration;
};

int authorise(const Context &context, const AuthoriseOptions &options,
              bool mayCut)
{
	Request request;

	request.command = "authorise";
	request.arguments["peer"] = options.peer;
	protectSessions(request, mayCut);
	if (!options.mac.empty())
		request.arguments["mac"] = options.mac;
	if (!options.duration.empty())
		request.arguments["for"] = options.duration;
	return askAndSay(context, request,
	                 options.duration.empty()
	                     ? options.peer + " is authorised until revoked"
	                     : options.peer + " is authorised for " +
	                           options.duration);
}

} // namespace

const Command kAuthoriseCommand = {
    "authorise", "let a host or network in, beside the policy",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<AuthoriseOptions>();

	    app.add_option("peer", options->peer, "address or network")
		->required();
	    app.add_option("--mac", options->mac,
	                   "only with this Ethernet address");
	    app.add_option("--for", options->duration,
	                   "for so long: 90s, 10m, 1h; else until revoked");
	    auto mayCut = declareCut(app);
	    return [options, mayCut](const Context &context) {
		    return authorise(context, *options, *mayCut);
	    };
    }};

} // namespace cloak
