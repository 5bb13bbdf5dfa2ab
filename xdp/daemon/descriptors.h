// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How many descriptors the daemon may have, and what it does without.
 */
#ifndef CLOAKLAKE_DAEMON_DESCRIPTORS_H
#define CLOAKLAKE_DAEMON_DESCRIPTORS_H

#include "util/result.h"

namespace cloak
{

/**
 * Lets this process have as many descriptors as the hard limit says: each CPU
 * takes four, and the soft limit is 1024 for the sake of select(2), which
 * nothing here calls.
 */
Status raiseDescriptorLimit();

/**
 * Whether accept(2) has failed for want of what others may give back. As the
 * connection still waits then, its listener has to be left alone for a while.
 * @param error its errno.
 */
[[nodiscard]] bool isWantOfRoom(int error);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_DESCRIPTORS_H
