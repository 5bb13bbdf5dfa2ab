// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Who has begun the flows that are told of in parts.
 */
#ifndef CLOAKLAKE_FLOWS_BEGINNINGS_H
#define CLOAKLAKE_FLOWS_BEGINNINGS_H

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "model/flow.h"

namespace cloak
{

/**
 * After a part of a flow was told of (FlowEnd::Active) its record begins anew,
 * in the middle of the flow: with a packet of whoever happens to speak then.
 * This remembers how the first part has begun, until the flow has ended for
 * whatever reason or was silent for too long.
 *
 * No more than kMost flows are remembered. While there are so many, others
 * are not: their next part begins with whoever speaks first in it. The same is
 * so for flows that go on behind a daemon's end, or that were closed for want
 * of room.
 */
class Beginnings
{
public:
	static constexpr std::size_t kMost = CLOAK_MAX_RECORDS;

	/** Has @p record, a part of a flow, begin as the flow has. */
	void apply(const cloak_record_key &key, cloak_record &record) const;

	/** The flow goes on: it was last heard of as @p record says. */
	void follow(const cloak_record_key &key, const cloak_record &record);

	/** The flow was closed; @p record begins as the flow has. */
	void close(const cloak_record_key &key, const cloak_record &record,
	           FlowEnd end);

	/** Forgets flows that have been silent for @p idle at @p now. */
	void forget(BootTime now, std::chrono::nanoseconds idle);

	/** How many flows are remembered. */
	[[nodiscard]] std::size_t size() const { return known_.size(); }

private:
	struct Beginning {
		std::uint8_t first; //!< enum cloak_direction
		std::uint8_t icmpType;
		std::uint8_t icmpCode;
		std::uint64_t last; //!< last_ns of the flow
	};

	struct KeyHash {
		std::size_t operator()(const cloak_record_key &key) const
		{
			return std::hash<std::string_view>()(
			    {reinterpret_cast<const char *>(&key),
			     sizeof(key)});
		}
	};

	struct KeyEqual {
		bool operator()(const cloak_record_key &one,
		                const cloak_record_key &other) const
		{
			return std::memcmp(&one, &other, sizeof(one)) == 0;
		}
	};

	std::unordered_map<cloak_record_key, Beginning, KeyHash, KeyEqual>
	    known_;
};

} // namespace cloak

#endif // CLOAKLAKE_FLOWS_BEGINNINGS_H
