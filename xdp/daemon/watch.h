// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakd does about those who were caught: their flows, their packets,
 * and where both go.
 */
#ifndef CLOAKLAKE_DAEMON_WATCH_H
#define CLOAKLAKE_DAEMON_WATCH_H

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "evidence/recorder.h"
#include "flows/collector.h"
#include "flows/shadows.h"
#include "policy/seeing.h"

namespace cloak
{

/**
 * Looks after shadows, flow records and evidence while the cloak is on. Not
 * for several threads.
 */
class Watch
{
public:
	/** Gets each flow that was closed. */
	using Follower = std::function<void(const Flow &)>;

	explicit Watch(Collector::NameOf nameOf);

	void follow(Follower follower) { follower_ = std::move(follower); }

	/** Opens what may take more rights than there are later. Once. */
	[[nodiscard]] Status open();

	/**
	 * Begins or goes on with another policy. @param maps must stay until
	 * stop().
	 */
	void start(const CloakMaps &maps, const SeeingPolicy &policy);

	/** Closes all flows; the data plane is about to go. */
	void stop();

	/** Once a second. */
	void tick(BootTime now);

	/** Ends a shadow and closes its flows. @returns whether there was one.
	 */
	Result<bool> drop(const IpAddress &source);

	/** When the shadow of @p source ends, if it has one. */
	[[nodiscard]] std::optional<WallTime>
	shadowedUntil(const std::optional<IpAddress> &source) const;

	[[nodiscard]] const Collector &collector() const { return collector_; }

	/** How many are shadowed. */
	[[nodiscard]] std::size_t shadows() const { return shadows_; }

	/** Whose shadow has ended before its time, for want of room. */
	[[nodiscard]] std::uint64_t crowdedOut() const { return crowdedOut_; }

	/** Nothing if no evidence is kept. */
	[[nodiscard]] std::optional<Recorder::Stats> evidence() const;

private:
	void record(const EvidencePolicy &policy);
	void complain(const Status &status);

	Follower follower_;
	Collector collector_;
	const CloakMaps *maps_ = nullptr; //!< null: the cloak is off
	EvidencePolicy recording_;
	std::optional<PerfBuffer>
	    buffer_; //!< the recorder's while there is one
	std::unique_ptr<Recorder> recorder_;
	std::size_t shadows_ = 0;
	std::uint64_t crowdedOut_ = 0;
	bool complained_ = false;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_WATCH_H
