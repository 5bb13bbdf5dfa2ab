// SPDX-License-Identifier: Apache-2.0
#include "util/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/fd.h"

namespace cloak
{

bool isAnswered(const std::string &path)
{
	sockaddr_un address{};
	const Fd fd(
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	if (!fd || path.size() >= sizeof(address.sun_path))
		return false;
	address.sun_family = AF_UNIX;
	path.copy(address.sun_path, path.size());
	if (connect(fd.get(), reinterpret_cast<const sockaddr *>(&address),
	            sizeof(address)) == 0)
		return true;
	// Many wait to be accepted; or it is one of datagrams.
	return errno == EAGAIN || errno == EPROTOTYPE;
}

Status removeSocket(const std::string &path)
{
	struct stat status {
	};

	if (lstat(path.c_str(), &status) != 0) {
		return errno == ENOENT
		           ? Status()
		           : Error::fromErrno("cannot look at " + path);
	}
	if (!S_ISSOCK(status.st_mode))
		return Error(ENOTSOCK, path + " is there already");
	if (unlink(path.c_str()) != 0 && errno != ENOENT)
		return Error::fromErrno("cannot remove " + path);
	return {};
}

FileIdentity identityOf(const std::string &path)
{
	struct stat status {
	};

	if (lstat(path.c_str(), &status) != 0)
		return {};
	return {status.st_dev, status.st_ino};
}

} // namespace cloak
