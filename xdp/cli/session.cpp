// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include "daemon/session_guard.h"
#include "host/sessions.h"

namespace cloak
{

std::shared_ptr<bool> declareCut(CLI::App &app)
{
	auto mayCut = std::make_shared<bool>(false);

	app.add_flag("--cut-my-session", *mayCut,
	             "even if it cuts the connection that you come by, "
	             "or others that are logged in");
	return mayCut;
}

void protectSessions(Request &request, bool mayCut)
{
	if (!mayCut)
		request.arguments["sessions"] = sessionsToJson(findSessions());
}

} // namespace cloak
