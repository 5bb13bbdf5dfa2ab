// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A short stand-in for a text.
 */
#ifndef CLOAKLAKE_UTIL_DIGEST_H
#define CLOAKLAKE_UTIL_DIGEST_H

#include <array>
#include <cstdint>
#include <string_view>

namespace cloak
{

/**
 * 128 bits that differ for different texts as far as chance goes. The same in
 * every run and on every machine; no defence against somebody who searches
 * for two texts with the same digest.
 */
[[nodiscard]] std::array<std::uint64_t, 2> digest(std::string_view text);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_DIGEST_H
