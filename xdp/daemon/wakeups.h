// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What wakes the daemon beside events and commands, each as a descriptor.
 */
#ifndef CLOAKLAKE_DAEMON_WAKEUPS_H
#define CLOAKLAKE_DAEMON_WAKEUPS_H

#include <chrono>
#include <initializer_list>
#include <vector>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/** Blocks the signals for the process and makes them readable instead. */
[[nodiscard]] Result<Fd> openSignals(std::initializer_list<int> signals);

/** The signals that have come. */
[[nodiscard]] std::vector<int> readSignals(int fd);

/** Readable each @p interval. */
[[nodiscard]] Result<Fd> openTicker(std::chrono::milliseconds interval);

/** Readable when interfaces or addresses change. */
[[nodiscard]] Result<Fd> openAddressWatch();

/** Readable when filters of tc change, or what they hang on. */
[[nodiscard]] Result<Fd> openFilterWatch();

/** Throws away all that can be read: what matters is that there was any. */
void drain(int fd);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_WAKEUPS_H
