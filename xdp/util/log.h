// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What the programs say about themselves, on standard error. Levels:
 *
 *   error  it could not be done, and somebody has to act
 *   warn   it was done in part, or something looks wrong
 *   info   a state has changed: start, policy, cloak on or off, stop
 *   debug  for whoever looks for a fault
 */
#ifndef CLOAKLAKE_UTIL_LOG_H
#define CLOAKLAKE_UTIL_LOG_H

#include <cstdint>
#include <string>

#include "util/result.h"

namespace cloak
{

/**
 * Call it once, before the first message: spdlog's default logger then writes
 * to standard error, with syslog priorities if that is the journal. It never
 * waits long for whoever reads there, see LogSink.
 * @param level "error", "warn", "info" or "debug".
 */
Status setUpLog(const std::string &level);

/** Lines that nobody has read and that were lost therefore. */
[[nodiscard]] std::uint64_t lostLogLines();

/** Whether descriptor @p fd leads to the journal, see systemd.exec(5). */
[[nodiscard]] bool isJournal(int fd);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_LOG_H
