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

/**
 * The way that a packet from @p from to @p to would take now.
 * @param ifindex of the interface that its socket is bound to; 0: to none.
 */
[[nodiscard]] Result<Route>
findRoute(const IpAddress &from, const IpAddress &to, unsigned ifindex = 0);

/** Where frames for somebody go to. */
struct Hop {
	unsigned ifindex = 0;
	std::optional<MacAddress> mac; //!< if it is known now
};

/**
 * The station by which a packet to @p to would go now.
 * @param ifindex of the interface that its socket is bound to; 0: to none.
 */
[[nodiscard]] Result<Hop> findHop(const IpAddress &from, const IpAddress &to,
                                  unsigned ifindex = 0);

} // namespace cloak

#endif // CLOAKLAKE_HOST_ROUTES_H
