// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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
     CLOAK_KIND_FRAGMENT},
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
	                                   .hardware = 7};
     },
     CLOAK_KIND_MALFORMED, CLOAK_DROP_BAD_ARP},
    {"ArpForIeee802",
     [](const Host &h) {
	     return to(h, kBroadcast) / Arp{.sha = h.mac,
	                                    .spa = h.v4,
	                                    .tpa = kLake.v4,
	                                    .hardware = 6};
     },
     CLOAK_KIND_ARP},
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

} // namespace

const std::vector<Probe> &otherProbes()
{
	return kOtherProbes;
}

} // namespace cloak::test
