// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tables of rules in the form in which the data plane looks them up. Plain
 * values in the layout of cloak_abi.h; nothing here touches the kernel.
 */
#ifndef CLOAKLAKE_RULES_IMAGE_H
#define CLOAKLAKE_RULES_IMAGE_H

#include <span>
#include <utility>
#include <vector>

#include "cloak_abi.h"
#include "util/result.h"

namespace cloak
{

/** What the maps "tables", "tuples", "buckets" and "entries" should hold. */
struct RuleImage {
	std::vector<std::pair<cloak_addr, cloak_table>> tables;
	std::vector<cloak_tuple> tuples;
	std::vector<cloak_bucket> buckets;
	std::vector<cloak_entry> entries;
};

/**
 * Adds a stage to @p image.
 * @param rules in ascending order, each order once or for a rule that stands
 *        for itself in several entries.
 * @param kind with CLOAK_STAGE_DECIDE a rule that can never be the first to
 *        match may be left out.
 * Fails with a sentence if so many rules overlap that the look-up would
 * exceed the limits of the data plane.
 */
[[nodiscard]] Result<cloak_stage> addStage(RuleImage &image,
                                           std::span<const cloak_entry> rules,
                                           cloak_stage_kind kind);

/**
 * Looks the words of a packet up as the data plane does it.
 * @returns the deciding entry, or null.
 */
[[nodiscard]] const cloak_entry *findRule(const RuleImage &image,
                                          const cloak_stage &stage,
                                          const __u64 (&word)[CLOAK_WORDS]);

/** Whether a rule matches the words of a packet. */
[[nodiscard]] bool fits(const cloak_entry &rule,
                        const __u64 (&word)[CLOAK_WORDS]);

} // namespace cloak

#endif // CLOAKLAKE_RULES_IMAGE_H
