// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What many probes have in common: frames of a host that mean kLake.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_PROBE_FRAMES_H
#define CLOAKLAKE_TESTS_HARNESS_PROBE_FRAMES_H

#include "tests/harness/hosts.h"

namespace cloak::test
{

[[nodiscard]] Ethernet to(const Host &from, const Mac &dst);

[[nodiscard]] Ethernet toLake(const Host &from);

[[nodiscard]] Ipv4 ipv4(const Host &from);

[[nodiscard]] Ipv6 ipv6(const Host &from);

/** Who has the address of kLake? */
[[nodiscard]] Arp arpRequest(const Host &from);

[[nodiscard]] Packet arpTo(const Host &from, const Mac &dst);

[[nodiscard]] Packet tcp4(const Host &from, std::uint8_t flags);

[[nodiscard]] Packet tcp6(const Host &from, std::uint8_t flags);

[[nodiscard]] Packet icmp4(const Host &from, std::uint8_t type);

/** @param mac what the frame is sent to, whether it fits @p group or not. */
[[nodiscard]] Packet groupPing4(const Host &from, const char *group,
                                const Mac &mac);

[[nodiscard]] Packet groupPing6(const Host &from, const Addr6 &group);

/** Who has the IPv6 address of kLake? */
[[nodiscard]] Nd solicitation(const Host &from);

/** A ping over IPv6 behind an extension header of that type. */
[[nodiscard]] Packet behindExtension(const Host &from, std::uint8_t type,
                                     const Bytes &body);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_PROBE_FRAMES_H
