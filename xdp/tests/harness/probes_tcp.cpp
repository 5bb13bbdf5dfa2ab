// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

namespace
{

// 28 bytes: what a real stack's SYN carries.
const Bytes kStackOptions = {2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1};

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

} // namespace

const std::vector<Probe> &tcpProbes()
{
	return kTcpProbes;
}

} // namespace cloak::test
