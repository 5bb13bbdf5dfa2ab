// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Flows by the service that they are part of.
 */
#ifndef CLOAKLAKE_LEARN_SERVICES_H
#define CLOAKLAKE_LEARN_SERVICES_H

#include <map>
#include <vector>

#include "learn/propose.h"

namespace cloak
{

/** Something that is asked for at one address of this host, or from there. */
struct Service {
	IpAddress local;
	bool outbound = false; //!< the service is at the other ends
	std::uint8_t protocol = 0;
	std::uint16_t port = 0; //!< 0: an ephemeral one or none
	std::uint8_t icmpType = 0;

	auto operator<=>(const Service &) const = default;

	/** Errors of ICMP are no service: nobody has asked for them. */
	[[nodiscard]] bool isError() const;
};

/** The other ends of a service. */
using Users = std::map<IpAddress, FlowTotals>;

/** Services with their users, and what is none. */
struct Services {
	std::map<Service, Users> used;
	std::vector<LeftOut> leftOut;
};

/** Files all flows that are to be learned from. */
[[nodiscard]] Services findServices(const SeenFlows &seen,
                                    const LearnOptions &options);

} // namespace cloak

#endif // CLOAKLAKE_LEARN_SERVICES_H
