// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Sizes as people write them: "64K", "16M", "1G", in powers of 1024.
 */
#ifndef CLOAKLAKE_UTIL_SIZE_H
#define CLOAKLAKE_UTIL_SIZE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloak
{

/** A number of octets. */
struct Size {
	std::uint64_t octets = 0;

	auto operator<=>(const Size &) const = default;
};

/** Reads one number with K, M, G or nothing behind it, up to 1 TiB. */
[[nodiscard]] std::optional<Size> parseSize(std::string_view text);

/** In the largest unit that leaves no remainder: parseSize() undoes it. */
[[nodiscard]] std::string toString(const Size &size);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_SIZE_H
