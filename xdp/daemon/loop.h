// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_LOOP_H
#define CLOAKLAKE_DAEMON_LOOP_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/**
 * Waits for descriptors and calls who is interested. One thread, no priority:
 * a handler that has more to do than a little comes back another time.
 */
class Loop
{
public:
	/** @param events as of epoll(7). */
	using Handler = std::function<void(std::uint32_t events)>;

	[[nodiscard]] static Result<Loop> create();

	/** Watches @p fd, which stays the caller's, until remove(). */
	Status add(int fd, std::uint32_t events, Handler handler);
	Status change(int fd, std::uint32_t events);

	/** Also from within the handler of @p fd. */
	void remove(int fd);

	/** Runs until stop(), or until waiting fails. */
	Status run();
	void stop() { running_ = false; }

private:
	explicit Loop(Fd epoll) : epoll_(std::move(epoll)) {}

	void dispatch(int fd, std::uint32_t events);

	Fd epoll_;
	std::map<int, std::shared_ptr<Handler>> handlers_;
	bool running_ = false;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_LOOP_H
