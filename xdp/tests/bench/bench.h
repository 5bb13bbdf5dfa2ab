// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is measured, and how.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_BENCH_H
#define CLOAKLAKE_TESTS_BENCH_BENCH_H

#include <cstdint>
#include <string>
#include <vector>

#include "bpf/maps.h"
#include "bpf/perf_reader.h"
#include "policy/compile_rules.h"
#include "tests/harness/packet.h"
#include "util/result.h"

namespace cloak::test
{

/** One figure. */
struct Measured {
	std::string name;
	double nanoseconds = 0;
	std::size_t tuples = 0; //!< hash tables that a look-up may ask
	double seconds = 0;     //!< to compile the policy and put it in force
};

/**
 * Cloaks an interface wholly, in enforce mode, with the peers of the harness
 * and, if there are any, tables of rules. Its maps hold nothing else.
 */
[[nodiscard]] Status enforceOn(const CloakMaps &maps, unsigned ifindex,
                               const CompiledRules *rules);

/**
 * A reader of events, as the daemon is one: without it each probe of a source
 * is to be reported anew.
 */
[[nodiscard]] Result<PerfReader> listenTo(const CloakMaps &maps);

/** The least time that a program took for a frame, of several rounds. */
[[nodiscard]] Result<double> nanosecondsOf(int program, const Bytes &frame,
                                           std::uint32_t repeat);

/** The empty program, and the cloak without rules. */
[[nodiscard]] Result<std::vector<Measured>>
measureStrangers(std::uint32_t repeat);

/** All figures, in the order in which they are listed. */
[[nodiscard]] Result<std::vector<Measured>> measureAll(std::uint32_t repeat);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_BENCH_H
