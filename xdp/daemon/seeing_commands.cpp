// SPDX-License-Identifier: Apache-2.0
#include "daemon/seeing_commands.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/seeing_report.h"
#include "policy/words.h"
#include "util/duration.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using nlohmann::json;
using Reply = ControlServer::Reply;

Reply failed(Failure failure, std::string message)
{
	return {Response::error(failure, std::move(message))};
}

Reply cloakIsOff()
{
	return failed(Failure::Off, "the cloak is off");
}

Result<IpAddress> sourceOf(const Request &request)
{
	const std::string text = request.text("source").value_or("");
	auto source = parseIp(text);

	if (!source || source->isGroup() || source->isUnspecified()) {
		return Error(fmt::format("{}: expected {}", quote(text),
		                         kAddressExpected));
	}
	return *source;
}

/** For how long: as asked for, else as the policy says, else an hour. */
Result<std::chrono::milliseconds> timeOf(const Engine &engine,
                                         const Request &request)
{
	if (!request.arguments.contains("for")) {
		const auto usual = engine.inForce()->policy.seeing.shadow.time;
		return usual.count() != 0 ? usual : ShadowPolicy().time;
	}
	const std::string text = request.text("for").value_or("");
	auto time = parseDuration(text);
	if (!time || time->count() == 0) {
		return Error(fmt::format("{}: expected {}", quote(text),
		                         kDurationExpected));
	}
	return *time;
}

} // namespace

Reply shadowsCommand(Engine &engine, const Request &)
{
	if (engine.enforcer() == nullptr)
		return cloakIsOff();
	auto report = reportShadows(engine.enforcer()->maps());
	if (!report)
		return failed(Failure::Failed, report.error().message());
	return {Response::success(std::move(*report))};
}

Reply shadowAddCommand(Engine &engine, const Request &request)
{
	auto source = sourceOf(request);

	if (!source)
		return failed(Failure::BadRequest, source.error().message());
	if (engine.enforcer() == nullptr || !engine.inForce())
		return cloakIsOff();
	auto time = timeOf(engine, request);
	if (!time)
		return failed(Failure::BadRequest, time.error().message());
	auto until = addShadow(engine.enforcer()->maps(), *source,
	                       BootClock::now(), *time);
	if (!until)
		return failed(Failure::Failed, until.error().message());
	const std::string end = timestamp(toWall(*until));
	spdlog::info("{} is shadowed until {}", toString(*source), end);
	return {
	    Response::success({{"source", toString(*source)}, {"until", end}})};
}

Reply shadowDropCommand(Engine &engine, const Request &request)
{
	auto source = sourceOf(request);

	if (!source)
		return failed(Failure::BadRequest, source.error().message());
	auto dropped = engine.watch().drop(*source);
	if (!dropped)
		return failed(Failure::Failed, dropped.error().message());
	if (!*dropped) {
		return failed(Failure::Failed,
		              toString(*source) + " is not shadowed");
	}
	spdlog::info("{} is no longer shadowed", toString(*source));
	return {Response::success({{"source", toString(*source)}})};
}

Reply flowsCommand(Engine &engine, const Request &request)
{
	FlowQuery query;

	if (engine.enforcer() == nullptr)
		return cloakIsOff();
	if (request.arguments.contains("source")) {
		auto source = sourceOf(request);
		if (!source) {
			return failed(Failure::BadRequest,
			              source.error().message());
		}
		query.source = *source;
	}
	const json top = request.arguments.value("top", json(0U));
	if (!top.is_number_unsigned())
		return failed(Failure::BadRequest, "\"top\" is not a number");
	query.top = top.get<std::size_t>();
	auto flows =
	    engine.watch().collector().current(engine.enforcer()->maps());
	if (!flows)
		return failed(Failure::Failed, flows.error().message());
	const json follow = request.arguments.value("follow", json(false));
	return {Response::success(reportFlows(std::move(*flows), query)),
	        follow == json(true) ? ControlServer::Topic::Flows
	                             : ControlServer::Topic::None};
}

} // namespace cloak
