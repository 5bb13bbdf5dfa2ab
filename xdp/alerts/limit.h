// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_ALERTS_LIMIT_H
#define CLOAKLAKE_ALERTS_LIMIT_H

#include <cstdint>

#include "util/clock.h"

namespace cloak
{

/** A bucket of tokens: so many a second, and so many at once. */
class RateLimit
{
public:
	explicit RateLimit(std::uint32_t perSecond) : perSecond_(perSecond) {}

	/** Takes a token. @returns false if there is none at @p now. */
	bool take(BootTime now);

private:
	std::uint32_t perSecond_;
	BootTime full_; //!< when the bucket will be full again
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_LIMIT_H
