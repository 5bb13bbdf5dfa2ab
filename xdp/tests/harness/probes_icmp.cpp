// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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
    {"PingWithCode",
     [](const Host &h) { return toLake(h) / ipv4(h) / Icmp{.code = 9}; },
     CLOAK_KIND_OS},
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
    {"Ping6WithCode",
     [](const Host &h) { return toLake(h) / ipv6(h) / Icmp6{.code = 9}; },
     CLOAK_KIND_OS},
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

} // namespace

const std::vector<Probe> &pingProbes()
{
	return kPingProbes;
}

} // namespace cloak::test
