// SPDX-License-Identifier: Apache-2.0
#include "flows/beginnings.h"

#include <algorithm>

namespace cloak
{

void Beginnings::apply(const cloak_record_key &key, cloak_record &record) const
{
	const auto known = known_.find(key);

	if (known == known_.end())
		return;
	record.first = known->second.first;
	// Those of a ping are a question's or an answer's, by who has begun.
	record.icmp_type = known->second.icmpType;
	record.icmp_code = known->second.icmpCode;
}

void Beginnings::follow(const cloak_record_key &key, const cloak_record &record)
{
	const auto known = known_.find(key);

	if (known != known_.end())
		known->second.last = record.last_ns;
}

void Beginnings::close(const cloak_record_key &key, const cloak_record &record,
                       FlowEnd end)
{
	if (end != FlowEnd::Active)
		known_.erase(key);
	else if (known_.size() < kMost || known_.contains(key))
		known_.insert_or_assign(
		    key, Beginning{record.first, record.icmp_type,
		                   record.icmp_code, record.last_ns});
}

void Beginnings::forget(BootTime now, std::chrono::nanoseconds idle)
{
	std::erase_if(
	    known_,
	    [&](const auto &entry) {
		    return now -
		               BootClock::fromNanoseconds(entry.second.last) >=
		           idle;
	    });
}

} // namespace cloak
