// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_PRIVILEGES_H
#define CLOAKLAKE_DAEMON_PRIVILEGES_H

#include "util/result.h"

namespace cloak
{

/**
 * Gives up CAP_SYS_ADMIN for good, if this process has it. It is for opening
 * perf events, measuring programs and mounting the BPF file system; later only
 * the dispatcher of libxdp takes it. For a process that has no other threads
 * yet.
 */
Status giveUpAdmin();

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_PRIVILEGES_H
