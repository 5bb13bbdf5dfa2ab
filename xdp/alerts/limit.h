// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_ALERTS_LIMIT_H
#define CLOAKLAKE_ALERTS_LIMIT_H

#include <chrono>
#include <cstdint>

#include "util/clock.h"

namespace cloak
{

/** A bucket of tokens: so many at once, and as many again in a while. */
class RateLimit
{
public:
	/** @param tokens in each @p period. */
	explicit RateLimit(std::uint32_t tokens,
	                   BootClock::duration period = std::chrono::seconds(1))
	    : period_(period), interval_(period / tokens)
	{
	}

	/** Whether there is a token at @p now. */
	[[nodiscard]] bool has(BootTime now) const;

	/** Takes a token. @returns false if there is none at @p now. */
	bool take(BootTime now);

private:
	[[nodiscard]] BootTime next(BootTime now) const;

	BootClock::duration period_;
	BootClock::duration interval_; //!< after which a token comes back
	BootTime full_;                //!< when the bucket will be full again
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_LIMIT_H
