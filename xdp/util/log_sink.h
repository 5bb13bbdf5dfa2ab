// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Where the log goes, without waiting for whoever reads it.
 */
#ifndef CLOAKLAKE_UTIL_LOG_SINK_H
#define CLOAKLAKE_UTIL_LOG_SINK_H

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace cloak
{

/**
 * Writes to a descriptor that belongs to somebody else: a pipe that nobody
 * reads or a journal that has stopped holds up nobody. The first line that
 * finds no room waits a moment, those behind it do not; they are lost and
 * counted, and the log says how many when there is room again.
 */
class LogSink final : public spdlog::sinks::base_sink<std::mutex>
{
public:
	explicit LogSink(int fd) : fd_(fd) {}

	/** Lines that are not out, or not as a whole. */
	[[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
	void sink_it_(const spdlog::details::log_msg &message) override;
	void flush_() override {}
	bool tellLosses();
	bool put(const spdlog::details::log_msg &message);
	bool write(std::string_view text);
	[[nodiscard]] bool hasRoom() const;

	int fd_;
	bool stuck_ = false;       //!< the last line found no room
	bool torn_ = false;        //!< it is out in part
	std::uint64_t untold_ = 0; //!< lost since the log said so
	std::atomic<std::uint64_t> lost_ = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_UTIL_LOG_SINK_H
