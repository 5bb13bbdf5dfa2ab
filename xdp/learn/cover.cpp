// SPDX-License-Identifier: Apache-2.0
#include "learn/cover.h"

#include <algorithm>
#include <bit>
#include <span>

namespace cloak
{
namespace
{

using Sorted = std::span<const IpAddress>;

constexpr unsigned kAddressBits = 128;
/** A network wider than this has more addresses than anybody has flows. */
constexpr unsigned kMostHostBits = 24;

/** How many bits from the left on are the same. */
unsigned commonBits(const IpAddress &one, const IpAddress &other)
{
	unsigned bits = 0;

	for (std::size_t i = 0; i < one.octets.size(); ++i) {
		const auto differing = static_cast<std::uint8_t>(
		    one.octets.at(i) ^ other.octets.at(i));
		if (differing != 0) {
			return bits + static_cast<unsigned>(
					  std::countl_zero(differing));
		}
		bits += 8;
	}
	return bits;
}

bool holdsAny(const Prefix &network, const std::set<IpAddress> &addresses)
{
	const auto next = addresses.lower_bound(network.address);

	return next != addresses.end() && network.contains(*next);
}

bool isDense(const Prefix &network, std::size_t members)
{
	const unsigned hostBits = kAddressBits - network.bits;

	return members >= kDenseFrom && hostBits <= kMostHostBits &&
	       members * 4 >= (std::size_t{3} << hostBits);
}

/** Neighbours share a network or are parted where they first differ. */
void divide(Sorted members, const std::set<IpAddress> &others,
            std::vector<Prefix> &found)
{
	if (members.size() == 1) {
		found.push_back(Prefix::host(members.front()));
		return;
	}
	const unsigned bits = commonBits(members.front(), members.back());
	const Prefix network =
	    Prefix{members.front(), static_cast<std::uint8_t>(bits)}.network();
	if (isDense(network, members.size()) && !holdsAny(network, others)) {
		found.push_back(network);
		return;
	}
	const auto upper =
	    std::ranges::partition_point(members, [&](const IpAddress &member) {
		    return commonBits(members.front(), member) > bits;
	    });
	const auto count = static_cast<std::size_t>(upper - members.begin());
	divide(members.first(count), others, found);
	divide(members.subspan(count), others, found);
}

} // namespace

std::vector<Prefix> cover(const std::set<IpAddress> &members,
                          const std::set<IpAddress> &others)
{
	const std::vector<IpAddress> sorted(members.begin(), members.end());
	std::vector<Prefix> found;

	if (!sorted.empty())
		divide(sorted, others, found);
	return found;
}

} // namespace cloak
