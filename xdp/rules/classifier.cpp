// SPDX-License-Identifier: Apache-2.0
/*
 * Tuple space search with merged tuples. The search asks one hash table after
 * the other, so their number is its price. Rules of one shape go into one
 * table to begin with; then tables are merged into ones that look at the bits
 * which both have in common, as long as no bucket gets too many candidates.
 */
#include "rules/image.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <optional>

#include "rules/shape.h"

namespace cloak
{
namespace
{

using Numbers = std::vector<std::uint32_t>; // of rules, ascending

constexpr unsigned kUsualCopies = 4;
constexpr unsigned kMostCopies = 1024;
constexpr std::size_t kEnoughTuples = 8;
constexpr std::size_t kTrials = 4;
constexpr std::size_t kMostPlans = 4096;
constexpr std::size_t kMostAsked = 64;
constexpr std::size_t kManyRules = 256;
constexpr unsigned kFewBuckets = 32;

// What the search pays for another table and for another candidate.
constexpr std::size_t kTuplePrice = 8;
constexpr std::size_t kCandidatePrice = 2;

/** A hash table to be: which rules, and by what they are found. */
struct Plan {
	Shape shape;
	Numbers rules;
};

/** Builds one stage. */
class Stage
{
public:
	Stage(std::span<const cloak_entry> rules, cloak_stage_kind kind)
	    : rules_(rules), deciding_(kind == CLOAK_STAGE_DECIDE)
	{
	}

	std::vector<Plan> plan() const;
	Status write(RuleImage &image, const Plan &plan) const;

private:
	[[nodiscard]] std::vector<Plan> groups() const;
	[[nodiscard]] std::vector<Plan> merged(const std::vector<Plan> &groups,
	                                       std::size_t limit) const;
	[[nodiscard]] bool join(std::vector<Plan> &plans, const Plan &group,
	                        std::size_t limit) const;
	void divide(std::vector<Plan> &plans, const Numbers &numbers,
	            unsigned copies) const;
	[[nodiscard]] Numbers takeOut(Plan &plan) const;
	[[nodiscard]] Numbers needed() const;
	[[nodiscard]] bool isCovered(const Plan &plan,
	                             std::span<const Piece> pieces,
	                             std::uint32_t rule) const;
	[[nodiscard]] std::map<Shape, Numbers> byShape(const Numbers &numbers,
	                                               unsigned copies) const;

	[[nodiscard]] std::vector<Piece> place(const Plan &plan,
	                                       unsigned share = 1) const;
	template <typename Full>
	std::vector<Piece> sift(const Plan &plan, std::size_t limit, Full full,
	                        unsigned share = 1) const;
	[[nodiscard]] bool holds(const Plan &plan, std::size_t limit) const;
	[[nodiscard]] bool isHidden(std::span<const Piece> before,
	                            const Piece &piece,
	                            const Shape &shape) const;

	std::span<const cloak_entry> rules_;
	bool deciding_;
};

/**
 * The pieces of a plan, those of one bucket together and in order.
 * @param share one bucket in so many, by chance.
 */
std::vector<Piece> Stage::place(const Plan &plan, unsigned share) const
{
	std::vector<Piece> pieces;
	std::size_t kept = 0;

	for (const std::uint32_t rule : plan.rules) {
		addPieces(rules_[rule], rule, plan.shape, pieces);
		for (std::size_t i = kept; i < pieces.size(); ++i)
			if (pieces[i].hash % share == 0)
				pieces[kept++] = pieces[i];
		pieces.resize(kept);
	}
	std::ranges::sort(pieces);
	return pieces;
}

/** Whether a rule can never be the first to match in its bucket. */
bool Stage::isHidden(std::span<const Piece> before, const Piece &piece,
                     const Shape &shape) const
{
	return deciding_ &&
	       std::ranges::any_of(
		   before,
		   [&](const Piece &other) {
			   return covers(rules_[other.rule], rules_[piece.rule],
		                         shape, piece);
		   });
}

/**
 * The pieces of a plan without those that are hidden. Rules for which there
 * is no room in their bucket go to @p full, which says whether to go on.
 */
template <typename Full>
std::vector<Piece> Stage::sift(const Plan &plan, std::size_t limit, Full full,
                               unsigned share) const
{
	std::vector<Piece> pieces = place(plan, share);
	std::size_t kept = 0;
	std::size_t bucket = 0; // where the current one begins

	for (const Piece &piece : pieces) {
		if (kept == bucket || pieces[bucket].hash != piece.hash)
			bucket = kept;
		const std::span<const Piece> before(&pieces[bucket],
		                                    kept - bucket);
		if (isHidden(before, piece, plan.shape))
			continue;
		if (before.size() < limit)
			pieces[kept++] = piece;
		else if (!full(piece.rule))
			break;
	}
	pieces.resize(kept);
	return pieces;
}

/**
 * Whether no bucket of a plan needs more than @p limit candidates. A few of
 * the buckets tell in most cases that it does.
 */
bool Stage::holds(const Plan &plan, std::size_t limit) const
{
	bool holds = true;
	const auto full = [&holds](std::uint32_t) { return holds = false; };

	if (plan.rules.size() > kManyRules)
		sift(plan, limit, full, kFewBuckets);
	if (holds)
		sift(plan, limit, full);
	return holds;
}

/**
 * Takes out of a plan the rules for which there is no room. A rule in several
 * pieces goes as a whole, and what it has hidden may need room then.
 */
Numbers Stage::takeOut(Plan &plan) const
{
	Numbers out;
	Numbers more;

	do {
		more.clear();
		sift(plan, CLOAK_MAX_CANDIDATES, [&more](std::uint32_t rule) {
			more.push_back(rule);
			return true;
		});
		std::ranges::sort(more);
		std::erase_if(plan.rules, [&more](std::uint32_t rule) {
			return std::ranges::binary_search(more, rule);
		});
		out.insert(out.end(), more.begin(), more.end());
	} while (!more.empty());
	std::ranges::sort(out);
	out.erase(std::unique(out.begin(), out.end()), out.end());
	return out;
}

std::map<Shape, Numbers> Stage::byShape(const Numbers &numbers,
                                        unsigned copies) const
{
	std::map<Shape, Numbers> shapes;

	for (const std::uint32_t number : numbers)
		shapes[shapeOf(rules_[number], copies)].push_back(number);
	return shapes;
}

/**
 * Makes as many plans of some rules as it takes for all buckets to hold.
 * Where many port ranges overlap, finer pieces of them have fewer rules left
 * that could be the first to match.
 */
void Stage::divide(std::vector<Plan> &plans, const Numbers &numbers,
                   unsigned copies) const
{
	for (auto &[shape, members] : byShape(numbers, copies)) {
		Plan plan{shape, std::move(members)};
		const Numbers rest = takeOut(plan);

		if (plans.size() > kMostPlans)
			return;
		plans.push_back(std::move(plan));
		if (!rest.empty())
			divide(plans, rest, std::min(copies * 4, kMostCopies));
	}
}

/** Whether one of @p pieces is of an earlier rule that covers @p rule. */
bool Stage::isCovered(const Plan &plan, std::span<const Piece> pieces,
                      std::uint32_t rule) const
{
	std::vector<Piece> own;

	if (meet(plan.shape, shapeOf(rules_[rule], kUsualCopies)) != plan.shape)
		return false;
	addPieces(rules_[rule], rule, plan.shape, own);
	// Who covers all of it is found in every piece, so in the first.
	auto other = std::ranges::lower_bound(pieces, own.front().hash, {},
	                                      &Piece::hash);
	for (std::size_t i = 0;
	     i < kMostAsked && other != pieces.end() &&
	     other->hash == own.front().hash && other->rule < rule;
	     ++i, ++other)
		if (covers(rules_[other->rule], rules_[rule]))
			return true;
	return false;
}

/**
 * The rules that can be the first to match at all. To look for the others
 * pays only where there are so many shapes that tables will have to merge.
 */
Numbers Stage::needed() const
{
	std::vector<std::pair<Plan, std::vector<Piece>>> shapes;
	Numbers all(rules_.size());

	std::iota(all.begin(), all.end(), 0U);
	auto groups = byShape(all, kUsualCopies);
	if (!deciding_ || groups.size() <= kEnoughTuples)
		return all;
	for (auto &[shape, numbers] : groups) {
		Plan plan{shape, std::move(numbers)};
		auto pieces = place(plan);
		shapes.emplace_back(std::move(plan), std::move(pieces));
	}
	std::erase_if(all, [&](std::uint32_t rule) {
		return std::ranges::any_of(shapes, [&](const auto &shape) {
			return isCovered(shape.first, shape.second, rule);
		});
	});
	return all;
}

/** Rules of each shape, the finest shapes first. */
std::vector<Plan> Stage::groups() const
{
	std::vector<Plan> groups;

	divide(groups, needed(), kUsualCopies);
	std::ranges::stable_sort(groups, std::greater{}, [](const Plan &plan) {
		return plan.shape.weight();
	});
	return groups;
}

/** Tries to put a group into the plan that has most in common with it. */
bool Stage::join(std::vector<Plan> &plans, const Plan &group,
                 std::size_t limit) const
{
	std::vector<std::pair<int, std::size_t>> nearest;

	for (std::size_t i = 0; i < plans.size(); ++i) {
		nearest.emplace_back(
		    -meet(plans[i].shape, group.shape).weight(), i);
	}
	std::ranges::sort(nearest);
	if (nearest.size() > kTrials)
		nearest.resize(kTrials);
	for (const auto &[distance, i] : nearest) {
		Plan both{meet(plans[i].shape, group.shape), {}};

		std::ranges::merge(plans[i].rules, group.rules,
		                   std::back_inserter(both.rules));
		if (holds(both, limit)) {
			plans[i] = std::move(both);
			return true;
		}
	}
	return false;
}

std::vector<Plan> Stage::merged(const std::vector<Plan> &groups,
                                std::size_t limit) const
{
	std::vector<Plan> plans;

	for (const Plan &group : groups)
		if (!join(plans, group, limit))
			plans.push_back(group);
	return plans;
}

std::vector<Plan> Stage::plan() const
{
	const std::vector<Plan> alone = groups();
	std::vector<Plan> best = alone;
	std::size_t price = best.size() * kTuplePrice;

	for (const std::size_t limit : {4U, 8U, 16U}) {
		if (best.size() <= kEnoughTuples)
			break;
		std::vector<Plan> plans = merged(alone, limit);
		const std::size_t other =
		    plans.size() * kTuplePrice + limit * kCandidatePrice;

		if (other < price) {
			price = other;
			best = std::move(plans);
		}
	}
	return best;
}

/** The bucket that each hash goes to; several may share one. */
std::optional<std::vector<std::vector<std::uint32_t>>>
distribute(std::span<const Piece> pieces, std::size_t size)
{
	std::vector<std::vector<std::uint32_t>> buckets(size);

	for (const Piece &one : pieces) {
		auto &bucket =
		    buckets[CLOAK_TUPLE_BUCKET(one.hash) & (size - 1)];
		if (bucket.size() == CLOAK_MAX_CANDIDATES)
			return std::nullopt;
		bucket.push_back(one.rule);
	}
	return buckets;
}

Status Stage::write(RuleImage &image, const Plan &plan) const
{
	constexpr std::size_t most = 1U << 24U;
	const std::vector<Piece> pieces = sift(
	    plan, CLOAK_MAX_CANDIDATES, [](std::uint32_t) { return true; });
	std::size_t size = std::bit_ceil(pieces.size() * 2);
	auto buckets = distribute(pieces, size);

	while (!buckets && size < most) {
		size *= 2;
		buckets = distribute(pieces, size);
	}
	if (!buckets)
		return Error("too many rules overlap");

	cloak_tuple tuple{};
	plan.shape.write(tuple.mask);
	tuple.first = static_cast<__u32>(image.buckets.size());
	tuple.buckets = static_cast<__u32>(size - 1);
	tuple.best = rules_[plan.rules.front()].order;
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
			image.entries.push_back(rules_[rule]);
	}
	image.tuples.push_back(tuple);
	return {};
}

} // namespace

Result<cloak_stage> addStage(RuleImage &image,
                             std::span<const cloak_entry> rules,
                             cloak_stage_kind kind)
{
	const Stage builder(rules, kind);
	std::vector<Plan> plans = builder.plan();
	cloak_stage stage{static_cast<__u32>(image.tuples.size()),
	                  static_cast<__u32>(plans.size())};

	if (plans.size() > CLOAK_MAX_TUPLES)
		return Error("too many rules overlap");
	std::ranges::sort(plans, std::less{},
	                  [](const Plan &plan) { return plan.rules.front(); });
	for (const Plan &plan : plans) {
		auto written = builder.write(image, plan);
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
