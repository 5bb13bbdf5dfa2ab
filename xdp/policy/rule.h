// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tables of rules as the administrator wrote them.
 */
#ifndef CLOAKLAKE_POLICY_RULE_H
#define CLOAKLAKE_POLICY_RULE_H

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloak_abi.h"
#include "model/address.h"
#include "policy/diagnostic.h"

namespace cloak
{

/** What one policy may hold of them. */
inline constexpr std::size_t kMostRulesOfTable = 65536;
inline constexpr std::size_t kMostRules = 524288;
/** A rule with lists takes one for each combination of their members. */
inline constexpr std::uint64_t kMostEntriesOfRule = 65536;
inline constexpr std::uint64_t kMostEntries = 2 * kMostRules;
/**
 * One for each rule, two for each table, and those that rules share. Those of
 * a policy and of the one in its place are there together; 0 is none.
 */
inline constexpr std::size_t kMostCountersOfPolicy =
    (CLOAK_COUNTER_CHUNK * CLOAK_COUNTER_CHUNKS - 1) / 2;
inline constexpr std::uint32_t kUsualPriority = 1000;

/** Which packets of the address a rule is asked about. */
enum class RuleDirection {
	In,
	Out,
	Both,
};

/** Ports from one to another, both included. */
struct PortRange {
	std::uint16_t least = 0;
	std::uint16_t most = 0xffff;

	auto operator<=>(const PortRange &) const = default;
};

/** TCP flags that have to be set, and such that must not be. */
struct TcpFlagMatch {
	std::uint8_t set = 0;
	std::uint8_t clear = 0;

	bool operator==(const TcpFlagMatch &) const = default;
};

/** What a packet is to the connections that the data plane knows. */
enum class ConnectionState {
	New,         //!< it may begin one, or its own is not known
	Established, //!< an answer, what follows it, or an error about these
};

/**
 * One rule. A packet matches if everything that is named here is so; where
 * there is a list, if one member of it is.
 */
struct RulePolicy {
	/** Empty for a rule without a name, but with a position. */
	Located<std::string> name;
	/** Lower numbers go first, then the order in which they are written. */
	std::uint32_t priority = kUsualPriority;
	RuleDirection direction = RuleDirection::In;
	std::vector<Located<Prefix>> sources;
	std::vector<Located<Prefix>> destinations;
	std::vector<PortRange> sourcePorts;
	std::vector<PortRange> destinationPorts;
	std::optional<Located<std::uint8_t>> protocol;
	std::optional<Located<std::uint8_t>> icmpType;
	std::optional<Located<TcpFlagMatch>> tcpFlags;
	std::vector<ConnectionState> states;
	std::optional<std::uint16_t> vlan; //!< 0: without a tag
	std::optional<Located<std::string>> interface;
	std::optional<Located<MacAddress>> mac; //!< of the other end
	Located<cloak_rule_verdict> verdict{CLOAK_RULE_DROP, {}};
	cloak_mode action = CLOAK_MODE_ENFORCE;
	std::string counter; //!< shared with other rules; empty: none
};

/** The rules for one address of this host. */
struct TablePolicy {
	Located<IpAddress> address;
	/** For what no rule decides. */
	cloak_rule_verdict verdict = CLOAK_RULE_ALLOW;
	cloak_mode action = CLOAK_MODE_ENFORCE;
	std::vector<RulePolicy> rules;
};

/**
 * The state that a packet must have for the rule; nothing if it does not
 * matter, which is so as well if the rule names both.
 */
[[nodiscard]] std::optional<ConnectionState> stateOf(const RulePolicy &rule);

/** Whether a packet that matches the rule is asked no other one. */
[[nodiscard]] inline bool decides(const RulePolicy &rule)
{
	return rule.verdict.value <= CLOAK_RULE_REJECT;
}

/** The rules of a table in the order in which packets are asked. */
[[nodiscard]] std::vector<const RulePolicy *> inOrder(const TablePolicy &table);

/** What a rule asks, as it would be written: "in tcp from 10.0.0.0/8 ...". */
[[nodiscard]] std::string describe(const RulePolicy &rule);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RULE_H
