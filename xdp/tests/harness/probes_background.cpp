// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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

} // namespace

const std::vector<Probe> &backgroundProbes()
{
	return kBackgroundProbes;
}

} // namespace cloak::test
