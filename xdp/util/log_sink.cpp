// SPDX-License-Identifier: Apache-2.0
#include "util/log_sink.h"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace cloak
{
namespace
{

/** How long a reader may be busy before lines are lost. */
constexpr int kPatienceMs = 100;

} // namespace

void LogSink::sink_it_(const spdlog::details::log_msg &message)
{
	if (tellLosses() && put(message))
		return;
	++untold_;
	++lost_;
}

/** @returns false if there is no room for that either. */
bool LogSink::tellLosses()
{
	if (untold_ == 0)
		return true;
	const std::string text =
	    fmt::format("{} lines of the log are lost, as nobody has read "
	                "it for a while",
	                untold_);
	const bool told = put(spdlog::details::log_msg(
	    spdlog::string_view_t(), spdlog::level::warn, text));
	if (told)
		untold_ = 0;
	return told;
}

/** @returns whether it is out as a whole. */
bool LogSink::put(const spdlog::details::log_msg &message)
{
	spdlog::memory_buf_t line;

	formatter_->format(message, line);
	// Behind a part of a line, a new one.
	if (torn_ && !write("\n"))
		return false;
	torn_ = false;
	return write(std::string_view(line.data(), line.size()));
}

/**
 * The descriptor is shared, so it must not be made non-blocking. Where poll()
 * says that there is room, PIPE_BUF octets fit into a pipe or a socket, if
 * nobody else writes at that moment. A terminal may have less, and wait.
 */
bool LogSink::write(std::string_view text)
{
	while (!text.empty()) {
		const ssize_t done =
		    hasRoom()
			? ::write(fd_, text.data(),
		                  std::min<std::size_t>(text.size(), PIPE_BUF))
			: 0;
		stuck_ = done <= 0;
		if (stuck_)
			return false;
		text.remove_prefix(static_cast<std::size_t>(done));
		torn_ = !text.empty();
	}
	return true;
}

bool LogSink::hasRoom() const
{
	pollfd ready = {fd_, POLLOUT, 0};

	return poll(&ready, 1, stuck_ ? 0 : kPatienceMs) > 0;
}

} // namespace cloak
