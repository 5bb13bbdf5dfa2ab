// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules in the buckets of a hash table that is being planned.
 */
#ifndef CLOAKLAKE_RULES_PLACE_H
#define CLOAKLAKE_RULES_PLACE_H

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cloak_abi.h"
#include "rules/shape.h"

namespace cloak
{

/** Numbers of rules, ascending, which is the order in which they are asked. */
using Numbers = std::vector<std::uint32_t>;

/** A hash table to be: which rules, and by what they are found. */
struct Plan {
	Shape shape;
	Numbers rules;
};

/** Looks where the rules of one stage come to lie. */
class Placer
{
public:
	/** Takes a rule for which there is no room. @returns whether to go on.
	 */
	using Full = std::function<bool(std::uint32_t rule)>;

	/** @param rules must outlive this object. */
	Placer(std::span<const cloak_entry> rules, bool deciding)
	    : rules_(rules), deciding_(deciding)
	{
	}

	[[nodiscard]] std::span<const cloak_entry> rules() const
	{
		return rules_;
	}

	/** Whether only the first rule that matches counts. */
	[[nodiscard]] bool isDeciding() const { return deciding_; }

	/**
	 * The pieces of a plan, those of one bucket together and in order.
	 * @param share one bucket in so many, by chance.
	 */
	[[nodiscard]] std::vector<Piece> place(const Plan &plan,
	                                       unsigned share = 1) const;

	/**
	 * The pieces of a plan without those that can never be the first to
	 * match. Rules for which there is no room go to @p full.
	 */
	[[nodiscard]] std::vector<Piece> sift(const Plan &plan,
	                                      std::size_t limit,
	                                      const Full &full,
	                                      unsigned share = 1) const;

	/** Whether no bucket of a plan needs more than @p limit candidates. */
	[[nodiscard]] bool holds(const Plan &plan, std::size_t limit) const;

private:
	[[nodiscard]] bool isHidden(std::span<const Piece> before,
	                            const Piece &piece,
	                            const Shape &shape) const;

	std::span<const cloak_entry> rules_;
	bool deciding_;
};

} // namespace cloak

#endif // CLOAKLAKE_RULES_PLACE_H
