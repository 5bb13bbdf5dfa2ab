// SPDX-License-Identifier: Apache-2.0
/*
 * Tuple space search with merged tuples. The search asks one hash table after
 * the other, so their number is its price. Rules of one shape go into one
 * table to begin with; then tables are merged into ones that look at the bits
 * which both have in common, as long as no bucket gets too many candidates.
 */
#include "rules/planner.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

namespace cloak
{
namespace
{

constexpr unsigned kUsualCopies = 4;
constexpr unsigned kMostCopies = 1024;
constexpr std::size_t kEnoughTuples = 8;
constexpr std::size_t kTrials = 4;
constexpr std::size_t kMostDivisions = 4096;
constexpr std::size_t kMostAsked = 64;

// What the search pays for another table and for another candidate.
constexpr std::size_t kTuplePrice = 8;
constexpr std::size_t kCandidatePrice = 2;

/** Plans one stage. */
class Planner
{
public:
	explicit Planner(const Placer &placer) : placer_(placer) {}

	[[nodiscard]] std::optional<std::vector<Plan>> run() const;

private:
	[[nodiscard]] std::optional<std::vector<Plan>> groups() const;
	[[nodiscard]] std::vector<Plan> merged(const std::vector<Plan> &groups,
	                                       std::size_t limit) const;
	[[nodiscard]] bool join(std::vector<Plan> &plans, const Plan &group,
	                        std::size_t limit) const;
	[[nodiscard]] bool divide(std::vector<Plan> &plans,
	                          const Numbers &numbers, unsigned copies,
	                          std::size_t &divisions) const;
	[[nodiscard]] Numbers takeOut(Plan &plan) const;
	[[nodiscard]] Numbers needed() const;
	[[nodiscard]] bool isCovered(const Plan &plan,
	                             std::span<const Piece> pieces,
	                             std::uint32_t rule) const;
	[[nodiscard]] std::map<Shape, Numbers> byShape(const Numbers &numbers,
	                                               unsigned copies) const;

	const Placer &placer_;
};

/**
 * Takes out of a plan the rules for which there is no room. A rule in several
 * pieces goes as a whole, and what it has hidden may need room then.
 */
Numbers Planner::takeOut(Plan &plan) const
{
	Numbers out;
	Numbers more;

	do {
		more.clear();
		const auto setAside = [&more](std::uint32_t rule) {
			more.push_back(rule);
			return true;
		};
		static_cast<void>(
		    placer_.sift(plan, CLOAK_MAX_CANDIDATES, setAside));
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

std::map<Shape, Numbers> Planner::byShape(const Numbers &numbers,
                                          unsigned copies) const
{
	std::map<Shape, Numbers> shapes;

	for (const std::uint32_t number : numbers)
		shapes[shapeOf(placer_.rules()[number], copies)].push_back(
		    number);
	return shapes;
}

/**
 * Makes as many plans of some rules as it takes for all buckets to hold.
 * Where many port ranges overlap, finer pieces of them have fewer rules left
 * that could be the first to match.
 * @returns false if it would take more @p divisions than are worth a try.
 */
bool Planner::divide(std::vector<Plan> &plans, const Numbers &numbers,
                     unsigned copies, std::size_t &divisions) const
{
	for (auto &[shape, members] : byShape(numbers, copies)) {
		Plan plan{shape, std::move(members)};
		const Numbers rest = takeOut(plan);

		if (!plan.rules.empty())
			plans.push_back(std::move(plan));
		if (rest.empty())
			continue;
		if (divisions++ == kMostDivisions ||
		    !divide(plans, rest, std::min(copies * 4, kMostCopies),
		            divisions))
			return false;
	}
	return true;
}

/** Whether one of @p pieces is of an earlier rule that covers @p rule. */
bool Planner::isCovered(const Plan &plan, std::span<const Piece> pieces,
                        std::uint32_t rule) const
{
	std::vector<Piece> own;

	addPieces(placer_.rules()[rule], rule, plan.shape, own);
	// Who covers all of it is found in every piece, so in the first.
	auto other = std::ranges::lower_bound(pieces, own.front().hash, {},
	                                      &Piece::hash);
	for (std::size_t i = 0;
	     i < kMostAsked && other != pieces.end() &&
	     other->hash == own.front().hash && other->rule < rule;
	     ++i, ++other)
		if (covers(placer_.rules()[other->rule], placer_.rules()[rule]))
			return true;
	return false;
}

/**
 * The rules that can be the first to match at all. To look for the others
 * pays only where there are so many shapes that tables will have to merge.
 */
Numbers Planner::needed() const
{
	std::vector<std::pair<Plan, std::vector<Piece>>> shapes;
	Numbers all(placer_.rules().size());

	std::iota(all.begin(), all.end(), 0U);
	auto groups = byShape(all, kUsualCopies);
	if (!placer_.isDeciding() || groups.size() <= kEnoughTuples)
		return all;
	for (auto &[shape, numbers] : groups) {
		Plan plan{shape, std::move(numbers)};
		auto pieces = placer_.place(plan);
		shapes.emplace_back(std::move(plan), std::move(pieces));
	}
	std::erase_if(all, [&](std::uint32_t rule) {
		const Shape own = shapeOf(placer_.rules()[rule], kUsualCopies);

		return std::ranges::any_of(shapes, [&](const auto &shape) {
			return isWithin(shape.first.shape, own) &&
			       isCovered(shape.first, shape.second, rule);
		});
	});
	return all;
}

/** Rules of each shape, the finest shapes first; none if it is too much. */
std::optional<std::vector<Plan>> Planner::groups() const
{
	std::vector<Plan> groups;
	std::size_t divisions = 0;

	if (!divide(groups, needed(), kUsualCopies, divisions))
		return std::nullopt;
	std::ranges::stable_sort(groups, std::greater{}, [](const Plan &plan) {
		return plan.shape.weight();
	});
	return groups;
}

/** Tries to put a group into the plan that has most in common with it. */
bool Planner::join(std::vector<Plan> &plans, const Plan &group,
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
		if (placer_.holds(both, limit)) {
			plans[i] = std::move(both);
			return true;
		}
	}
	return false;
}

std::vector<Plan> Planner::merged(const std::vector<Plan> &groups,
                                  std::size_t limit) const
{
	std::vector<Plan> plans;

	for (const Plan &group : groups)
		if (!join(plans, group, limit))
			plans.push_back(group);
	return plans;
}

std::optional<std::vector<Plan>> Planner::run() const
{
	const auto groups = this->groups();
	if (!groups)
		return std::nullopt;
	const std::vector<Plan> &alone = *groups;
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

} // namespace

std::optional<std::vector<Plan>> planStage(const Placer &placer)
{
	return Planner(placer).run();
}

} // namespace cloak
