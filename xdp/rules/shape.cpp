// SPDX-License-Identifier: Apache-2.0
#include "rules/shape.h"

#include <algorithm>
#include <bit>

namespace cloak
{
namespace
{

constexpr unsigned kPortBits = 16;

unsigned shiftOf(unsigned bits)
{
	return kPortBits - bits;
}

__u64 portMask(unsigned bits)
{
	return (0xffffU << shiftOf(bits)) & 0xffffU;
}

struct Ports {
	unsigned least;
	unsigned most;
};

/** How many blocks of ports a range is in. */
unsigned blocksOf(Ports range, unsigned bits)
{
	return (range.most >> shiftOf(bits)) - (range.least >> shiftOf(bits)) +
	       1;
}

/**
 * The finest blocks of which at most @p copies make up the range; in steps,
 * so that there are not too many shapes.
 */
std::uint8_t finestBits(Ports range, unsigned copies)
{
	constexpr unsigned step = 4;
	unsigned bits = kPortBits;

	if (range.least == 0 && range.most == 0xffff)
		return 0;
	while (blocksOf(range, bits) > copies)
		bits -= step;
	return static_cast<std::uint8_t>(bits);
}

/** The ports of a range that are in one block. */
Ports within(Ports range, unsigned block, unsigned bits)
{
	const unsigned first = block << shiftOf(bits);
	const unsigned last = first + (1U << shiftOf(bits)) - 1;

	return {std::max(range.least, first), std::min(range.most, last)};
}

bool holds(Ports outer, Ports inner)
{
	return outer.least <= inner.least && outer.most >= inner.most;
}

/** Whether the words that @p inner wants satisfy @p outer, too. */
bool asksLess(const cloak_entry &outer, const cloak_entry &inner)
{
	for (std::size_t i = 0; i < CLOAK_TERNARY_WORDS; ++i)
		if ((outer.mask[i] & ~inner.mask[i]) != 0 ||
		    (inner.value[i] & outer.mask[i]) != outer.value[i])
			return false;
	return true;
}

} // namespace

int Shape::weight() const
{
	int bits = remoteBits + localBits;

	for (const __u64 word : mask)
		bits += std::popcount(word);
	return bits;
}

void Shape::write(__u64 (&words)[CLOAK_WORDS]) const
{
	std::ranges::copy(mask, std::begin(words));
	words[CLOAK_WORD_PORTS] =
	    CLOAK_FACT_PORTS(portMask(remoteBits), portMask(localBits));
}

bool isWithin(const Shape &coarse, const Shape &fine)
{
	if (coarse.remoteBits > fine.remoteBits ||
	    coarse.localBits > fine.localBits)
		return false;
	for (std::size_t i = 0; i < coarse.mask.size(); ++i)
		if ((coarse.mask[i] & ~fine.mask[i]) != 0)
			return false;
	return true;
}

Shape meet(const Shape &one, const Shape &other)
{
	Shape both;

	for (std::size_t i = 0; i < both.mask.size(); ++i)
		both.mask.at(i) = one.mask.at(i) & other.mask.at(i);
	both.remoteBits = std::min(one.remoteBits, other.remoteBits);
	both.localBits = std::min(one.localBits, other.localBits);
	return both;
}

Shape shapeOf(const cloak_entry &rule, unsigned copies)
{
	Shape shape;

	std::ranges::copy(rule.mask, shape.mask.begin());
	const Ports remote{rule.remote_least, rule.remote_most};
	const Ports local{rule.local_least, rule.local_most};
	shape.remoteBits = finestBits(remote, copies);
	shape.localBits =
	    finestBits(local, copies / blocksOf(remote, shape.remoteBits));
	return shape;
}

void addPieces(const cloak_entry &rule, std::uint32_t number,
               const Shape &shape, std::vector<Piece> &into)
{
	const unsigned remoteShift = shiftOf(shape.remoteBits);
	const unsigned localShift = shiftOf(shape.localBits);
	const unsigned remoteEnd = rule.remote_most >> remoteShift;
	const unsigned localEnd = rule.local_most >> localShift;
	__u64 word[CLOAK_WORDS];
	__u64 mask[CLOAK_WORDS];

	shape.write(mask);
	std::ranges::copy(rule.value, std::begin(word));
	for (unsigned remote = rule.remote_least >> remoteShift;
	     remote <= remoteEnd; ++remote) {
		for (unsigned local = rule.local_least >> localShift;
		     local <= localEnd; ++local) {
			word[CLOAK_WORD_PORTS] = CLOAK_FACT_PORTS(
			    remote << remoteShift, local << localShift);
			into.push_back({cloak_tuple_hash(word, mask), number,
			                static_cast<std::uint16_t>(remote),
			                static_cast<std::uint16_t>(local)});
		}
	}
}

bool covers(const cloak_entry &outer, const cloak_entry &inner)
{
	return asksLess(outer, inner) &&
	       holds({outer.remote_least, outer.remote_most},
	             {inner.remote_least, inner.remote_most}) &&
	       holds({outer.local_least, outer.local_most},
	             {inner.local_least, inner.local_most});
}

bool covers(const cloak_entry &outer, const cloak_entry &inner,
            const Shape &shape, const Piece &piece)
{
	return asksLess(outer, inner) &&
	       holds({outer.remote_least, outer.remote_most},
	             within({inner.remote_least, inner.remote_most},
	                    piece.remote, shape.remoteBits)) &&
	       holds({outer.local_least, outer.local_most},
	             within({inner.local_least, inner.local_most}, piece.local,
	                    shape.localBits));
}

} // namespace cloak
