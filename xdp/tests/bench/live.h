// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Frames that come in through an interface as if from the wire.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_LIVE_H
#define CLOAKLAKE_TESTS_BENCH_LIVE_H

#include <cstdint>
#include <string>

#include "util/result.h"

namespace cloak::test
{

/**
 * Nanoseconds for each frame of the last rule of a policy like workload()'s
 * with @p rules rules, from XDP_PASS to wherever the stack drops it.
 */
[[nodiscard]] Result<double> liveNanoseconds(const std::string &interface,
                                             std::size_t rules,
                                             std::uint32_t repeat);

/** The rules of workload() that nftables can say as well, for its chain. */
[[nodiscard]] std::string nftablesRules(std::size_t rules);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_LIVE_H
