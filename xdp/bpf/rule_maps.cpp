// SPDX-License-Identifier: Apache-2.0
#include "bpf/rule_maps.h"

#include <bpf/bpf.h>

#include <algorithm>

#include "bpf/inner.h"

namespace cloak
{
namespace
{

constexpr const char *kTables = "tables";
constexpr const char *kTuples = "tuples";
constexpr const char *kBuckets = "buckets";
constexpr const char *kEntries = "entries";

/** How many entries are prepared at once. */
constexpr std::size_t kPortion = 8192;

template <typename T>
Result<Fd> emptyArray(const OuterMap &slots, const std::vector<T> &values,
                      const char *name)
{
	return emptyCopy(
	    slots, name,
	    static_cast<__u32>(std::max<std::size_t>(values.size(), 1)));
}

template <typename T>
Result<Fd> filledArray(const OuterMap &slots, const std::vector<T> &values,
                       const char *name)
{
	auto map = emptyArray(slots, values, name);

	if (!map)
		return map;
	auto written = writeArray(*map, 0, values.data(),
	                          static_cast<__u32>(values.size()), name);
	if (!written)
		return written.error();
	return map;
}

Result<Fd> filledTables(const CloakMaps &maps, const RuleImage &image,
                        std::span<const __u32> counters)
{
	auto map = emptyCopy(maps.tableSlots, kTables);
	if (!map)
		return map;
	for (auto [address, table] : image.tables) {
		for (__u32 &counter : table.counter)
			counter = counters[counter];
		if (bpf_map_update_elem(map->get(), &address, &table, BPF_ANY))
			return Error::fromErrno("cannot write to map tables");
	}
	return map;
}

Result<Fd> filledEntries(const CloakMaps &maps, const RuleImage &image,
                         std::span<const __u32> counters)
{
	auto map = emptyArray(maps.entrySlots, image.entries, kEntries);
	if (!map)
		return map;
	for (std::size_t at = 0; at < image.entries.size(); at += kPortion) {
		const auto count =
		    std::min(kPortion, image.entries.size() - at);
		std::vector<cloak_entry> portion(&image.entries[at],
		                                 &image.entries[at] + count);

		for (cloak_entry &entry : portion) {
			entry.counter = counters[entry.counter];
			entry.shared = counters[entry.shared];
		}
		auto written =
		    writeArray(*map, static_cast<__u32>(at), portion.data(),
		               static_cast<__u32>(count), kEntries);
		if (!written)
			return written.error();
	}
	return map;
}

} // namespace

Result<RuleMaps> RuleMaps::create(const CloakMaps &maps, const RuleImage &image,
                                  std::span<const __u32> counters)
{
	RuleMaps rules;
	auto tables = filledTables(maps, image, counters);
	if (!tables)
		return tables.error();
	auto tuples = filledArray(maps.tupleSlots, image.tuples, kTuples);
	if (!tuples)
		return tuples.error();
	auto buckets = filledArray(maps.bucketSlots, image.buckets, kBuckets);
	if (!buckets)
		return buckets.error();
	auto entries = filledEntries(maps, image, counters);
	if (!entries)
		return entries.error();
	rules.tables_ = *std::move(tables);
	rules.tuples_ = *std::move(tuples);
	rules.buckets_ = *std::move(buckets);
	rules.entries_ = *std::move(entries);
	return rules;
}

Result<RuleMaps> RuleMaps::ofSlot(const CloakMaps &maps, __u32 slot)
{
	RuleMaps rules;
	auto tables = innerMap(maps.tableSlots, slot, kTables);
	auto tuples = innerMap(maps.tupleSlots, slot, kTuples);
	auto buckets = innerMap(maps.bucketSlots, slot, kBuckets);
	auto entries = innerMap(maps.entrySlots, slot, kEntries);

	if (!tables || !tuples || !buckets || !entries)
		return Error("no rules in the policy");
	rules.tables_ = *std::move(tables);
	rules.tuples_ = *std::move(tuples);
	rules.buckets_ = *std::move(buckets);
	rules.entries_ = *std::move(entries);
	return rules;
}

Status RuleMaps::hang(const CloakMaps &maps, __u32 slot) const
{
	auto tables = hangMap(maps.tableSlots, slot, tables_, kTables);
	if (!tables)
		return tables;
	auto tuples = hangMap(maps.tupleSlots, slot, tuples_, kTuples);
	if (!tuples)
		return tuples;
	auto buckets = hangMap(maps.bucketSlots, slot, buckets_, kBuckets);
	if (!buckets)
		return buckets;
	return hangMap(maps.entrySlots, slot, entries_, kEntries);
}

} // namespace cloak
