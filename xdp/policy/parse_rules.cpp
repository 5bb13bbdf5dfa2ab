// SPDX-License-Identifier: Apache-2.0
#include "policy/parse_rules.h"

#include "policy/rule_words.h"

namespace cloak
{
namespace
{

/** A whole number up to @p most; nothing if the node is none. */
template <typename T>
std::optional<T> numberOf(const toml::node &node, std::int64_t most)
{
	const auto *integer = node.as_integer();

	if (integer == nullptr || integer->get() < 0 || integer->get() > most)
		return std::nullopt;
	return static_cast<T>(integer->get());
}

std::optional<Located<Prefix>> prefixOf(const toml::node &node)
{
	const auto *string = node.as_string();
	auto prefix = string ? parsePrefix(string->get()) : std::nullopt;

	if (!prefix)
		return std::nullopt;
	return Located<Prefix>{*prefix, positionOf(node.source())};
}

std::optional<PortRange> portsOf(const toml::node &node)
{
	if (const auto *string = node.as_string())
		return parsePorts(string->get());
	auto port = numberOf<std::uint16_t>(node, 0xffff);
	if (!port)
		return std::nullopt;
	return PortRange{*port, *port};
}

std::optional<Located<std::uint8_t>> protocolOf(const toml::node &node)
{
	const auto *string = node.as_string();
	auto protocol = string ? valueOf(kProtocols, string->get())
	                       : numberOf<std::uint8_t>(node, 0xff);

	if (!protocol)
		return std::nullopt;
	return Located<std::uint8_t>{*protocol, positionOf(node.source())};
}

std::optional<Located<std::uint8_t>> typeOf(const toml::node &node)
{
	auto type = numberOf<std::uint8_t>(node, 0xff);

	if (!type)
		return std::nullopt;
	return Located<std::uint8_t>{*type, positionOf(node.source())};
}

std::optional<ConnectionState> connectionStateOf(const toml::node &node)
{
	const auto *string = node.as_string();

	return string ? valueOf(kStates, string->get()) : std::nullopt;
}

std::optional<std::uint16_t> vlanOf(const toml::node &node)
{
	return numberOf<std::uint16_t>(node, 4094);
}

void readRule(TableReader &reader, TablePolicy &table)
{
	RulePolicy rule;

	rule.name.at = reader.position();
	reader.text("name", rule.name, parseName, kNameExpected);
	reader.integer("priority", rule.priority, {0, 0xffff});
	reader.text("direction", rule.direction, oneOf(kDirections),
	            R"("in", "out" or "both")");
	reader.values("source", rule.sources, prefixOf, kPrefixesExpected);
	reader.values("destination", rule.destinations, prefixOf,
	              kPrefixesExpected);
	reader.values("source_port", rule.sourcePorts, portsOf, kPortsExpected);
	reader.values("destination_port", rule.destinationPorts, portsOf,
	              kPortsExpected);
	reader.value("protocol", rule.protocol, protocolOf, kProtocolExpected);
	reader.value("icmp_type", rule.icmpType, typeOf,
	             "a number from 0 to 255");
	reader.text("tcp_flags", rule.tcpFlags, parseTcpFlags,
	            kTcpFlagsExpected);
	reader.values("state", rule.states, connectionStateOf, kStatesExpected);
	reader.value("vlan", rule.vlan, vlanOf,
	             "a number from 1 to 4094, or 0 for no tag");
	reader.text("interface", rule.interface, parseInterfacePattern,
	            kPatternExpected);
	reader.text("mac", rule.mac, parseMac, kMacExpected);
	if (reader.require("verdict", kVerdictExpected)) {
		reader.text("verdict", rule.verdict, oneOf(kVerdicts),
		            kVerdictExpected);
	}
	reader.text("action", rule.action, oneOf(kActions),
	            R"("enforce" or "monitor")");
	reader.text("counter", rule.counter, parseName, kNameExpected);
	table.rules.push_back(std::move(rule));
}

} // namespace

void readRuleTable(TableReader &reader, Policy &policy)
{
	TablePolicy table;

	const bool present = reader.require("address", kAddressExpected);
	const bool usable = present && reader.text("address", table.address,
	                                           parseIp, kAddressExpected);
	reader.text("default", table.verdict, oneOf(kDefaults),
	            R"("allow" or "drop")");
	reader.text("action", table.action, oneOf(kActions),
	            R"("enforce" or "monitor")");
	reader.tables("rule",
	              [&table](TableReader &rule) { readRule(rule, table); });
	if (usable)
		policy.tables.push_back(std::move(table));
}

} // namespace cloak
