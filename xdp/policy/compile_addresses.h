// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which of the host's addresses are cloaked, and the groups that stand for
 * them. Pure: what the host looks like is an argument.
 */
#ifndef CLOAKLAKE_POLICY_COMPILE_ADDRESSES_H
#define CLOAKLAKE_POLICY_COMPILE_ADDRESSES_H

#include <cstddef>
#include <map>
#include <set>

#include "cloak_abi.h"
#include "policy/host.h"
#include "policy/policy.h"

namespace cloak
{

/** What the address map should hold. */
struct CompiledAddresses {
	/** At most CLOAK_MAX_ADDRESSES of them. */
	std::map<IpAddress, cloak_address> entries;
	/** How many there was no room for. */
	std::size_t excess = 0;
};

/**
 * @param policy one without errors: there is room for all that it lists.
 * @param whole indexes of the interfaces that are cloaked as a whole.
 *
 * What the policy lists comes first, then what whole interfaces have, then the
 * subnet-router anycast addresses (RFC 4291, 2.6.1) of prefixes without visible
 * addresses, which a host that forwards answers to, then the groups (the
 * directed broadcast of RFC 919, the solicited-node group of RFC 4291, 2.7.1)
 * of interfaces with visible addresses, each that means cloaked addresses
 * alone.
 */
[[nodiscard]] CompiledAddresses
compileAddresses(const Policy &policy, const Host &host,
                 const std::set<unsigned> &whole);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_COMPILE_ADDRESSES_H
