// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a table would say to a packet of a connection, without the data plane.
 */
#ifndef CLOAKLAKE_POLICY_RULE_MATCH_H
#define CLOAKLAKE_POLICY_RULE_MATCH_H

#include <cstdint>
#include <optional>
#include <string>

#include "policy/rule.h"

namespace cloak
{

/**
 * A segment of a TCP connection that is established, and known so to the data
 * plane as all are when a policy is put in force: ACK, and no tag.
 */
struct TcpSegment {
	RuleDirection direction = RuleDirection::In; //!< In or Out
	IpAddress source;
	IpAddress destination;
	std::uint16_t sourcePort = 0;
	std::uint16_t destinationPort = 0;
	std::string interface;         //!< as its [[interface]] is called
	std::optional<MacAddress> mac; //!< of the other end, if it is known
};

/** Whether everything that the rule names is so. */
[[nodiscard]] bool matches(const RulePolicy &rule, const TcpSegment &segment);

/** The rule that decides about the segment, or null: the default does. */
[[nodiscard]] const RulePolicy *decide(const TablePolicy &table,
                                       const TcpSegment &segment);

/** Whether the table drops the segment: not if it, or the rule, monitors. */
[[nodiscard]] bool drops(const TablePolicy &table, const TcpSegment &segment);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RULE_MATCH_H
