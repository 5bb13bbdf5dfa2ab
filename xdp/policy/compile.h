// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policy to map entries. Pure: what the host looks like is an argument.
 */
#ifndef CLOAKLAKE_POLICY_COMPILE_H
#define CLOAKLAKE_POLICY_COMPILE_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cloak_abi.h"
#include "policy/host.h"
#include "policy/policy.h"
#include "util/clock.h"

namespace cloak
{

/** A peer that was authorised at run time, beside the policy. */
struct Authorisation {
	Prefix peer;
	std::optional<MacAddress> mac;
	std::optional<BootTime> expires; //!< none: until it is revoked
};

/** An interface with its entry, and how it is attached. */
struct CompiledInterface {
	std::string name;
	std::string table; //!< the name or pattern of the table that decides
	unsigned index = 0;
	XdpChoice attach = XdpChoice::Auto;
	bool dispatcher = false;
	bool ethernet = true; //!< else it refuses the programs
	cloak_iface entry{};
};

/** What the maps should hold. */
struct CompiledPolicy {
	std::vector<CompiledInterface> interfaces;
	std::map<IpAddress, cloak_address> addresses;
	std::map<Prefix, cloak_peer> peers;
	std::map<IpAddress, cloak_decoy> decoys;
	/** Who is shadowed and what is accounted: enum cloak_gate_policy. */
	__u32 gates = 0;
	cloak_account_config accounting{};
	/** Names and patterns of the policy without an interface (yet). */
	std::vector<std::string> absent;
	/** Interfaces that match a pattern, and for which there is no room. */
	std::vector<std::string> excess;
	/** Those that match one, and have no Ethernet header. */
	std::vector<std::string> leftOut;
	/** How many addresses of whole interfaces there is no room for. */
	std::size_t unhidden = 0;

	/** The entry that decides about @p prefix, or null. */
	[[nodiscard]] const cloak_peer *decide(const Prefix &prefix) const;
};

/**
 * The id of peer entries that were authorised at run time. They are found
 * again by it in the pinned map, so that they outlive the daemon.
 */
inline constexpr std::uint32_t kRuntimePeerId = 0xffffffff;

/** Whether both would put the same into the maps and hang on the same. */
[[nodiscard]] bool sameEntries(const CompiledPolicy &one,
                               const CompiledPolicy &other);

/** Whether the entry lets a peer in for good, wherever and whoever it is. */
[[nodiscard]] bool isPermanent(const cloak_peer &peer);

/** The map entry of a peer authorised at run time. */
[[nodiscard]] cloak_peer compileAuthorisation(const Authorisation &granted);

/** The interfaces of compilePolicy() alone, which takes but a moment. */
[[nodiscard]] std::vector<CompiledInterface>
compileInterfaces(const Policy &policy, const Host &host);

/**
 * @param policy one without errors.
 * @param granted those that the policy lets in anyway are left out, because
 * their entry would outrank the policy's and expire.
 *
 * Whole interfaces have the host's own addresses listed too: so the data
 * plane can tell a probe from the neighbours' talk to each other.
 */
[[nodiscard]] CompiledPolicy
compilePolicy(const Policy &policy, const Host &host,
              const std::vector<Authorisation> &granted);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_COMPILE_H
