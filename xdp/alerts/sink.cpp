// SPDX-License-Identifier: Apache-2.0
#include "alerts/sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace cloak
{
namespace
{

constexpr mode_t kFileMode = 0640;

/** How long a stream or a FIFO may refuse before its writer looks at the queue
 * again. */
constexpr int kPatienceMs = 100;

Result<std::size_t> writeSome(int fd, std::string_view text,
                              const std::string &name)
{
	const ssize_t written = ::write(fd, text.data(), text.size());

	if (written >= 0)
		return static_cast<std::size_t>(written);
	if (errno == EINTR || errno == EAGAIN)
		return std::size_t{0};
	return Error::fromErrno("cannot write to " + name);
}

/** Waits a while until there is some. */
bool awaitRoom(int fd)
{
	pollfd ready = {fd, POLLOUT, 0};

	return poll(&ready, 1, kPatienceMs) > 0;
}

} // namespace

/**
 * Whether the last line has no end, as there was no room for it. Of what
 * cannot be read, or is no file, that is not known.
 */
bool FileSink::endsWithinLine() const
{
	const Fd reader(::open(path_.c_str(),
	                       O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	struct stat status {
	};
	char last = '\n';

	return reader && fstat(reader.get(), &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_size > 0 &&
	       pread(reader.get(), &last, 1, status.st_size - 1) == 1 &&
	       last != '\n';
}

/** A line begins at the start of a line, whatever stands before it. */
Status FileSink::open()
{
	fd_.reset(::open(path_.c_str(),
	                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
	                     O_NONBLOCK,
	                 kFileMode));
	if (!fd_)
		return Error::fromErrno("cannot open " + path_);
	if (!endsWithinLine())
		return {};
	auto ended = writeSome(fd_.get(), "\n", path_);
	if (ended && *ended == 1)
		return {};
	fd_.reset();
	return ended ? Error(EAGAIN, "cannot write to " + path_)
	             : ended.error();
}

bool FileSink::isSameFile() const
{
	struct stat open_file {
	};
	struct stat named_file {
	};

	return fstat(fd_.get(), &open_file) == 0 &&
	       stat(path_.c_str(), &named_file) == 0 &&
	       open_file.st_dev == named_file.st_dev &&
	       open_file.st_ino == named_file.st_ino;
}

Status FileSink::lineBoundary()
{
	if (fd_ && isSameFile())
		return {};
	return open();
}

/** A file may be a FIFO, and full. */
Result<std::size_t> FileSink::write(std::string_view text)
{
	auto written = writeSome(fd_.get(), text, path_);

	if (written && *written == 0)
		awaitRoom(fd_.get());
	return written;
}

/**
 * A stream is shared, so it must not be made non-blocking. Where poll() says
 * that there is room, PIPE_BUF octets fit into every kind of it.
 */
Result<std::size_t> StreamSink::write(std::string_view text)
{
	if (!awaitRoom(fd_))
		return std::size_t{0};
	return writeSome(fd_, text.substr(0, PIPE_BUF), name_);
}

} // namespace cloak
