// SPDX-License-Identifier: Apache-2.0
#include "alerts/eve.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "alerts/text.h"
#include "bpf/names.h"
#include "util/base64.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/**
 * Numbers of our signatures begin here, in the range that is free for local
 * use: base + 100 * class + kind.
 */
constexpr unsigned kSignatureBase = 1'900'000;
constexpr unsigned kSignatureClass = 100;

constexpr unsigned kEthernetLinktype = 1;

/** Suricata's severities: 1 is the gravest. */
unsigned severity(AlertClass kind)
{
	switch (kind) {
	case AlertClass::Probe:
		return 3;
	case AlertClass::Decoy:
		return 1;
	default:
		return 2;
	}
}

std::string upper(std::string text)
{
	std::ranges::transform(text, text.begin(), [](unsigned char character) {
		return static_cast<char>(std::toupper(character));
	});
	return text;
}

/** EVE writes "TCP" and "ARP", but "IPv6-ICMP". */
std::string eveProtocol(const Probe &probe)
{
	const std::string name = protocolName(probe.event);

	return name == "ipv6-icmp" ? "IPv6-ICMP" : upper(name);
}

void addAddresses(const Probe &probe, json &event)
{
	const auto source = probe.source();
	const auto target = probe.target();
	const std::string protocol = eveProtocol(probe);

	if (source)
		event["src_ip"] = toString(*source);
	if (target)
		event["dest_ip"] = toString(*target);
	if (probe.port()) {
		event["src_port"] = probe.event.sport;
		event["dest_port"] = *probe.port();
	}
	if (!protocol.empty())
		event["proto"] = protocol;
	if (protocol == "ICMP" || protocol == "IPv6-ICMP") {
		event["icmp_type"] = probe.event.icmp_type;
		event["icmp_code"] = probe.event.icmp_code;
	}
	for (unsigned i = 0;
	     i < std::min<unsigned>(probe.event.vlan_count, CLOAK_MAX_VLANS);
	     ++i)
		event["vlan"].push_back(probe.event.vlans[i]);
}

json signature(const Alert &alert)
{
	const unsigned kind = alert.probe.event.kind;
	const std::string_view name = className(alert.kind);

	const bool passed = alert.probe.has(CLOAK_EVENT_MONITOR) ||
	                    alert.probe.has(CLOAK_EVENT_DECOY);

	return {
	    {"action", passed ? "allowed" : "blocked"},
	    {"gid", 1},
	    {"signature_id",
	     kSignatureBase +
	         kSignatureClass * static_cast<unsigned>(alert.kind) + kind},
	    {"rev", 1},
	    {"signature", fmt::format("CLOAK {}: {}", name, kindText(kind))},
	    {"category", "Detection of a Network Scan"},
	    {"severity", severity(alert.kind)},
	};
}

json kindNames(std::uint32_t kinds)
{
	json names = json::array();

	for (unsigned kind = 1; kind < CLOAK_KINDS; ++kind)
		if ((kinds >> kind & 1U) != 0)
			names.push_back(kindName(kind));
	return names;
}

json evidence(const Alert &alert)
{
	const WallSpan span =
	    toWall(BootClock::fromNanoseconds(alert.totals.first_ns),
	           BootClock::fromNanoseconds(alert.totals.last_ns));
	json targets = json::array();

	for (const IpAddress &target : alert.seen.allTargets())
		targets.push_back(toString(target));
	json body = {
	    {"kind", kindName(alert.probe.event.kind)},
	    {"kinds", kindNames(alert.totals.kinds)},
	    {"class", className(alert.kind)},
	    {"summary", alert.summary},
	    {"reason", reasonName(alert.probe.event.reason)},
	    {"probes", alert.totals.probes},
	    {"bytes", alert.totals.bytes},
	    {"first_seen", timestamp(span.begin)},
	    {"last_seen", timestamp(span.end)},
	    {"ports", alert.seen.ports()},
	    {"port_count", alert.portCount},
	    {"targets", std::move(targets)},
	    {"target_count", alert.targetCount},
	    {"text", describe(alert)},
	};
	if (alert.campaign) {
		for (const IpAddress &source : alert.campaign->sources)
			body["sources"].push_back(toString(source));
		body["source_count"] = alert.campaign->sources.size();
	}
	if (alert.shadowedUntil)
		body["shadowed_until"] = timestamp(*alert.shadowedUntil);
	return body;
}

} // namespace

json toEve(const Alert &alert, WallTime time)
{
	json event = {
	    {"timestamp", timestamp(time)},
	    {"event_type", "alert"},
	    {"in_iface", alert.probe.interface},
	    {"ether",
	     {{"src_mac", toString(alert.probe.sourceMac())},
	      {"dest_mac", toString(alert.probe.targetMac())}}},
	    {"alert", signature(alert)},
	    {"cloak", evidence(alert)},
	    {"packet", base64(alert.probe.head)},
	    {"packet_info", {{"linktype", kEthernetLinktype}}},
	};

	addAddresses(alert.probe, event);
	return event;
}

} // namespace cloak
