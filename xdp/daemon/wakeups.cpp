// SPDX-License-Identifier: Apache-2.0
#include "daemon/wakeups.h"

#include <csignal>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace cloak
{
namespace
{

Result<Fd> openRouteWatch(std::uint32_t groups)
{
	Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	             NETLINK_ROUTE));
	sockaddr_nl address{};

	address.nl_family = AF_NETLINK;
	address.nl_groups = groups;
	if (!fd || bind(fd.get(), reinterpret_cast<sockaddr *>(&address),
	                sizeof(address)) != 0)
		return Error::fromErrno("cannot watch interfaces");
	return fd;
}

} // namespace

Result<Fd> openSignals(std::initializer_list<int> signals)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int signal : signals)
		sigaddset(&set, signal);
	if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0)
		return Error::fromErrno("cannot block signals");
	Fd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	if (!fd)
		return Error::fromErrno("cannot receive signals");
	return fd;
}

std::vector<int> readSignals(int fd)
{
	std::vector<int> signals;
	signalfd_siginfo info{};

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		signals.push_back(static_cast<int>(info.ssi_signo));
	return signals;
}

Result<Fd> openTicker(std::chrono::milliseconds interval)
{
	Fd fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
	itimerspec spec{};

	const auto whole = std::chrono::floor<std::chrono::seconds>(interval);
	spec.it_interval.tv_sec = whole.count();
	spec.it_interval.tv_nsec =
	    std::chrono::nanoseconds(interval - whole).count();
	spec.it_value = spec.it_interval;
	if (!fd || timerfd_settime(fd.get(), 0, &spec, nullptr) != 0)
		return Error::fromErrno("cannot make a timer");
	return fd;
}

Result<Fd> openAddressWatch()
{
	return openRouteWatch(RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
	                      RTMGRP_IPV6_IFADDR);
}

Result<Fd> openFilterWatch()
{
	return openRouteWatch(RTMGRP_TC);
}

/** ENOBUFS says that something was lost: that is a change too. */
void drain(int fd)
{
	std::array<char, 8192> buffer{};

	while (read(fd, buffer.data(), buffer.size()) > 0 || errno == ENOBUFS)
		errno = 0;
}

} // namespace cloak
