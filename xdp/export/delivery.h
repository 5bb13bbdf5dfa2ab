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
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "export/on_way.h"
#include "export/store.h"
#include "export/stream.h"
#include "util/cutoff.h"

namespace cloak
{

/** How a courier is doing. */
struct CourierStats {
	std::uint64_t sent = 0;    //!< items that the receiver has taken
	std::uint64_t dropped = 0; //!< items that found the queue full
	std::uint64_t failed = 0;  //!< attempts that ended in an error
	std::size_t waiting = 0;   //!< items now in the queue, or on their way
	std::size_t kept = 0;      //!< of those, in the store
	bool connected = false;
	std::string lastError; //!< empty if all is well since
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
 * again after 1, 2, 4 and at last each 60 seconds. What was sent stays in the
 * queue until the receiver's host has acknowledged it, and the receiver has not
 * ended the connection soon after: one who rejects a certificate of TLS 1.3, or
 * whoever calls, does so when his host has acknowledged the first items. What
 * was on its way when a connection ended is sent once more by the next one.
 * What exceeds the bound is dropped and counted, the newest first. What waits
 * for a receiver that is away, or does not acknowledge it, is in the store
 * within a second or two.
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
			wake_.wait_for(lock, patience(), [this] {
				waiting_ = !hasWork();
				return !waiting_;
			});
			followReceiver(lock);
			failed_ = !(hasUnsent() ? deliver(lock) : look(lock));
			if (failed_)
				pause(lock);
			else
				keepLate(lock);
		}
		closing_ = true;
		close(lock);
		ended_ = true;
		wake_.notify_all();
	}

	/** Never waits, nor wakes a thread that waits for a receiver. */
	void push(Item item)
	{
		bool wakes = false;

		{
			const std::lock_guard<std::mutex> lock(mutex_);

			if (!hasRoom(item)) {
				++stats_.dropped;
				return;
			}
			bytes_ += footprint(item);
			items_.push_back(std::move(item));
			wakes = std::exchange(waiting_, false);
		}
		if (wakes)
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
		abandoned_ = true;
		stale_ = stale_ || rest_ == Rest::Discard;
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
	/** An idle connection is looked at this often ... */
	static constexpr std::chrono::seconds kLook{1};
	/** ... and one whose receiver has something to acknowledge, so. */
	static constexpr std::chrono::milliseconds kLookForReceipt{50};
	/**
	 * So long after a receipt the receiver may still say that it wants
	 * nothing from us. Shorter than kLook, or all goes to the store.
	 */
	static constexpr std::chrono::milliseconds kObjection{500};

	using Clock = std::chrono::steady_clock;

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

	/** Whether there is more than what is on its way. */
	[[nodiscard]] bool hasUnsent() const
	{
		return items_.size() > onWay_.items();
	}

	/** Whether there is something to do but to wait for receipts. */
	[[nodiscard]] bool hasWork() const
	{
		return redirected_ || hasUnsent() ||
		       (stopping_ && onWay_.items() == 0);
	}

	[[nodiscard]] std::chrono::milliseconds patience() const
	{
		if (onWay_.items() == 0)
			return kLook;
		return kLookForReceipt;
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
		const bool done = unlocked(lock, work);

		if (!done)
			leave(lock);
		stats_.connected = stream_ != nullptr;
		return done;
	}

	/** Ends the connection; what has not arrived by it waits again. */
	void leave(Lock &lock)
	{
		forget(lock);
		onWay_.clear();
		receipts_.clear();
		stats_.connected = false;
		unlocked(lock, [this]() -> Status {
			stream_.reset();
			return {};
		});
	}

	/** A receiver that has gone is not noticed by sending to it alone. */
	bool look(Lock &lock)
	{
		const auto begun = Clock::now();
		const bool there = connected(lock, [this] {
			return stream_ ? stream_->check() : Status();
		});

		if (there)
			settle(lock, begun);
		return there;
	}

	/** By the connection that there is, or by a new one. */
	bool deliver(Lock &lock)
	{
		if (!look(lock) || (!stream_ && !connect(lock)))
			return false;
		forget(lock);
		const std::vector<Item> batch = part(onWay_.items(), kBatch);
		if (!connected(lock, [&] { return send(batch); }))
			return false;
		if (onWay_.items() == 0)
			arrived_ = Clock::now();
		if (!abandoned_)
			onWay_.add(stream_->given(), batch.size());
		return true;
	}

	bool connect(Lock &lock)
	{
		const ReceiverPolicy receiver = receiver_;

		return connected(lock, [&]() -> Status {
			auto stream = Stream::connect(receiver, cutoff_);
			if (!stream)
				return stream.error();
			stream_ = std::move(*stream);
			encoder_ = makeEncoder_();
			return {};
		});
	}

	/**
	 * What was abandoned is on its way no more, and not in the store unless
	 * the next daemon wants it: the items from then on begin both anew.
	 */
	void forget(Lock &lock)
	{
		while (std::exchange(abandoned_, false)) {
			onWay_.clear();
			if (std::exchange(stale_, false) && store_)
				unlocked(lock,
				         [this] { return store_->clear(); });
		}
	}

	/** Takes out what has arrived. The receiver was there at @p when. */
	void settle(Lock &lock, Clock::time_point when)
	{
		forget(lock);
		if (!stream_ || onWay_.items() == 0)
			return;
		receipts_.note(stream_->acknowledged(), Clock::now());
		const std::size_t count =
		    onWay_.arrived(receipts_.until(when - kObjection));
		if (count == 0)
			return;
		stats_.sent += count;
		stats_.lastError.clear();
		delay_ = kFirstDelay;
		arrived_ = Clock::now();
		removeFront(lock, part(0, count));
	}

	/** Who is killed now must not have lost what may never arrive. */
	void keepLate(Lock &lock)
	{
		const auto now = Clock::now();

		if (onWay_.items() == 0 || now - arrived_ < kLook ||
		    now - lateKept_ < kLook)
			return;
		lateKept_ = now;
		keep(lock);
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

	Status send(const std::vector<Item> &batch)
	{
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
	void followReceiver(Lock &lock)
	{
		if (!std::exchange(redirected_, false))
			return;
		if (!stopping_)
			cutoff_.clear();
		leave(lock);
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
		if (abandoned_)
			return;
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
		forget(lock);
		while (store_ && kept_ < items_.size()) {
			const std::vector<Item> more = part(kept_, kMostKept);
			const bool done =
			    unlocked(lock, [&] { return store_->keep(more); });
			complain(lock, done);
			if (!done || abandoned_)
				return;
			kept_ = std::min(kept_ + more.size(), items_.size());
		}
	}

	void close(Lock &lock)
	{
		leave(lock);
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
	OnWay onWay_;                //!< of items_, the first ones
	Receipts receipts_;          //!< for them
	Clock::time_point arrived_;  //!< the last of them, or none was before
	Clock::time_point lateKept_; //!< when that was tried last
	std::chrono::seconds delay_ = kFirstDelay;
	bool failed_ = false;     //!< the last attempt
	bool complained_ = false; //!< of the store

	mutable std::mutex mutex_; //!< protects what follows
	std::condition_variable wake_;
	ReceiverPolicy receiver_;
	std::deque<Item> items_;
	std::size_t bytes_ = 0;  //!< footprint of items_
	std::size_t kept_ = 0;   //!< of items_, the first ones are in the store
	bool abandoned_ = false; //!< and the thread does not know it yet
	bool stale_ = false;     //!< nor that the store is to be cleared
	bool waiting_ = false;   //!< the thread, for an item
	bool redirected_ = false;
	bool stopping_ = false;
	Rest rest_ = Rest::Keep;
	bool closing_ = false; //!< nothing is delivered any more
	bool ended_ = false;
	CourierStats stats_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_DELIVERY_H
