// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The TCP connections that this host has at this moment.
 */
#ifndef CLOAKLAKE_HOST_CONNECTIONS_H
#define CLOAKLAKE_HOST_CONNECTIONS_H

#include <cstdint>
#include <set>
#include <vector>

#include "model/address.h"
#include "util/result.h"

namespace cloak
{

/** An established connection, as seen from this host. */
struct Connection {
	IpAddress local;
	std::uint16_t localPort = 0;
	IpAddress remote;
	std::uint16_t remotePort = 0;
	std::uint32_t inode = 0; //!< of the socket; 0: the kernel's own
	/** That the socket is bound to, as each is to a link-local address. */
	unsigned ifindex = 0;

	bool operator==(const Connection &) const = default;
};

/**
 * Those of the network namespace that the process lives in, the kernel's own
 * included. Needs no rights.
 */
[[nodiscard]] Result<std::vector<Connection>> readConnections();

/** The TCP ports at any address there where connections are waited for. */
[[nodiscard]] Result<std::set<std::uint16_t>> readServedPorts();

} // namespace cloak

#endif // CLOAKLAKE_HOST_CONNECTIONS_H
