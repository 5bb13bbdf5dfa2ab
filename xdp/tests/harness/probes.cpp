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

const std::vector<Probe> kArpProbes = {
    {"ArpBroadcast", [](const Host &h) { return arpTo(h, kBroadcast); },
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
     [](const Host &h) { return to(h, kBroadcast) / Vlan{} / arpRequest(h); },
     CLOAK_KIND_ARP},
    {"ArpBehindServiceTag",
     [](const Host &h) {
	     return to(h, kBroadcast) / Vlan{.tpid = 0x88a8} / arpRequest(h);
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
	     return to(h, kBroadcast) / Arp{.sha = h.mac, .tpa = kLake.v4};
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

const std::vector<Probe> kNdProbes = {
    {"NsMulticast",
     [](const Host &h) {
	     const Addr6 group = solicitedNode(kLake.v6);
	     return to(h, groupMac(group)) /
	            Ipv6{.src = h.v6, .dst = group, .hops = 255} /
	            solicitation(h);
     },
     CLOAK_KIND_NS},
    {"NsUnicast",
     [](const Host &h) { return toLake(h) / ipv6(h) / solicitation(h); },
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
	            Nd{.type = 136, .target = h.v6, .linkAddress = h.mac};
     },
     CLOAK_KIND_NA},
    {"RouterAdvertisement",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Icmp6{.type = 134} / payload(8);
     },
     CLOAK_KIND_RA},
    {"RouterSolicitation",
     [](const Host &h) { return toLake(h) / ipv6(h) / Icmp6{.type = 133}; },
     CLOAK_KIND_RS},
    {"Redirect6",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Nd{.type = 137, .target = h.v6} /
	            payload(16);
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

const std::vector<Probe> kPingProbes = {
    {"Ping", [](const Host &h) { return icmp4(h, 8); }, CLOAK_KIND_PING},
    {"PingTtlZero",
     [](const Host &h) {
	     return toLake(h) / Ipv4{.src = h.v4, .dst = kLake.v4, .ttl = 0} /
	            Icmp{};
     },
     CLOAK_KIND_PING},
    {"PingInBroadcastMac",
     [](const Host &h) { return to(h, kBroadcast) / ipv4(h) / Icmp{}; },
     CLOAK_KIND_PING},
    {"PingSubnetBroadcast",
     [](const Host &h) { return groupPing4(h, "192.0.2.255", kBroadcast); },
     CLOAK_KIND_PING},
    {"PingLimitedBroadcast",
     [](const Host &h) { return groupPing4(h, "255.255.255.255", kBroadcast); },
     CLOAK_KIND_PING},
    {"PingAllHosts",
     [](const Host &h) {
	     return groupPing4(h, "224.0.0.1", {1, 0, 0x5e, 0, 0, 1});
     },
     CLOAK_KIND_PING},
    {"Timestamp", [](const Host &h) { return icmp4(h, 13); }, CLOAK_KIND_ICMP},
    {"AddressMask", [](const Host &h) { return icmp4(h, 17); },
     CLOAK_KIND_ICMP},
    {"IcmpUnknown", [](const Host &h) { return icmp4(h, 200); },
     CLOAK_KIND_ICMP},
    {"Redirect4", [](const Host &h) { return icmp4(h, 5); },
     CLOAK_KIND_REDIRECT},
    {"Ping6", [](const Host &h) { return toLake(h) / ipv6(h) / Icmp6{}; },
     CLOAK_KIND_PING},
    {"Ping6AllNodes",
     [](const Host &h) { return groupPing6(h, v6("ff02::1")); },
     CLOAK_KIND_PING},
    {"Ping6SolicitedNode",
     [](const Host &h) { return groupPing6(h, solicitedNode(kLake.v6)); },
     CLOAK_KIND_PING},
    {"NodeInformation",
     [](const Host &h) { return toLake(h) / ipv6(h) / Icmp6{.type = 139}; },
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
	            Extension{.type = 0, .body = {0xc2, 4, 0, 1, 0, 0}} /
	            Icmp6{};
     },
     CLOAK_KIND_PING},
};

const std::vector<Probe> kTcpProbes = {
    {"Syn", [](const Host &h) { return tcp4(h, kSyn); }, CLOAK_KIND_SYN},
    {"SynWithSegmentSize",
     [](const Host &h) {
	     return toLake(h) / ipv4(h) / Tcp{.options = {2, 4, 5, 0xb4}};
     },
     CLOAK_KIND_SYN},
    {"Connect",
     [](const Host &h) {
	     return toLake(h) / ipv4(h) / Tcp{.options = kStackOptions};
     },
     CLOAK_KIND_CONNECT},
    {"Fin", [](const Host &h) { return tcp4(h, kFin); }, CLOAK_KIND_FIN},
    {"Null", [](const Host &h) { return tcp4(h, 0); }, CLOAK_KIND_NULL},
    {"Xmas", [](const Host &h) { return tcp4(h, kFin | kPsh | kUrg); },
     CLOAK_KIND_XMAS},
    {"Ack", [](const Host &h) { return tcp4(h, kAck); }, CLOAK_KIND_ACK},
    {"Maimon", [](const Host &h) { return tcp4(h, kFin | kAck); },
     CLOAK_KIND_MAIMON},
    {"SynAck", [](const Host &h) { return tcp4(h, kSyn | kAck); },
     CLOAK_KIND_BACKSCATTER},
    {"Reset", [](const Host &h) { return tcp4(h, kRst); },
     CLOAK_KIND_BACKSCATTER},
    {"SynFin", [](const Host &h) { return tcp4(h, kSyn | kFin | kUrg | kPsh); },
     CLOAK_KIND_OS},
    {"SynWithReservedBit",
     [](const Host &h) { return toLake(h) / ipv4(h) / Tcp{.reserved = 8}; },
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
     [](const Host &h) { return to(h, kBroadcast) / ipv4(h) / Tcp{}; },
     CLOAK_KIND_SYN},
    {"Syn6", [](const Host &h) { return tcp6(h, kSyn); }, CLOAK_KIND_SYN},
    {"Fin6", [](const Host &h) { return tcp6(h, kFin); }, CLOAK_KIND_FIN},
    {"Ack6", [](const Host &h) { return tcp6(h, kAck); }, CLOAK_KIND_ACK},
    {"Syn6BehindThreeHeaders",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Extension{.type = 0} /
	            Extension{.type = 60} / Extension{.type = 60} / Tcp{};
     },
     CLOAK_KIND_SYN},
};

const std::vector<Probe> kOtherProbes = {
    {"Udp", [](const Host &h) { return toLake(h) / ipv4(h) / Udp{}; },
     CLOAK_KIND_UDP},
    {"Udp6", [](const Host &h) { return toLake(h) / ipv6(h) / Udp{}; },
     CLOAK_KIND_UDP},
    {"Sctp",
     [](const Host &h) { return toLake(h) / ipv4(h) / Sctp{} / payload(20); },
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
	            Ipv4{.src = h.v4, .dst = kLake.v4, .more = true} / Udp{} /
	            payload(16);
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
     [](const Host &h) { return toLake(h) / ipv6(h) / Fragment6{} / Icmp6{}; },
     CLOAK_KIND_PING},
    {"LaterFragment6",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Fragment6{.offset = 1, .next = 58} /
	            payload(16);
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
     [](const Host &h) { return toLake(h) / ipv4(h) / ipv4(h) / Icmp{}; },
     CLOAK_KIND_IPPROTO},
    {"UdpBehindTags",
     [](const Host &h) {
	     return toLake(h) / Vlan{.id = 5} / Vlan{.id = 6} / ipv4(h) / Udp{};
     },
     CLOAK_KIND_UDP},
    {"LocalExperiment", [](const Host &h) { return toLake(h) / payload(46); },
     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
    {"Llc",
     [](const Host &h) {
	     return Ethernet{.src = h.mac, .dst = kLake.mac, .type = 3} /
	            Raw{{0, 0, 0xe3}};
     },
     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
    {"Rarp",
     [](const Host &h) {
	     return Ethernet{.src = h.mac, .dst = kLake.mac, .type = 0x8035} /
	            payload(28);
     },
     CLOAK_KIND_ETHERTYPE, CLOAK_DROP_NON_IP},
    {"Loopback",
     [](const Host &h) {
	     return Ethernet{.src = h.mac, .dst = kLake.mac, .type = 0x9000} /
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
	            Ipv4{.src = h.v4, .dst = kLake.v4, .length = 600} / Icmp{};
     },
     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV4},
    {"LengthOfNothing",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4, .dst = kLake.v4, .length = 3} / Icmp{};
     },
     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV4},
    {"Length6BeyondTheFrame",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv6{.src = h.v6, .dst = kLake.v6, .length = 600} / Icmp6{};
     },
     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV6},
    {"MappedAddressOnTheWire",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv6{.src = v6("::ffff:192.0.2.10"), .dst = kLake.v6} /
	            Icmp6{};
     },
     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_IPV6},
};

/** Of those the neighbours hear all day long: dropped, but no alert. */
const std::vector<Probe> kBackgroundProbes = {
    {"RaToAllNodes",
     [](const Host &h) {
	     const Addr6 group = v6("ff02::1");
	     Bytes body = {64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	                   // prefix 2001:db8:66::/64, autonomous
	                   3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
	                   0x20, 1, 0xd, 0xb8, 0, 0x66, 0, 0, 0, 0, 0, 0, 0, 0,
	                   0, 0};
	     return to(h, groupMac(group)) /
	            Ipv6{.src = h.v6, .dst = group, .hops = 255} /
	            Icmp6{.type = 134} / Raw{std::move(body)};
     },
     CLOAK_KIND_NONE},
    {"RsToAllRouters",
     [](const Host &h) {
	     const Addr6 group = v6("ff02::2");
	     return to(h, groupMac(group)) /
	            Ipv6{.src = h.v6, .dst = group, .hops = 255} /
	            Icmp6{.type = 133};
     },
     CLOAK_KIND_NONE},
    {"MldQueryToAllNodes",
     [](const Host &h) {
	     const Addr6 group = v6("ff02::1");
	     return to(h, groupMac(group)) /
	            Ipv6{.src = h.linkLocal, .dst = group, .hops = 1} /
	            Extension{.type = 0, .body = {5, 2, 0, 0}} /
	            Icmp6{.type = 130, .id = 1} / payload(16);
     },
     CLOAK_KIND_NONE, CLOAK_DROP_ND},
    {"IgmpQueryToAllHosts",
     [](const Host &h) {
	     return to(h, {1, 0, 0x5e, 0, 0, 1}) /
	            Ipv4{.src = h.v4,
	                 .dst = v4("224.0.0.1"),
	                 .protocol = 2,
	                 .options = {148, 4, 0, 0},
	                 .ttl = 1} /
	            Raw{{0x11, 0x0a, 0xee, 0xf5, 0, 0, 0, 0}};
     },
     CLOAK_KIND_NONE},
    {"Mdns",
     [](const Host &h) {
	     return to(h, {1, 0, 0x5e, 0, 0, 0xfb}) /
	            Ipv4{.src = h.v4, .dst = v4("224.0.0.251")} /
	            Udp{.sport = 5353, .dport = 5353} / payload(12);
     },
     CLOAK_KIND_NONE},
    {"Ssdp",
     [](const Host &h) {
	     return to(h, {1, 0, 0x5e, 0x7f, 0xff, 0xfa}) /
	            Ipv4{.src = h.v4, .dst = v4("239.255.255.250")} /
	            Udp{.dport = 1900} / payload(12);
     },
     CLOAK_KIND_NONE},
    {"Llmnr6",
     [](const Host &h) {
	     const Addr6 group = v6("ff02::1:3");
	     return to(h, groupMac(group)) / Ipv6{.src = h.v6, .dst = group} /
	            Udp{.dport = 5355} / payload(12);
     },
     CLOAK_KIND_NONE},
    {"UdpSubnetBroadcast",
     [](const Host &h) {
	     return to(h, kBroadcast) /
	            Ipv4{.src = h.v4, .dst = v4("192.0.2.255")} /
	            Udp{.dport = 111} / payload(12);
     },
     CLOAK_KIND_NONE},
    {"UnknownOptionToAllNodes",
     [](const Host &h) {
	     const Addr6 group = v6("ff02::1");
	     return to(h, groupMac(group)) / Ipv6{.src = h.v6, .dst = group} /
	            Extension{.type = 60, .body = {0x9e, 2, 0, 0}} /
	            Udp{.dport = 111};
     },
     CLOAK_KIND_NONE},
    {"Lldp",
     [](const Host &h) {
	     return Ethernet{.src = h.mac,
	                     .dst = {1, 0x80, 0xc2, 0, 0, 0xe},
	                     .type = 0x88cc} /
	            payload(46);
     },
     CLOAK_KIND_NONE, CLOAK_DROP_NON_IP},
};

/** At the link-local address. */
Packet toLinkLocal(const Host &from, Layer inner)
{
	return (toLake(from) / Ipv6{.src = from.linkLocal,
	                            .dst = kLake.linkLocal,
	                            .hops = 255})
	    .append(std::move(inner));
}

const std::vector<Probe> kLinkLocalProbes = {
    {"Ping6LinkLocal", [](const Host &h) { return toLinkLocal(h, Icmp6{}); },
     CLOAK_KIND_PING, CLOAK_DROP_UNAUTHORISED},
    {"NsLinkLocal",
     [](const Host &h) {
	     return toLinkLocal(h, Nd{.type = 135,
	                              .target = kLake.linkLocal,
	                              .linkAddress = h.mac});
     },
     CLOAK_KIND_NS, CLOAK_DROP_ND},
    {"SynLinkLocal", [](const Host &h) { return toLinkLocal(h, Tcp{}); },
     CLOAK_KIND_SYN, CLOAK_DROP_UNAUTHORISED},
    {"NsFromLinkLocal",
     [](const Host &h) {
	     const Addr6 group = solicitedNode(kLake.v6);
	     return to(h, groupMac(group)) /
	            Ipv6{.src = h.linkLocal, .dst = group, .hops = 255} /
	            solicitation(h);
     },
     CLOAK_KIND_NS, CLOAK_DROP_ND},
};

const std::vector<Probe> kMoreProbes = {
    {"Null6", [](const Host &h) { return tcp6(h, 0); }, CLOAK_KIND_NULL},
    {"Xmas6", [](const Host &h) { return tcp6(h, kFin | kPsh | kUrg); },
     CLOAK_KIND_XMAS},
    {"Maimon6", [](const Host &h) { return tcp6(h, kFin | kAck); },
     CLOAK_KIND_MAIMON},
    {"SynAck6", [](const Host &h) { return tcp6(h, kSyn | kAck); },
     CLOAK_KIND_BACKSCATTER},
    {"SynBehindPriorityTag",
     [](const Host &h) { return toLake(h) / Vlan{} / ipv4(h) / Tcp{}; },
     CLOAK_KIND_SYN},
    {"PingBehindServiceTag",
     [](const Host &h) {
	     return toLake(h) / Vlan{.tpid = 0x88a8} / ipv4(h) / Icmp{};
     },
     CLOAK_KIND_PING},
    {"Ping6BehindPriorityTag",
     [](const Host &h) { return toLake(h) / Vlan{} / ipv6(h) / Icmp6{}; },
     CLOAK_KIND_PING},
    {"Ping6InBroadcastMac",
     [](const Host &h) { return to(h, kBroadcast) / ipv6(h) / Icmp6{}; },
     CLOAK_KIND_PING},
    {"Ping6HopsZero",
     [](const Host &h) {
	     return toLake(h) / Ipv6{.src = h.v6, .dst = kLake.v6, .hops = 0} /
	            Icmp6{};
     },
     CLOAK_KIND_PING},
    {"PingRecordRoute",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4,
	                 .dst = kLake.v4,
	                 .options = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}} /
	            Icmp{};
     },
     CLOAK_KIND_PING},
    {"PingBadOption",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4,
	                 .dst = kLake.v4,
	                 .options = {7, 40, 4, 0}} /
	            Icmp{};
     },
     CLOAK_KIND_PING},
    {"StrictSourceRoute",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4,
	                 .dst = kLake.v4,
	                 .options = {137, 7, 4, 192, 0, 2, 5, 0}} /
	            Icmp{};
     },
     CLOAK_KIND_SOURCE_ROUTE},
    {"InformationRequest", [](const Host &h) { return icmp4(h, 15); },
     CLOAK_KIND_ICMP},
    {"RouterSolicitation4", [](const Host &h) { return icmp4(h, 10); },
     CLOAK_KIND_ICMP},
    {"UdpLite",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4, .dst = kLake.v4, .protocol = 136} /
	            payload(16);
     },
     CLOAK_KIND_UDP},
    {"Sctp6",
     [](const Host &h) { return toLake(h) / ipv6(h) / Sctp{} / payload(20); },
     CLOAK_KIND_SCTP},
    {"Gre",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4, .dst = kLake.v4, .protocol = 47} /
	            Raw{{0, 0, 8, 0}};
     },
     CLOAK_KIND_IPPROTO},
    {"Esp",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4, .dst = kLake.v4, .protocol = 50} /
	            payload(24);
     },
     CLOAK_KIND_IPPROTO},
    {"NoNextHeader",
     [](const Host &h) { return toLake(h) / ipv6(h) / payload(8); },
     CLOAK_KIND_IPPROTO},
    {"Tunnel6",
     [](const Host &h) { return toLake(h) / ipv6(h) / ipv6(h) / Icmp6{}; },
     CLOAK_KIND_IPPROTO},
    {"PingOnlyFirstFragment",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4, .dst = kLake.v4, .id = 77, .more = true} /
	            Icmp{} / payload(32);
     },
     CLOAK_KIND_PING},
    {"OverlappingFragment",
     [](const Host &h) {
	     return toLake(h) /
	            Ipv4{.src = h.v4,
	                 .dst = kLake.v4,
	                 .protocol = 1,
	                 .id = 77,
	                 .offset = 3} /
	            payload(32);
     },
     CLOAK_KIND_FRAGMENT},
    {"AtomicFragment6",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Fragment6{.more = false} / Icmp6{};
     },
     CLOAK_KIND_PING},
    {"MobilityRoutingHeader",
     [](const Host &h) {
	     Bytes body = {2, 1, 0, 0, 0, 0};
	     body.insert(body.end(), kLake.v6.begin(), kLake.v6.end());
	     return behindExtension(h, 43, body);
     },
     CLOAK_KIND_SOURCE_ROUTE},
    {"OptionsTwice",
     [](const Host &h) {
	     return toLake(h) / ipv6(h) / Extension{.type = 60} /
	            Extension{.type = 0} / Icmp6{};
     },
     CLOAK_KIND_PING},
    {"SynFromClosedPort",
     [](const Host &h) {
	     return toLake(h) / ipv4(h) / Tcp{.sport = 0, .dport = 1};
     },
     CLOAK_KIND_SYN},
    {"UdpToPortZero",
     [](const Host &h) { return toLake(h) / ipv4(h) / Udp{.dport = 0}; },
     CLOAK_KIND_UDP},
};

} // namespace

Packet syn(const Host &from)
{
	return toLake(from) / ipv4(from) / Tcp{};
}

const std::vector<Probe> &allProbes()
{
	static const std::vector<Probe> probes = [] {
		std::vector<Probe> all;

		for (const auto &some : {kArpProbes, kNdProbes, kPingProbes,
		                         kTcpProbes, kOtherProbes, kMoreProbes,
		                         kLinkLocalProbes, kBackgroundProbes})
			all.insert(all.end(), some.begin(), some.end());
		return all;
	}();

	return probes;
}

} // namespace cloak::test
