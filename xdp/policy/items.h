// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A policy as a list of named things, each with what is said of it: the shape
 * in which two policies can be compared without knowing every key.
 */
#ifndef CLOAKLAKE_POLICY_ITEMS_H
#define CLOAKLAKE_POLICY_ITEMS_H

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace cloak
{

/** A key and its value, or one member of its list, or one rule. */
struct Setting {
	std::string key;
	nlohmann::json value;
	/** With the key: what the same setting has in another policy. */
	std::string identity;
	/** A rule's place among its table's; 0 where order means nothing. */
	std::uint32_t number = 0;
};

/** A table of the policy: [alerts], or [[peers]] of some name. */
struct Item {
	std::string kind; //!< the name of the table
	std::string name; //!< empty if there is only one of its kind
	std::vector<Setting> settings;
};

/**
 * All that @p policy says, defaults included: interfaces first, then by the
 * order of the manual page. Rules are in the order in which they are asked;
 * the counters that they share are items, too.
 */
[[nodiscard]] std::vector<Item> itemsOf(const Policy &policy);

/** Where tables of that kind come in such a list. */
[[nodiscard]] std::size_t placeOf(std::string_view kind);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_ITEMS_H
