// SPDX-License-Identifier: Apache-2.0
#include "model/flow.h"

#include <netinet/in.h>

#include "model/probe.h"

namespace cloak
{
namespace
{

constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;

} // namespace

std::string_view endName(FlowEnd end)
{
	switch (end) {
	case FlowEnd::Idle:
		return "idle";
	case FlowEnd::Active:
		return "active";
	case FlowEnd::Ended:
		return "ended";
	case FlowEnd::Forced:
		return "forced";
	case FlowEnd::NoRoom:
		return "no room";
	case FlowEnd::Going:
		break;
	}
	return {};
}

bool Flow::isIp() const
{
	return key.ethertype == kEthertypeIpv4 || isV6();
}

bool Flow::isV6() const
{
	return key.ethertype == kEthertypeIpv6;
}

bool Flow::isIcmp() const
{
	constexpr std::uint8_t icmp = IPPROTO_ICMP;
	constexpr std::uint8_t icmpv6 = IPPROTO_ICMPV6;

	return isIp() && key.protocol == (isV6() ? icmpv6 : icmp);
}

bool Flow::hasPorts() const
{
	switch (key.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return isIp();
	default:
		return false;
	}
}

bool Flow::isDropped(cloak_direction way) const
{
	return record.packets[way] != 0 &&
	       record.dropped[way] == record.packets[way];
}

std::string_view Flow::verdict() const
{
	const std::uint64_t dropped =
	    record.dropped[CLOAK_INGRESS] + record.dropped[CLOAK_EGRESS];

	if (dropped == 0)
		return "pass";
	return dropped == packets() ? "drop" : "mixed";
}

std::string protocolName(const Flow &flow)
{
	cloak_event event{};

	event.ethertype = flow.key.ethertype;
	event.protocol = flow.key.protocol;
	if (flow.isIp())
		event.flags = flow.isV6() ? CLOAK_EVENT_V6 : CLOAK_EVENT_V4;
	return protocolName(event);
}

std::string tcpFlagLetters(std::uint8_t flags)
{
	constexpr std::string_view letters = "FSRPAUEC";
	std::string text;

	for (std::size_t bit = 0; bit < letters.size(); ++bit)
		if ((flags >> bit & 1U) != 0)
			text += letters[bit];
	return text;
}

} // namespace cloak
