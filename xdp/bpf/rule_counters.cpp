// SPDX-License-Identifier: Apache-2.0
#include "bpf/rule_counters.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "bpf/counters.h"
#include "bpf/inner.h"

namespace cloak
{
namespace
{

constexpr const char *kCounters = "rule_counters";
constexpr const char *kKeys = "counter_keys";
constexpr __u32 kMostCounters = CLOAK_COUNTER_CHUNK * CLOAK_COUNTER_CHUNKS;

using KeyChunk = std::array<cloak_counter_key, CLOAK_COUNTER_CHUNK>;

__u32 chunkOf(__u32 counter)
{
	return counter / CLOAK_COUNTER_CHUNK;
}

/** Whether the chunk is there in the size that this machine needs. */
bool isReady(const OuterMap &outer, __u32 chunk, __u32 size, const char *name)
{
	auto map = innerMap(outer, chunk, name);

	if (!map)
		return false;
	auto has = sizeOfMap(*map, name);
	return has && *has == size;
}

/** Makes those of the first @p count chunks that are missing. */
Status makeChunks(const OuterMap &outer, __u32 count, __u32 size,
                  const char *name)
{
	std::vector<std::pair<__u32, Fd>> made;

	for (__u32 chunk = 0; chunk < count; chunk++) {
		if (isReady(outer, chunk, size, name))
			continue;
		auto map = emptyCopy(outer, name, size);
		if (!map)
			return map.error();
		made.emplace_back(chunk, *std::move(map));
	}
	return hangMaps(outer, made, name);
}

/** The numbers of @p counters that lie in each chunk. */
std::map<__u32, std::vector<std::size_t>>
byChunk(std::span<const __u32> counters)
{
	std::map<__u32, std::vector<std::size_t>> chunks;

	for (std::size_t i = 0; i < counters.size(); ++i)
		if (counters[i] != 0)
			chunks[chunkOf(counters[i])].push_back(i);
	return chunks;
}

/**
 * Adds what each CPU has counted under some counters of a chunk. Only the part
 * of it is read in which they lie: a machine may have hundreds of CPUs.
 */
Status addChunk(const Fd &map, __u32 cpus, std::span<const __u32> counters,
                const std::vector<std::size_t> &members,
                std::vector<cloak_counter> &sums)
{
	const auto [least, most] = std::ranges::minmax(
	    members, {}, [&counters](std::size_t i) { return counters[i]; });
	const __u32 first = counters[least];
	std::vector<cloak_counter> values(counters[most] - first + 1);

	for (__u32 cpu = 0; cpu < cpus; cpu++) {
		auto done =
		    readArray(map, CLOAK_COUNTER_AT(cpu, first), values.data(),
		              static_cast<__u32>(values.size()), kCounters);
		if (!done)
			return done;
		for (const std::size_t i : members) {
			const auto &value = values[counters[i] - first];

			sums[i].packets += value.packets;
			sums[i].bytes += value.bytes;
		}
	}
	return {};
}

using Owners = std::vector<std::pair<__u32, cloak_counter_key>>;

/** How many numbers from @p at on follow each other. */
std::size_t runFrom(const Owners &fresh, std::size_t at)
{
	std::size_t end = at + 1;

	while (end < fresh.size() &&
	       fresh[end].first == fresh[end - 1].first + 1)
		end++;
	return end - at;
}

/** The kernel has no owner of that counter any more. */
Status disown(const CloakMaps &maps, __u32 counter)
{
	const cloak_counter_key nobody{};
	const __u32 at = counter % CLOAK_COUNTER_CHUNK;
	auto map = innerMap(maps.counterKeys, chunkOf(counter), kKeys);

	if (!map)
		return map.error();
	if (bpf_map_update_elem(map->get(), &at, &nobody, BPF_ANY))
		return Error::fromErrno("cannot write to map counter_keys");
	return {};
}

/** Sets counters of a chunk to zero and gives them to their owners. */
Status begin(const CloakMaps &maps, __u32 chunk, const Owners &fresh)
{
	auto counters = innerMap(maps.ruleCounters, chunk, kCounters);
	auto keys = innerMap(maps.counterKeys, chunk, kKeys);
	auto cpus = possibleCpus();
	std::size_t run = 0;

	if (!cpus)
		return cpus.error();
	if (!counters)
		return counters.error();
	if (!keys)
		return keys.error();
	for (std::size_t at = 0; at < fresh.size(); at += run) {
		const __u32 first = fresh[at].first;
		std::vector<cloak_counter_key> owners;

		run = runFrom(fresh, at);
		const std::vector<cloak_counter> zeros(run);
		const auto count = static_cast<__u32>(run);
		for (std::size_t i = at; i < at + run; ++i)
			owners.push_back(fresh[i].second);
		for (__u32 cpu = 0; cpu < *cpus; cpu++) {
			auto done =
			    writeArray(*counters, CLOAK_COUNTER_AT(cpu, first),
			               zeros.data(), count, kCounters);
			if (!done)
				return done;
		}
		auto done = writeArray(*keys, first % CLOAK_COUNTER_CHUNK,
		                       owners.data(), count, kKeys);
		if (!done)
			return done;
	}
	return {};
}

} // namespace

Result<RuleCounters> RuleCounters::open(const CloakMaps &maps)
{
	RuleCounters known;
	auto keys = std::make_unique<KeyChunk>();

	for (__u32 chunk = 0; chunk < CLOAK_COUNTER_CHUNKS; chunk++) {
		auto map = innerMap(maps.counterKeys, chunk, kKeys);
		if (!map)
			break;
		auto read = readArray(*map, 0, keys->data(),
		                      CLOAK_COUNTER_CHUNK, kKeys);
		if (!read)
			return read.error();
		known.used_.resize((chunk + 1) * CLOAK_COUNTER_CHUNK);
		for (__u32 at = 0; at < CLOAK_COUNTER_CHUNK; at++) {
			const Key key = keyOf((*keys)[at]);
			const __u32 number = chunk * CLOAK_COUNTER_CHUNK + at;

			if (key == Key{} || number == 0)
				continue;
			known.counters_.emplace(key, number);
			known.used_[number] = true;
		}
	}
	return known;
}

__u32 RuleCounters::takeFree()
{
	while (lowest_ < used_.size() && used_[lowest_])
		lowest_++;
	if (lowest_ == used_.size())
		used_.push_back(false);
	used_[lowest_] = true;
	return lowest_;
}

/** Makes room for counters up to @p most. */
Status RuleCounters::prepare(const CloakMaps &maps, __u32 most) const
{
	if (most >= kMostCounters)
		return Error("there are too many rules and counters");
	auto cpus = possibleCpus();
	if (!cpus)
		return cpus.error();
	const __u32 chunks = chunkOf(most) + 1;
	auto keys =
	    makeChunks(maps.counterKeys, chunks, CLOAK_COUNTER_CHUNK, kKeys);
	if (!keys)
		return keys;
	return makeChunks(maps.ruleCounters, chunks,
	                  CLOAK_COUNTER_CHUNK * *cpus, kCounters);
}

/** Frees counters under which nobody has counted yet. */
void RuleCounters::release(
    const CloakMaps &maps,
    std::span<const std::pair<__u32, cloak_counter_key>> fresh)
{
	for (const auto &[number, key] : fresh) {
		disown(maps, number).ignore();
		counters_.erase(keyOf(key));
		used_[number] = false;
		lowest_ = std::min(lowest_, number);
	}
}

Result<std::vector<__u32>>
RuleCounters::claim(const CloakMaps &maps,
                    std::span<const cloak_counter_key> keys)
{
	std::map<__u32, Owners> fresh;
	std::vector<__u32> claimed(1);
	__u32 most = 1;

	counters_.reserve(keys.size());
	claimed.reserve(keys.size());
	for (const cloak_counter_key &key :
	     keys.subspan(std::min<std::size_t>(keys.size(), 1))) {
		const auto [found, isNew] =
		    counters_.try_emplace(keyOf(key), 0);

		if (isNew) {
			found->second = takeFree();
			fresh[chunkOf(found->second)].emplace_back(
			    found->second, key);
		}
		most = std::max(most, found->second);
		claimed.push_back(found->second);
	}
	auto ready = prepare(maps, most);
	for (const auto &[chunk, list] : fresh)
		if (ready)
			ready = begin(maps, chunk, list);
	if (ready)
		return claimed;
	for (const auto &[chunk, list] : fresh)
		release(maps, list);
	return ready.error();
}

Status RuleCounters::retain(const CloakMaps &maps,
                            std::span<const cloak_counter_key> keys)
{
	std::vector<bool> wanted(used_.size());

	for (const cloak_counter_key &key : keys) {
		const auto found = counters_.find(keyOf(key));
		if (found != counters_.end())
			wanted[found->second] = true;
	}
	for (auto it = counters_.begin(); it != counters_.end();) {
		const __u32 number = it->second;

		if (wanted[number]) {
			++it;
			continue;
		}
		auto disowned = disown(maps, number);
		if (!disowned)
			return disowned;
		used_[number] = false;
		lowest_ = std::min(lowest_, number);
		it = counters_.erase(it);
	}
	return {};
}

Result<std::vector<cloak_counter>>
RuleCounters::read(const CloakMaps &maps, std::span<const __u32> counters)
{
	std::vector<cloak_counter> sums(counters.size());
	auto cpus = possibleCpus();
	if (!cpus)
		return cpus.error();

	for (const auto &[chunk, members] : byChunk(counters)) {
		auto map = innerMap(maps.ruleCounters, chunk, kCounters);
		if (!map)
			return map.error();
		auto added = addChunk(*map, *cpus, counters, members, sums);
		if (!added)
			return added.error();
	}
	return sums;
}

CounterOwners::CounterOwners(std::span<const __u32> numbers)
    : owners_(numbers.empty() ? 0 : std::ranges::max(numbers) + 1)
{
	for (std::size_t i = 0; i < numbers.size(); ++i)
		owners_[numbers[i]] = static_cast<std::uint32_t>(i);
}

std::optional<std::uint32_t> CounterOwners::of(__u32 counter) const
{
	if (counter >= owners_.size() || owners_[counter] == 0)
		return std::nullopt;
	return owners_[counter];
}

} // namespace cloak
