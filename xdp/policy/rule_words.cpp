// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace cloak
{
namespace
{

std::optional<std::uint16_t> parsePort(std::string_view text)
{
	std::uint16_t port = 0;
	const char *end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data(), end, port);

	if (text.empty() || error != std::errc() || at != end)
		return std::nullopt;
	return port;
}

std::optional<std::uint8_t> parseFlag(std::string_view text)
{
	const auto *found = std::ranges::find(kTcpFlags, text);

	if (found == kTcpFlags.end())
		return std::nullopt;
	return static_cast<std::uint8_t>(1U << (found - kTcpFlags.begin()));
}

/** "from 10.0.0.0/8" or "from {10.0.0.0/8, 192.0.2.1}". */
template <typename T, typename Show>
void append(std::string &text, std::string_view word,
            const std::vector<T> &values, Show show)
{
	const char *before = values.size() == 1 ? " " : " {";

	if (values.empty())
		return;
	text += ' ';
	text += word;
	for (const T &value : values) {
		text += before;
		text += show(value);
		before = ", ";
	}
	if (values.size() != 1)
		text += '}';
}

} // namespace

std::optional<PortRange> parsePorts(std::string_view text)
{
	const auto dash = text.find('-');
	const auto least = parsePort(text.substr(0, dash));
	const auto most = dash == std::string_view::npos
	                      ? least
	                      : parsePort(text.substr(dash + 1));

	if (!least || !most || *least > *most)
		return std::nullopt;
	return PortRange{*least, *most};
}

std::optional<TcpFlagMatch> parseTcpFlags(std::string_view text)
{
	TcpFlagMatch match;

	while (true) {
		const auto comma = text.find(',');
		std::string_view word = text.substr(0, comma);
		const bool negated = word.starts_with('!');
		if (negated)
			word.remove_prefix(1);
		const auto flag = parseFlag(word);

		if (!flag || ((match.set | match.clear) & *flag) != 0)
			return std::nullopt;
		(negated ? match.clear : match.set) |= *flag;
		if (comma == std::string_view::npos)
			return match;
		text.remove_prefix(comma + 1);
	}
}

std::string toString(const PortRange &range)
{
	if (range.least == range.most)
		return fmt::to_string(range.least);
	return fmt::format("{}-{}", range.least, range.most);
}

std::string toString(const TcpFlagMatch &flags)
{
	std::string text;

	for (std::size_t i = 0; i < kTcpFlags.size(); ++i) {
		const unsigned bit = 1U << i;

		if (((flags.set | flags.clear) & bit) == 0)
			continue;
		text += text.empty() ? "" : ",";
		text += (flags.clear & bit) != 0 ? "!" : "";
		text += kTcpFlags.at(i);
	}
	return text;
}

std::string protocolName(std::uint8_t protocol)
{
	const std::string_view name = wordOf(kProtocols, protocol);

	return name.empty() ? fmt::format("{}", protocol) : std::string(name);
}

std::optional<ConnectionState> stateOf(const RulePolicy &rule)
{
	const auto other = [&rule](ConnectionState state) {
		return state != rule.states.front();
	};

	if (rule.states.empty() || std::ranges::any_of(rule.states, other))
		return std::nullopt;
	return rule.states.front();
}

std::vector<const RulePolicy *> inOrder(const TablePolicy &table)
{
	std::vector<const RulePolicy *> ordered;

	for (const RulePolicy &rule : table.rules)
		ordered.push_back(&rule);
	std::ranges::stable_sort(ordered, {}, &RulePolicy::priority);
	return ordered;
}

std::string describe(const RulePolicy &rule)
{
	const auto prefix = [](const auto &value) {
		return toString(value.value);
	};
	const auto port = [](const PortRange &value) {
		return toString(value);
	};
	const auto state = [](ConnectionState value) {
		return std::string(wordOf(kStates, value));
	};
	std::string text(wordOf(kDirections, rule.direction));

	if (rule.protocol)
		text += " " + protocolName(rule.protocol->value);
	append(text, "from", rule.sources, prefix);
	append(text, "sport", rule.sourcePorts, port);
	append(text, "to", rule.destinations, prefix);
	append(text, "dport", rule.destinationPorts, port);
	if (rule.icmpType)
		text += fmt::format(" type {}", rule.icmpType->value);
	if (rule.tcpFlags)
		text += " flags " + toString(rule.tcpFlags->value);
	append(text, "state", rule.states, state);
	if (rule.vlan)
		text += fmt::format(" vlan {}", *rule.vlan);
	if (rule.interface)
		text += " on " + rule.interface->value;
	if (rule.mac)
		text += " mac " + toString(rule.mac->value);
	return text;
}

} // namespace cloak
