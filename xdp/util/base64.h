// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_BASE64_H
#define CLOAKLAKE_UTIL_BASE64_H

#include <cstdint>
#include <span>
#include <string>

namespace cloak
{

/** Octets as base64 with padding (RFC 4648, section 4). */
[[nodiscard]] std::string base64(std::span<const std::uint8_t> octets);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_BASE64_H
