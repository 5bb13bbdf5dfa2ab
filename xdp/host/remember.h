// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Connections that were there before rules asked for their state.
 */
#ifndef CLOAKLAKE_HOST_REMEMBER_H
#define CLOAKLAKE_HOST_REMEMBER_H

#include <vector>

#include "bpf/maps.h"
#include "host/connections.h"
#include "policy/policy.h"

namespace cloak
{

/**
 * Those of @p connections about whose state a table of @p policy asks, as the
 * data plane knows them. Pure.
 */
[[nodiscard]] std::vector<cloak_flow_key>
askedFor(const Policy &policy, const std::vector<Connection> &connections);

/**
 * Lets the data plane know the established TCP connections of this host as
 * far as @p policy asks for their state, so that it cuts none. Costs nothing
 * if it does not ask.
 */
Status rememberConnections(const CloakMaps &maps, const Policy &policy);

} // namespace cloak

#endif // CLOAKLAKE_HOST_REMEMBER_H
