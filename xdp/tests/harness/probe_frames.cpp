// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"

namespace cloak::test
{

Ethernet to(const Host &from, const Mac &dst)
{
	return {.src = from.mac, .dst = dst};
}

Ethernet toLake(const Host &from)
{
	return to(from, kLake.mac);
}

Ipv4 ipv4(const Host &from)
{
	return {.src = from.v4, .dst = kLake.v4};
}

Ipv6 ipv6(const Host &from)
{
	return {.src = from.v6, .dst = kLake.v6};
}

Arp arpRequest(const Host &from)
{
	return {.sha = from.mac, .spa = from.v4, .tpa = kLake.v4};
}

Packet arpTo(const Host &from, const Mac &dst)
{
	return to(from, dst) / arpRequest(from);
}

Packet tcp4(const Host &from, std::uint8_t flags)
{
	return toLake(from) / ipv4(from) / Tcp{.flags = flags};
}

Packet tcp6(const Host &from, std::uint8_t flags)
{
	return toLake(from) / ipv6(from) / Tcp{.flags = flags};
}

Packet icmp4(const Host &from, std::uint8_t type)
{
	return toLake(from) / ipv4(from) / Icmp{.type = type};
}

Packet groupPing4(const Host &from, const char *group, const Mac &mac)
{
	return to(from, mac) / Ipv4{.src = from.v4, .dst = v4(group)} / Icmp{};
}

Packet groupPing6(const Host &from, const Addr6 &group)
{
	return to(from, groupMac(group)) / Ipv6{.src = from.v6, .dst = group} /
	       Icmp6{};
}

Nd solicitation(const Host &from)
{
	return {.type = 135, .target = kLake.v6, .linkAddress = from.mac};
}

Packet behindExtension(const Host &from, std::uint8_t type, const Bytes &body)
{
	return toLake(from) / ipv6(from) / Extension{type, body} / Icmp6{};
}

} // namespace cloak::test
