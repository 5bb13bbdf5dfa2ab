// SPDX-License-Identifier: Apache-2.0
#include "alerts/limit.h"

#include <algorithm>

namespace cloak
{

bool RateLimit::take(BootTime now)
{
	constexpr auto second = BootClock::duration(std::chrono::seconds(1));
	const auto interval = second / perSecond_;
	const BootTime next = std::max(full_, now) + interval;

	if (next - now > second)
		return false;
	full_ = next;
	return true;
}

} // namespace cloak
