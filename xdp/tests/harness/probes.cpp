// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probes.h"

namespace cloak::test
{

namespace
{

// 28 bytes: what a real stack's SYN carries.
const Bytes kStackOptions = {2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1};

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

std::vector<Probe> arpProbes()
{
	return {
	    {"ArpBroadcast",
	     [](const Host &h) { return arpTo(h, kBroadcast); },
	     CLOAK_KIND_ARP},
	    {"ArpUnicast", [](const Host &h) { return arpTo(h, kLake.mac); },
	     CLOAK_KIND_ARP},
	    {"ArpToOddGroup",
	     [](const Host &h) {
		     return arpTo(h, {0x01, 0, 0x5e, 0, 0, 0x77});
	     },
	     CLOAK_KIND_ARP},
	    {"ArpToNearlyBroadcast",
	     [](const Host &h) {
		     return arpTo(h, {0xff, 0xff, 0xff, 0xff, 0xff, 0xfe});
	     },
	     CLOAK_KIND_ARP},
	    {"ArpBehindPriorityTag",
	     [](const Host &h) {
		     return to(h, kBroadcast) / Vlan{} / arpRequest(h);
	     },
	     CLOAK_KIND_ARP},
	    {"ArpBehindServiceTag",
	     [](const Host &h) {
		     return to(h, kBroadcast) / Vlan{.tpid = 0x88a8} /
		            arpRequest(h);
	     },
	     CLOAK_KIND_ARP},
	    {"ArpBehindTwoTags",
	     [](const Host &h) {
		     return to(h, kBroadcast) / Vlan{.tpid = 0x88a8} / Vlan{} /
		            arpRequest(h);
	     },
	     CLOAK_KIND_ARP},
	    {"ArpProbe",
	     [](const Host &h) {
		     return to(h, kBroadcast) /
		            Arp{.sha = h.mac, .tpa = kLake.v4};
	     },
	     CLOAK_KIND_ARP_PROBE, CLOAK_DROP_ARP},
	    {"ArpReplyNobodyAskedFor",
	     [](const Host &h) {
		     return toLake(h) / Arp{.op = 2,
		                            .sha = h.mac,
		                            .spa = h.v4,
		                            .tha = kLake.mac,
		                            .tpa = kLake.v4};
	     },
	     CLOAK_KIND_ARP_CLAIM},
	};
}

std::vector<Probe> ndProbes()
{
	return {
	    {"NsMulticast",
	     [](const Host &h) {
		     const Addr6 group = solicitedNode(kLake.v6);
		     return to(h, groupMac(group)) /
		            Ipv6{.src = h.v6, .dst = group, .hops = 255} /
		            solicitation(h);
	     },
	     CLOAK_KIND_NS},
	    {"NsUnicast",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / solicitation(h);
	     },
	     CLOAK_KIND_NS},
	    {"NsDuplicateDetection",
	     [](const Host &h) {
		     const Addr6 group = solicitedNode(kLake.v6);
		     return to(h, groupMac(group)) /
		            Ipv6{.src = {}, .dst = group, .hops = 255} /
		            Nd{.type = 135, .target = kLake.v6};
	     },
	     CLOAK_KIND_NS_DAD, CLOAK_DROP_ND},
	    {"NsBehindHopByHop",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Extension{.type = 0} /
		            solicitation(h);
	     },
	     CLOAK_KIND_NS},
	    {"NsBehindDestinationOptions",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Extension{.type = 60} /
		            solicitation(h);
	     },
	     CLOAK_KIND_NS},
	    {"NaUnsolicited",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) /
		            Nd{.type = 136,
		               .target = h.v6,
		               .linkAddress = h.mac};
	     },
	     CLOAK_KIND_NA},
	    {"RouterAdvertisement",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Icmp6{.type = 134} /
		            payload(8);
	     },
	     CLOAK_KIND_RA},
	    {"RouterSolicitation",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Icmp6{.type = 133};
	     },
	     CLOAK_KIND_RS},
	    {"Redirect6",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) /
		            Nd{.type = 137, .target = h.v6} / payload(16);
	     },
	     CLOAK_KIND_REDIRECT},
	    {"MldQuery",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) /
		            Extension{.type = 0, .body = {5, 2, 0, 0}} /
		            Icmp6{.type = 130} / payload(16);
	     },
	     CLOAK_KIND_MLD},
	    {"IgmpQuery",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4,
		                 .dst = kLake.v4,
		                 .protocol = 2,
		                 .options = {148, 4, 0, 0}} /
		            payload(8);
	     },
	     CLOAK_KIND_MLD},
	};
}

std::vector<Probe> pingProbes()
{
	return {
	    {"Ping", [](const Host &h) { return icmp4(h, 8); },
	     CLOAK_KIND_PING},
	    {"PingTtlZero",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .ttl = 0} /
		            Icmp{};
	     },
	     CLOAK_KIND_PING},
	    {"PingInBroadcastMac",
	     [](const Host &h) {
		     return to(h, kBroadcast) / ipv4(h) / Icmp{};
	     },
	     CLOAK_KIND_PING},
	    {"PingSubnetBroadcast",
	     [](const Host &h) {
		     return groupPing4(h, "192.0.2.255", kBroadcast);
	     },
	     CLOAK_KIND_PING},
	    {"PingLimitedBroadcast",
	     [](const Host &h) {
		     return groupPing4(h, "255.255.255.255", kBroadcast);
	     },
	     CLOAK_KIND_PING},
	    {"PingAllHosts",
	     [](const Host &h) {
		     return groupPing4(h, "224.0.0.1", {1, 0, 0x5e, 0, 0, 1});
	     },
	     CLOAK_KIND_PING},
	    {"Timestamp", [](const Host &h) { return icmp4(h, 13); },
	     CLOAK_KIND_ICMP},
	    {"AddressMask", [](const Host &h) { return icmp4(h, 17); },
	     CLOAK_KIND_ICMP},
	    {"IcmpUnknown", [](const Host &h) { return icmp4(h, 200); },
	     CLOAK_KIND_ICMP},
	    {"Redirect4", [](const Host &h) { return icmp4(h, 5); },
	     CLOAK_KIND_REDIRECT},
	    {"Ping6",
	     [](const Host &h) { return toLake(h) / ipv6(h) / Icmp6{}; },
	     CLOAK_KIND_PING},
	    {"Ping6AllNodes",
	     [](const Host &h) { return groupPing6(h, v6("ff02::1")); },
	     CLOAK_KIND_PING},
	    {"Ping6SolicitedNode",
	     [](const Host &h) {
		     return groupPing6(h, solicitedNode(kLake.v6));
	     },
	     CLOAK_KIND_PING},
	    {"NodeInformation",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Icmp6{.type = 139};
	     },
	     CLOAK_KIND_ICMP},
	    {"Ping6BehindUnknownOption",
	     [](const Host &h) {
		     return behindExtension(h, 60, {0x9e, 2, 0, 0});
	     },
	     CLOAK_KIND_PING},
	    {"Ping6BehindJumboOption",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv6{.src = h.v6, .dst = kLake.v6, .length = 0} /
		            Extension{.type = 0,
		                      .body = {0xc2, 4, 0, 1, 0, 0}} /
		            Icmp6{};
	     },
	     CLOAK_KIND_PING},
	};
}

std::vector<Probe> tcpProbes()
{
	return {
	    {"Syn", [](const Host &h) { return tcp4(h, kSyn); },
	     CLOAK_KIND_SYN},
	    {"SynWithSegmentSize",
	     [](const Host &h) {
		     return toLake(h) / ipv4(h) /
		            Tcp{.options = {2, 4, 5, 0xb4}};
	     },
	     CLOAK_KIND_SYN},
	    {"Connect",
	     [](const Host &h) {
		     return toLake(h) / ipv4(h) / Tcp{.options = kStackOptions};
	     },
	     CLOAK_KIND_CONNECT},
	    {"Fin", [](const Host &h) { return tcp4(h, kFin); },
	     CLOAK_KIND_FIN},
	    {"Null", [](const Host &h) { return tcp4(h, 0); },
	     CLOAK_KIND_NULL},
	    {"Xmas",
	     [](const Host &h) { return tcp4(h, kFin | kPsh | kUrg); },
	     CLOAK_KIND_XMAS},
	    {"Ack", [](const Host &h) { return tcp4(h, kAck); },
	     CLOAK_KIND_ACK},
	    {"Maimon", [](const Host &h) { return tcp4(h, kFin | kAck); },
	     CLOAK_KIND_MAIMON},
	    {"SynAck", [](const Host &h) { return tcp4(h, kSyn | kAck); },
	     CLOAK_KIND_BACKSCATTER},
	    {"Reset", [](const Host &h) { return tcp4(h, kRst); },
	     CLOAK_KIND_BACKSCATTER},
	    {"SynFin",
	     [](const Host &h) {
		     return tcp4(h, kSyn | kFin | kUrg | kPsh);
	     },
	     CLOAK_KIND_OS},
	    {"SynWithReservedBit",
	     [](const Host &h) {
		     return toLake(h) / ipv4(h) / Tcp{.reserved = 8};
	     },
	     CLOAK_KIND_OS},
	    {"UrgentAlone", [](const Host &h) { return tcp4(h, kUrg); },
	     CLOAK_KIND_TCP},
	    {"SynWithIpOptions",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4,
		                 .dst = kLake.v4,
		                 .options = {7, 7, 4, 0, 0, 0, 0, 0}} /
		            Tcp{};
	     },
	     CLOAK_KIND_SYN},
	    {"SynToGroupMac",
	     [](const Host &h) {
		     return to(h, kBroadcast) / ipv4(h) / Tcp{};
	     },
	     CLOAK_KIND_SYN},
	    {"Syn6", [](const Host &h) { return tcp6(h, kSyn); },
	     CLOAK_KIND_SYN},
	    {"Fin6", [](const Host &h) { return tcp6(h, kFin); },
	     CLOAK_KIND_FIN},
	    {"Ack6", [](const Host &h) { return tcp6(h, kAck); },
	     CLOAK_KIND_ACK},
	    {"Syn6BehindThreeHeaders",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Extension{.type = 0} /
		            Extension{.type = 60} / Extension{.type = 60} /
		            Tcp{};
	     },
	     CLOAK_KIND_SYN},
	};
}

std::vector<Probe> otherProbes()
{
	return {
	    {"Udp", [](const Host &h) { return toLake(h) / ipv4(h) / Udp{}; },
	     CLOAK_KIND_UDP},
	    {"Udp6", [](const Host &h) { return toLake(h) / ipv6(h) / Udp{}; },
	     CLOAK_KIND_UDP},
	    {"Sctp",
	     [](const Host &h) {
		     return toLake(h) / ipv4(h) / Sctp{} / payload(20);
	     },
	     CLOAK_KIND_SCTP},
	    {"IpProtocol",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .protocol = 99} /
		            payload(8);
	     },
	     CLOAK_KIND_IPPROTO},
	    {"NextHeader",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv6{.src = h.v6, .dst = kLake.v6, .next = 200} /
		            payload(8);
	     },
	     CLOAK_KIND_IPPROTO},
	    {"FirstFragment",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .more = true} /
		            Udp{} / payload(16);
	     },
	     CLOAK_KIND_UDP},
	    {"TinyFragment",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4,
		                 .dst = kLake.v4,
		                 .protocol = 6,
		                 .more = true} /
		            payload(8);
	     },
	     CLOAK_KIND_MALFORMED},
	    {"LaterFragment",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .offset = 1} /
		            payload(16);
	     },
	     CLOAK_KIND_FRAGMENT},
	    {"FirstFragment6",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) / Fragment6{} / Icmp6{};
	     },
	     CLOAK_KIND_PING},
	    {"LaterFragment6",
	     [](const Host &h) {
		     return toLake(h) / ipv6(h) /
		            Fragment6{.offset = 1, .next = 58} / payload(16);
	     },
	     CLOAK_KIND_FRAGMENT},
	    {"LooseSourceRoute",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4,
		                 .dst = kLake.v4,
		                 .options = {131, 7, 4, 192, 0, 2, 5, 0}} /
		            Icmp{};
	     },
	     CLOAK_KIND_SOURCE_ROUTE},
	    {"RoutingHeader",
	     [](const Host &h) {
		     Bytes body = {0, 1, 0, 0, 0, 0};
		     body.insert(body.end(), kLake.v6.begin(), kLake.v6.end());
		     return behindExtension(h, 43, body);
	     },
	     CLOAK_KIND_SOURCE_ROUTE},
	    {"HeadersWithoutEnd",
	     [](const Host &h) {
		     Packet packet = toLake(h) / ipv6(h);
		     for (int i = 0; i < 12; i++)
			     packet.append(Extension{.type = 60});
		     return packet.append(Icmp6{});
	     },
	     CLOAK_KIND_MALFORMED},
	    {"Tunnel4",
	     [](const Host &h) {
		     return toLake(h) / ipv4(h) / ipv4(h) / Icmp{};
	     },
	     CLOAK_KIND_IPPROTO},
	    {"UdpBehindTags",
	     [](const Host &h) {
		     return toLake(h) / Vlan{.id = 5} / Vlan{.id = 6} /
		            ipv4(h) / Udp{};
	     },
	     CLOAK_KIND_UDP},
	    {"LocalExperiment",
	     [](const Host &h) { return toLake(h) / payload(46); },
	     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
	    {"Llc",
	     [](const Host &h) {
		     return Ethernet{.src = h.mac, .dst = kLake.mac, .type = 3} /
		            Raw{{0, 0, 0xe3}};
	     },
	     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
	    {"Rarp",
	     [](const Host &h) {
		     return Ethernet{.src = h.mac,
		                     .dst = kLake.mac,
		                     .type = 0x8035} /
		            payload(28);
	     },
	     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
	    {"Loopback",
	     [](const Host &h) {
		     return Ethernet{.src = h.mac,
		                     .dst = kLake.mac,
		                     .type = 0x9000} /
		            payload(46);
	     },
	     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
	    {"ArpForOtherHardware",
	     [](const Host &h) {
		     return to(h, kLake.mac) / Arp{.sha = h.mac,
		                                   .spa = h.v4,
		                                   .tpa = kLake.v4,
		                                   .hardware = 6};
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_ARP},
	    {"TooManyTags",
	     [](const Host &h) {
		     Packet packet = toLake(h) / Vlan{};
		     for (int i = 0; i < 4; i++)
			     packet.append(Vlan{});
		     return packet.append(ipv4(h)).append(Icmp{});
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_TAGS},
	    {"LengthBeyondTheFrame",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .length = 600} /
		            Icmp{};
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV4},
	    {"LengthOfNothing",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv4{.src = h.v4, .dst = kLake.v4, .length = 3} /
		            Icmp{};
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV4},
	    {"Length6BeyondTheFrame",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv6{.src = h.v6, .dst = kLake.v6, .length = 600} /
		            Icmp6{};
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV6},
	    {"MappedAddressOnTheWire",
	     [](const Host &h) {
		     return toLake(h) /
		            Ipv6{.src = v6("::ffff:192.0.2.10"),
		                 .dst = kLake.v6} /
		            Icmp6{};
	     },
	     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV6},
	};
}

} // namespace

const std::vector<Probe> &allProbes()
{
	static const std::vector<Probe> probes = [] {
		std::vector<Probe> all;

		for (const auto &some : {arpProbes(), ndProbes(), pingProbes(),
		                         tcpProbes(), otherProbes()})
			all.insert(all.end(), some.begin(), some.end());
		return all;
	}();

	return probes;
}

} // namespace cloak::test
