// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The parts of allProbes().
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_PROBE_LISTS_H
#define CLOAKLAKE_TESTS_HARNESS_PROBE_LISTS_H

#include <vector>

#include "tests/harness/probes.h"

namespace cloak::test
{

/** ARP, whoever it is sent to. */
[[nodiscard]] const std::vector<Probe> &arpProbes();

/** Neighbour discovery and the protocols beside it. */
[[nodiscard]] const std::vector<Probe> &ndProbes();

/** ICMP and ICMPv6. */
[[nodiscard]] const std::vector<Probe> &pingProbes();

/** TCP with flags of any kind. */
[[nodiscard]] const std::vector<Probe> &tcpProbes();

/** Other protocols, fragments, and what is malformed. */
[[nodiscard]] const std::vector<Probe> &otherProbes();

/** The same in other ways: the other IP, tags, options, tunnels. */
[[nodiscard]] const std::vector<Probe> &moreProbes();

/** What comes to or from a link-local address. */
[[nodiscard]] const std::vector<Probe> &linkLocalProbes();

/** What neighbours hear all day long: dropped, but no alert. */
[[nodiscard]] const std::vector<Probe> &backgroundProbes();

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_PROBE_LISTS_H
