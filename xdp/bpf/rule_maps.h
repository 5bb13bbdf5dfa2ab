// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The rules of one policy in the kernel.
 */
#ifndef CLOAKLAKE_BPF_RULE_MAPS_H
#define CLOAKLAKE_BPF_RULE_MAPS_H

#include <span>

#include "bpf/maps.h"
#include "rules/image.h"
#include "util/result.h"

namespace cloak
{

/**
 * The maps of the rules of one slot. They are never written to again once a
 * packet may have seen them, so one policy can take over those of another.
 */
class RuleMaps
{
public:
	/**
	 * New maps with what @p image says.
	 * @param counters takes the place of the counters in the image, which
	 *        are indexes into it; see RuleCounters.
	 */
	[[nodiscard]] static Result<RuleMaps>
	create(const CloakMaps &maps, const RuleImage &image,
	       std::span<const __u32> counters);

	/** The maps that hang in @p slot, for another policy to keep. */
	[[nodiscard]] static Result<RuleMaps> ofSlot(const CloakMaps &maps,
	                                             __u32 slot);

	/** Makes them those of @p slot. */
	Status hang(const CloakMaps &maps, __u32 slot) const;

private:
	Fd tables_;
	Fd tuples_;
	Fd buckets_;
	Fd entries_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_RULE_MAPS_H
