// SPDX-License-Identifier: Apache-2.0
#include "daemon/privileges.h"

#include <cap-ng.h>

namespace cloak
{

/**
 * Of the bounding set it can be taken by CAP_SETPCAP alone, which is of no
 * other use here and goes with it. Without that it can come back by execve(),
 * which cloakd has no call of, and not even so where NoNewPrivileges= is set.
 */
Status giveUpAdmin()
{
	constexpr auto kEverywhere =
	    static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED |
	                              CAPNG_INHERITABLE | CAPNG_BOUNDING_SET);

	if (capng_get_caps_process() != 0)
		return Error::fromErrno("cannot read the capabilities");
	const bool unbounded =
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
	if (!unbounded &&
	    capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN) == 0)
		return {};
	capng_updatev(CAPNG_DROP, kEverywhere, CAP_SYS_ADMIN, CAP_SETPCAP, -1);
	if (capng_apply(unbounded ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return Error::fromErrno("cannot give up CAP_SYS_ADMIN");
	return {};
}

} // namespace cloak
