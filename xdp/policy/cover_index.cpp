// SPDX-License-Identifier: Apache-2.0
#include "policy/cover_index.h"

#include <algorithm>
#include <iterator>

namespace cloak
{
namespace
{

/** A look into a hash table, in comparisons of a few words. */
constexpr std::size_t kLookUp = 16;

PortRange remotePorts(const cloak_entry &entry)
{
	return {entry.remote_least, entry.remote_most};
}

PortRange localPorts(const cloak_entry &entry)
{
	return {entry.local_least, entry.local_most};
}

} // namespace

void RangeCover::add(const PortRange &range, std::uint32_t rule)
{
	if (find(range))
		return;
	auto next = ends_.lower_bound(range.least);
	while (next != ends_.end() && next->second.most <= range.most)
		next = ends_.erase(next);
	ends_.emplace(range.least, End{range.most, rule});
}

/** Of those that begin early enough, the last to begin is the last to end. */
std::optional<std::uint32_t> RangeCover::find(const PortRange &range) const
{
	const auto next = ends_.upper_bound(range.least);

	if (next == ends_.begin())
		return std::nullopt;
	const End &end = std::prev(next)->second;
	if (end.most < range.most)
		return std::nullopt;
	return end.rule;
}

std::size_t CoverIndex::Hash::operator()(const Words &words) const
{
	const __u64 word[CLOAK_WORDS] = {words[0], words[1], words[2],
	                                 words[3]};
	constexpr __u64 all[CLOAK_WORDS] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, 0};

	return cloak_tuple_hash(word, all);
}

bool CoverIndex::spend(std::size_t steps) const
{
	steps_ -= std::min(steps, steps_);
	return steps_ != 0;
}

void CoverIndex::add(const cloak_entry &entry)
{
	Words mask{};
	Words value{};

	std::ranges::copy(entry.mask, mask.begin());
	std::ranges::copy(entry.value, value.begin());
	const auto [number, fresh] = numbers_.try_emplace(mask, kinds_.size());
	if (fresh)
		kinds_.push_back({mask, {}});
	Ports &ports = kinds_[number->second].entries[value];
	if (localPorts(entry) == PortRange{})
		ports.anyLocal.add(remotePorts(entry), entry.order);
	else
		ports.others[remotePorts(entry)].add(localPorts(entry),
		                                     entry.order);
}

std::optional<std::uint32_t> CoverIndex::find(const Ports &ports,
                                              const cloak_entry &entry) const
{
	const PortRange remote = remotePorts(entry);

	if (const auto found = ports.anyLocal.find(remote))
		return found;
	for (const auto &[range, locals] : ports.others) {
		if (range.least > remote.least || !spend(1))
			break;
		const auto found = range.most >= remote.most
		                       ? locals.find(localPorts(entry))
		                       : std::nullopt;
		if (found)
			return found;
	}
	return std::nullopt;
}

std::optional<std::uint32_t> CoverIndex::find(const cloak_entry &entry) const
{
	for (const Kind &kind : kinds_) {
		Words value{};
		bool finer = true;

		for (std::size_t i = 0; i < value.size(); ++i) {
			finer &= (kind.mask[i] & ~entry.mask[i]) == 0;
			value[i] = entry.value[i] & kind.mask[i];
		}
		if (!spend(finer ? kLookUp : 1))
			return std::nullopt;
		if (!finer)
			continue;
		const auto ports = kind.entries.find(value);
		if (ports == kind.entries.end())
			continue;
		if (const auto found = find(ports->second, entry))
			return found;
	}
	return std::nullopt;
}

} // namespace cloak
