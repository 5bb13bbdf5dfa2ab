// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace cloak
{

bool isSupervised()
{
	return std::getenv("NOTIFY_SOCKET") != nullptr;
}

void notifyReady(const std::string &status)
{
	sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void notifyStatus(const std::string &status)
{
	sd_notify(0, ("STATUS=" + status).c_str());
}

void notifyReloading()
{
	sd_notify(0, "RELOADING=1");
}

void notifyStopping()
{
	sd_notify(0, "STOPPING=1");
}

void notifyAlive()
{
	sd_notify(0, "WATCHDOG=1");
}

} // namespace cloak
