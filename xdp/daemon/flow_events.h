// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Flows that have ended as JSON events, no more than anybody can use.
 */
#ifndef CLOAKLAKE_DAEMON_FLOW_EVENTS_H
#define CLOAKLAKE_DAEMON_FLOW_EVENTS_H

#include <cstdint>
#include <functional>
#include <string>

#include "alerts/limit.h"
#include "alerts/outputs.h"
#include "model/flow.h"
#include "policy/seeing.h"

namespace cloak
{

/**
 * Writes flows to the EVE file and gives them to whoever follows. Each packet
 * of somebody who is shadowed may be a flow of its own, so there is a limit.
 * Not for several threads.
 */
class FlowEvents
{
public:
	using Wanted = std::function<bool()>;
	using Follower = std::function<void(const std::string &)>;

	/** @param outputs must outlive it. */
	explicit FlowEvents(Outputs &outputs);

	void configure(const FlowPolicy &policy);

	/**
	 * Calls @p follower for each event from now on, as long as it is
	 * @p wanted.
	 */
	void follow(Wanted wanted, Follower follower);

	/** Never waits. */
	void tell(const Flow &flow, BootTime now);

	/** Flows above FlowPolicy::evePerSecond, of which no event tells. */
	[[nodiscard]] std::uint64_t omitted() const { return omitted_; }

private:
	Outputs &outputs_;
	bool toFile_;
	RateLimit limit_;
	Wanted wanted_;
	Follower follower_;
	std::uint64_t omitted_ = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_FLOW_EVENTS_H
