// SPDX-License-Identifier: Apache-2.0
#include "host/cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "policy/rule_match.h"

namespace cloak
{
namespace
{

/** Traffic for a decoy passes, whoever sends it. */
bool isDecoy(const CompiledPolicy &compiled, const Connection &connection)
{
	auto found = compiled.decoys.find(connection.local);

	if (found == compiled.decoys.end())
		return false;
	const cloak_decoy &decoy = found->second;
	const auto *end = std::begin(decoy.ports) + decoy.count;
	return decoy.count == 0 || std::find(std::begin(decoy.ports), end,
	                                     connection.localPort) != end;
}

/** Why the peer is none for the cloak. */
std::optional<std::string> whyNoPeer(const CompiledPolicy &compiled,
                                     const Connection &connection,
                                     const Hop &hop)
{
	const std::string name = toString(connection.remote);
	const cloak_peer *peer =
	    compiled.decide(Prefix::host(connection.remote));

	if (peer == nullptr ||
	    (peer->flags & (CLOAK_PEER_INBOUND | CLOAK_PEER_OUTBOUND)) == 0)
		return name + " is not authorised";
	if ((peer->flags & CLOAK_PEER_INBOUND) == 0)
		return name + " may only answer what this host asks";
	if (peer->ifindex != 0 && peer->ifindex != hop.ifindex)
		return name + " is authorised on another interface";
	if ((peer->flags & CLOAK_PEER_BOUND_MAC) != 0 &&
	    hop.mac != macFromAbi(peer->mac))
		return name + " is authorised with another MAC address";
	return std::nullopt;
}

std::optional<std::string> whyDropped(const Policy &policy,
                                      const Connection &connection,
                                      const std::string &interface,
                                      const Hop &hop)
{
	auto table = std::ranges::find_if(
	    policy.tables, [&connection](const TablePolicy &one) {
		    return one.address.value == connection.local;
	    });

	if (table == policy.tables.end())
		return std::nullopt;
	const TcpSegment in{RuleDirection::In,
	                    connection.remote,
	                    connection.local,
	                    connection.remotePort,
	                    connection.localPort,
	                    interface,
	                    hop.mac};
	const TcpSegment out{RuleDirection::Out,
	                     connection.local,
	                     connection.remote,
	                     connection.localPort,
	                     connection.remotePort,
	                     interface,
	                     hop.mac};
	const std::string name = toString(connection.local);
	if (drops(*table, in))
		return "the rules for " + name + " drop what comes in";
	if (drops(*table, out))
		return "the rules for " + name + " drop what goes out";
	return std::nullopt;
}

} // namespace

std::optional<std::string> whyCut(const Policy &policy,
                                  const CompiledPolicy &compiled,
                                  const Connection &connection, const Hop &hop)
{
	auto found = std::ranges::find(compiled.interfaces, hop.ifindex,
	                               &CompiledInterface::index);

	if (found == compiled.interfaces.end() ||
	    found->entry.mode == CLOAK_MODE_MONITOR ||
	    isDecoy(compiled, connection))
		return std::nullopt;
	if (found->entry.scope != CLOAK_SCOPE_ADDRESSES ||
	    compiled.addresses.contains(connection.local)) {
		if (auto reason = whyNoPeer(compiled, connection, hop))
			return *reason + ", and " + found->name + " is cloaked";
	}
	return whyDropped(policy, connection, found->table, hop);
}

std::vector<Cut> cutsOf(const Policy &policy, const CompiledPolicy &compiled,
                        const Connection &session, const Hop &hop,
                        const Host &host)
{
	std::vector<Cut> cuts;

	for (const unsigned carrier : host.carriersOf(hop.ifindex)) {
		auto reason =
		    whyCut(policy, compiled, session, {carrier, hop.mac});
		if (reason)
			cuts.push_back({session, *std::move(reason), carrier});
	}
	return cuts;
}

std::optional<Cut> firstNew(const std::vector<Cut> &cuts,
                            const std::vector<Cut> &before)
{
	for (const Cut &cut : cuts)
		if (std::ranges::none_of(before, [&cut](const Cut &one) {
			    return one.session == cut.session &&
			           one.carrier == cut.carrier;
		    }))
			return cut;
	return std::nullopt;
}

std::vector<Cut> findCuts(const Policy &policy, const CompiledPolicy &compiled,
                          const std::vector<Connection> &sessions)
{
	std::vector<Cut> cuts;

	if (sessions.empty())
		return cuts;
	const auto read = Host::read();
	const Host host = read ? *read : Host();
	for (const Connection &session : sessions) {
		if (read && !host.has(session.local))
			continue;
		auto hop =
		    findHop(session.local, session.remote, session.ifindex);
		if (hop)
			std::ranges::move(
			    cutsOf(policy, compiled, session, *hop, host),
			    std::back_inserter(cuts));
	}
	return cuts;
}

std::string refusal(const Cut &cut, std::string_view whose)
{
	const Connection &session = cut.session;

	return fmt::format("nothing was changed: it would cut {} session from "
	                   "{} port {} to {} port {}: {}",
	                   whose, toString(session.remote), session.remotePort,
	                   toString(session.local), session.localPort,
	                   cut.reason);
}

std::string ownRefusal(const Cut &cut)
{
	return refusal(cut, "your own") + "; authorise it, or say " +
	       kCutMySession;
}

std::string loginRefusal(const Cut &cut, std::string_view override)
{
	return fmt::format("{}; if that is meant, or nobody has logged in by "
	                   "it, say {}; else authorise it, or take its port "
	                   "out of \"logins\" under [cloak]",
	                   refusal(cut, "the login"), override);
}

std::string blindRefusal(const Error &error, std::string_view override)
{
	return fmt::format("nothing was changed: whom it would cut off cannot "
	                   "be seen: {}; if that does not matter, say {}",
	                   error.message(), override);
}

std::optional<std::string> findCut(const Policy &policy,
                                   const CompiledPolicy &compiled,
                                   const std::vector<Connection> &sessions)
{
	const std::vector<Cut> cuts = findCuts(policy, compiled, sessions);

	if (cuts.empty())
		return std::nullopt;
	return ownRefusal(cuts.front());
}

} // namespace cloak
