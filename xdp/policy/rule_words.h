// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The words that rules are written with.
 */
#ifndef CLOAKLAKE_POLICY_RULE_WORDS_H
#define CLOAKLAKE_POLICY_RULE_WORDS_H

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "policy/rule.h"
#include "policy/words.h"

namespace cloak
{

inline constexpr std::array<Word<RuleDirection>, 3> kDirections = {{
    {"in", RuleDirection::In},
    {"out", RuleDirection::Out},
    {"both", RuleDirection::Both},
}};

inline constexpr std::array<Word<cloak_rule_verdict>, 6> kVerdicts = {{
    {"allow", CLOAK_RULE_ALLOW},
    {"drop", CLOAK_RULE_DROP},
    {"reject", CLOAK_RULE_REJECT},
    {"count", CLOAK_RULE_COUNT},
    {"log", CLOAK_RULE_LOG},
    {"shadow", CLOAK_RULE_SHADOW},
}};

inline constexpr std::array<Word<cloak_rule_verdict>, 2> kDefaults = {{
    {"allow", CLOAK_RULE_ALLOW},
    {"drop", CLOAK_RULE_DROP},
}};

inline constexpr std::array<Word<std::uint8_t>, 12> kProtocols = {{
    {"icmp", 1},
    {"igmp", 2},
    {"tcp", 6},
    {"udp", 17},
    {"dccp", 33},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"icmpv6", 58},
    {"ospf", 89},
    {"sctp", 132},
    {"udplite", 136},
}};

inline constexpr std::array<Word<ConnectionState>, 2> kStates = {{
    {"new", ConnectionState::New},
    {"established", ConnectionState::Established},
}};

/** In the order of their bits, FIN the lowest. */
inline constexpr std::array<std::string_view, 8> kTcpFlags = {
    "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

inline constexpr std::string_view kPortsExpected =
    "a port such as 4420, a range such as \"8000-8100\", or a list of them";
inline constexpr std::string_view kPrefixesExpected =
    "an IPv4 or IPv6 address or network, such as \"10.0.9.0/24\", or a list "
    "of them";
inline constexpr std::string_view kProtocolExpected =
    "a protocol such as \"tcp\", \"udp\", \"icmp\" or \"icmpv6\", or its "
    "number from 0 to 255";
inline constexpr std::string_view kTcpFlagsExpected =
    "TCP flags such as \"syn\" or \"syn,!ack\"";
inline constexpr std::string_view kStatesExpected =
    "\"new\" or \"established\", which ICMP errors about a connection are "
    "as well, or a list of them";
inline constexpr std::string_view kVerdictExpected =
    R"("allow", "drop", "reject", "count", "log" or "shadow")";

/** Reads "80" or "8000-8100". */
[[nodiscard]] std::optional<PortRange> parsePorts(std::string_view text);

/** Reads "syn,!ack": these set, those with ! not set. */
[[nodiscard]] std::optional<TcpFlagMatch> parseTcpFlags(std::string_view text);

[[nodiscard]] std::string toString(const PortRange &range);
[[nodiscard]] std::string toString(const TcpFlagMatch &flags);

/** Its name, or else its number. */
[[nodiscard]] std::string protocolName(std::uint8_t protocol);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_RULE_WORDS_H
