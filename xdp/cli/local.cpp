// SPDX-License-Identifier: Apache-2.0
#include "cli/local.h"

#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/print.h"
#include "host/cut.h"
#include "host/remember.h"
#include "host/sessions.h"
#include "policy/enforce.h"
#include "policy/parse.h"

namespace cloak
{
namespace
{

using nlohmann::json;

std::string nameOf(unsigned index)
{
	std::array<char, IF_NAMESIZE> name{};

	if (if_indextoname(index, name.data()) == nullptr)
		return fmt::format("if{}", index);
	return name.data();
}

/**
 * Why it must not be applied. Whose own session is not to be found may be
 * logged in all the same, so then all logins count.
 */
std::optional<std::string> findObjection(const Policy &policy,
                                         const CompiledPolicy &compiled)
{
	const std::vector<Connection> own = findSessions();
	if (!own.empty())
		return findCut(policy, compiled, own);
	if (policy.logins.empty())
		return std::nullopt;
	auto all = readConnections();
	if (!all)
		return blindRefusal(all.error(), kCutMySession);
	const std::vector<Cut> cuts = findCuts(
	    policy, compiled, loginSessions(std::move(*all), policy.logins));
	if (cuts.empty())
		return std::nullopt;
	return loginRefusal(cuts.front(), kCutMySession);
}

/** @param failure gets the kind if it fails for a reason of its own. */
Result<Applied> apply(Enforcer &enforcer, const ParsedPolicy &parsed,
                      bool mayCut, Failure &failure)
{
	auto host = enforcer.readHost(parsed.policy);
	if (!host)
		return host.error();
	auto granted = enforcer.authorised();
	if (!granted)
		return granted.error();
	const auto compiled = compilePolicy(parsed.policy, *host, *granted);
	const auto cut =
	    mayCut ? std::nullopt : findObjection(parsed.policy, compiled);
	if (cut) {
		failure = Failure::WouldCut;
		return Error(*cut);
	}
	return applyToConnected(enforcer, parsed.policy, compiled,
	                        parsed.rules);
}

/** What was loaded for nothing goes again. */
Result<Applied> enforce(const ParsedPolicy &parsed, const std::string &pinRoot,
                        bool mayCut, Failure &failure)
{
	auto opened = Enforcer::open(pinRoot);
	if (!opened)
		return opened.error();
	std::optional<Enforcer> enforcer(*std::move(opened));
	Result<Applied> applied = apply(*enforcer, parsed, mayCut, failure);
	const auto attachments = enforcer->attachments();

	enforcer.reset();
	if (!applied && attachments && attachments->empty())
		Enforcer::lift(pinRoot).ignore();
	return applied;
}

/**
 * What is pinned is for root alone, and so is what is to be loaded. Root
 * himself is refused for other reasons, by the verifier in the same words.
 */
Failure failureOf(const Error &error)
{
	const bool refused = error.code() == EACCES || error.code() == EPERM;

	return refused && geteuid() != 0 ? Failure::NotPermitted
	                                 : Failure::Failed;
}

json describe(const std::vector<Attachment> &attachments)
{
	json list = json::array();

	for (const Attachment &attachment : attachments) {
		const bool native = attachment.mode == XdpMode::Native;
		list.push_back({{"name", nameOf(attachment.ifindex)},
		                {"attached", native ? "native" : "generic"},
		                {"dispatcher", attachment.dispatcher},
		                {"egress", attachment.egress}});
	}
	return list;
}

} // namespace

int applyLocally(const Context &context, const PolicyTexts &texts, bool mayCut)
{
	const ParsedPolicy parsed = readPolicy(texts);

	if (!parsed.errors.empty())
		return explainErrors(context, parsed);
	Failure failure = Failure::Failed;
	auto applied = enforce(parsed, context.pinRoot, mayCut, failure);
	if (!applied && failure == Failure::Failed)
		failure = failureOf(applied.error());
	if (!applied)
		return explain(context, failure, applied.error().message());

	json result = warningsOf(parsed);
	result["interfaces"] = describe(applied->attachments);
	for (const std::string &warning : applied->warnings)
		result["warnings"].push_back(warning);
	result["warnings"].push_back(
	    "no cloakd runs: probes are dropped and nobody is told");
	printWarnings(result);
	if (context.json) {
		printJson(result);
		return kDone;
	}
	for (const json &interface : result["interfaces"]) {
		fmt::print("the cloak is on: {} ({})\n",
		           field(interface, "name"), attachmentText(interface));
	}
	return kDone;
}

int liftLocally(const Context &context)
{
	auto lifted = Enforcer::lift(context.pinRoot);

	if (!lifted)
		return explain(context, failureOf(lifted.error()),
		               lifted.error().message());
	if (context.json)
		printJson(json::object());
	else
		fmt::print("the cloak is off\n");
	return kDone;
}

json warningsOf(const ParsedPolicy &parsed)
{
	const FileNames &files = parsed.policy.files;

	return {{"warnings", textsOf(parsed.warnings, files)},
	        {"details", toJson(parsed.warnings, files)}};
}

int explainErrors(const Context &context, const ParsedPolicy &parsed)
{
	const Diagnostics &errors = parsed.errors;
	Response response = Response::error(
	    Failure::Policy,
	    fmt::format("{} has {} error{}", parsed.policy.files.front(),
	                errors.size(), errors.size() == 1 ? "" : "s"));

	response.details = toJson(errors, parsed.policy.files);
	return explain(context, response);
}

int explainNoMaps(const Context &context, const Error &error)
{
	return explain(context,
	               error.code() == ENOENT ? Failure::Off : failureOf(error),
	               error.message());
}

bool isDaemonThere(const Context &context)
{
	auto client = Client::connect(context.socket, context.timeout);

	return client.ok() || !meansNoDaemon(client.error());
}

} // namespace cloak
