// SPDX-License-Identifier: Apache-2.0
#include "bpf/peer_filter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace cloak
{
namespace
{

cloak_addr maskOf(unsigned bits)
{
	cloak_addr mask{};

	for (unsigned bit = 0; bit < bits; ++bit)
		mask.bytes[bit / 8] |= static_cast<__u8>(0x80U >> (bit % 8));
	return mask;
}

bool hasSameBytes(const cloak_addr &one, const cloak_addr &other)
{
	return std::ranges::equal(one.bytes, other.bytes);
}

cloak_filter_family familyOf(const cloak_prefix &prefix)
{
	constexpr std::array<__u8, 12> mapped = {0, 0, 0, 0, 0,    0,
	                                         0, 0, 0, 0, 0xff, 0xff};
	const std::span<const __u8> bytes = prefix.addr.bytes;
	const bool v4 = prefix.bits >= CLOAK_V4_PREFIX_BITS &&
	                std::ranges::equal(bytes.first(mapped.size()), mapped);

	return v4 ? CLOAK_FILTER_V4 : CLOAK_FILTER_V6;
}

} // namespace

PeerFilter::PeerFilter() : image_(std::make_unique<cloak_peer_filter>()) {}

void PeerFilter::add(const cloak_prefix &prefix)
{
	const cloak_filter_family family = familyOf(prefix);
	const cloak_addr mask = maskOf(prefix.bits);
	const std::span<cloak_addr> masks = image_->mask[family];
	__u32 &count = image_->count[family];

	if (count > CLOAK_FILTER_LENGTHS)
		return;
	const auto known = masks.first(count);
	if (std::ranges::none_of(known, [&](const cloak_addr &one) {
		    return hasSameBytes(one, mask);
	    })) {
		if (count < CLOAK_FILTER_LENGTHS)
			masks[count] = mask;
		++count;
	}
	const __u32 hash = cloak_addr_hash(&prefix.addr, &mask);
	image_->bits[CLOAK_FILTER_WORD(hash)] |= CLOAK_FILTER_BIT(hash);
}

const cloak_peer_filter &PeerFilter::image(__u64 generation)
{
	image_->generation = generation;
	return *image_;
}

} // namespace cloak
