// SPDX-License-Identifier: Apache-2.0
#include "bpf/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <bit>
#include <cmath>

namespace cloak
{

Result<__u32> possibleCpus()
{
	const int count = libbpf_num_possible_cpus();

	if (count <= 0)
		return Error(-count, "cannot tell the number of CPUs");
	return static_cast<__u32>(count);
}

namespace
{

/** What each CPU has in a value of its own, summed over them. */
template <typename Stats, typename OfOne>
Result<Stats> readStats(const Fd &map, const char *name)
{
	auto cpus = possibleCpus();
	if (!cpus)
		return cpus.error();

	std::vector<OfOne> perCpu(*cpus);
	const __u32 only = 0;
	Stats stats{};
	if (bpf_map_lookup_elem(map.get(), &only, perCpu.data()))
		return Error::fromErrno(std::string("cannot read map ") + name);
	for (const OfOne &ofOne : perCpu)
		for (std::size_t which = 0; which < stats.size(); ++which)
			stats.at(which) += ofOne.count[which];
	return stats;
}

CounterRow rowOf(__u32 key)
{
	CounterRow row;

	row.reason = static_cast<cloak_reason>(key % CLOAK_REASONS);
	row.monitored = (key / CLOAK_REASONS) % 2 != 0;
	row.direction = key < CLOAK_COUNTER(CLOAK_EGRESS, false, 0)
	                    ? CLOAK_INGRESS
	                    : CLOAK_EGRESS;
	return row;
}

} // namespace

Result<std::vector<CounterRow>> readCounters(const CloakMaps &maps)
{
	auto cpus = possibleCpus();
	if (!cpus)
		return cpus.error();

	// All keys in one call: 256 calls take longer than what they count.
	std::vector<cloak_counter> perCpu(std::size_t{*cpus} * CLOAK_COUNTERS);
	std::vector<__u32> keys(CLOAK_COUNTERS);
	__u32 next = 0;
	__u32 count = CLOAK_COUNTERS;
	if (bpf_map_lookup_batch(maps.counters.get(), nullptr, &next,
	                         keys.data(), perCpu.data(), &count, nullptr) &&
	    errno != ENOENT)
		return Error::fromErrno("cannot read map counters");

	std::vector<CounterRow> rows;
	for (__u32 at = 0; at < count; at++) {
		CounterRow row = rowOf(keys[at]);

		for (unsigned cpu = 0; cpu < *cpus; cpu++) {
			const auto &counter =
			    perCpu[std::size_t{at} * *cpus + cpu];
			row.packets += counter.packets;
			row.bytes += counter.bytes;
		}
		if (row.packets != 0)
			rows.push_back(row);
	}
	return rows;
}

Result<EventStats> readEventStats(const CloakMaps &maps)
{
	return readStats<EventStats, cloak_event_stats>(maps.eventStats,
	                                                "event_stats");
}

Result<AccountStats> readAccountStats(const CloakMaps &maps)
{
	return readStats<AccountStats, cloak_account_stats>(maps.accountStats,
	                                                    "account_stats");
}

std::uint64_t estimateDistinct(std::span<const __u64> sketch)
{
	const double bits = 64.0 * static_cast<double>(sketch.size());
	int set = 0;

	for (const __u64 word : sketch)
		set += std::popcount(word);
	const double zeros = bits - set;
	if (set == 0)
		return 0;
	const double least = zeros > 0 ? zeros : 0.5;
	return static_cast<std::uint64_t>(
	    std::lround(-bits * std::log(least / bits)));
}

} // namespace cloak
