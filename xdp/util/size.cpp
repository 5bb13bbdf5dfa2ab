// SPDX-License-Identifier: Apache-2.0
#include "util/size.h"

#include <array>
#include <charconv>
#include <utility>

namespace cloak
{
namespace
{

constexpr std::array<std::pair<char, unsigned>, 3> kSuffixes = {{
    {'G', 30},
    {'M', 20},
    {'K', 10},
}};

constexpr std::uint64_t kMost = 1ULL << 40U;

} // namespace

std::optional<Size> parseSize(std::string_view text)
{
	std::uint64_t number = 0;
	unsigned shift = 0;

	for (const auto &[unit, bits] : kSuffixes)
		if (!text.empty() && text.back() == unit)
			shift = bits;
	if (shift != 0)
		text.remove_suffix(1);
	const char *end = text.data() + text.size();
	const auto [stop, failure] = std::from_chars(text.data(), end, number);
	if (text.empty() || failure != std::errc() || stop != end ||
	    number > (kMost >> shift))
		return std::nullopt;
	return Size{number << shift};
}

std::string toString(const Size &size)
{
	for (const auto &[unit, bits] : kSuffixes) {
		const std::uint64_t whole = size.octets >> bits;
		if (whole != 0 && whole << bits == size.octets)
			return std::to_string(whole) + unit;
	}
	return std::to_string(size.octets);
}

} // namespace cloak
