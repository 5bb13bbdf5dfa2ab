// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policies to measure: what the rules of a storage host look like, in any
 * number.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_WORKLOAD_H
#define CLOAKLAKE_TESTS_BENCH_WORKLOAD_H

#include "policy/policy.h"
#include "tests/harness/rules.h"

namespace cloak::test
{

/**
 * Tables for local addresses 192.0.2.5 and on. Of their rules one in two
 * allows a host to a port, the others allow networks of several sizes to
 * ports or ranges of ports, some look at ICMP types, TCP flags or leave the
 * address open; the last one is for a single host and port. Each rule has one
 * of @p counters shared counters.
 */
[[nodiscard]] Policy workload(std::size_t tables, std::size_t rules,
                              std::size_t counters);

/** A packet to the table at @p address that the given rule decides about. */
[[nodiscard]] Asked questionFor(const RulePolicy &rule,
                                const IpAddress &address);

/** A packet that no rule of workload() is about. */
[[nodiscard]] Asked strayQuestion(const IpAddress &address);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_WORKLOAD_H
