// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The policy as the administrator wrote it: plain values, each with the place
 * where it is written, so that whoever finds a fault can point at it.
 */
#ifndef CLOAKLAKE_POLICY_POLICY_H
#define CLOAKLAKE_POLICY_POLICY_H

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/xdp_mode.h"
#include "cloak_abi.h"
#include "model/address.h"
#include "policy/diagnostic.h"
#include "policy/rule.h"
#include "policy/seeing.h"

namespace cloak
{

/**
 * What one policy may hold. The address map has a group address beside each
 * IPv6 address; the peer map keeps room for those authorised at run time.
 */
inline constexpr std::size_t kMostAddresses = CLOAK_MAX_ADDRESSES / 2;
inline constexpr std::size_t kMostPeers = CLOAK_MAX_PEERS - 1024;

inline constexpr std::uint16_t kSshPort = 22;

/** What the members of a group may do. */
enum class Access {
	Full,     //!< reach the cloaked addresses, and be reached
	Outbound, //!< only answer what this host has asked them
};

/** An interface that the cloak watches. */
struct InterfacePolicy {
	Located<std::string> name;
	Located<cloak_scope> scope{CLOAK_SCOPE_WHOLE, {}};
	XdpChoice attach = XdpChoice::Auto;
	cloak_mode action = CLOAK_MODE_ENFORCE;
	/** Whether the host may ask everybody on the wire for a peer's MAC. */
	bool resolve = false;
	/** Whether other XDP programs are to live beside the cloak. */
	bool dispatcher = false;
};

/** A group of those for whom the host exists. */
struct PeerGroup {
	Located<std::string> name;
	std::vector<Located<Prefix>> prefixes;
	/** Taken out of wider prefixes, whichever group has those. */
	std::vector<Located<Prefix>> except;
	/**
	 * The source addresses that count: none, one for all prefixes, or one
	 * for each of them in the same order.
	 */
	std::vector<Located<MacAddress>> macs;
	/** When set, the group counts only on this interface. */
	std::optional<Located<std::string>> interface;
	Access access = Access::Full;
};

/** A router that may resolve cloaked addresses without being authorised. */
struct Gateway {
	Located<IpAddress> address;
	std::optional<Located<MacAddress>> mac;
	std::optional<Located<std::string>> interface;
};

/** How much is told, and how often. */
struct AlertPolicy {
	/** Alerts a second of all sources together; the rest is counted. */
	std::uint32_t perSecond = 100;
	/** The shortest time between two alerts about one source. */
	std::chrono::milliseconds repeat = std::chrono::seconds(10);
	/** A source that was silent for this long is forgotten. */
	std::chrono::milliseconds forget = std::chrono::hours(1);
	/** How many sources are remembered at once. */
	std::uint32_t sources = 16384;
	Position at; //!< where the table begins
};

/** Where alerts go. */
struct OutputPolicy {
	/** A line for people on standard output; systemd takes it to journald.
	 */
	bool text = true;
	/** JSON events, one a line; empty for none. */
	std::string eve = "/var/log/cloaklake/eve.json";
};

/** All of it. */
struct Policy {
	std::vector<InterfacePolicy> interfaces;
	std::vector<Located<IpAddress>> addresses;
	/** Ports of this host where people log in: no reload cuts them off. */
	std::vector<Located<std::uint16_t>> logins = {{kSshPort, {}}};
	std::vector<PeerGroup> peers;
	std::vector<Gateway> gateways;
	std::vector<TablePolicy> tables;
	AlertPolicy alerts;
	OutputPolicy output;
	SeeingPolicy seeing;
	/** Where it is written: the policy file, then those of its folder. */
	FileNames files;
};

} // namespace cloak

#endif // CLOAKLAKE_POLICY_POLICY_H
