// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A queue for a receiver, and the work of the thread that empties it.
 */
#ifndef CLOAKLAKE_EXPORT_DELIVERY_H
#define CLOAKLAKE_EXPORT_DELIVERY_H

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "export/store.h"
#include "export/stream.h"
#include "util/cutoff.h"

namespace cloak
{

/** How a courier is doing. */
struct CourierStats {
	std::uint64_t sent = 0;    //!< items handed to the receiver's host
	std::uint64_t dropped = 0; //!< items that found the queue full
	std::uint64_t failed = 0;  //!< attempts that ended in an error
	std::size_t waiting = 0;   //!< items now in the queue
	std::size_t kept = 0;      //!< of those, in the store
	bool connected = false;
	std::string lastError;
};

/** What becomes of items that are not delivered at the end. */
enum class Rest {
	Keep,    //!< in the store, if there is one
	Discard, //!< nobody wants them
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
 * A bounded queue in front of a connection. A connection that fails is tried
 * again after 1, 2, 4 and at last each 60 seconds; what was on its way then is
 * sent once more, as nobody can tell whether it has arrived. What exceeds the
 * bound is dropped and counted, the newest first. What waits for a receiver
 * that is away is in the store within a second.
 */
template <typename Item> class Delivery
{
public:
	/** Called for each new connection. */
	using MakeEncoder = std::function<std::unique_ptr<Encoder<Item>>()>;

	static constexpr std::size_t kMostItems = 65536;
	/** The receivers of a policy together: an eighth of MemoryMax. */
	static constexpr std::size_t kMostBytes = 8UL << 20U;

	/** @param store null: what waits is in memory alone. */
	Delivery(ReceiverPolicy receiver, MakeEncoder makeEncoder,
	         std::unique_ptr<Store<Item>> store)
	    : makeEncoder_(std::move(makeEncoder)), store_(std::move(store)),
	      receiver_(std::move(receiver))
	{
	}
	Delivery(const Delivery &) = delete;
	Delivery &operator=(const Delivery &) = delete;

	/** What the thread does, until stop(). */
	void run()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		recall(lock);
		while (goesOn()) {
			wake_.wait_for(lock, kLook, [this] {
				return stopping_ || redirected_ ||
				       !items_.empty();
			});
			followReceiver();
			failed_ =
			    !(items_.empty() ? look(lock) : deliver(lock));
			if (failed_)
				pause(lock);
		}
		closing_ = true;
		close(lock);
		ended_ = true;
		wake_.notify_all();
	}

	/** Never waits. */
	void push(Item item)
	{
		{
			const std::lock_guard<std::mutex> lock(mutex_);

			if (!hasRoom(item)) {
				++stats_.dropped;
				return;
			}
			bytes_ += footprint(item);
			items_.push_back(std::move(item));
		}
		wake_.notify_one();
	}

	/**
	 * Brings what waits to @p receiver from now on, the same destination by
	 * other means. That takes stop() back, too.
	 * @returns false if it is too late for that.
	 */
	bool redirect(ReceiverPolicy receiver)
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		if (closing_)
			return false;
		receiver_ = std::move(receiver);
		stopping_ = false;
		redirected_ = true;
		cutoff_.set(std::chrono::milliseconds(0));
		wake_.notify_one();
		return true;
	}

	/**
	 * Has run() end when nothing waits or it cannot be delivered, at the
	 * latest after @p grace.
	 */
	void stop(std::chrono::milliseconds grace, Rest rest)
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		stopping_ = true;
		rest_ = rest;
		cutoff_.set(grace);
		wake_.notify_one();
	}

	/** Waits that long for the end of run(). @returns whether it has come.
	 */
	bool awaitEnd(std::chrono::steady_clock::time_point until)
	{
		std::unique_lock<std::mutex> lock(mutex_);

		return wake_.wait_until(lock, until, [this] { return ended_; });
	}

	/** Whether its time is over: from now on it does but what it has begun.
	 */
	[[nodiscard]] bool isOverdue() const
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		return stopping_ && cutoff_.passed();
	}

	/** Takes out what is left. @returns how many of it nothing keeps. */
	std::size_t abandon()
	{
		const std::lock_guard<std::mutex> lock(mutex_);
		const std::size_t lost =
		    items_.size() - (rest_ == Rest::Keep ? kept_ : 0);

		items_.clear();
		bytes_ = 0;
		kept_ = 0;
		return lost;
	}

	[[nodiscard]] ReceiverPolicy receiver() const
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		return receiver_;
	}

	[[nodiscard]] CourierStats stats() const
	{
		const std::lock_guard<std::mutex> lock(mutex_);
		CourierStats stats = stats_;

		stats.waiting = items_.size();
		stats.kept = kept_;
		return stats;
	}

private:
	using Lock = std::unique_lock<std::mutex>;

	static constexpr std::size_t kBatch = 256;     //!< at once on its way
	static constexpr std::size_t kMostKept = 4096; //!< at once to the store
	static constexpr std::chrono::seconds kFirstDelay{1};
	static constexpr std::chrono::seconds kLastDelay{60};
	/** An idle connection is looked at this often. */
	static constexpr std::chrono::seconds kLook{1};

	[[nodiscard]] bool goesOn() const
	{
		return !stopping_ ||
		       (!items_.empty() && !failed_ && !cutoff_.passed());
	}

	[[nodiscard]] bool hasRoom(const Item &item) const
	{
		return items_.size() < kMostItems &&
		       bytes_ + footprint(item) <= kMostBytes;
	}

	/** Does @p work without the lock; notes what came of it. */
	template <typename Work> bool unlocked(Lock &lock, Work work)
	{
		lock.unlock();
		Status status = work();
		lock.lock();
		if (!status) {
			++stats_.failed;
			stats_.lastError = status.error().message();
		}
		return status.ok();
	}

	/** The same with the connection, which does not outlive an error. */
	template <typename Work> bool connected(Lock &lock, Work work)
	{
		const bool done = unlocked(lock, [&] {
			Status status = work();
			if (!status)
				stream_.reset();
			return status;
		});
		stats_.connected = stream_ != nullptr;
		return done;
	}

	/** A receiver that has gone is not noticed by sending to it alone. */
	bool look(Lock &lock)
	{
		return connected(
		    lock,
		    [this] { return stream_ ? stream_->check() : Status(); });
	}

	bool deliver(Lock &lock)
	{
		const std::vector<Item> batch = part(0, kBatch);
		const ReceiverPolicy receiver = receiver_;

		if (!connected(lock, [&] { return send(receiver, batch); }))
			return false;
		stats_.sent += batch.size();
		delay_ = kFirstDelay;
		removeFront(lock, batch);
		return true;
	}

	/** At most @p most from @p begin on. Only this thread takes any out. */
	[[nodiscard]] std::vector<Item> part(std::size_t begin,
	                                     std::size_t most) const
	{
		const std::size_t end = std::min(begin + most, items_.size());

		return {items_.begin() + static_cast<std::ptrdiff_t>(begin),
		        items_.begin() + static_cast<std::ptrdiff_t>(end)};
	}

	/** Those of @p batch, unless they have been abandoned. */
	void removeFront(Lock &lock, const std::vector<Item> &batch)
	{
		const std::size_t count = std::min(batch.size(), items_.size());
		const std::size_t kept = std::min(count, kept_);

		for (std::size_t i = 0; i < count; ++i)
			bytes_ -= footprint(items_[i]);
		items_.erase(items_.begin(),
		             items_.begin() +
		                 static_cast<std::ptrdiff_t>(count));
		kept_ -= kept;
		if (kept == 0)
			return;
		const std::vector<Item> delivered(
		    batch.begin(),
		    batch.begin() + static_cast<std::ptrdiff_t>(kept));
		unlocked(lock, [&] { return store_->drop(delivered); });
	}

	Status send(const ReceiverPolicy &receiver,
	            const std::vector<Item> &batch)
	{
		if (stream_) {
			Status there = stream_->check();
			if (!there)
				stream_.reset();
		}
		if (!stream_) {
			auto stream = Stream::connect(receiver, cutoff_);
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

	/** Before the next attempt; what waits is kept meanwhile. */
	void pause(Lock &lock)
	{
		using Clock = std::chrono::steady_clock;
		const auto due = Clock::now() + delay_;
		const auto isOver = [this] { return stopping_ || redirected_; };

		keep(lock);
		while (!isOver() && Clock::now() < due) {
			wake_.wait_until(
			    lock, std::min(due, Clock::now() + kLook), isOver);
			keep(lock);
		}
		delay_ = std::min(delay_ * 2, kLastDelay);
	}

	/** Those whose means have changed are called anew. */
	void followReceiver()
	{
		if (!redirected_)
			return;
		redirected_ = false;
		if (!stopping_)
			cutoff_.clear();
		stream_.reset();
		delay_ = kFirstDelay;
	}

	void recall(Lock &lock)
	{
		std::vector<Item> left;

		if (!store_)
			return;
		complain(lock, unlocked(lock, [&]() -> Status {
				 auto recalled = store_->recall();
				 if (!recalled)
					 return recalled.error();
				 left = *std::move(recalled);
				 return {};
			 }));
		for (const Item &item : left)
			bytes_ += footprint(item);
		kept_ = left.size();
		items_.insert(items_.begin(), left.begin(), left.end());
		while (items_.size() > kept_ &&
		       (items_.size() > kMostItems || bytes_ > kMostBytes)) {
			bytes_ -= footprint(items_.back());
			items_.pop_back();
			++stats_.dropped;
		}
	}

	/** Has all that waits in the store, or says why not. */
	void keep(Lock &lock)
	{
		while (store_ && kept_ < items_.size()) {
			const std::vector<Item> more = part(kept_, kMostKept);
			const bool done =
			    unlocked(lock, [&] { return store_->keep(more); });
			complain(lock, done);
			if (!done)
				return;
			kept_ = std::min(kept_ + more.size(), items_.size());
		}
	}

	void close(Lock &lock)
	{
		connected(lock, [this]() -> Status {
			stream_.reset();
			return {};
		});
		if (rest_ == Rest::Keep)
			keep(lock);
		else if (store_)
			unlocked(lock, [this] { return store_->clear(); });
	}

	/** Once, until it works again. @param lock is held. */
	void complain(const Lock &, bool done)
	{
		if (!done && !complained_) {
			spdlog::error("{}; of what waits for {} some may not "
			              "outlive cloakd",
			              stats_.lastError,
			              toString(receiver_.to.value));
		}
		complained_ = !done;
	}

	MakeEncoder makeEncoder_;
	Cutoff cutoff_; //!< of all that the thread waits for
	// The thread's own:
	std::unique_ptr<Store<Item>> store_;
	std::unique_ptr<Stream> stream_;
	std::unique_ptr<Encoder<Item>> encoder_;
	std::chrono::seconds delay_ = kFirstDelay;
	bool failed_ = false;     //!< the last attempt
	bool complained_ = false; //!< of the store

	mutable std::mutex mutex_; //!< protects what follows
	std::condition_variable wake_;
	ReceiverPolicy receiver_;
	std::deque<Item> items_;
	std::size_t bytes_ = 0; //!< footprint of items_
	std::size_t kept_ = 0;  //!< of items_, the first ones are in the store
	bool redirected_ = false;
	bool stopping_ = false;
	Rest rest_ = Rest::Keep;
	bool closing_ = false; //!< nothing is delivered any more
	bool ended_ = false;
	CourierStats stats_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_DELIVERY_H
