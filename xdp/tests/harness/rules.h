// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules and packets at random, and what a plain list of rules would say.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_RULES_H
#define CLOAKLAKE_TESTS_HARNESS_RULES_H

#include <random>

#include "policy/policy.h"
#include "tests/harness/packet.h"

namespace cloak::test
{

/** A packet as far as rules can ask about it. */
struct Asked {
	bool in = true;
	IpAddress remote;
	IpAddress local;
	MacAddress mac; //!< of the other end
	std::uint8_t protocol = 6;
	std::uint16_t remotePort = 0;
	std::uint16_t localPort = 0;
	std::uint8_t icmpType = 0;
	std::uint8_t tcpFlags = 0;
	std::uint16_t vlan = 0; //!< 0: no tag
	bool established = false;

	[[nodiscard]] bool hasPorts() const;
	[[nodiscard]] bool isIcmp() const;
	/** The packet itself, which cannot say whether it is established. */
	[[nodiscard]] Packet packet() const;
	/** As the data plane sees it, on the first interface of the policy. */
	void words(__u64 (&word)[CLOAK_WORDS]) const;
};

/** Whether a rule matches, read off its text. */
[[nodiscard]] bool matches(const Policy &policy, const RulePolicy &rule,
                           const Asked &asked);

/** The index of the first rule that decides, in the order of priority. */
[[nodiscard]] std::optional<std::size_t> decideLinear(const Policy &policy,
                                                      const TablePolicy &table,
                                                      const Asked &asked);

/** The same seed gives the same rules and packets. */
class RuleGenerator
{
public:
	explicit RuleGenerator(std::uint32_t seed) : rng_(seed) {}

	/** A policy with interfaces "one" and "two", and one table. */
	[[nodiscard]] Policy policy(const IpAddress &local, std::size_t rules);

	/** A packet that some rule of the table may be about. */
	[[nodiscard]] Asked asked(const TablePolicy &table);

private:
	[[nodiscard]] unsigned pick(unsigned below) { return rng_() % below; }
	[[nodiscard]] bool chance(unsigned oneIn) { return pick(oneIn) == 0; }
	[[nodiscard]] Located<Prefix> prefix(bool v4, unsigned least);
	[[nodiscard]] IpAddress address(bool v4);
	[[nodiscard]] PortRange ports();
	[[nodiscard]] RulePolicy rule(const IpAddress &local, bool broad);
	void transport(RulePolicy &rule);

	std::mt19937 rng_;
};

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_RULES_H
