// SPDX-License-Identifier: Apache-2.0
#include "policy/diff.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace cloak
{
namespace
{

using nlohmann::json;

/** A member of either list, the same one of both, or null. */
template <typename T> using Pair = std::pair<const T *, const T *>;

/**
 * Pairs what has the same key. Those of the first list come in its order, then
 * what only the second one has. Where a key occurs more than once, the first
 * one is paired with the first one and so on.
 */
template <typename T, typename Key>
std::vector<Pair<T>> pairUp(const std::vector<T> &before,
                            const std::vector<T> &after, Key keyOf)
{
	using Keyed = std::pair<decltype(keyOf(before[0])), std::size_t>;
	std::map<decltype(keyOf(before[0])), std::size_t> seen;
	std::map<Keyed, std::size_t> places;
	std::vector<Pair<T>> pairs;

	for (const T &one : before) {
		places[{keyOf(one), seen[keyOf(one)]++}] = pairs.size();
		pairs.emplace_back(&one, nullptr);
	}
	seen.clear();
	for (const T &one : after) {
		auto found = places.find({keyOf(one), seen[keyOf(one)]++});
		if (found != places.end())
			pairs[found->second].second = &one;
		else
			pairs.emplace_back(nullptr, &one);
	}
	return pairs;
}

/**
 * The settings that keep their order among each other: a longest run of pairs
 * whose new numbers rise, found by what each length of run can end with.
 */
std::unordered_set<const Setting *>
keepOrder(const std::vector<Pair<Setting>> &pairs)
{
	constexpr std::size_t none = SIZE_MAX;
	std::vector<std::size_t> ends;
	std::vector<std::size_t> previous(pairs.size(), none);
	std::unordered_set<const Setting *> kept;

	for (std::size_t i = 0; i < pairs.size(); ++i) {
		const auto &[before, after] = pairs[i];
		if (before == nullptr || after == nullptr)
			continue;
		const auto place = std::ranges::lower_bound(
		    ends, after->number, {}, [&pairs](std::size_t end) {
			    return pairs[end].second->number;
		    });
		if (place != ends.begin())
			previous[i] = *(place - 1);
		if (place == ends.end())
			ends.push_back(i);
		else
			*place = i;
	}
	std::size_t at = ends.empty() ? none : ends.back();
	for (; at != none; at = previous[at])
		kept.insert(pairs[at].first);
	return kept;
}

std::optional<Setting> copyOf(const Setting *setting)
{
	if (setting == nullptr)
		return std::nullopt;
	return *setting;
}

std::vector<SettingChange> diffSettings(const std::vector<Setting> &before,
                                        const std::vector<Setting> &after)
{
	std::vector<SettingChange> changes;

	const auto pairs = pairUp(before, after, [](const Setting &setting) {
		return std::tie(setting.key, setting.identity);
	});
	std::vector<Pair<Setting>> numbered = pairs;
	std::erase_if(numbered, [](const Pair<Setting> &pair) {
		return pair.first == nullptr || pair.first->number == 0;
	});
	const auto kept = keepOrder(numbered);
	for (const auto &[former, present] : pairs) {
		const bool both = former != nullptr && present != nullptr;
		if (both && former->value == present->value &&
		    (former->number == 0 || kept.contains(former)))
			continue;
		changes.push_back({copyOf(former), copyOf(present)});
	}
	return changes;
}

json toJson(const SettingChange &change)
{
	json entry;

	for (const auto &[side, word] : {std::pair(&change.before, "before"),
	                                 std::pair(&change.after, "after")}) {
		if (!*side)
			continue;
		const Setting &setting = **side;
		entry["key"] = setting.key;
		entry[word] = setting.value;
		if (setting.number != 0)
			entry[std::string(word) + "_number"] = setting.number;
	}
	return entry;
}

} // namespace

PolicyDiff diffPolicies(const Policy &before, const Policy &after)
{
	const std::vector<Item> former = itemsOf(before);
	const std::vector<Item> present = itemsOf(after);
	const std::vector<Setting> none;
	PolicyDiff diff;

	const auto pairs = pairUp(former, present, [](const Item &item) {
		return std::tie(item.kind, item.name);
	});
	for (const auto &[one, other] : pairs) {
		const Item &item = one != nullptr ? *one : *other;
		const std::string_view change = one == nullptr     ? "added"
		                                : other == nullptr ? "removed"
		                                                   : "changed";
		auto settings =
		    diffSettings(one != nullptr ? one->settings : none,
		                 other != nullptr ? other->settings : none);
		if (change == "changed" && settings.empty())
			continue;
		diff.push_back(
		    {change, item.kind, item.name, std::move(settings)});
	}
	std::ranges::stable_sort(diff, {}, [](const ItemChange &item) {
		return placeOf(item.kind);
	});
	return diff;
}

json toJson(const PolicyDiff &diff, std::size_t most)
{
	json result = {{"changes", json::array()},
	               {"added", 0},
	               {"removed", 0},
	               {"changed", 0}};
	std::size_t omitted = 0;

	for (const ItemChange &item : diff) {
		json settings = json::array();
		auto &count = result[std::string(item.change)];
		count = count.get<std::size_t>() + 1;
		for (const SettingChange &setting : item.settings) {
			if (most == 0) {
				omitted++;
				continue;
			}
			most--;
			settings.push_back(toJson(setting));
		}
		json entry = {{"change", item.change}, {"kind", item.kind}};
		if (!item.name.empty())
			entry["name"] = item.name;
		entry["settings"] = std::move(settings);
		result["changes"].push_back(std::move(entry));
	}
	result["omitted"] = omitted;
	return result;
}

} // namespace cloak
