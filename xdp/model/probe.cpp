// SPDX-License-Identifier: Apache-2.0
#include "model/probe.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <string_view>
#include <utility>

namespace cloak
{
namespace
{

constexpr std::uint16_t kEthertypeArp = 0x0806;

std::optional<IpAddress> ipOf(const Probe &probe, const cloak_addr &address)
{
	const IpAddress ip = fromAbi(address);
	const IpAddress unspecifiedV4 = {
	    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};

	if (!probe.isIp() || ip.isUnspecified() || ip == unspecifiedV4)
		return std::nullopt;
	return ip;
}

} // namespace

std::optional<IpAddress> Probe::source() const
{
	return ipOf(*this, event.source.addr);
}

std::optional<IpAddress> Probe::target() const
{
	return ipOf(*this, event.target);
}

std::optional<std::uint16_t> Probe::port() const
{
	if (!has(CLOAK_EVENT_PORTS))
		return std::nullopt;
	return event.dport;
}

std::string protocolName(const cloak_event &event)
{
	using Named = std::pair<std::uint8_t, std::string_view>;
	constexpr std::array<Named, 10> names = {{
	    {IPPROTO_ICMP, "icmp"},
	    {IPPROTO_IGMP, "igmp"},
	    {IPPROTO_TCP, "tcp"},
	    {IPPROTO_UDP, "udp"},
	    {IPPROTO_DCCP, "dccp"},
	    {IPPROTO_GRE, "gre"},
	    {IPPROTO_ESP, "esp"},
	    {IPPROTO_ICMPV6, "ipv6-icmp"},
	    {IPPROTO_SCTP, "sctp"},
	    {IPPROTO_UDPLITE, "udplite"},
	}};

	if (event.ethertype == kEthertypeArp)
		return "arp";
	if ((event.flags & (CLOAK_EVENT_V4 | CLOAK_EVENT_V6)) == 0)
		return {};
	for (const auto &[number, name] : names)
		if (number == event.protocol)
			return std::string(name);
	return fmt::format("{}", event.protocol);
}

} // namespace cloak
