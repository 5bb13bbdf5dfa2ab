// SPDX-License-Identifier: Apache-2.0
#include "flows/eve.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bpf/names.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** The same number for all events of one flow, also of several records. */
std::uint64_t identify(const cloak_record_key &key)
{
	constexpr std::uint64_t prime = 0x100000001b3;
	constexpr unsigned reader = 53; // bits of an integer in JavaScript
	std::uint64_t hash = 0xcbf29ce484222325;
	std::array<unsigned char, sizeof(key)> bytes{};

	std::memcpy(bytes.data(), &key, sizeof(key));
	for (const unsigned char octet : bytes)
		hash = (hash ^ octet) * prime;
	return hash >> (64 - reader);
}

std::string upper(std::string text)
{
	std::ranges::transform(text, text.begin(), [](unsigned char character) {
		return static_cast<char>(std::toupper(character));
	});
	return text;
}

/** EVE writes "TCP" and "ARP", but "IPv6-ICMP". */
std::string eveProtocol(const Flow &flow)
{
	const std::string name = protocolName(flow);

	return name == "ipv6-icmp" ? "IPv6-ICMP" : upper(name);
}

/** The source is who has begun. */
void addEnds(const Flow &flow, json &event)
{
	const bool inbound = flow.isInbound();
	const char *remote = inbound ? "src" : "dest";
	const char *local = inbound ? "dest" : "src";

	event[std::string(remote) + "_ip"] = toString(flow.remote());
	event[std::string(local) + "_ip"] = toString(flow.local());
	if (flow.hasPorts()) {
		event[std::string(remote) + "_port"] = flow.key.remote_port;
		event[std::string(local) + "_port"] = flow.key.local_port;
	}
	if (flow.isIcmp()) {
		event["icmp_type"] = flow.record.icmp_type;
		event["icmp_code"] = flow.record.icmp_code;
	}
	event["proto"] = eveProtocol(flow);
	if (flow.record.vlan != 0)
		event["vlan"] = json::array({flow.record.vlan});
}

std::string_view stateOf(const Flow &flow)
{
	if (flow.end == FlowEnd::Ended)
		return "closed";
	const bool both = flow.record.packets[CLOAK_INGRESS] != 0 &&
	                  flow.record.packets[CLOAK_EGRESS] != 0;
	return both ? "established" : "new";
}

std::string_view eveReason(FlowEnd end)
{
	switch (end) {
	case FlowEnd::Forced:
	case FlowEnd::NoRoom:
		return "forced";
	default:
		return "timeout";
	}
}

json flowOf(const Flow &flow)
{
	const auto toServer = flow.isInbound() ? CLOAK_INGRESS : CLOAK_EGRESS;
	const auto toClient = flow.isInbound() ? CLOAK_EGRESS : CLOAK_INGRESS;
	const cloak_record &record = flow.record;
	const WallSpan span = toWall(flow.first(), flow.last());
	const auto age = flow.last() - flow.first();
	json body = {
	    {"pkts_toserver", record.packets[toServer]},
	    {"pkts_toclient", record.packets[toClient]},
	    {"bytes_toserver", record.bytes[toServer]},
	    {"bytes_toclient", record.bytes[toClient]},
	    {"start", timestamp(span.begin)},
	    {"end", timestamp(span.end)},
	    {"age", std::chrono::floor<std::chrono::seconds>(age).count()},
	    {"state", stateOf(flow)},
	    {"alerted", flow.has(CLOAK_RECORD_SHADOWED)},
	};

	if (flow.end != FlowEnd::Going)
		body["reason"] = eveReason(flow.end);
	return body;
}

json tcpOf(const Flow &flow)
{
	const auto &flags = flow.record.tcp_flags;
	const unsigned in = flags[CLOAK_INGRESS];
	const unsigned out = flags[CLOAK_EGRESS];
	const bool inbound = flow.isInbound();
	constexpr std::array<const char *, 8> names = {
	    "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	json body = {
	    {"tcp_flags", fmt::format("{:02x}", in | out)},
	    {"tcp_flags_ts", fmt::format("{:02x}", inbound ? in : out)},
	    {"tcp_flags_tc", fmt::format("{:02x}", inbound ? out : in)},
	};

	for (std::size_t bit = 0; bit < names.size(); ++bit)
		if (((in | out) >> bit & 1U) != 0)
			body[names.at(bit)] = true;
	return body;
}

json cloakOf(const Flow &flow)
{
	const cloak_record &record = flow.record;
	json reasons = json::object();

	for (const auto way : {CLOAK_INGRESS, CLOAK_EGRESS})
		if (record.packets[way] != 0)
			reasons[way == CLOAK_INGRESS ? "in" : "out"] =
			    reasonName(record.reason[way]);
	json body = {
	    {"verdict", flow.verdict()},
	    {"reasons", std::move(reasons)},
	    {"dropped_in", record.dropped[CLOAK_INGRESS]},
	    {"dropped_out", record.dropped[CLOAK_EGRESS]},
	    {"shadowed", flow.has(CLOAK_RECORD_SHADOWED)},
	    {"decoy", flow.has(CLOAK_RECORD_DECOY)},
	    {"monitor", flow.has(CLOAK_RECORD_MONITOR)},
	    {"remote", flow.isInbound() ? "src" : "dest"},
	    {"mac", toString(macFromAbi(record.mac))},
	};

	if (flow.end != FlowEnd::Going)
		body["end"] = endName(flow.end);
	return body;
}

} // namespace

json toEve(const Flow &flow, WallTime time)
{
	json event = {
	    {"timestamp", timestamp(time)}, {"flow_id", identify(flow.key)},
	    {"event_type", "flow"},         {"in_iface", flow.interface},
	    {"flow", flowOf(flow)},         {"cloak", cloakOf(flow)},
	};

	addEnds(flow, event);
	if (flow.isIp() && flow.key.protocol == IPPROTO_TCP)
		event["tcp"] = tcpOf(flow);
	return event;
}

} // namespace cloak
