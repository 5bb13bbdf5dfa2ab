// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What the programs have counted.
 */
#ifndef CLOAKLAKE_BPF_COUNTERS_H
#define CLOAKLAKE_BPF_COUNTERS_H

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/maps.h"
#include "util/result.h"

namespace cloak
{

/** Of how many CPUs a map for each CPU has values, whether online or not. */
[[nodiscard]] Result<__u32> possibleCpus();

/** One verdict and how often it was given, summed over all CPUs. */
struct CounterRow {
	cloak_direction direction = CLOAK_INGRESS;
	bool monitored = false; //!< a drop that monitor mode let pass
	cloak_reason reason = CLOAK_NO_REASON;
	std::uint64_t packets = 0;
	std::uint64_t bytes = 0;

	[[nodiscard]] bool isDrop() const { return reason >= CLOAK_DROP_FIRST; }
};

/** All verdicts that were given at least once, in the order of the ABI. */
[[nodiscard]] Result<std::vector<CounterRow>>
readCounters(const CloakMaps &maps);

/** Indexed by enum cloak_event_stat, summed over all CPUs. */
using EventStats = std::array<std::uint64_t, CLOAK_STATS>;

[[nodiscard]] Result<EventStats> readEventStats(const CloakMaps &maps);

/** Indexed by enum cloak_account_stat, summed over all CPUs. */
using AccountStats = std::array<std::uint64_t, CLOAK_ACCOUNT_STATS>;

[[nodiscard]] Result<AccountStats> readAccountStats(const CloakMaps &maps);

/**
 * How many distinct values a sketch of cloak_source has seen, by linear
 * counting. A full sketch gives the largest number it can tell.
 */
[[nodiscard]] std::uint64_t estimateDistinct(std::span<const __u64> sketch);

} // namespace cloak

#endif // CLOAKLAKE_BPF_COUNTERS_H
