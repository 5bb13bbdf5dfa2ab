// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How deep the keys of a policy may be, found out before it is read as TOML.
 */
#ifndef CLOAKLAKE_POLICY_KEY_PARTS_H
#define CLOAKLAKE_POLICY_KEY_PARTS_H

#include "policy/diagnostic.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace cloak
{

/** So many parts a key may have, "table.rule" has two; none needs more. */
inline constexpr std::size_t kMostKeyParts = 16;

/**
 * The first key of a TOML text, be it of a header or of an inline table, that
 * has more parts. Each part is a table in another one, and the library that
 * reads them goes from one to the next by recursion, without a limit. Pure,
 * allocates nothing, looks at each character once. A text that is no TOML may
 * have any outcome; up to its first error it is understood as TOML is.
 * @returns where that key begins, without the file.
 */
[[nodiscard]] std::optional<Position> findDeepKey(std::string_view text);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_KEY_PARTS_H
