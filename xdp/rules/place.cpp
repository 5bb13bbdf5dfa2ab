// SPDX-License-Identifier: Apache-2.0
#include "rules/place.h"

#include <algorithm>

namespace cloak
{
namespace
{

constexpr std::size_t kManyRules = 256;
constexpr unsigned kFewBuckets = 32;

} // namespace

std::vector<Piece> Placer::place(const Plan &plan, unsigned share) const
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
bool Placer::isHidden(std::span<const Piece> before, const Piece &piece,
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

std::vector<Piece> Placer::sift(const Plan &plan, std::size_t limit,
                                const Full &full, unsigned share) const
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

/** A few of the buckets tell in most cases that it does not hold. */
bool Placer::holds(const Plan &plan, std::size_t limit) const
{
	bool holds = true;
	const auto full = [&holds](std::uint32_t) { return holds = false; };

	if (plan.rules.size() > kManyRules)
		static_cast<void>(sift(plan, limit, full, kFewBuckets));
	if (holds)
		static_cast<void>(sift(plan, limit, full));
	return holds;
}

} // namespace cloak
