// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Counters of rules: kept from one policy to the next for whoever has the
 * same key.
 */
#ifndef CLOAKLAKE_BPF_RULE_COUNTERS_H
#define CLOAKLAKE_BPF_RULE_COUNTERS_H

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "util/result.h"

namespace cloak
{

/**
 * Who has which counter. The kernel keeps both lists, keys and counters, so a
 * daemon that is started anew goes on with them.
 */
class RuleCounters
{
public:
	/** Reads the keys that a former daemon has left. */
	[[nodiscard]] static Result<RuleCounters> open(const CloakMaps &maps);

	/**
	 * A counter for each key: the one that the key has, else a free one,
	 * which begins at zero. The first key stands for "no counter" and
	 * gets 0. Who fails has none that were free before.
	 */
	[[nodiscard]] Result<std::vector<__u32>>
	claim(const CloakMaps &maps, std::span<const cloak_counter_key> keys);

	/**
	 * Frees all counters but those of @p keys. To be called when no packet
	 * sees a policy any more that has others.
	 */
	Status retain(const CloakMaps &maps,
	              std::span<const cloak_counter_key> keys);

	/** What was counted, by number of the counter. */
	[[nodiscard]] static Result<std::vector<cloak_counter>>
	read(const CloakMaps &maps, std::span<const __u32> counters);

private:
	using Key = std::pair<__u64, __u64>;

	/** Half of a digest has its bits mixed already. */
	struct Half {
		std::size_t operator()(const Key &key) const
		{
			return key.first;
		}
	};

	static Key keyOf(const cloak_counter_key &key)
	{
		return {key.digest[0], key.digest[1]};
	}
	Status prepare(const CloakMaps &maps, __u32 most) const;
	__u32 takeFree();
	void
	release(const CloakMaps &maps,
	        std::span<const std::pair<__u32, cloak_counter_key>> fresh);

	std::unordered_map<Key, __u32, Half> counters_;
	std::vector<bool> used_{true}; //!< by number; there is no counter 0
	__u32 lowest_ = 1;             //!< none below it is free
};

/** Whose a counter is, by its number: what claim() says, turned round. */
class CounterOwners
{
public:
	CounterOwners() = default;

	/** @param numbers of the counters, as of claim(). */
	explicit CounterOwners(std::span<const __u32> numbers);

	/** The place of its key, or nothing if no key has that counter. */
	[[nodiscard]] std::optional<std::uint32_t> of(__u32 counter) const;

private:
	std::vector<std::uint32_t> owners_; //!< by number; 0: nobody
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_RULE_COUNTERS_H
