// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Brings things to a receiver that may be slow, or away for an hour.
 */
#ifndef CLOAKLAKE_EXPORT_COURIER_H
#define CLOAKLAKE_EXPORT_COURIER_H

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "export/stream.h"

namespace cloak
{

/** How a courier is doing. */
struct CourierStats {
	std::uint64_t sent = 0;    //!< items handed to the receiver's host
	std::uint64_t dropped = 0; //!< items that found the queue full
	std::uint64_t failed = 0;  //!< attempts that ended in an error
	std::size_t waiting = 0;   //!< items now in the queue
	bool connected = false;
	std::string lastError;
};

/** What an item takes in memory; names of interfaces fit into their string. */
template <typename Item> [[nodiscard]] std::size_t footprint(const Item &)
{
	return sizeof(Item);
}

inline std::size_t footprint(const std::string &text)
{
	return sizeof(text) + text.size();
}

/** Turns items into what goes over one connection. */
template <typename Item> class Encoder
{
public:
	Encoder() = default;
	Encoder(const Encoder &) = delete;
	Encoder &operator=(const Encoder &) = delete;
	virtual ~Encoder() = default;

	/** Messages, each to be sent as a whole. */
	[[nodiscard]] virtual Result<std::vector<std::string>>
	encode(const std::vector<Item> &items) = 0;
};

/**
 * A bounded queue in front of a connection, emptied by a thread of its own.
 * A connection that fails is tried again after 1, 2, 4 and at last each 60
 * seconds; what was on its way then is sent once more, as nobody can tell
 * whether it has arrived. What exceeds the bound is dropped and counted, the
 * newest first.
 */
template <typename Item> class Courier
{
public:
	/** Called for each new connection. */
	using MakeEncoder = std::function<std::unique_ptr<Encoder<Item>>()>;

	static constexpr std::size_t kMostItems = 65536;
	/** The receivers of a policy together: an eighth of MemoryMax. */
	static constexpr std::size_t kMostBytes = 8UL << 20U;

	Courier(ReceiverPolicy receiver, MakeEncoder makeEncoder)
	    : receiver_(std::move(receiver)),
	      makeEncoder_(std::move(makeEncoder)), thread_([this] { run(); })
	{
	}
	Courier(const Courier &) = delete;
	Courier &operator=(const Courier &) = delete;

	/**
	 * Ends as soon as it can, which may take Stream::kPatience: what waits
	 * gets out if there is a connection.
	 */
	~Courier()
	{
		stop();
		thread_.join();
	}

	/** Begins to end, for those who end several. */
	void stop()
	{
		{
			const std::lock_guard<std::mutex> lock(mutex_);
			stopping_ = true;
		}
		wake_.notify_one();
	}

	/** Never waits. */
	void push(Item item)
	{
		{
			const std::lock_guard<std::mutex> lock(mutex_);
			const std::size_t bytes = footprint(item);

			if (items_.size() >= kMostItems ||
			    bytes > kMostBytes - bytes_) {
				++stats_.dropped;
				return;
			}
			bytes_ += bytes;
			items_.push_back(std::move(item));
		}
		wake_.notify_one();
	}

	[[nodiscard]] const ReceiverPolicy &receiver() const
	{
		return receiver_;
	}

	[[nodiscard]] CourierStats stats() const
	{
		const std::lock_guard<std::mutex> lock(mutex_);
		CourierStats stats = stats_;

		stats.waiting = items_.size();
		return stats;
	}

private:
	static constexpr std::size_t kBatch = 256;
	static constexpr std::chrono::seconds kFirstDelay{1};
	static constexpr std::chrono::seconds kLastDelay{60};
	/** An idle connection is looked at this often. */
	static constexpr std::chrono::seconds kLook{1};

	void run()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		while (!stopping_ || (stream_ && !items_.empty())) {
			wake_.wait_for(lock, kLook, [this] {
				return stopping_ || !items_.empty();
			});
			const bool done =
			    items_.empty() ? look(lock) : deliver(lock);
			if (done)
				continue;
			wake_.wait_for(lock, delay_,
			               [this] { return stopping_; });
			delay_ = std::min(delay_ * 2, kLastDelay);
		}
	}

	/** Does @p work without the lock; notes what came of it. */
	template <typename Work>
	bool unlocked(std::unique_lock<std::mutex> &lock, Work work)
	{
		lock.unlock();
		Status status = work();
		if (!status)
			stream_.reset();
		lock.lock();
		stats_.connected = stream_ != nullptr;
		if (!status) {
			++stats_.failed;
			stats_.lastError = status.error().message();
			return false;
		}
		return true;
	}

	/** A receiver that has gone is not noticed by sending to it alone. */
	bool look(std::unique_lock<std::mutex> &lock)
	{
		return unlocked(
		    lock,
		    [this]() -> Status {
			    return stream_ ? stream_->check() : Status();
		    });
	}

	bool deliver(std::unique_lock<std::mutex> &lock)
	{
		const auto count = static_cast<std::ptrdiff_t>(
		    std::min(items_.size(), kBatch));
		// Only this thread takes items out.
		const std::vector<Item> batch(items_.begin(),
		                              items_.begin() + count);

		if (!unlocked(lock, [&] { return send(batch); }))
			return false;
		items_.erase(items_.begin(), items_.begin() + count);
		for (const Item &item : batch)
			bytes_ -= footprint(item);
		stats_.sent += batch.size();
		delay_ = kFirstDelay;
		return true;
	}

	Status send(const std::vector<Item> &batch)
	{
		if (stream_) {
			Status there = stream_->check();
			if (!there)
				stream_.reset();
		}
		if (!stream_) {
			auto stream = Stream::connect(receiver_);
			if (!stream)
				return stream.error();
			stream_ = std::move(*stream);
			encoder_ = makeEncoder_();
		}
		auto messages = encoder_->encode(batch);
		if (!messages)
			return messages.error();
		for (const std::string &message : *messages) {
			Status sent = stream_->send(message);
			if (!sent)
				return sent;
		}
		return {};
	}

	ReceiverPolicy receiver_;
	MakeEncoder makeEncoder_;
	// The thread's own:
	std::unique_ptr<Stream> stream_;
	std::unique_ptr<Encoder<Item>> encoder_;
	std::chrono::seconds delay_ = kFirstDelay;

	mutable std::mutex mutex_; //!< protects what follows
	std::condition_variable wake_;
	std::deque<Item> items_;
	std::size_t bytes_ = 0; //!< footprint of items_
	bool stopping_ = false;
	CourierStats stats_;
	std::thread thread_; //!< last: starts when all else is there
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_COURIER_H
