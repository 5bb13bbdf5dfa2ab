// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Everywhere that an alert goes.
 */
#ifndef CLOAKLAKE_ALERTS_OUTPUTS_H
#define CLOAKLAKE_ALERTS_OUTPUTS_H

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "alerts/queue.h"
#include "model/alert.h"
#include "policy/policy.h"
#include "util/clock.h"

namespace cloak
{

/** An alert as it was given out. */
struct PublishedAlert {
	std::uint64_t number; //!< from 1 on, in the order of being given out
	WallTime time;
	std::string text; //!< for people, with the local time
	std::string eve;  //!< one line of JSON
};

/**
 * Gives alerts to the outputs of the policy and to whoever follows, and keeps
 * the last ones for those who ask later. Not for several threads.
 */
class Outputs
{
public:
	using Follower = std::function<void(const PublishedAlert &)>;

	/** How many alerts are kept for those who ask later. */
	static constexpr std::size_t kKept = 1000;

	/** Opens what is new, closes what the policy no longer names. */
	void configure(const OutputPolicy &policy);

	/** @returns it as it was given out. */
	PublishedAlert publish(const Alert &alert);

	/**
	 * Writes an event that is no alert to the EVE file; alerts have room
	 * left however many there are.
	 */
	void publishEvent(const std::string &eve);

	/** Whether there is an EVE file. */
	[[nodiscard]] bool hasEvents() const { return eve_ != nullptr; }

	/** Called for each alert from now on. */
	void follow(Follower follower) { follower_ = std::move(follower); }

	/**
	 * The alerts kept that were raised at @p since or later, and given out
	 * after the one with the number @p after. Times are not in order: each
	 * CPU tells of its own probes, and the clock may be set.
	 */
	[[nodiscard]] std::vector<PublishedAlert>
	recent(WallTime since, std::uint64_t after = 0) const;

	/** Counters of each output by its name. */
	[[nodiscard]] std::map<std::string, LineQueue::Stats> stats() const;

private:
	Follower follower_;
	std::uint64_t published_ = 0;
	std::deque<PublishedAlert> recent_;
	std::unique_ptr<LineQueue> text_;
	std::unique_ptr<LineQueue> eve_;
	std::string evePath_;
	std::string textPrefix_;
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_OUTPUTS_H
