// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Flows as far as rules can be learned from them: who asked whom for what,
 * added up.
 */
#ifndef CLOAKLAKE_LEARN_SEEN_H
#define CLOAKLAKE_LEARN_SEEN_H

#include <cstdint>
#include <iosfwd>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "model/address.h"
#include "util/clock.h"

namespace cloak
{

/** From here on ports are those that systems give to whoever asks. */
inline constexpr std::uint16_t kFirstEphemeral = 32768;

/** ICMP types of a ping and its answer. */
inline constexpr std::uint8_t kEcho = 8;
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kEcho6 = 128;
inline constexpr std::uint8_t kEchoReply6 = 129;

/** How many flows there were, and how large. */
struct FlowTotals {
	std::uint64_t flows = 0;
	std::uint64_t packets = 0;
	std::uint64_t bytes = 0;
	WallTime first;
	WallTime last;
	std::uint64_t answered = 0; //!< flows of which that is so

	void add(const FlowTotals &other);
};

/** What flows have in common that are added up. */
struct FlowKind {
	IpAddress local;
	IpAddress remote;
	std::uint8_t protocol = 0;
	std::uint16_t localPort = 0; //!< 0: an ephemeral one, or none
	std::uint16_t remotePort = 0;
	std::uint8_t icmpType = 0; //!< of the question
	bool inbound = false;      //!< the remote end has begun
	/** That is known for certain, as the beginning of it was seen. */
	bool settled = false;
	/** Both ends took part, as in a service that is used. */
	bool answered = false;

	auto operator<=>(const FlowKind &) const = default;
};

/** All flows that were seen, and where. */
struct SeenFlows {
	std::map<FlowKind, FlowTotals> kinds;
	std::set<std::string> interfaces;
	std::uint64_t skipped = 0; //!< flows that no rule is asked about
};

/** Which flows count. */
struct SeenFilter {
	WallTime since;                 //!< those that went on after it
	std::optional<IpAddress> local; //!< of this host's address; none: all
};

/**
 * Adds a flow, an EVE event as cloakd writes it. What is no flow, or is not
 * asked for, is left out.
 */
void addFlow(SeenFlows &seen, const nlohmann::json &event,
             const SeenFilter &filter);

/** Adds the flows among such events, one a line, up to the end of @p lines. */
void addFlows(SeenFlows &seen, std::istream &lines, const SeenFilter &filter);

} // namespace cloak

#endif // CLOAKLAKE_LEARN_SEEN_H
