// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A moment from which on nobody waits any longer.
 */
#ifndef CLOAKLAKE_UTIL_CUTOFF_H
#define CLOAKLAKE_UTIL_CUTOFF_H

#include <chrono>

#include "util/fd.h"

namespace cloak
{

/**
 * One thread sets it, another one that waits in poll(2) has it among its
 * descriptors: it is readable from that moment on, until it is cleared.
 */
class Cutoff
{
public:
	Cutoff();

	/** @param after 0: at once. */
	void set(std::chrono::milliseconds after) const;

	/** As if it had never been set. */
	void clear() const;

	[[nodiscard]] bool passed() const;

	/** For poll(2); may be negative, which that takes for none. */
	[[nodiscard]] int fd() const { return fd_.get(); }

private:
	Fd fd_;
};

} // namespace cloak

#endif // CLOAKLAKE_UTIL_CUTOFF_H
