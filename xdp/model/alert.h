// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is told to people about a source of probes.
 */
#ifndef CLOAKLAKE_MODEL_ALERT_H
#define CLOAKLAKE_MODEL_ALERT_H

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "model/probe.h"

namespace cloak
{

/**
 * What the events of one source have named. The data plane reports a sample
 * only, so this is a part of what was probed; the totals tell how large a
 * part. Bounded, however much a source tries.
 */
class Observed
{
public:
	static constexpr std::size_t kMost = 64; //!< members of each set

	void add(const Probe &probe);

	/** Addresses by how they were asked for: "arp", "ping", "tcp" ... */
	[[nodiscard]] const std::map<std::string, std::set<IpAddress>> &
	targets() const
	{
		return targets_;
	}
	/** Ports by protocol. */
	[[nodiscard]] const std::map<std::string, std::set<std::uint16_t>> &
	ports() const
	{
		return ports_;
	}
	/** All addresses together. */
	[[nodiscard]] std::set<IpAddress> allTargets() const;
	/** How many ports, those of each protocol by themselves. */
	[[nodiscard]] std::size_t portCount() const;

private:
	std::map<std::string, std::set<IpAddress>> targets_;
	std::map<std::string, std::set<std::uint16_t>> ports_;
};

/** The manner of a probe as Observed files it: "arp", "ping", "tcp" ... */
[[nodiscard]] std::string mannerOf(const Probe &probe);

/** What a source is doing, as far as it is known. */
enum class AlertClass {
	Probe,           //!< a few packets
	PortScan,        //!< many ports
	PortSweep,       //!< many addresses
	Decoy,           //!< it touched what nobody has business with
	DecoyScan,       //!< the same from several addresses at once
	DistributedScan, //!< several sources share the work
	SlowScan,        //!< many ports or addresses, with long pauses
};
inline constexpr std::size_t kAlertClasses = 7;

/** A scan that several sources take part in. */
struct Campaign {
	AlertClass kind = AlertClass::DistributedScan;
	std::set<IpAddress> sources;
};

/** One alert. */
struct Alert {
	AlertClass kind = AlertClass::Probe;
	/** Tells of everything so far; else of this one probe. */
	bool summary = false;
	Probe probe; //!< the last one that is known in full
	Observed seen;
	cloak_source totals{};
	/**
	 * How many different ones there were: estimates from the totals, or as
	 * many as are known, if that is more.
	 */
	std::uint64_t portCount = 0;
	std::uint64_t targetCount = 0;
	/** Of DecoyScan and DistributedScan: who takes part. */
	std::optional<Campaign> campaign;
	/** The end of the shadow that the source has, if it has one. */
	std::optional<WallTime> shadowedUntil;
};

} // namespace cloak

#endif // CLOAKLAKE_MODEL_ALERT_H
