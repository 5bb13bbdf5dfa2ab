// SPDX-License-Identifier: Apache-2.0
#include "daemon/descriptors.h"

#include <sys/resource.h>

namespace cloak
{

Status raiseDescriptorLimit()
{
	rlimit limit{};

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return Error::fromErrno("cannot read the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return Error::fromErrno(
		    "cannot raise the limit of descriptors");
	return {};
}

bool isWantOfRoom(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

} // namespace cloak
