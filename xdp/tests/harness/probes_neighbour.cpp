// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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

} // namespace

const std::vector<Probe> &arpProbes()
{
	return kArpProbes;
}

const std::vector<Probe> &ndProbes()
{
	return kNdProbes;
}

} // namespace cloak::test
