// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Receivers of flows and alerts from whom this host hides.
 */
#ifndef CLOAKLAKE_HOST_RECEIVER_WARNINGS_H
#define CLOAKLAKE_HOST_RECEIVER_WARNINGS_H

#include <functional>
#include <optional>

#include "policy/compile.h"
#include "policy/warning.h"

namespace cloak
{

/** The interface by which this host sends to an address; nothing: by none. */
using WayTo = std::function<std::optional<unsigned>(const IpAddress &)>;

/** The way that the kernel would take now. */
[[nodiscard]] std::optional<unsigned> wayNow(const IpAddress &to);

/**
 * Warns of receivers to whom the way is by an interface on which the policy
 * hides every address, and who are none of its peers there: nothing reaches
 * them. It may be below the one that the way is by, as under a VLAN; of a
 * bridge or a bond, each port has to hide this host. Those that are named are
 * not looked at, as their addresses may be others when it matters.
 * @param policy one without errors, @p compiled for @p host.
 */
[[nodiscard]] Warnings warnOfReceivers(const Policy &policy,
                                       const CompiledPolicy &compiled,
                                       const Host &host,
                                       const WayTo &way = wayNow);

} // namespace cloak

#endif // CLOAKLAKE_HOST_RECEIVER_WARNINGS_H
