// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How a packet to somebody would leave this host.
 */
#ifndef CLOAKLAKE_HOST_ROUTES_H
#define CLOAKLAKE_HOST_ROUTES_H

#include <optional>

#include "model/address.h"
#include "util/result.h"

namespace cloak
{

/** The way to an address. */
struct Route {
	unsigned ifindex = 0;
	std::optional<IpAddress> gateway; //!< none: it is on the same wire
};

/** The way that a packet from @p from to @p to would take now. */
[[nodiscard]] Result<Route> findRoute(const IpAddress &from,
                                      const IpAddress &to);

/** Where frames for somebody go to. */
struct Hop {
	unsigned ifindex = 0;
	std::optional<MacAddress> mac; //!< if it is known now
};

/** The station by which a packet to @p to would go now. */
[[nodiscard]] Result<Hop> findHop(const IpAddress &from, const IpAddress &to);

} // namespace cloak

#endif // CLOAKLAKE_HOST_ROUTES_H
