// SPDX-License-Identifier: Apache-2.0
#include "daemon/flow_events.h"

#include <nlohmann/json.hpp>

#include "flows/eve.h"
#include "util/json.h"

namespace cloak
{
namespace
{

/** Flows end together, once a second, or once in a while very many of them. */
constexpr unsigned kAverageOver = 10;

RateLimit limitOf(const FlowPolicy &policy)
{
	return RateLimit(policy.evePerSecond * kAverageOver,
	                 std::chrono::seconds(kAverageOver));
}

} // namespace

FlowEvents::FlowEvents(Outputs &outputs)
    : outputs_(outputs), toFile_(FlowPolicy().eve),
      limit_(limitOf(FlowPolicy()))
{
}

void FlowEvents::configure(const FlowPolicy &policy)
{
	toFile_ = policy.eve;
	limit_ = limitOf(policy);
}

void FlowEvents::follow(Wanted wanted, Follower follower)
{
	wanted_ = std::move(wanted);
	follower_ = std::move(follower);
}

void FlowEvents::tell(const Flow &flow, BootTime now)
{
	const bool toFile = toFile_ && outputs_.hasEvents();
	const bool followed = wanted_ && wanted_();

	if (!toFile && !followed)
		return;
	if (!limit_.take(now)) {
		++omitted_;
		return;
	}
	const std::string eve =
	    toLine(toEve(flow, std::chrono::system_clock::now()));
	if (toFile)
		outputs_.publishEvent(eve);
	if (followed)
		follower_(eve);
}

} // namespace cloak
