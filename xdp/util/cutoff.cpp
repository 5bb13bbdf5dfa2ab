// SPDX-License-Identifier: Apache-2.0
#include "util/cutoff.h"

#include <poll.h>
#include <sys/timerfd.h>

namespace cloak
{
namespace
{

void setTimer(int fd, std::chrono::nanoseconds after)
{
	constexpr std::chrono::nanoseconds second = std::chrono::seconds(1);
	itimerspec when{};

	when.it_value.tv_sec = after / second;
	when.it_value.tv_nsec = (after % second).count();
	timerfd_settime(fd, 0, &when, nullptr);
}

} // namespace

Cutoff::Cutoff()
    : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK))
{
}

/** Nothing stands for never with a timer. */
void Cutoff::set(std::chrono::milliseconds after) const
{
	setTimer(fd_.get(), after + std::chrono::nanoseconds(1));
}

void Cutoff::clear() const
{
	setTimer(fd_.get(), {});
}

bool Cutoff::passed() const
{
	pollfd watched = {fd_.get(), POLLIN, 0};

	return poll(&watched, 1, 0) > 0;
}

} // namespace cloak
