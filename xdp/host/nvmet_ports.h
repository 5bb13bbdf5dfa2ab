// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The ports of the NVMe target that are configured on this host.
 */
#ifndef CLOAKLAKE_HOST_NVMET_PORTS_H
#define CLOAKLAKE_HOST_NVMET_PORTS_H

#include <cstdint>
#include <string>
#include <vector>

#include "model/address.h"
#include "util/result.h"

namespace cloak
{

/** A port that is served by TCP. */
struct NvmetPort {
	std::string id;    //!< the name of its folder
	IpAddress address; //!< unspecified (or 0.0.0.0): all of the host's
	std::uint16_t service = 0;
	std::vector<std::string> subsystems; //!< their names, sorted

	/** Whether it stands for every address of the host. */
	[[nodiscard]] bool isAny() const;
};

/** What there is, and what of it could not be understood. */
struct NvmetPorts {
	std::vector<NvmetPort> ports; //!< sorted by id
	std::vector<std::string> warnings;
};

/**
 * Reads the ports with trtype "tcp".
 * @param configfs where configfs is mounted; without a target there it has
 * none.
 */
[[nodiscard]] Result<NvmetPorts> readNvmetPorts(const std::string &configfs);

} // namespace cloak

#endif // CLOAKLAKE_HOST_NVMET_PORTS_H
