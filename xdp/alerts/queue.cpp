// SPDX-License-Identifier: Apache-2.0
#include "alerts/queue.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace cloak
{
namespace
{

using std::chrono::milliseconds;

constexpr milliseconds kRetry(1000);
constexpr milliseconds kFarewell(500);

} // namespace

LineQueue::LineQueue(std::unique_ptr<Sink> sink)
    : sink_(std::move(sink)), thread_([this] { run(); })
{
}

LineQueue::~LineQueue()
{
	{
		const std::lock_guard<std::mutex> lock(mutex_);
		stopping_ = true;
		deadline_ = std::chrono::steady_clock::now() + kFarewell;
	}
	wake_.notify_one();
	thread_.join();
	if (!lines_.empty()) {
		spdlog::warn("{}: {} events not written, lost", sink_->name(),
		             lines_.size());
	}
}

void LineQueue::push(std::string line)
{
	push(std::move(line), kMostLines, kMostBytes);
}

void LineQueue::pushMinor(std::string line)
{
	push(std::move(line), kMostMinorLines, kMostMinorBytes);
}

/** Drops it where it would not fit into so much. */
void LineQueue::push(std::string line, std::size_t mostLines,
                     std::size_t mostBytes)
{
	bool wakes = false;

	line += '\n';
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		if (lines_.size() >= mostLines ||
		    bytes_ + line.size() > mostBytes) {
			++stats_.dropped;
			return;
		}
		bytes_ += line.size();
		lines_.push_back(std::move(line));
		wakes = std::exchange(waiting_, false);
	}
	if (wakes)
		wake_.notify_one();
}

LineQueue::Stats LineQueue::stats() const
{
	const std::lock_guard<std::mutex> lock(mutex_);
	Stats stats = stats_;

	stats.waiting = lines_.size();
	return stats;
}

void LineQueue::run()
{
	std::unique_lock<std::mutex> lock(mutex_);

	while (true) {
		wake_.wait(lock, [this] {
			waiting_ = !stopping_ && lines_.empty();
			return !waiting_;
		});
		if (lines_.empty())
			return;
		const bool progress = writeFront(lock);
		if (stopping_ &&
		    (!progress || std::chrono::steady_clock::now() > deadline_))
			return;
		if (!progress)
			wake_.wait_for(lock, kRetry,
			               [this] { return stopping_; });
	}
}

/**
 * Writes a part of the first line with the lock released. Only this thread
 * takes lines out, and push() does not move the others.
 * @returns false if the sink took nothing.
 */
bool LineQueue::writeFront(std::unique_lock<std::mutex> &lock)
{
	const std::string &line = lines_.front();

	lock.unlock();
	auto finished = writePart(line);
	lock.lock();
	if (!finished) {
		note(finished.error());
		return false;
	}
	if (*finished) {
		bytes_ -= line.size();
		noteWritten();
		lines_.pop_front();
	}
	return true;
}

/** @returns whether the line is out as a whole. */
Result<bool> LineQueue::writePart(const std::string &line)
{
	if (offset_ == 0) {
		auto ready = sink_->lineBoundary();
		if (!ready)
			return ready.error();
	}
	auto written = sink_->write(std::string_view(line).substr(offset_));
	if (!written)
		return written.error();
	offset_ += *written;
	if (offset_ < line.size())
		return false;
	offset_ = 0;
	return true;
}

void LineQueue::note(const Error &error)
{
	if (stats_.lastError.empty()) {
		spdlog::error("{}; up to {} events wait for it, what exceeds "
		              "that is lost",
		              error.message(), kMostLines);
	}
	++stats_.failed;
	stats_.lastError = error.message();
}

void LineQueue::noteWritten()
{
	++stats_.written;
	if (stats_.lastError.empty())
		return;
	spdlog::info("{} is written again", sink_->name());
	stats_.lastError.clear();
}

} // namespace cloak
