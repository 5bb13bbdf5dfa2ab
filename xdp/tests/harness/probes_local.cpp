// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

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

} // namespace

const std::vector<Probe> &linkLocalProbes()
{
	return kLinkLocalProbes;
}

} // namespace cloak::test
