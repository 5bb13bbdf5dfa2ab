// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Lines on their way out, so that no slow disk or full pipe holds up the
 * daemon.
 */
#ifndef CLOAKLAKE_ALERTS_QUEUE_H
#define CLOAKLAKE_ALERTS_QUEUE_H

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "alerts/sink.h"

namespace cloak
{

/**
 * A bounded queue in front of a sink, emptied by a thread of its own. What the
 * sink cannot take now is kept and tried again each second, which the log says
 * once, until it works again; what exceeds the bound is dropped and counted,
 * the newest first, so that the beginning of an attack is not lost. A part of
 * the room is for lines that matter more than others.
 */
class LineQueue
{
public:
	struct Stats {
		std::uint64_t written = 0; //!< lines
		std::uint64_t dropped = 0; //!< lines that found the queue full
		std::uint64_t failed = 0;  //!< attempts that ended in an error
		std::size_t waiting = 0;   //!< lines now in the queue
		std::string lastError;     //!< empty if all is well since
	};

	static constexpr std::size_t kMostLines = 65536;
	static constexpr std::size_t kMostBytes = 32UL << 20U;
	/** So much of it is for the others. */
	static constexpr std::size_t kMostMinorLines = kMostLines / 4 * 3;
	static constexpr std::size_t kMostMinorBytes = kMostBytes / 4 * 3;

	explicit LineQueue(std::unique_ptr<Sink> sink);
	LineQueue(const LineQueue &) = delete;
	LineQueue &operator=(const LineQueue &) = delete;

	/** Gives what is waiting half a second to get out, counts the rest. */
	~LineQueue();

	/**
	 * Never waits, and does not wake a thread that waits for the sink.
	 * @param line without an end of line.
	 */
	void push(std::string line);

	/** The same for a line that leaves room for those of push(). */
	void pushMinor(std::string line);

	[[nodiscard]] Stats stats() const;

private:
	void push(std::string line, std::size_t mostLines,
	          std::size_t mostBytes);
	void run();
	bool writeFront(std::unique_lock<std::mutex> &lock);
	Result<bool> writePart(const std::string &line);
	void note(const Error &error);
	void noteWritten();

	std::unique_ptr<Sink> sink_; //!< the thread's own
	std::size_t offset_ = 0;     //!< the thread's own: in the first line
	mutable std::mutex mutex_;   //!< protects what follows
	std::condition_variable wake_;
	std::deque<std::string> lines_;
	std::size_t bytes_ = 0;
	bool waiting_ = false; //!< the thread, for a line
	bool stopping_ = false;
	std::chrono::steady_clock::time_point deadline_;
	Stats stats_;
	std::thread thread_; //!< last: starts when all else is there
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_QUEUE_H
