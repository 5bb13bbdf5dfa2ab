// SPDX-License-Identifier: Apache-2.0
#include "util/output.h"

#include <cstdio>

namespace cloak
{

Status flushOutput()
{
	errno = 0;
	if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)
		return {};
	return Error(errno == 0 ? EIO : errno,
	             "cannot write to standard output");
}

} // namespace cloak
