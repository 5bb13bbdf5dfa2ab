// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Connections that were there before rules asked for their state.
 */
#ifndef CLOAKLAKE_HOST_REMEMBER_H
#define CLOAKLAKE_HOST_REMEMBER_H

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "bpf/maps.h"
#include "host/connections.h"
#include "policy/enforce.h"
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
 * Those of @p connections whose other end may but answer by @p policy, and
 * that this host has begun: not at one of the @p served ports. Pure.
 */
[[nodiscard]] std::vector<cloak_flow_key>
answeredBy(const CompiledPolicy &policy,
           const std::vector<Connection> &connections,
           const std::set<std::uint16_t> &served);

/**
 * Lets the data plane know the established TCP connections of this host as far
 * as @p policy asks for their state, and those with outbound peers, so that it
 * cuts none. Costs nothing if there are neither such rules nor such peers.
 */
Status rememberConnections(const CloakMaps &maps, const Policy &policy,
                           const CompiledPolicy &compiled);

/**
 * Enforcer::apply() of @p policy as it was compiled, which cuts none of these.
 * That they could not be known is a warning.
 */
[[nodiscard]] Result<Applied>
applyToConnected(Enforcer &enforcer, const Policy &policy,
                 const CompiledPolicy &compiled,
                 const std::shared_ptr<const CompiledRules> &rules,
                 Refusal refusal = Refusal::Fails);

} // namespace cloak

#endif // CLOAKLAKE_HOST_REMEMBER_H
