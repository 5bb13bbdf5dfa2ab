// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_FD_H
#define CLOAKLAKE_UTIL_FD_H

#include <unistd.h>

#include <utility>

namespace cloak
{

/** The only owner of a file descriptor: can be moved, not copied. */
class Fd
{
public:
	Fd() = default;

	/** Takes over @p fd; a negative one stands for none. */
	explicit Fd(int fd) : fd_(fd) {}

	Fd(const Fd &) = delete;
	Fd &operator=(const Fd &) = delete;
	Fd(Fd &&other) noexcept : fd_(other.release()) {}
	Fd &operator=(Fd &&other) noexcept
	{
		if (this != &other)
			reset(other.release());
		return *this;
	}
	~Fd() { reset(); }

	[[nodiscard]] bool valid() const { return fd_ >= 0; }
	explicit operator bool() const { return valid(); }
	[[nodiscard]] int get() const { return fd_; }

	/** Gives the descriptor away; the caller closes it. */
	[[nodiscard]] int release() { return std::exchange(fd_, -1); }

	/** Closes what is held and takes over @p fd. */
	void reset(int fd = -1)
	{
		const int old = std::exchange(fd_, fd);

		if (old >= 0)
			::close(old);
	}

private:
	int fd_ = -1;
};

} // namespace cloak

#endif // CLOAKLAKE_UTIL_FD_H
