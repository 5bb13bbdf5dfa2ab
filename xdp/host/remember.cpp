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

Status rememberConnections(const CloakMaps &maps, const Policy &policy)
{
	cloak_connection value{};

	if (!asksState(policy))
		return {};
	auto connections = readConnections();
	if (!connections)
		return connections.error();
	value.seen_ns = coarseTime();
	value.flags = CLOAK_CONNECTION_ANSWERED | CLOAK_CONNECTION_PROVEN;
	for (const cloak_flow_key &key : askedFor(policy, *connections)) {
		Status put = maps.connections.put(key, value);
		if (!put)
			return put;
	}
	return {};
}

Result<Applied> applyToConnected(
    Enforcer &enforcer, const Policy &policy, const CompiledPolicy &compiled,
    const std::shared_ptr<const CompiledRules> &rules, Refusal refusal)
{
	// Before, lest they stop; and behind it what has begun meanwhile.
	Status known = rememberConnections(enforcer.maps(), policy);
	auto applied = enforcer.apply(compiled, rules, refusal);

	if (applied && known)
		known = rememberConnections(enforcer.maps(), policy);
	if (applied && !known)
		applied->warnings.push_back(known.error().message());
	return applied;
}

} // namespace cloak
