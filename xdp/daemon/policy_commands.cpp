// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy_commands.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/report.h"
#include "daemon/session_guard.h"
#include "policy/diff.h"
#include "policy/parse.h"
#include "policy/words.h"
#include "util/duration.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Reply = ControlServer::Reply;

/** So many settings are listed as changed; an answer has to have an end. */
constexpr std::size_t kMostDifferences = 10000;

/** So many errors of a policy, the first ones. Each rule may have one. */
constexpr std::size_t kMostErrors = 1000;

Reply refused(const Diagnostics &errors, const FileNames &files,
              const std::string &source, std::string_view consequence)
{
	const std::size_t told = std::min(errors.size(), kMostErrors);
	Response response = Response::error(
	    Failure::Policy,
	    fmt::format(
		"{} has {} error{}{}{}", source, errors.size(),
		errors.size() == 1 ? "" : "s",
		told == errors.size()
		    ? ""
		    : fmt::format(", of which these are the first {}", told),
		consequence));

	response.details =
	    toJson(Diagnostics(errors.begin(), errors.begin() + told), files);
	return {response};
}

Reply lacksPolicy(const Request &request)
{
	return Reply::bad(request.command +
	                  " needs the text of a policy and its source");
}

Reply applyOnTrial(Engine &engine, const Request &request,
                   const PolicyTexts &texts, const Engine::Guard &guard)
{
	const std::string &source = texts.front().source;

	const std::string wanted = request.text("confirm").value_or("");
	const auto time = parseDuration(wanted);

	if (!time || time->count() == 0) {
		return Reply::bad(fmt::format("{}: expected {}", quote(wanted),
		                              kDurationExpected));
	}
	const Outcome outcome = engine.applyOnTrial(texts, *time, guard);
	Reply reply = replyTo(outcome, source);
	if (outcome.ok()) {
		spdlog::info("policy applied, to be confirmed within {}: {}",
		             toString(*time), source);
		reply.response.result["confirm_until"] =
		    timestamp(toWall(engine.trial()->ends));
	}
	return reply;
}

} // namespace

Reply replyTo(const Outcome &outcome, const std::string &source)
{
	if (!outcome.errors.empty())
		return refused(outcome.errors, outcome.files, source,
		               "; nothing was changed");
	if (outcome.failure) {
		return {
		    Response::error(outcome.kind, outcome.failure->message())};
	}
	return {Response::success(
	    {{"warnings", outcome.warnings},
	     {"details", toJson(outcome.details, outcome.files)}})};
}

Reply applyCommand(Engine &engine, const Request &request)
{
	const auto texts = textsIn(request.arguments);

	if (!texts)
		return lacksPolicy(request);
	const auto guard = guardSessions(engine, request);
	if (!guard)
		return Reply::bad(guard.error().message());
	if (request.arguments.contains("confirm"))
		return applyOnTrial(engine, request, *texts, *guard);
	const std::string &source = texts->front().source;
	const Outcome outcome = engine.apply(*texts, *guard);
	if (outcome.ok())
		spdlog::info("policy applied: {}", source);
	return replyTo(outcome, source);
}

Reply confirmCommand(Engine &engine, const Request &request)
{
	const json undo = request.arguments.value("undo", json(false));
	const std::string trial =
	    engine.trial() != nullptr ? engine.trial()->source : "";

	if (undo == json(true)) {
		const Outcome outcome = engine.rollBack();
		if (outcome.ok())
			spdlog::info("policy undone: {}", trial);
		return replyTo(outcome, trial);
	}
	const Status confirmed = engine.confirm();
	if (!confirmed) {
		return {Response::error(Failure::Failed,
		                        confirmed.error().message())};
	}
	spdlog::info("policy confirmed: {}", trial);
	return {Response::success(json::object())};
}

Reply diffCommand(Engine &engine, const Request &request)
{
	const auto texts = textsIn(request.arguments);

	if (!texts)
		return lacksPolicy(request);
	const ParsedPolicy parsed = engine.read(*texts);
	if (!parsed.errors.empty()) {
		return refused(parsed.errors, parsed.policy.files,
		               texts->front().source, "");
	}
	if (!engine.inForce()) {
		return {
		    Response::error(Failure::Failed, "no policy is in force")};
	}
	json result =
	    toJson(diffPolicies(engine.inForce()->policy, parsed.policy),
	           kMostDifferences);
	result["in_force"] = engine.inForce()->source;
	result["details"] = toJson(parsed.warnings, parsed.policy.files);
	result["warnings"] = textsOf(parsed.warnings, parsed.policy.files);
	if (engine.enforcer() == nullptr) {
		result["warnings"].push_back(
		    "the cloak is off; to apply a policy puts it on");
	}
	return {Response::success(std::move(result))};
}

Reply reloadCommand(Engine &engine, const Request &request)
{
	const auto guard = guardSessions(engine, request);

	if (!guard)
		return Reply::bad(guard.error().message());
	const Outcome outcome = engine.reload(*guard);
	if (outcome.ok())
		spdlog::info("policy reloaded: {}",
		             engine.options().policyPath);
	return replyTo(outcome, engine.options().policyPath);
}

Reply onCommand(Engine &engine, const Request &request)
{
	const auto guard = guardSessions(engine, request);

	if (!guard)
		return Reply::bad(guard.error().message());
	const Outcome outcome = engine.on(*guard);
	if (outcome.ok())
		spdlog::info("{}", summarise(engine));
	return replyTo(outcome, engine.options().policyPath);
}

Reply offCommand(Engine &engine, const Request &)
{
	auto lifted = engine.off();

	if (!lifted) {
		return {
		    Response::error(Failure::Failed, lifted.error().message())};
	}
	spdlog::warn("the cloak is off");
	return {Response::success(json::object())};
}

} // namespace cloak
