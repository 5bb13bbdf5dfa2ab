// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a source has done, and what that is called.
 */
#ifndef CLOAKLAKE_ALERTS_CONDUCT_H
#define CLOAKLAKE_ALERTS_CONDUCT_H

#include <chrono>
#include <cstdint>
#include <optional>

#include "model/alert.h"

namespace cloak
{

/** What a source has done, as far as it is known. */
struct Conduct {
	/**
	 * From so many different ports or addresses on it is a scan: who
	 * mistypes an address, or a service that is retried, does not get so
	 * far. Of packets that only a scanner makes so many are enough.
	 */
	static constexpr std::uint64_t kScanFrom = 5;

	/**
	 * They must be for so many different ports or addresses: nmap -T0 to
	 * -T2 tries a port two or three times before it goes on, and has come
	 * to the second one with its fifth probe.
	 */
	static constexpr std::uint64_t kCraftedFrom = 2;

	/**
	 * A scan whose probes are so far apart on the average is a slow one:
	 * nmap -T1 pauses 15 s, -T0 five minutes, -T2 less than a second.
	 */
	static constexpr std::chrono::seconds kSlowFrom{10};

	cloak_source totals{};
	Observed seen;
	bool decoy = false; //!< it has touched one
	std::optional<Campaign> campaign;

	/**
	 * @name How many different ones
	 * Estimates of the totals, in which two may count as one; or as many as
	 * are known, if that is more.
	 */
	/** @{ */
	[[nodiscard]] std::uint64_t portCount() const;
	[[nodiscard]] std::uint64_t targetCount() const;
	/** @} */

	/** The gravest that fits; what several do before what one does. */
	[[nodiscard]] AlertClass kind() const;

	/** Whether @p different ports or addresses make a scan of it. */
	[[nodiscard]] bool isScan(std::uint64_t different) const;

	/** An alert that says all this, but for the probe that it is about. */
	[[nodiscard]] Alert alert() const;
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_CONDUCT_H
