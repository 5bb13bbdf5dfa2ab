// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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

const std::vector<Probe> &moreProbes()
{
	return kMoreProbes;
}

} // namespace cloak::test
