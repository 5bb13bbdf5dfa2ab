// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which bits of a packet rules look at. Rules of one shape can share a hash
 * table; so can those of finer shapes, if the table looks at fewer bits.
 */
#ifndef CLOAKLAKE_RULES_SHAPE_H
#define CLOAKLAKE_RULES_SHAPE_H

#include <array>
#include <compare>
#include <cstdint>
#include <vector>

#include "cloak_abi.h"

namespace cloak
{

/** A mask over the words of a packet. */
struct Shape {
	std::array<__u64, CLOAK_TERNARY_WORDS> mask{};
	std::uint8_t remoteBits = 0; //!< of the port, from its highest bit on
	std::uint8_t localBits = 0;

	auto operator<=>(const Shape &) const = default;

	/** How many bits it looks at. */
	[[nodiscard]] int weight() const;

	/** As the data plane wants it. */
	void write(__u64 (&words)[CLOAK_WORDS]) const;
};

/** Whether @p fine looks at all that @p coarse looks at. */
[[nodiscard]] bool isWithin(const Shape &coarse, const Shape &fine);

/** The bits that both look at. */
[[nodiscard]] Shape meet(const Shape &one, const Shape &other);

/**
 * The finest shape for a rule in which its port ranges make it fall apart
 * into at most @p copies pieces.
 */
[[nodiscard]] Shape shapeOf(const cloak_entry &rule, unsigned copies);

/** A rule where it has to be found in a table: under this hash. */
struct Piece {
	__u64 hash = 0;
	std::uint32_t rule = 0; //!< its number
	/** The blocks of ports that come to this hash. */
	std::uint16_t remote = 0;
	std::uint16_t local = 0;

	auto operator<=>(const Piece &) const = default;
};

/**
 * Adds the pieces of a rule in a table of @p shape: more than one if a port
 * range spans several blocks of that shape.
 */
void addPieces(const cloak_entry &rule, std::uint32_t number,
               const Shape &shape, std::vector<Piece> &into);

/** Whether @p outer matches whatever @p inner does. */
[[nodiscard]] bool covers(const cloak_entry &outer, const cloak_entry &inner);

/** The same among the ports of a piece of @p inner. */
[[nodiscard]] bool covers(const cloak_entry &outer, const cloak_entry &inner,
                          const Shape &shape, const Piece &piece);

} // namespace cloak

#endif // CLOAKLAKE_RULES_SHAPE_H
