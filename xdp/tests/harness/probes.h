// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The kinds of probe that make a bare host answer, as packets.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_PROBES_H
#define CLOAKLAKE_TESTS_HARNESS_PROBES_H

#include <ostream>
#include <vector>

#include "cloak_abi.h"
#include "tests/harness/hosts.h"

namespace cloak::test
{

/** One way to ask whether kLake is there. */
struct Probe {
	const char *name;
	Packet (*make)(const Host &from);
	cloak_kind kind; //!< none: dropped as background, without an event
	/** What becomes of it if an authorised peer does it. */
	cloak_reason fromPeer = CLOAK_PASS_AUTHORISED;
};

inline std::ostream &operator<<(std::ostream &out, const Probe &probe)
{
	return out << probe.name;
}

/** A SYN to kLake over IPv4. */
[[nodiscard]] Packet syn(const Host &from);

/** An ARP request for kLake, of the sender or of @p sha. */
[[nodiscard]] Packet arp(const Host &from, const Mac &sha);
[[nodiscard]] Packet arp(const Host &from);

[[nodiscard]] const std::vector<Probe> &allProbes();

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_PROBES_H
