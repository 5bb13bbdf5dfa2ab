// SPDX-License-Identifier: Apache-2.0
#include "host/remember.h"

#include <netinet/in.h>

#include <algorithm>

#include "policy/compile_rules.h"
#include "util/clock.h"

namespace cloak
{
namespace
{

cloak_flow_key keyOf(const Connection &connection)
{
	cloak_flow_key key{};

	key.remote_addr = toAbi(connection.remote);
	key.local_addr = toAbi(connection.local);
	key.remote = connection.remotePort;
	key.local = connection.localPort;
	key.protocol = IPPROTO_TCP;
	key.kind = CLOAK_FLOW_PORTS;
	return key;
}

bool mayButAnswer(const cloak_peer &peer)
{
	return (peer.flags & CLOAK_PEER_OUTBOUND) != 0 &&
	       (peer.flags & CLOAK_PEER_INBOUND) == 0;
}

bool hasOutbound(const CompiledPolicy &policy)
{
	return std::ranges::any_of(
	    policy.peers,
	    [](const auto &entry) { return mayButAnswer(entry.second); });
}

Status putConnections(const CloakMaps &maps,
                      const std::vector<cloak_flow_key> &keys)
{
	cloak_connection value{};
	Status put;

	value.seen_ns = coarseTime();
	value.flags = CLOAK_CONNECTION_ANSWERED | CLOAK_CONNECTION_PROVEN;
	for (std::size_t i = 0; put && i < keys.size(); ++i)
		put = maps.connections.put(keys[i], value);
	return put;
}

Status putFlows(const CloakMaps &maps, const std::vector<cloak_flow_key> &keys)
{
	const __u64 now = coarseTime();
	Status put;

	for (std::size_t i = 0; put && i < keys.size(); ++i)
		put = maps.flows.put(keys[i], now);
	return put;
}

} // namespace

std::vector<cloak_flow_key> askedFor(const Policy &policy,
                                     const std::vector<Connection> &connections)
{
	std::vector<cloak_flow_key> keys;
	std::vector<IpAddress> asking;

	for (const TablePolicy &table : policy.tables)
		if (asksState(table))
			asking.push_back(table.address.value);
	std::ranges::sort(asking);
	for (const Connection &connection : connections)
		if (std::ranges::binary_search(asking, connection.local))
			keys.push_back(keyOf(connection));
	return keys;
}

std::vector<cloak_flow_key>
answeredBy(const CompiledPolicy &policy,
           const std::vector<Connection> &connections,
           const std::set<std::uint16_t> &served)
{
	std::vector<cloak_flow_key> keys;

	for (const Connection &connection : connections) {
		if (served.contains(connection.localPort))
			continue;
		const cloak_peer *peer =
		    policy.decide(Prefix::host(connection.remote));
		if (peer != nullptr && mayButAnswer(*peer))
			keys.push_back(keyOf(connection));
	}
	return keys;
}

Status rememberConnections(const CloakMaps &maps, const Policy &policy,
                           const CompiledPolicy &compiled)
{
	const bool asks = asksState(policy);
	const bool answers = hasOutbound(compiled);

	if (!asks && !answers)
		return {};
	auto connections = readConnections();
	if (!connections)
		return connections.error();
	auto served = readServedPorts();
	if (!served)
		return served.error();
	Status put;
	if (asks)
		put = putConnections(maps, askedFor(policy, *connections));
	if (put && answers)
		put =
		    putFlows(maps, answeredBy(compiled, *connections, *served));
	return put;
}

Result<Applied> applyToConnected(
    Enforcer &enforcer, const Policy &policy, const CompiledPolicy &compiled,
    const std::shared_ptr<const CompiledRules> &rules, Refusal refusal)
{
	// Before, lest they stop; and behind it what has begun meanwhile.
	Status known = rememberConnections(enforcer.maps(), policy, compiled);
	auto applied = enforcer.apply(compiled, rules, refusal);

	if (applied && known)
		known = rememberConnections(enforcer.maps(), policy, compiled);
	if (applied && !known)
		applied->warnings.push_back(known.error().message());
	return applied;
}

} // namespace cloak
