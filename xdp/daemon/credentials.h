// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_CREDENTIALS_H
#define CLOAKLAKE_DAEMON_CREDENTIALS_H

#include <sys/types.h>

#include <string>

#include "util/result.h"

namespace cloak
{

/** Who is at the other end of a Unix socket, as the kernel vouches. */
struct PeerCredentials {
	pid_t pid = 0;
	uid_t uid = 0;
	gid_t gid = 0;
	bool inGroup = false; //!< in the group that was asked for
};

/** The number of a group; -1 if there is none of that name. */
[[nodiscard]] gid_t findGroup(const std::string &name);

/** @param group membership in which is looked up, supplementary ones too. */
[[nodiscard]] Result<PeerCredentials> readCredentials(int socket, gid_t group);

/** Root, who runs the daemon, or a member of the group. */
[[nodiscard]] bool mayCommand(const PeerCredentials &peer);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_CREDENTIALS_H
