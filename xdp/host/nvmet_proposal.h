// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From the ports of the NVMe target to a policy that an administrator would
 * begin with. Pure: what the host looks like is an argument.
 */
#ifndef CLOAKLAKE_HOST_NVMET_PROPOSAL_H
#define CLOAKLAKE_HOST_NVMET_PROPOSAL_H

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/connections.h"
#include "host/nvmet_ports.h"
#include "policy/host.h"

namespace cloak
{

/** What a policy for the ports has to name. */
struct NvmetProposal {
	std::vector<NvmetPort> ports;
	std::set<std::string> interfaces;
	/** The addresses of the ports, and at which TCP ports they serve. */
	std::map<IpAddress, std::set<std::uint16_t>> services;
	std::set<IpAddress> initiators; //!< those connected now
	std::set<IpAddress> gateways;   //!< by which these come
	std::vector<std::string> warnings;
};

/** The router from a local address to another one; nothing: same wire. */
using GatewayOf = std::function<std::optional<IpAddress>(
    const IpAddress &local, const IpAddress &remote)>;

/** Brings together what the ports are and who uses them. */
[[nodiscard]] NvmetProposal
proposeFor(const NvmetPorts &found, const Host &host,
           const std::vector<Connection> &connections,
           const GatewayOf &gatewayOf);

/** The policy as a person would write it, with remarks. */
[[nodiscard]] std::string renderProposal(const NvmetProposal &proposal,
                                         bool enforce);

} // namespace cloak

#endif // CLOAKLAKE_HOST_NVMET_PROPOSAL_H
