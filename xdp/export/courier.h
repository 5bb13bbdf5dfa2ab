// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Brings things to a receiver that may be slow, or away for an hour.
 */
#ifndef CLOAKLAKE_EXPORT_COURIER_H
#define CLOAKLAKE_EXPORT_COURIER_H

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "export/delivery.h"

namespace cloak
{

/**
 * A thread that sees to a Delivery. Nobody waits for it longer than he says: a
 * thread that does not end, as it asks for the address of a name that nobody
 * knows, is left alone with the delivery, and ends when it has its answer.
 */
template <typename Item> class Courier
{
public:
	using MakeEncoder = typename Delivery<Item>::MakeEncoder;

	static constexpr std::size_t kMostItems = Delivery<Item>::kMostItems;
	static constexpr std::size_t kMostBytes = Delivery<Item>::kMostBytes;

	/** How long what waits may take at the end. */
	static constexpr std::chrono::milliseconds kGrace{2000};
	/** And what then has to be done, without the receiver. */
	static constexpr std::chrono::milliseconds kClosing{1000};

	Courier(ReceiverPolicy receiver, MakeEncoder makeEncoder,
	        std::unique_ptr<Store<Item>> store = nullptr)
	    : delivery_(std::make_shared<Delivery<Item>>(std::move(receiver),
	                                                 std::move(makeEncoder),
	                                                 std::move(store))),
	      thread_([delivery = delivery_] { delivery->run(); })
	{
	}
	Courier(const Courier &) = delete;
	Courier &operator=(const Courier &) = delete;

	~Courier()
	{
		stop(Rest::Keep);
		if (awaitEnd())
			thread_.join();
		else
			thread_.detach();
	}

	/** Begins to end, within kGrace. Waits for nothing. */
	void stop(Rest rest)
	{
		if (std::exchange(stopped_, true))
			return;
		delivery_->stop(kGrace, rest);
		deadline_ =
		    std::chrono::steady_clock::now() + kGrace + kClosing;
	}

	/** See Delivery::redirect(); after stop() it goes on if this is true.
	 */
	bool redirect(const ReceiverPolicy &receiver)
	{
		const bool goesOn = delivery_->redirect(receiver);

		stopped_ = stopped_ && !goesOn;
		return goesOn;
	}

	/** Whether the thread has done all that it had to, after stop(). */
	bool hasEnded() { return delivery_->awaitEnd({}); }

	/** The same, when its time after stop() is over at the latest. */
	bool awaitEnd() { return delivery_->awaitEnd(deadline_); }

	/** See Delivery::isOverdue(). */
	[[nodiscard]] bool isOverdue() const { return delivery_->isOverdue(); }

	/** See Delivery::abandon(). */
	std::size_t abandon() { return delivery_->abandon(); }

	/** Never waits. */
	void push(Item item) { delivery_->push(std::move(item)); }

	[[nodiscard]] ReceiverPolicy receiver() const
	{
		return delivery_->receiver();
	}

	[[nodiscard]] CourierStats stats() const { return delivery_->stats(); }

private:
	std::shared_ptr<Delivery<Item>> delivery_; //!< the thread has it too
	bool stopped_ = false;
	std::chrono::steady_clock::time_point deadline_; //!< after stop()
	std::thread thread_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_COURIER_H
