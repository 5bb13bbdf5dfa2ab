// SPDX-License-Identifier: Apache-2.0
#include "daemon/credentials.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace cloak
{
namespace
{

constexpr gid_t kNoGroup = static_cast<gid_t>(-1);

std::vector<gid_t> readGroups(int socket)
{
	socklen_t size = 0;

	// Says how much room it needs.
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0)
		return {};
	std::vector<gid_t> groups(size / sizeof(gid_t));
	if (groups.empty() || getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS,
	                                 groups.data(), &size) != 0)
		return {};
	return groups;
}

} // namespace

gid_t findGroup(const std::string &name)
{
	const group *found = getgrnam(name.c_str());

	return found == nullptr ? kNoGroup : found->gr_gid;
}

Result<PeerCredentials> readCredentials(int socket, gid_t group)
{
	ucred credentials{};
	socklen_t size = sizeof(credentials);
	PeerCredentials peer;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) !=
	    0)
		return Error::fromErrno("cannot tell who connects");
	peer.pid = credentials.pid;
	peer.uid = credentials.uid;
	peer.gid = credentials.gid;
	if (group != kNoGroup) {
		const auto groups = readGroups(socket);
		peer.inGroup = peer.gid == group ||
		               std::ranges::find(groups, group) != groups.end();
	}
	return peer;
}

bool mayCommand(const PeerCredentials &peer)
{
	return peer.uid == 0 || peer.uid == geteuid() || peer.inGroup;
}

} // namespace cloak
