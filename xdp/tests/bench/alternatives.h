// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The same rules looked up in other ways.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_ALTERNATIVES_H
#define CLOAKLAKE_TESTS_BENCH_ALTERNATIVES_H

#include <string>
#include <vector>

#include "tests/bench/bench.h"

namespace cloak::test
{

/** @param object path of alternatives.bpf.o. */
[[nodiscard]] Result<std::vector<Measured>>
measureAlternatives(const std::string &object, std::uint32_t repeat);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_ALTERNATIVES_H
