// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which [[interface]] of a policy decides about which interface of the host.
 */
#ifndef CLOAKLAKE_POLICY_INTERFACES_H
#define CLOAKLAKE_POLICY_INTERFACES_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/host.h"
#include "policy/policy.h"

namespace cloak
{

/** Whether a name is a shell pattern, which may mean several interfaces. */
[[nodiscard]] bool isPattern(std::string_view name);

/**
 * The number of the table that decides about an interface of that name: the
 * one with that very name, else the first one whose pattern matches; 0: none.
 */
[[nodiscard]] std::uint16_t decidingTable(const Policy &policy,
                                          const std::string &name);

/**
 * The same of an interface of the host. No pattern means the loopback, nor one
 * whose frames have no Ethernet header.
 */
[[nodiscard]] std::uint16_t decidingTable(const Policy &policy,
                                          const HostInterface &interface);

/** The number by which rules know the table that is called @p name; 0: none. */
[[nodiscard]] std::uint16_t interfaceNumber(const Policy &policy,
                                            const std::string &name);

/** A table and an interface about which it decides. */
struct InterfaceMatch {
	const InterfacePolicy *table = nullptr;
	std::uint16_t number = 0;             //!< of the table
	const HostInterface *found = nullptr; //!< null: the host has none (yet)
};

/** Those of each table, in the order of the tables and at least one of each. */
[[nodiscard]] std::vector<InterfaceMatch> matchInterfaces(const Policy &policy,
                                                          const Host &host);

/**
 * Interfaces that a pattern would mean, but that their frames have no Ethernet
 * header.
 */
[[nodiscard]] std::vector<std::string> leftOut(const Policy &policy,
                                               const Host &host);

/** How to say that such an interface cannot be cloaked. */
[[nodiscard]] std::string noEthernetText(const std::string &name);

/** How to say that the host has nothing that a table is about. */
[[nodiscard]] std::string absenceOf(const std::string &name);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_INTERFACES_H
