// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What has left over a connection and may not have arrived.
 */
#ifndef CLOAKLAKE_EXPORT_ON_WAY_H
#define CLOAKLAKE_EXPORT_ON_WAY_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace cloak
{

/**
 * Counts the items of one connection from when they are sent until their last
 * octet is acknowledged, in their order. Pure. Not for several threads.
 */
class OnWay
{
public:
	/** @p count items more have left; they end with octet @p end. */
	void add(std::uint64_t end, std::size_t count)
	{
		batches_.push_back({end, count});
		items_ += count;
	}

	/**
	 * So many octets of the connection are acknowledged.
	 * @returns how many items have arrived that had not before.
	 */
	std::size_t arrived(std::uint64_t octets)
	{
		std::size_t count = 0;

		while (!batches_.empty() && batches_.front().end <= octets) {
			count += batches_.front().count;
			batches_.pop_front();
		}
		items_ -= count;
		return count;
	}

	/** The connection has gone, or nobody wants to know any more. */
	void clear()
	{
		batches_.clear();
		items_ = 0;
	}

	[[nodiscard]] std::size_t items() const { return items_; }

private:
	struct Batch {
		std::uint64_t end;
		std::size_t count;
	};

	std::deque<Batch> batches_;
	std::size_t items_ = 0;
};

/**
 * When how many octets of one connection were known to be acknowledged. Pure.
 * Not for several threads.
 */
class Receipts
{
public:
	using Time = std::chrono::steady_clock::time_point;

	/** So many were acknowledged at @p when, which is no earlier than the
	 * last one. */
	void note(std::uint64_t octets, Time when)
	{
		const std::uint64_t known =
		    receipts_.empty() ? until_ : receipts_.back().octets;

		if (octets > known)
			receipts_.push_back({octets, when});
	}

	/** How many were at @p when, which is never earlier than the last one.
	 */
	std::uint64_t until(Time when)
	{
		while (!receipts_.empty() && receipts_.front().when <= when) {
			until_ = receipts_.front().octets;
			receipts_.pop_front();
		}
		return until_;
	}

	/** The connection has gone. */
	void clear()
	{
		receipts_.clear();
		until_ = 0;
	}

private:
	struct Receipt {
		std::uint64_t octets;
		Time when;
	};

	std::deque<Receipt> receipts_;
	std::uint64_t until_ = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_ON_WAY_H
