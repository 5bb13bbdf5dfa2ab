// SPDX-License-Identifier: Apache-2.0
#include "daemon/session_guard.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/cut.h"
#include "host/sessions.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** Nobody is logged in so often; each one costs a look at the routes. */
constexpr std::size_t kMostSessions = 64;

std::optional<IpAddress> addressIn(const json &object, const char *key)
{
	const json value = object.value(key, json());

	if (!value.is_string())
		return std::nullopt;
	return parseIp(value.get<std::string>());
}

std::optional<std::uint16_t> portIn(const json &object, const char *key)
{
	const json value = object.value(key, json());

	if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xffff)
		return std::nullopt;
	return value.get<std::uint16_t>();
}

/** 0 if there is none: a client of before does not say. */
std::optional<unsigned> interfaceIn(const json &object)
{
	const json value = object.value("interface", json(0U));

	if (!value.is_number_unsigned() ||
	    value.get<std::uint64_t>() > std::numeric_limits<int>::max())
		return std::nullopt;
	return value.get<unsigned>();
}

std::optional<Connection> sessionOf(const json &object)
{
	if (!object.is_object())
		return std::nullopt;
	const auto local = addressIn(object, "local");
	const auto peer = addressIn(object, "peer");
	const auto localPort = portIn(object, "local_port");
	const auto peerPort = portIn(object, "peer_port");
	const auto interface = interfaceIn(object);
	if (!local || !peer || !localPort || !peerPort || !interface)
		return std::nullopt;
	return Connection{*local, *localPort, *peer, *peerPort, 0, *interface};
}

/** The connections over which the client is logged in, as it says. */
Result<std::vector<Connection>> sessionsIn(const Request &request)
{
	const json list = request.arguments.value("sessions", json::array());
	std::vector<Connection> sessions;

	if (!list.is_array() || list.size() > kMostSessions)
		return Error("\"sessions\" is no list of connections");
	for (const json &object : list) {
		const auto session = sessionOf(object);
		if (!session)
			return Error("\"sessions\" is no list of connections");
		sessions.push_back(*session);
	}
	return sessions;
}

/** The first of @p sessions that is cut, and not by what is in force. */
std::optional<Cut> findNewCut(const Engine &engine, const Policy &policy,
                              const CompiledPolicy &compiled,
                              const std::vector<Connection> &sessions)
{
	const std::vector<Cut> cuts = findCuts(policy, compiled, sessions);
	std::vector<Cut> before;

	if (!cuts.empty() && engine.enforcer() != nullptr && engine.inForce()) {
		const Policy &former = engine.inForce()->policy;
		before = findCuts(
		    former,
		    compilePolicy(former, engine.host(), engine.granted()),
		    sessions);
	}
	return firstNew(cuts, before);
}

std::optional<std::string> findOwnCut(const Engine &engine,
                                      const Policy &policy,
                                      const CompiledPolicy &compiled,
                                      const std::vector<Connection> &sessions)
{
	const auto cut = findNewCut(engine, policy, compiled, sessions);

	if (!cut)
		return std::nullopt;
	return ownRefusal(*cut);
}

std::optional<std::string>
findGrantedCut(const Engine &engine, const Policy &policy,
               const CompiledPolicy &compiled,
               const std::vector<Connection> &sessions)
{
	const auto cut = findNewCut(engine, policy, compiled, sessions);

	if (!cut)
		return std::nullopt;
	return refusal(*cut, "your own") + "; if that is meant, say " +
	       kCutMySession;
}

/** @param override how to say that it is meant. */
std::optional<std::string> findLoginCut(const Engine &engine,
                                        const Policy &policy,
                                        const CompiledPolicy &compiled,
                                        std::string_view override)
{
	if (policy.logins.empty())
		return std::nullopt;
	auto connections = readConnections();
	if (!connections)
		return blindRefusal(connections.error(), override);
	const auto cut =
	    findNewCut(engine, policy, compiled,
	               loginSessions(std::move(*connections), policy.logins));
	if (!cut)
		return std::nullopt;
	return loginRefusal(*cut, override);
}

/** guardLogins() of who can say @p override himself. */
Engine::Guard guardOthers(const Engine &engine, std::string override)
{
	return [&engine, override = std::move(override)](
		   const Policy &policy, const CompiledPolicy &compiled) {
		return findLoginCut(engine, policy, compiled, override);
	};
}

/** Of whom there is no session to mind: who says that it may be cut. */
bool mayCut(const Request &request)
{
	return !request.arguments.contains("sessions");
}

} // namespace

json sessionsToJson(const std::vector<Connection> &sessions)
{
	json list = json::array();

	for (const Connection &session : sessions) {
		if (list.size() == kMostSessions)
			break;
		list.push_back({{"local", toString(session.local)},
		                {"local_port", session.localPort},
		                {"peer", toString(session.remote)},
		                {"peer_port", session.remotePort},
		                {"interface", session.ifindex}});
	}
	return list;
}

Result<Engine::Guard> guardSessions(const Engine &engine,
                                    const Request &request)
{
	const auto sessions = sessionsIn(request);

	if (!sessions)
		return sessions.error();
	if (mayCut(request))
		return Engine::Guard();
	if (sessions->empty())
		return guardOthers(engine, kCutMySession);
	return Engine::Guard(
	    [&engine, own = *sessions](const Policy &policy,
	                               const CompiledPolicy &compiled) {
		    return findOwnCut(engine, policy, compiled, own);
	    });
}

Result<Engine::Guard> guardGranted(const Engine &engine, const Request &request)
{
	const auto sessions = sessionsIn(request);

	if (!sessions)
		return sessions.error();
	if (mayCut(request))
		return Engine::Guard();
	if (sessions->empty())
		return guardOthers(engine, kCutMySession);
	return Engine::Guard(
	    [&engine, own = *sessions](const Policy &policy,
	                               const CompiledPolicy &compiled) {
		    return findGrantedCut(engine, policy, compiled, own);
	    });
}

Engine::Guard guardLogins(const Engine &engine)
{
	return guardOthers(engine, "\"cloakctl reload --cut-my-session\"");
}

} // namespace cloak
