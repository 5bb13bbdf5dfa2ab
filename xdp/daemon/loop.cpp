// SPDX-License-Identifier: Apache-2.0
#include "daemon/loop.h"

#include <sys/epoll.h>

#include <array>

namespace cloak
{

Result<Loop> Loop::create()
{
	Fd epoll(epoll_create1(EPOLL_CLOEXEC));

	if (!epoll)
		return Error::fromErrno("cannot make an event loop");
	return Loop(std::move(epoll));
}

Status Loop::add(int fd, std::uint32_t events, Handler handler)
{
	epoll_event interest{};

	interest.events = events;
	interest.data.fd = fd;
	if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &interest) != 0)
		return Error::fromErrno("cannot watch a descriptor");
	handlers_[fd] = std::make_shared<Handler>(std::move(handler));
	return {};
}

Status Loop::change(int fd, std::uint32_t events)
{
	epoll_event interest{};

	interest.events = events;
	interest.data.fd = fd;
	if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &interest) != 0)
		return Error::fromErrno("cannot watch a descriptor");
	return {};
}

void Loop::remove(int fd)
{
	if (handlers_.erase(fd) != 0)
		epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Status Loop::run()
{
	std::array<epoll_event, 32> ready{};

	running_ = true;
	while (running_) {
		const int count =
		    epoll_wait(epoll_.get(), ready.data(),
		               static_cast<int>(ready.size()), -1);
		if (count < 0 && errno != EINTR)
			return Error::fromErrno("cannot wait for events");
		for (int i = 0; i < count && running_; ++i)
			dispatch(ready[i].data.fd, ready[i].events);
	}
	return {};
}

/** Holds on to the handler, which may remove itself. */
void Loop::dispatch(int fd, std::uint32_t events)
{
	auto found = handlers_.find(fd);

	if (found == handlers_.end())
		return;
	const std::shared_ptr<Handler> handler = found->second;
	(*handler)(events);
}

} // namespace cloak
