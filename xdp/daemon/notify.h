// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What systemd is told. All of it does nothing where there is no systemd.
 */
#ifndef CLOAKLAKE_DAEMON_NOTIFY_H
#define CLOAKLAKE_DAEMON_NOTIFY_H

#include <string>

namespace cloak
{

/** Whether somebody waits for readiness, and starts another one if this fails.
 */
[[nodiscard]] bool isSupervised();

void notifyReady(const std::string &status);
void notifyStatus(const std::string &status);
void notifyReloading();
void notifyStopping();

/** Call it at least every other second while all is well. */
void notifyAlive();

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_NOTIFY_H
