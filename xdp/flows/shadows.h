// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Who is shadowed: the table of the data plane, looked after.
 */
#ifndef CLOAKLAKE_FLOWS_SHADOWS_H
#define CLOAKLAKE_FLOWS_SHADOWS_H

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "model/address.h"
#include "util/clock.h"

namespace cloak
{

/** A shadowed source and its account. */
struct Shadow {
	IpAddress source;
	cloak_shadow account{};

	[[nodiscard]] BootTime until() const
	{
		return BootClock::fromNanoseconds(account.until_ns);
	}
};

/** All that are shadowed at @p now. */
[[nodiscard]] Result<std::vector<Shadow>> listShadows(const CloakMaps &maps,
                                                      BootTime now);

/** The shadow of @p source, if it has one at @p now. */
[[nodiscard]] Result<std::optional<Shadow>>
findShadow(const CloakMaps &maps, const IpAddress &source, BootTime now);

/**
 * Shadows @p source for at least @p time from @p now on, as the administrator
 * wishes. What is known of it stays.
 * @returns until when it is shadowed, later for one that was for longer.
 */
Result<BootTime> addShadow(const CloakMaps &maps, const IpAddress &source,
                           BootTime now, std::chrono::nanoseconds time);

/** Ends a shadow. @returns whether there was one. */
Result<bool> dropShadow(const CloakMaps &maps, const IpAddress &source);

/** What expireShadows() has left. */
struct ShadowCount {
	std::size_t going = 0;      //!< who is shadowed now
	std::size_t crowdedOut = 0; //!< taken out before their time
};

/**
 * Takes out those whose time is over, and shuts the gate behind the last. Where
 * three quarters of the table are taken half of it is left: those whose time
 * would be over first go, who has touched a decoy behind all others, and whom
 * the administrator shadows never.
 */
Result<ShadowCount> expireShadows(const CloakMaps &maps, BootTime now);

/** "probe", "decoy", "rule" and "manual", as far as they are set. */
[[nodiscard]] std::vector<std::string> causeNames(std::uint32_t causes);

} // namespace cloak

#endif // CLOAKLAKE_FLOWS_SHADOWS_H
