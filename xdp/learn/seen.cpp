// SPDX-License-Identifier: Apache-2.0
#include "learn/seen.h"

#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <istream>
#include <nlohmann/json.hpp>
#include <utility>

#include "policy/interfaces.h"
#include "policy/rule_words.h"

namespace cloak
{
namespace
{

using nlohmann::json;

constexpr unsigned kSyn = 2;
constexpr unsigned kRst = 4;
constexpr unsigned kAck = 16;

/** A member, or what it would be if it were there and of that type. */
template <typename T> T member(const json &object, const char *key, T other)
{
	const auto found = object.find(key);

	if (found == object.end())
		return other;
	if constexpr (std::is_same_v<T, std::string>)
		return found->is_string() ? found->template get<T>() : other;
	else if constexpr (std::is_same_v<T, bool>)
		return found->is_boolean() ? found->template get<T>() : other;
	else
		return found->is_number_unsigned() &&
		               std::in_range<T>(
				   found->template get<std::uint64_t>())
		           ? found->template get<T>()
		           : other;
}

const json &part(const json &event, const char *key)
{
	static const json nothing = json::object();
	const auto found = event.find(key);

	return found != event.end() && found->is_object() ? *found : nothing;
}

/** "TCP", "IPv6-ICMP", or a number, as EVE writes them. */
std::optional<std::uint8_t> protocolOf(std::string name)
{
	std::uint8_t number = 0;
	const char *end = name.data() + name.size();
	const auto [stop, error] = std::from_chars(name.data(), end, number);

	if (error == std::errc() && stop == end)
		return number;
	if (name == "IPv6-ICMP")
		return IPPROTO_ICMPV6;
	std::ranges::transform(name, name.begin(), [](unsigned char character) {
		return static_cast<char>(std::tolower(character));
	});
	return valueOf(kProtocols, name);
}

/** A service has a port of its own; any other port is as good as another. */
std::uint16_t portOf(const json &event, const std::string &end)
{
	const auto port =
	    member<std::uint16_t>(event, (end + "_port").c_str(), 0);

	return port < kFirstEphemeral ? port : 0;
}

bool isLinkLocal(const IpAddress &ip)
{
	constexpr unsigned link = 0xfe80;
	constexpr unsigned mask = 0xffc0;

	return ((ip.octets[0] << 8U | ip.octets[1]) & mask) == link;
}

/** No rule is written for these: they stand for no host beyond the wire. */
bool isOrdinary(const IpAddress &ip)
{
	return !ip.isGroup() && !ip.isUnspecified() && !isLinkLocal(ip);
}

void judgeIcmp(const json &event, FlowKind &kind)
{
	const auto type = member<std::uint8_t>(event, "icmp_type", 0);
	const bool v6 = kind.protocol == IPPROTO_ICMPV6;

	kind.settled = true;
	kind.icmpType = type;
	if (type == (v6 ? kEchoReply6 : kEchoReply)) {
		kind.icmpType = v6 ? kEcho6 : kEcho;
		kind.inbound = !kind.inbound;
	}
	kind.answered = kind.answered && kind.icmpType == (v6 ? kEcho6 : kEcho);
}

/**
 * Who was the first to say SYN has begun, whoever was seen first; a
 * connection that was reset before it began is none.
 */
void judgeTcp(const json &tcp, FlowKind &kind)
{
	const auto flags = [&tcp](const char *key) {
		const auto text = member<std::string>(tcp, key, "");
		unsigned value = 0;
		std::from_chars(text.data(), text.data() + text.size(), value,
		                16);
		return value;
	};
	unsigned client = flags("tcp_flags_ts");
	unsigned server = flags("tcp_flags_tc");

	if ((server & kSyn) == 0 && (client & kSyn) != 0 &&
	    (server & (kAck | kRst)) == kAck) {
		// The answer to a SYN that was not seen came first.
		kind.inbound = !kind.inbound;
		std::swap(client, server);
	}
	kind.settled = ((client | server) & kSyn) != 0;
	if (kind.settled) {
		kind.answered = kind.answered && (server & kSyn) != 0 &&
		                (client & kAck) != 0;
	}
}

FlowTotals totalsOf(const json &flow, bool last)
{
	const auto number = [&flow](const char *key) {
		return member<std::uint64_t>(flow, key, 0);
	};
	const auto time = [&flow](const char *key) {
		return parseTimestamp(member<std::string>(flow, key, ""))
		    .value_or(WallTime());
	};

	return {last ? 1U : 0U,
	        number("pkts_toserver") + number("pkts_toclient"),
	        number("bytes_toserver") + number("bytes_toclient"),
	        time("start"), time("end")};
}

std::optional<FlowKind> kindOf(const json &event)
{
	const json &flow = part(event, "flow");
	const std::string remote =
	    member<std::string>(part(event, "cloak"), "remote", "src");
	const bool inbound = remote == "src";
	const std::string local = inbound ? "dest" : "src";
	const auto address = [&event](const std::string &end) {
		return parseIp(
		    member<std::string>(event, (end + "_ip").c_str(), ""));
	};
	const auto ours = address(local);
	const auto theirs = address(inbound ? "src" : "dest");
	const auto protocol =
	    protocolOf(member<std::string>(event, "proto", ""));

	if (!ours || !theirs || !protocol)
		return std::nullopt;
	FlowKind kind{*ours, *theirs, *protocol};
	kind.localPort = portOf(event, local);
	kind.remotePort = portOf(event, inbound ? "src" : "dest");
	kind.inbound = inbound;
	kind.answered = member<std::uint64_t>(flow, "pkts_toserver", 0) != 0 &&
	                member<std::uint64_t>(flow, "pkts_toclient", 0) != 0;
	if (*protocol == IPPROTO_TCP)
		judgeTcp(part(event, "tcp"), kind);
	else if (*protocol == IPPROTO_ICMP || *protocol == IPPROTO_ICMPV6)
		judgeIcmp(event, kind);
	return kind;
}

/** What goes to a decoy is no service, and some addresses have no rules. */
bool isLearnable(const json &event, const FlowKind &kind)
{
	return isOrdinary(kind.local) && isOrdinary(kind.remote) &&
	       kind.local.isV4() == kind.remote.isV4() &&
	       !member(part(event, "cloak"), "decoy", false);
}

} // namespace

void FlowTotals::add(const FlowTotals &other)
{
	const bool empty = packets == 0;

	flows += other.flows;
	answered += other.answered;
	packets += other.packets;
	bytes += other.bytes;
	first = empty ? other.first : std::min(first, other.first);
	last = empty ? other.last : std::max(last, other.last);
}

void addFlow(SeenFlows &seen, const json &event, const SeenFilter &filter)
{
	if (!event.is_object() ||
	    member<std::string>(event, "event_type", "") != "flow")
		return;
	const auto kind = kindOf(event);
	// A flow that goes on is told of again and again: it counts once.
	const FlowTotals totals = totalsOf(
	    part(event, "flow"),
	    member<std::string>(part(event, "cloak"), "end", "") != "active");
	if (totals.last < filter.since ||
	    (filter.local && kind && kind->local != *filter.local))
		return;
	if (!kind || !isLearnable(event, *kind)) {
		++seen.skipped;
		return;
	}
	seen.kinds[*kind].add(totals);
	const auto interface = member<std::string>(event, "in_iface", "");
	// In a policy the name of a pattern's form would mean other interfaces.
	if (parseInterface(interface) && !isPattern(interface))
		seen.interfaces.insert(interface);
}

/** Most lines are no flows: they need not be understood. */
void addFlows(SeenFlows &seen, std::istream &lines, const SeenFilter &filter)
{
	std::string line;

	while (std::getline(lines, line)) {
		if (line.find("\"flow\"") == std::string::npos)
			continue;
		addFlow(seen, json::parse(line, nullptr, false), filter);
	}
}

} // namespace cloak
