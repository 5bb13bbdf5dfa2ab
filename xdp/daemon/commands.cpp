// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "daemon/policy_commands.h"
#include "daemon/report.h"
#include "daemon/report_rules.h"
#include "daemon/seeing_commands.h"
#include "daemon/session_guard.h"
#include "policy/words.h"
#include "util/duration.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Reply = ControlServer::Reply;

constexpr std::size_t kMostSources = 65536;
constexpr std::size_t kUsualSources = 100;

Reply fromReport(Result<json> report)
{
	if (report)
		return {Response::success(std::move(*report))};
	return {Response::error(Failure::Failed, report.error().message())};
}

Reply status(Engine &engine, const Request &)
{
	return fromReport(reportStatus(engine));
}

json asJson(const PublishedAlert &alert)
{
	return {{"number", alert.number},
	        {"text", alert.text},
	        {"eve", json::parse(alert.eve)}};
}

Reply alerts(Engine &engine, const Request &request)
{
	WallTime since;
	json list = json::array();

	if (request.arguments.contains("since")) {
		auto time = parseTimestamp(request.text("since").value_or(""));
		if (!time)
			return Reply::bad("\"since\" is not a time");
		since = *time;
	}
	const json after = request.arguments.value("after", json(0U));
	if (!after.is_number_unsigned())
		return Reply::bad("\"after\" is not a number");
	for (const PublishedAlert &alert :
	     engine.outputs().recent(since, after.get<std::uint64_t>()))
		list.push_back(asJson(alert));
	const json follow = request.arguments.value("follow", json(false));
	return {Response::success(std::move(list)),
	        follow == json(true) ? ControlServer::Topic::Alerts
	                             : ControlServer::Topic::None};
}

Reply drops(Engine &engine, const Request &request)
{
	if (engine.enforcer() == nullptr)
		return {Response::error(Failure::Off, "the cloak is off")};
	const json all = request.arguments.value("all", json(false));
	return fromReport(
	    reportDrops(engine.enforcer()->maps(), all == json(true)));
}

Reply sources(Engine &engine, const Request &request)
{
	const json limit =
	    request.arguments.value("limit", json(kUsualSources));

	if (engine.enforcer() == nullptr)
		return {Response::error(Failure::Off, "the cloak is off")};
	if (!limit.is_number_unsigned() ||
	    limit.get<std::uint64_t>() > kMostSources)
		return Reply::bad("\"limit\" is not a number that makes sense");
	return fromReport(reportSources(engine, limit.get<std::size_t>()));
}

Reply rules(Engine &engine, const Request &request)
{
	const json list = request.arguments.value("list", json(true));
	const json hit = request.arguments.value("hit", json(false));
	RuleSelection selection{{}, list == json(true), hit == json(true)};

	if (request.arguments.contains("address")) {
		const std::string text = request.text("address").value_or("");
		selection.address = parseIp(text);
		if (!selection.address) {
			return Reply::bad(fmt::format(
			    "{}: expected {}", quote(text), kAddressExpected));
		}
	}
	return fromReport(reportRules(engine, selection));
}

Reply counters(Engine &engine, const Request &)
{
	return fromReport(reportShared(engine));
}

/** One peer as it may be authorised: a network without host bits. */
Result<Prefix> peerOf(const Request &request)
{
	const std::string text = request.text("peer").value_or("");
	auto peer = parsePrefix(text);

	if (!peer) {
		return Error(fmt::format("{}: expected {}", quote(text),
		                         kPrefixExpected));
	}
	if (*peer != peer->network() || peer->address.isGroup()) {
		return Error(
		    fmt::format("{}: expected one host, or {} for its network",
		                quote(text), toString(peer->network())));
	}
	return *peer;
}

Reply authorise(Engine &engine, const Request &request)
{
	Authorisation granted;

	auto peer = peerOf(request);
	if (!peer)
		return Reply::bad(peer.error().message());
	granted.peer = *peer;
	if (request.arguments.contains("mac")) {
		const std::string text = request.text("mac").value_or("");
		granted.mac = parseMac(text);
		if (!granted.mac) {
			return Reply::bad(fmt::format(
			    "{}: expected {}", quote(text), kMacExpected));
		}
	}
	if (request.arguments.contains("for")) {
		const std::string text = request.text("for").value_or("");
		auto duration = parseDuration(text);
		if (!duration || duration->count() == 0) {
			return Reply::bad(fmt::format(
			    "{}: expected {}", quote(text), kDurationExpected));
		}
		granted.expires = BootClock::now() + *duration;
	}
	const auto guard = guardGranted(engine, request);
	if (!guard)
		return Reply::bad(guard.error().message());
	const Outcome outcome = engine.authorise(granted, *guard);
	if (outcome.ok()) {
		spdlog::info("{} is authorised{}", toString(granted.peer),
		             granted.expires ? " for a while" : "");
	}
	return replyTo(outcome, {});
}

Reply revoke(Engine &engine, const Request &request)
{
	auto peer = peerOf(request);

	if (!peer)
		return Reply::bad(peer.error().message());
	const auto guard = guardGranted(engine, request);
	if (!guard)
		return Reply::bad(guard.error().message());
	const Outcome outcome = engine.revoke(*peer, *guard);
	if (outcome.ok())
		spdlog::info("{} is revoked", toString(*peer));
	return replyTo(outcome, {});
}

struct CommandEntry {
	std::string_view name;
	Reply (*execute)(Engine &engine, const Request &request);
};

constexpr std::array<CommandEntry, 18> kCommands = {{
    {"alerts", alerts},
    {"apply", applyCommand},
    {"authorise", authorise},
    {"confirm", confirmCommand},
    {"counters", counters},
    {"diff", diffCommand},
    {"drops", drops},
    {"flows", flowsCommand},
    {"off", offCommand},
    {"on", onCommand},
    {"reload", reloadCommand},
    {"revoke", revoke},
    {"rules", rules},
    {"shadow-add", shadowAddCommand},
    {"shadow-drop", shadowDropCommand},
    {"shadows", shadowsCommand},
    {"sources", sources},
    {"status", status},
}};

} // namespace

ControlServer::Reply execute(Engine &engine, const Request &request)
{
	const auto *found =
	    std::ranges::find(kCommands, request.command, &CommandEntry::name);

	if (found == kCommands.end()) {
		return {Response::error(Failure::UnknownCommand,
		                        "there is no command " +
		                            quote(request.command))};
	}
	return found->execute(engine, request);
}

} // namespace cloak
