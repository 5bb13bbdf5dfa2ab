// SPDX-License-Identifier: Apache-2.0
#include "policy/host_changes.h"

#include <algorithm>
#include <vector>

#include "policy/interfaces.h"

namespace cloak
{
namespace
{

/** Those with a table, and those with an address that may be a cloaked one. */
std::vector<const HostInterface *> relevant(const Policy &policy,
                                            const Host &host)
{
	std::vector<const HostInterface *> found;

	for (const HostInterface &interface : host.interfaces)
		if (!interface.addresses.empty() ||
		    decidingTable(policy, interface.policyName()) != 0)
			found.push_back(&interface);
	return found;
}

bool isSame(const HostInterface *one, const HostInterface *other)
{
	return one->name == other->name && one->former == other->former &&
	       one->index == other->index && one->mac == other->mac &&
	       one->loopback == other->loopback &&
	       one->ethernet == other->ethernet &&
	       one->addresses == other->addresses;
}

} // namespace

bool isSameFor(const Policy &policy, const Host &one, const Host &other)
{
	return std::ranges::equal(relevant(policy, one),
	                          relevant(policy, other), isSame);
}

} // namespace cloak
