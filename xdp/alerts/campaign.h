// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Scans that many sources make together, or seem to.
 */
#ifndef CLOAKLAKE_ALERTS_CAMPAIGN_H
#define CLOAKLAKE_ALERTS_CAMPAIGN_H

#include <deque>
#include <list>
#include <map>
#include <optional>

#include "model/alert.h"

namespace cloak
{

/**
 * Remembers who has lately probed which port of which address.
 *
 * Decoy scan (nmap -D): each port is probed by the scanner and, in the same
 * moment, in the name of his decoys. Four sources at one port of one address
 * within two seconds: strangers who meet by chance do not keep that time, and
 * two or three may be one machine with several addresses that tries again.
 *
 * Distributed scan: the work is shared. Five sources at one address within a
 * minute, as many as there are ports to a port scan; what comes off the
 * Internet's background hits one address less often.
 *
 * More sources than nmap -D can name (128) are a flood of forged ones: the
 * scanner among them is called what he is by himself.
 *
 * Bounded: so many addresses, those probed longest ago go first, and so many
 * probes of each. Not for several threads.
 */
class Campaigns
{
public:
	static constexpr std::size_t kDecoySources = 4;
	static constexpr std::chrono::seconds kDecoyWindow{2};
	static constexpr std::size_t kSources = 5;
	static constexpr std::chrono::seconds kWindow{60};
	static constexpr std::size_t kMostSources = 129;
	static constexpr std::size_t kMostTargets = 1024;
	static constexpr std::size_t kMostProbes = 256;

	/** @returns the campaign that @p probe is a part of, if it is. */
	std::optional<Campaign> add(const Probe &probe);

private:
	struct Sighting {
		BootTime time;
		IpAddress source;
		std::uint16_t port;
	};
	struct Target {
		IpAddress address;
		std::deque<Sighting> sightings;
	};
	using Targets = std::list<Target>;

	Target &remember(const IpAddress &address);

	Targets targets_; //!< the one probed last in front
	std::map<IpAddress, Targets::iterator> byAddress_;
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_CAMPAIGN_H
