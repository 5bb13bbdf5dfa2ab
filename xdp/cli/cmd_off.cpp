// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/local.h"
#include "cli/simple.h"

namespace cloak
{
namespace
{

int off(const Context &context)
{
	if (!isDaemonThere(context))
		return liftLocally(context);
	return askAndSay(context, {"off"}, "the cloak is off");
}

} // namespace

const Command kOffCommand = {"off", "lift the cloak; works without cloakd too",
                             [](CLI::App &) -> Action { return off; }};

} // namespace cloak
