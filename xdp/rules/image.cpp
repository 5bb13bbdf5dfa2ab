// SPDX-License-Identifier: Apache-2.0
#include "rules/image.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "rules/planner.h"

namespace cloak
{
namespace
{

/**
 * The bucket that each hash goes to; several may share one. A rule of many
 * pieces stands in each once, or it would note a packet as often.
 */
std::optional<std::vector<std::vector<std::uint32_t>>>
distribute(std::span<const Piece> pieces, std::size_t size)
{
	std::vector<std::vector<std::uint32_t>> buckets(size);

	for (const Piece &one : pieces) {
		auto &bucket =
		    buckets[CLOAK_TUPLE_BUCKET(one.hash) & (size - 1)];
		if (std::ranges::find(bucket, one.rule) != bucket.end())
			continue;
		if (bucket.size() == CLOAK_MAX_CANDIDATES)
			return std::nullopt;
		bucket.push_back(one.rule);
	}
	return buckets;
}

Status write(RuleImage &image, const Placer &placer, const Plan &plan)
{
	constexpr std::size_t most = 1U << 24U;
	bool complete = true;
	const auto full = [&complete](std::uint32_t) {
		return complete = false;
	};
	const std::vector<Piece> pieces =
	    placer.sift(plan, CLOAK_MAX_CANDIDATES, full);
	std::size_t size = std::bit_ceil(pieces.size() * 2);
	auto buckets = distribute(pieces, size);

	while (!buckets && size < most) {
		size *= 2;
		buckets = distribute(pieces, size);
	}
	if (!complete || !buckets)
		return Error("too many rules overlap");

	cloak_tuple tuple{};
	plan.shape.write(tuple.mask);
	tuple.first = static_cast<__u32>(image.buckets.size());
	tuple.buckets = static_cast<__u32>(size - 1);
	tuple.best = placer.rules()[plan.rules.front()].order;
	image.buckets.resize(tuple.first + size);
	for (const Piece &one : pieces) {
		auto &bucket =
		    image.buckets[tuple.first +
		                  (CLOAK_TUPLE_BUCKET(one.hash) & (size - 1))];
		bucket.filter |=
		    static_cast<__u16>(1U << CLOAK_TUPLE_FILTER(one.hash));
	}
	for (std::size_t i = 0; i < size; ++i) {
		auto &list = (*buckets)[i];
		auto &bucket = image.buckets[tuple.first + i];

		std::ranges::sort(list);
		bucket.first = static_cast<__u32>(image.entries.size());
		bucket.count = static_cast<__u16>(list.size());
		for (const std::uint32_t rule : list)
			image.entries.push_back(placer.rules()[rule]);
	}
	image.tuples.push_back(tuple);
	return {};
}

} // namespace

Result<cloak_stage> addStage(RuleImage &image,
                             std::span<const cloak_entry> rules,
                             cloak_stage_kind kind)
{
	const Placer placer(rules, kind == CLOAK_STAGE_DECIDE);
	auto planned = planStage(placer);

	if (!planned || planned->size() > CLOAK_MAX_TUPLES)
		return Error("too many rules overlap");
	std::vector<Plan> &plans = *planned;
	const cloak_stage stage{static_cast<__u32>(image.tuples.size()),
	                        static_cast<__u32>(plans.size())};
	std::ranges::sort(plans, std::less{},
	                  [](const Plan &plan) { return plan.rules.front(); });
	for (const Plan &plan : plans) {
		auto written = write(image, placer, plan);
		if (!written)
			return written.error();
	}
	return stage;
}

bool fits(const cloak_entry &rule, const __u64 (&word)[CLOAK_WORDS])
{
	const auto remote = static_cast<__u16>(word[CLOAK_WORD_PORTS] >> 16U);
	const auto local = static_cast<__u16>(word[CLOAK_WORD_PORTS]);

	for (std::size_t i = 0; i < CLOAK_TERNARY_WORDS; ++i)
		if ((word[i] & rule.mask[i]) != rule.value[i])
			return false;
	return remote >= rule.remote_least && remote <= rule.remote_most &&
	       local >= rule.local_least && local <= rule.local_most;
}

const cloak_entry *findRule(const RuleImage &image, const cloak_stage &stage,
                            const __u64 (&word)[CLOAK_WORDS])
{
	const cloak_entry *found = nullptr;

	for (__u32 i = 0; i < stage.count; ++i) {
		const cloak_tuple &tuple = image.tuples[stage.first + i];
		if (found != nullptr && tuple.best >= found->order)
			break;
		const __u64 hash = cloak_tuple_hash(word, tuple.mask);
		const cloak_bucket &bucket =
		    image.buckets[tuple.first +
		                  (CLOAK_TUPLE_BUCKET(hash) & tuple.buckets)];
		if ((bucket.filter >> CLOAK_TUPLE_FILTER(hash) & 1U) == 0)
			continue;
		for (__u32 k = 0; k < bucket.count; ++k) {
			const cloak_entry &rule =
			    image.entries[bucket.first + k];
			if (found != nullptr && rule.order >= found->order)
				break;
			if (fits(rule, word)) {
				found = &rule;
				break;
			}
		}
	}
	return found;
}

} // namespace cloak
