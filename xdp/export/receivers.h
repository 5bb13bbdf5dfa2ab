// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * All receivers of one kind of things.
 */
#ifndef CLOAKLAKE_EXPORT_RECEIVERS_H
#define CLOAKLAKE_EXPORT_RECEIVERS_H

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "export/courier.h"

namespace cloak
{

/**
 * The couriers to those whom the policy names, and those to whom it names no
 * more, who end beside them. No call waits for a receiver. Not for several
 * threads.
 */
template <typename Item> class Receivers
{
public:
	/** How a receiver is written to. */
	using MakeEncoder = std::function<std::unique_ptr<Encoder<Item>>(
	    const ReceiverPolicy &)>;
	/** Where what waits for it is kept; may return null. */
	using MakeStore =
	    std::function<std::unique_ptr<Store<Item>>(const ReceiverPolicy &)>;

	/** @param table of the policy, for names. */
	Receivers(std::string table, MakeEncoder makeEncoder,
	          MakeStore makeStore)
	    : table_(std::move(table)), makeEncoder_(std::move(makeEncoder)),
	      makeStore_(std::move(makeStore))
	{
	}
	Receivers(const Receivers &) = delete;
	Receivers &operator=(const Receivers &) = delete;

	/** Waits for the couriers, and says what is lost. */
	~Receivers()
	{
		stop();
		for (auto *list : {&couriers_, &leaving_}) {
			for (const auto &courier : *list) {
				courier->awaitEnd();
				finish(*courier);
			}
		}
	}

	/** Begins with new ones, ends those that are not wanted any more. */
	void configure(const std::vector<ReceiverPolicy> &wanted)
	{
		Couriers now;

		for (const ReceiverPolicy &receiver : wanted) {
			if (isServed(now, receiver))
				continue;
			auto courier = goOn(receiver, wanted);
			if (!courier)
				courier = begin(receiver, now);
			now.push_back(std::move(courier));
		}
		for (auto &courier : couriers_) {
			courier->stop(Rest::Discard);
			leaving_.push_back(std::move(courier));
		}
		couriers_ = std::move(now);
	}

	/** Never waits. */
	void push(const Item &item)
	{
		for (const auto &courier : couriers_)
			courier->push(item);
	}

	/** Looks after those who end: call it about once a second. */
	void tick()
	{
		std::erase_if(
		    leaving_,
		    [this](const auto &courier) {
			    const bool ended = courier->hasEnded();
			    if (ended || courier->isOverdue())
				    finish(*courier);
			    return ended;
		    });
	}

	/** All begin to end at the same time. */
	void stop()
	{
		for (const auto &courier : couriers_)
			courier->stop(Rest::Keep);
	}

	[[nodiscard]] bool empty() const { return couriers_.empty(); }

	/** What was lost as its receiver, or the daemon, went away. */
	[[nodiscard]] std::uint64_t lost() const { return lost_; }

	/** Those who end and have not ended yet. */
	[[nodiscard]] std::size_t leaving() const { return leaving_.size(); }

	/** Adds each by its table and endpoint. */
	void
	addStats(std::vector<std::pair<std::string, CourierStats>> &all) const
	{
		for (const auto &courier : couriers_)
			all.emplace_back(nameOf(*courier), courier->stats());
	}

private:
	using Couriers = std::vector<std::unique_ptr<Courier<Item>>>;

	static bool isServed(const Couriers &couriers,
	                     const ReceiverPolicy &receiver)
	{
		return std::ranges::any_of(
		    couriers,
		    [&receiver](const auto &courier) {
			    return courier->receiver() == receiver;
		    });
	}

	static bool isSameHost(const Courier<Item> &courier,
	                       const ReceiverPolicy &receiver)
	{
		return courier.receiver().to.value == receiver.to.value;
	}

	[[nodiscard]] std::string nameOf(const Courier<Item> &courier) const
	{
		return table_ + " " + toString(courier.receiver().to.value);
	}

	/**
	 * The courier who is on the way to @p receiver already, or to the same
	 * place by means that are not wanted any more. What waits stays in it.
	 */
	std::unique_ptr<Courier<Item>>
	goOn(const ReceiverPolicy &receiver,
	     const std::vector<ReceiverPolicy> &wanted)
	{
		const auto isTheSame = [&receiver](const auto &courier) {
			return courier->receiver() == receiver;
		};
		const auto isFree = [&](const auto &courier) {
			return isSameHost(*courier, receiver) &&
			       std::ranges::find(wanted, courier->receiver()) ==
			           wanted.end();
		};
		auto known = std::ranges::find_if(couriers_, isTheSame);
		if (known != couriers_.end())
			return take(couriers_, known);
		known = std::ranges::find_if(couriers_, isFree);
		if (known == couriers_.end())
			return comeBack(receiver);
		(*known)->redirect(receiver);
		return take(couriers_, known);
	}

	/** One who was not wanted for a moment. */
	std::unique_ptr<Courier<Item>> comeBack(const ReceiverPolicy &receiver)
	{
		const auto known = std::ranges::find_if(
		    leaving_, [&receiver](const auto &courier) {
			    return isSameHost(*courier, receiver) &&
			           courier->redirect(receiver);
		    });

		if (known != leaving_.end())
			return take(leaving_, known);
		// They have nothing left to do but to clear the store.
		std::erase_if(leaving_, [&](const auto &courier) {
			const bool ended = isSameHost(*courier, receiver) &&
			                   courier->awaitEnd();
			if (ended)
				finish(*courier);
			return ended;
		});
		return nullptr;
	}

	static std::unique_ptr<Courier<Item>>
	take(Couriers &couriers, typename Couriers::iterator which)
	{
		auto taken = std::move(*which);

		couriers.erase(which);
		return taken;
	}

	/**
	 * A store belongs to one alone of several at the same place, also while
	 * he ends.
	 */
	std::unique_ptr<Courier<Item>> begin(const ReceiverPolicy &receiver,
	                                     const Couriers &others) const
	{
		const auto isThere = [&receiver](const auto &courier) {
			return isSameHost(*courier, receiver);
		};
		const bool shared = std::ranges::any_of(others, isThere) ||
		                    std::ranges::any_of(couriers_, isThere) ||
		                    std::ranges::any_of(leaving_, isThere);

		return std::make_unique<Courier<Item>>(
		    receiver,
		    [make = makeEncoder_, receiver] { return make(receiver); },
		    shared ? nullptr : makeStore_(receiver));
	}

	/** Counts what it could not deliver, and says so. */
	void finish(Courier<Item> &courier)
	{
		const std::size_t kept = courier.stats().kept;
		const std::size_t lost = courier.abandon();

		lost_ += lost;
		if (lost != 0)
			spdlog::warn("{}: {} not delivered, lost",
			             nameOf(courier), lost);
		else if (kept != 0)
			spdlog::info("{}: {} not delivered, kept for the next "
			             "start",
			             nameOf(courier), kept);
	}

	std::string table_;
	MakeEncoder makeEncoder_;
	MakeStore makeStore_;
	Couriers couriers_;
	Couriers leaving_; //!< the policy has no such receiver any more
	std::uint64_t lost_ = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_RECEIVERS_H
