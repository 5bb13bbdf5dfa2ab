// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Addresses as a person would write them: networks where nearly all of a
 * network is meant, single addresses elsewhere.
 */
#ifndef CLOAKLAKE_LEARN_COVER_H
#define CLOAKLAKE_LEARN_COVER_H

#include <set>
#include <vector>

#include "model/address.h"

namespace cloak
{

/** Fewer addresses than these are named one by one. */
inline constexpr std::size_t kDenseFrom = 4;

/**
 * The fewest prefixes in which all of @p members lie, in order. A prefix is
 * a network only if at least kDenseFrom and three quarters of its addresses
 * are members and none is one of @p others.
 */
[[nodiscard]] std::vector<Prefix> cover(const std::set<IpAddress> &members,
                                        const std::set<IpAddress> &others);

} // namespace cloak

#endif // CLOAKLAKE_LEARN_COVER_H
