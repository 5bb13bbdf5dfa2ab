// SPDX-License-Identifier: Apache-2.0
#include "host/receiver_warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/routes.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

/** Nobody has so many on top of one another; and a loop would not end. */
constexpr unsigned kDeepest = 16;

/** The interface of that number, if everything is hidden there. */
const CompiledInterface *hidingAll(const CompiledPolicy &compiled,
                                   unsigned index)
{
	const auto found = std::ranges::find(compiled.interfaces, index,
	                                     &CompiledInterface::index);

	if (found == compiled.interfaces.end() ||
	    found->entry.scope != CLOAK_SCOPE_WHOLE ||
	    found->entry.mode != CLOAK_MODE_ENFORCE)
		return nullptr;
	return &*found;
}

bool isPeer(const CompiledPolicy &compiled, const IpAddress &ip,
            unsigned ifindex)
{
	const cloak_peer *peer = compiled.decide(Prefix::host(ip));

	return peer != nullptr &&
	       (peer->flags & (CLOAK_PEER_INBOUND | CLOAK_PEER_OUTBOUND)) !=
	           0 &&
	       (peer->ifindex == 0 || peer->ifindex == ifindex);
}

/**
 * What hides this host from @p ip on the way by that interface. It may be below
 * it: what a VLAN lives on, or the first of the ports of a bridge or a bond if
 * each of them hides it. @param depth of the interfaces above it.
 */
const CompiledInterface *hides(const CompiledPolicy &compiled, const Host &host,
                               const IpAddress &ip, unsigned index,
                               unsigned depth = 0)
{
	const CompiledInterface *first = hidingAll(compiled, index);

	if (depth > kDeepest)
		return nullptr;
	if (first != nullptr && !isPeer(compiled, ip, index))
		return first;
	first = nullptr;
	for (const HostInterface &one : host.interfaces)
		if (one.index == index && one.lower != 0)
			return hides(compiled, host, ip, one.lower, depth + 1);
	for (const HostInterface &one : host.interfaces) {
		if (one.master != index)
			continue;
		const CompiledInterface *by =
		    hides(compiled, host, ip, one.index, depth + 1);
		if (by == nullptr)
			return nullptr;
		first = first == nullptr ? by : first;
	}
	return first;
}

void lookAt(const ReceiverPolicy &receiver, const char *key,
            const CompiledPolicy &compiled, const Host &host, const WayTo &way,
            Warnings &warnings)
{
	const auto ip = parseIp(receiver.to.value.host);
	const auto index = ip ? way(*ip) : std::nullopt;
	const CompiledInterface *by =
	    index && *index != 0 ? hides(compiled, host, *ip, *index) : nullptr;

	if (by == nullptr)
		return;
	warnings.push_back(
	    {"receiver_not_peer", receiver.to.at, key,
	     quote(toString(receiver.to.value)),
	     fmt::format("nothing reaches {}, as it is none of the [[peers]] "
	                 "and {} is cloaked",
	                 toString(*ip), by->name)});
}

} // namespace

std::optional<unsigned> wayNow(const IpAddress &to)
{
	const auto route =
	    findRoute(*parseIp(to.isV4() ? "0.0.0.0" : "::"), to);

	if (!route || route->ifindex == 0)
		return std::nullopt;
	return route->ifindex;
}

Warnings warnOfReceivers(const Policy &policy, const CompiledPolicy &compiled,
                         const Host &host, const WayTo &way)
{
	Warnings warnings;

	for (const ReceiverPolicy &receiver : policy.seeing.ipfix)
		lookAt(receiver, "ipfix.to", compiled, host, way, warnings);
	for (const ReceiverPolicy &receiver : policy.seeing.syslog)
		lookAt(receiver, "syslog.to", compiled, host, way, warnings);
	return warnings;
}

} // namespace cloak
