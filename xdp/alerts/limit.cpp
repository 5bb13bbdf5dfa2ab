// SPDX-License-Identifier: Apache-2.0
#include "alerts/limit.h"

#include <algorithm>

namespace cloak
{

/** When it would be full again had it given a token at @p now. */
BootTime RateLimit::next(BootTime now) const
{
	return std::max(full_, now) + interval_;
}

bool RateLimit::has(BootTime now) const
{
	return next(now) - now <= period_;
}

bool RateLimit::take(BootTime now)
{
	if (!has(now))
		return false;
	full_ = next(now);
	return true;
}

} // namespace cloak
