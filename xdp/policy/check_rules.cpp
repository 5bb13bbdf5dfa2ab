// SPDX-License-Identifier: Apache-2.0
#include "policy/check_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "policy/interfaces.h"
#include "policy/rule_entries.h"
#include "policy/rule_words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kDccp = 33;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kUdpLite = 136;

bool hasPorts(std::uint8_t protocol)
{
	switch (protocol) {
	case kTcp:
	case kUdp:
	case kDccp:
	case kSctp:
	case kUdpLite:
		return true;
	default:
		return false;
	}
}

/** Looks at the tables of one policy. */
class RuleChecker
{
public:
	RuleChecker(const Policy &policy, Diagnostics &errors)
	    : policy_(policy), errors_(errors)
	{
	}

	void run();

private:
	void fault(Position at, std::string_view key, std::string value,
	           std::string expected)
	{
		errors_.push_back({at, std::string(key), std::move(value),
		                   std::move(expected)});
	}

	void checkCounters(std::size_t rules);
	void checkTable(const TablePolicy &table);
	void checkRule(const TablePolicy &table, const RulePolicy &rule);
	void checkEntries(const RulePolicy &rule);
	void checkVerdict(const TablePolicy &table, const RulePolicy &rule);
	void checkReject(const TablePolicy &table, const RulePolicy &rule);
	[[nodiscard]] bool isHidden(const RulePolicy &rule) const;
	void checkTransport(const RulePolicy &rule);
	void checkState(const RulePolicy &rule);
	void checkAddresses(const TablePolicy &table, const RulePolicy &rule);
	void checkPrefixes(const TablePolicy &table,
	                   const std::vector<Located<Prefix>> &prefixes,
	                   std::string_view key);

	const Policy &policy_;
	Diagnostics &errors_;
	std::map<IpAddress, Position> tables_;
	std::uint64_t entries_ = 0;                  //!< of all rules
	std::map<std::string_view, Position> names_; //!< in the present table
};

void RuleChecker::run()
{
	std::size_t rules = 0;

	for (const TablePolicy &table : policy_.tables) {
		checkTable(table);
		rules += table.rules.size();
	}
	if (policy_.tables.size() > CLOAK_MAX_TABLES) {
		fault({}, "table",
		      fmt::format("{} tables", policy_.tables.size()),
		      fmt::format("at most {}", CLOAK_MAX_TABLES));
	}
	if (rules > kMostRules) {
		fault({}, "table.rule", fmt::format("{} rules", rules),
		      fmt::format("at most {} in all tables", kMostRules));
	}
	checkCounters(rules);
	if (entries_ > kMostEntries) {
		fault({}, "table.rule",
		      fmt::format("{} combinations", entries_),
		      fmt::format("at most {} of the addresses and ports of "
		                  "all rules",
		                  kMostEntries));
	}
}

/** @param rules of all tables. */
void RuleChecker::checkCounters(std::size_t rules)
{
	std::set<std::string_view> shared;

	for (const TablePolicy &table : policy_.tables)
		for (const RulePolicy &rule : table.rules)
			if (!rule.counter.empty())
				shared.insert(rule.counter);
	const std::size_t counters =
	    rules + 2 * policy_.tables.size() + shared.size();
	if (counters > kMostCountersOfPolicy) {
		fault({}, "table", fmt::format("{} counters", counters),
		      fmt::format("at most {}: one for each rule, two for each "
		                  "table and one for each name of a counter",
		                  kMostCountersOfPolicy));
	}
}

void RuleChecker::checkTable(const TablePolicy &table)
{
	const auto &address = table.address;
	const auto [first, fresh] =
	    tables_.try_emplace(address.value, address.at);

	if (address.value.isGroup() || address.value.isUnspecified()) {
		fault(address.at, "table.address",
		      quote(toString(address.value)),
		      "the address of one host");
	} else if (!fresh) {
		fault(address.at, "table.address",
		      quote(toString(address.value)),
		      fmt::format(
			  "one table for each address; the first is "
			  "in {}",
			  lineOf(first->second, address.at, policy_.files)));
	}
	if (table.rules.size() > kMostRulesOfTable) {
		fault(address.at, "table.rule",
		      fmt::format("{} rules", table.rules.size()),
		      fmt::format("at most {}", kMostRulesOfTable));
	}
	names_.clear();
	for (const RulePolicy &rule : table.rules)
		checkRule(table, rule);
}

void RuleChecker::checkRule(const TablePolicy &table, const RulePolicy &rule)
{
	if (!rule.name.value.empty()) {
		const auto [first, fresh] =
		    names_.try_emplace(rule.name.value, rule.name.at);
		if (!fresh) {
			fault(rule.name.at, "table.rule.name",
			      quote(rule.name.value),
			      fmt::format("each name once in a table; this one "
			                  "stands in {} already",
			                  lineOf(first->second, rule.name.at,
			                         policy_.files)));
		}
	}
	checkEntries(rule);
	checkVerdict(table, rule);
	checkTransport(rule);
	checkState(rule);
	checkAddresses(table, rule);
	if (rule.interface &&
	    interfaceNumber(policy_, rule.interface->value) == 0) {
		fault(rule.interface->at, "table.rule.interface",
		      quote(rule.interface->value),
		      "the name of an [[interface]] of this policy, as it "
		      "stands there");
	}
}

/** The lists of a rule multiply. */
void RuleChecker::checkEntries(const RulePolicy &rule)
{
	const std::uint64_t entries = countEntries(rule);

	if (entries <= kMostEntriesOfRule) {
		entries_ += entries;
	} else {
		fault(rule.name.at, "table.rule",
		      fmt::format("{} combinations", entries),
		      fmt::format("at most {} of the addresses, source ports "
		                  "and destination ports of a rule",
		                  kMostEntriesOfRule));
	}
}

void RuleChecker::checkVerdict(const TablePolicy &table, const RulePolicy &rule)
{
	if (rule.verdict.value == CLOAK_RULE_REJECT)
		checkReject(table, rule);
	if (rule.verdict.value == CLOAK_RULE_SHADOW &&
	    rule.direction != RuleDirection::In) {
		fault(rule.verdict.at, "table.rule.verdict", "\"shadow\"",
		      "direction \"in\", since it is the source of a packet "
		      "that is shadowed");
	}
}

/**
 * Whether every interface on which packets may meet the rule is cloaked. On
 * one of several that are not all so, the data plane knows.
 */
bool RuleChecker::isHidden(const RulePolicy &rule) const
{
	return std::ranges::none_of(
	    policy_.interfaces,
	    [&rule](const InterfacePolicy &interface) {
		    return interface.scope.value == CLOAK_SCOPE_ADDRESSES &&
		           (!rule.interface ||
		            rule.interface->value == interface.name.value);
	    });
}

void RuleChecker::checkReject(const TablePolicy &table, const RulePolicy &rule)
{
	const IpAddress &address = table.address.value;
	const bool listed = std::ranges::find(policy_.addresses, address,
	                                      &Located<IpAddress>::value) !=
	                    policy_.addresses.end();

	if (listed || isHidden(rule)) {
		fault(rule.verdict.at, "table.rule.verdict", "\"reject\"",
		      fmt::format("\"drop\": an answer would show everybody "
		                  "that {} is there",
		                  toString(address)));
	} else if (rule.direction != RuleDirection::In) {
		fault(rule.verdict.at, "table.rule.verdict", "\"reject\"",
		      "direction \"in\", since only who sends from elsewhere "
		      "is answered; \"drop\" for what goes out");
	}
}

void RuleChecker::checkTransport(const RulePolicy &rule)
{
	if (!rule.protocol)
		return;
	const auto &protocol = *rule.protocol;
	const auto wrong = [&](Position at, std::string_view key,
	                       std::string_view expected) {
		fault(at, fmt::format("table.rule.{}", key), "",
		      fmt::format("protocol {}, not {}", expected,
		                  quote(protocolName(protocol.value))));
	};

	if ((!rule.sourcePorts.empty() || !rule.destinationPorts.empty()) &&
	    !hasPorts(protocol.value)) {
		fault(protocol.at, "table.rule.protocol",
		      quote(protocolName(protocol.value)),
		      "a protocol that has ports, such as \"tcp\", since the "
		      "rule names some");
	}
	if (rule.tcpFlags && protocol.value != kTcp)
		wrong(rule.tcpFlags->at, "tcp_flags", "\"tcp\"");
	if (rule.icmpType && protocol.value != kIcmp &&
	    protocol.value != kIcmp6)
		wrong(rule.icmpType->at, "icmp_type", "\"icmp\" or \"icmpv6\"");
}

/** The first segment of a connection is always new. */
void RuleChecker::checkState(const RulePolicy &rule)
{
	const std::uint8_t syn = parseTcpFlags("syn")->set;
	const std::uint8_t ack = parseTcpFlags("ack")->set;

	if (stateOf(rule) == ConnectionState::Established && rule.tcpFlags &&
	    (rule.tcpFlags->value.set & syn) != 0 &&
	    (rule.tcpFlags->value.clear & ack) != 0) {
		fault(rule.tcpFlags->at, "table.rule.tcp_flags",
		      quote(toString(rule.tcpFlags->value)),
		      "state \"new\", which a SYN without ACK always is");
	}
}

void RuleChecker::checkPrefixes(const TablePolicy &table,
                                const std::vector<Located<Prefix>> &prefixes,
                                std::string_view key)
{
	for (const auto &prefix : prefixes) {
		const std::string value = quote(toString(prefix.value));

		if (prefix.value.isV4() != table.address.value.isV4()) {
			fault(prefix.at, key, value,
			      fmt::format("{}, as the address of the table",
			                  table.address.value.isV4() ? "IPv4"
			                                             : "IPv6"));
		} else if (prefix.value != prefix.value.network()) {
			fault(prefix.at, key, value,
			      fmt::format(
				  "{} for the network, or {} for the host",
				  quote(toString(prefix.value.network())),
				  quote(toString(prefix.value.address))));
		}
	}
}

/** A rule that names other local addresses than that of its table is idle. */
void RuleChecker::checkAddresses(const TablePolicy &table,
                                 const RulePolicy &rule)
{
	const auto misses = [&](const auto &prefixes) {
		return !prefixes.empty() &&
		       std::ranges::none_of(
			   prefixes,
			   [&](const auto &prefix) {
				   return prefix.value.contains(
				       table.address.value);
			   });
	};
	const auto foreign = [&](const Located<Prefix> &prefix,
	                         std::string_view key) {
		fault(prefix.at, key, quote(toString(prefix.value)),
		      fmt::format("a network with {}, whose table this is",
		                  toString(table.address.value)));
	};

	checkPrefixes(table, rule.sources, "table.rule.source");
	checkPrefixes(table, rule.destinations, "table.rule.destination");
	if (rule.direction == RuleDirection::In && misses(rule.destinations))
		foreign(rule.destinations.front(), "table.rule.destination");
	if (rule.direction == RuleDirection::Out && misses(rule.sources))
		foreign(rule.sources.front(), "table.rule.source");
	if (rule.direction == RuleDirection::Both &&
	    misses(rule.destinations) && misses(rule.sources))
		foreign(rule.sources.front(), "table.rule.source");
}

} // namespace

void checkRules(const Policy &policy, Diagnostics &errors)
{
	RuleChecker(policy, errors).run();
}

} // namespace cloak
