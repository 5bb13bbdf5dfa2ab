// SPDX-License-Identifier: Apache-2.0
#include "daemon/rule_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "bpf/names.h"
#include "policy/rule_words.h"

namespace cloak
{
namespace
{

/** An end of the packet; a port only if it has one. */
std::string endOf(const cloak_addr &address, std::uint16_t port, bool hasPort)
{
	const IpAddress ip = fromAbi(address);

	if (!hasPort)
		return toString(ip);
	if (ip.isV4())
		return fmt::format("{}:{}", toString(ip), port);
	return fmt::format("[{}]:{}", toString(ip), port);
}

} // namespace

std::string nameOfRule(const CompiledRules &rules, std::uint32_t index)
{
	for (const CompiledTable &table : rules.tables) {
		const auto found = std::ranges::find(table.rules, index,
		                                     &CompiledRule::counter);
		if (found == table.rules.end())
			continue;
		return fmt::format("rule {} of {}",
		                   found->name.empty() ? found->match
		                                       : found->name,
		                   toString(table.address));
	}
	return "a former rule";
}

std::string describeLogged(const cloak_event &event, const std::string &rule)
{
	const bool ports = (event.flags & CLOAK_EVENT_PORTS) != 0;
	const bool dropped = event.reason >= CLOAK_DROP_FIRST;
	const bool monitored = (event.flags & CLOAK_EVENT_MONITOR) != 0;

	return fmt::format(
	    "{}: {} {} > {}, {} bytes, {}{}", rule,
	    protocolName(event.protocol),
	    endOf(event.source.addr, event.sport, ports),
	    endOf(event.target, event.dport, ports), event.packet_len,
	    dropped ? (monitored ? "would drop: " : "drop: ") : "pass: ",
	    reasonName(event.reason));
}

} // namespace cloak
