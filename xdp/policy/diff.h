// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What distinguishes two policies, as an administrator wants to read it.
 */
#ifndef CLOAKLAKE_POLICY_DIFF_H
#define CLOAKLAKE_POLICY_DIFF_H

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/items.h"

namespace cloak
{

/** Before, after, or both: then it was changed, or a rule was moved. */
struct SettingChange {
	std::optional<Setting> before;
	std::optional<Setting> after;
};

/** A table of the policy that is new, gone, or says something else. */
struct ItemChange {
	std::string_view change; //!< "added", "removed" or "changed"
	std::string kind;
	std::string name;
	std::vector<SettingChange> settings;
};

using PolicyDiff = std::vector<ItemChange>;

/**
 * Compares what both mean: the order of tables and of members of a list, and
 * defaults that are written or not, make no difference. The order of rules
 * does: of those whose order has changed as few as possible are told.
 */
[[nodiscard]] PolicyDiff diffPolicies(const Policy &before,
                                      const Policy &after);

/**
 * The same for machines: {"changes": [...], "added": 1, "removed": 0,
 * "changed": 2, "omitted": 0}.
 * @param most settings that are listed; the others are counted as omitted.
 */
[[nodiscard]] nlohmann::json toJson(const PolicyDiff &diff, std::size_t most);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_DIFF_H
