// SPDX-License-Identifier: Apache-2.0
#include "daemon/rule_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

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

/** The one table that can have that counter, or null. */
const CompiledTable *tableOf(const CompiledRules &rules, std::uint32_t index)
{
	const auto next = std::ranges::upper_bound(
	    rules.tables, index, {},
	    [](const CompiledTable &table) { return table.counters.front(); });

	return next == rules.tables.begin() ? nullptr : &*std::prev(next);
}

} // namespace

std::string nameOfRule(const CompiledRules &rules, std::uint32_t index)
{
	const CompiledTable *table = tableOf(rules, index);

	if (table == nullptr)
		return "a former rule";
	const auto found = std::ranges::lower_bound(table->rules, index, {},
	                                            &CompiledRule::counter);
	if (found == table->rules.end() || found->counter != index)
		return "a former rule";
	return fmt::format("rule {} of {}",
	                   found->name.empty() ? found->match : found->name,
	                   toString(table->address));
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
