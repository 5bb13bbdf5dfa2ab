// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"
#include "host/receiver_warnings.h"
#include "policy/compile.h"
#include "policy/interfaces.h"
#include "policy/parse.h"
#include "util/file.h"

namespace cloak
{
namespace
{

using nlohmann::json;

void addText(const char *code, const std::string &text, json &result)
{
	result["warnings"].push_back(text);
	result["details"].push_back({{"code", code}, {"text", text}});
}

void addUncloaked(const CompiledPolicy &compiled, json &result)
{
	for (const std::string &name : compiled.absent)
		addText("interface_absent", absenceOf(name) + " here now",
		        result);
	for (const std::string &name : compiled.leftOut)
		addText("interface_no_ethernet", noEthernetText(name), result);
	for (const CompiledInterface &interface : compiled.interfaces)
		if (!interface.ethernet)
			addText("interface_no_ethernet",
			        noEthernetText(interface.name), result);
}

/** Not errors: an interface may come later, a receiver may become a peer. */
void addOfHost(const Policy &policy, json &result)
{
	auto host = Host::read();
	if (!host)
		return;
	const CompiledPolicy compiled = compilePolicy(policy, *host, {});
	const Warnings warnings = warnOfReceivers(policy, compiled, *host);
	for (const std::string &text : textsOf(warnings, policy.files))
		result["warnings"].push_back(text);
	for (const json &detail : toJson(warnings, policy.files))
		result["details"].push_back(detail);
	addUncloaked(compiled, result);
}

/**
 * The daemon may have more rights than who asks, and its unit makes the folder
 * of the file that is meant by default.
 */
void addUnwritable(const Policy &policy, json &result)
{
	const std::string &eve = policy.output.eve;
	const Status writable = eve.empty() ? Status() : mayAppend(eve);

	if (writable)
		return;
	const int why = writable.error().code();
	const bool isForLater = why == ENOENT && eve == OutputPolicy().eve;
	if (!isForLater && (why != EACCES || geteuid() == 0))
		addText("file_unwritable", writable.error().message(), result);
}

int check(const Context &context, const std::string &path)
{
	auto texts = readPolicyTexts(path);
	if (!texts)
		return explain(context, Failure::Unreadable,
		               texts.error().message());
	const ParsedPolicy parsed = readPolicy(*texts);
	if (!parsed.errors.empty())
		return explainErrors(context, parsed);

	json result = warningsOf(parsed);
	addOfHost(parsed.policy, result);
	addUnwritable(parsed.policy, result);
	printWarnings(result);
	if (context.json)
		printJson(result);
	else
		fmt::print("{} is right\n", path);
	return kDone;
}

} // namespace

const Command kCheckCommand = {
    "check", "look for errors in a policy, change nothing",
    [](CLI::App &app) -> Action {
	    auto path = std::make_shared<std::string>();

	    app.add_option("file", *path, "policy file, - for standard input")
		->required();
	    return [path](const Context &context) {
		    return check(context, *path);
	    };
    }};

} // namespace cloak
