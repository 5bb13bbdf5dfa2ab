// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Packets per second through a pair of veth interfaces: with what a driver does
 * for each frame, which a run of the program alone does not show.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_VETH_H
#define CLOAKLAKE_TESTS_BENCH_VETH_H

#include <cstdint>
#include <string>
#include <vector>

#include "util/result.h"

namespace cloak::test
{

/** The two ends of a pair, both in the network namespace of the caller. */
struct VethPair {
	std::string sender;
	std::string receiver;
};

/** One figure. */
struct Throughput {
	std::string name;
	double perSecond = 0;
};

/**
 * The most packets per second, of several rounds, that @p pair.receiver takes
 * in when a stranger sends TCP SYNs from the other end as fast as the kernel
 * can make them, on the same processor. An error if the receiver missed one.
 *
 * @param frames   how many make a round
 */
[[nodiscard]] Result<double> packetsPerSecond(const VethPair &pair,
                                              std::uint32_t frames);

/**
 * With nothing but XDP_DROP at the receiver, and with the cloak there, whose
 * drops are counted: an error if there are fewer than frames.
 */
[[nodiscard]] Result<std::vector<Throughput>> measureVeth(const VethPair &pair,
                                                          std::uint32_t frames);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_VETH_H
