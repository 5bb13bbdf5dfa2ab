// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Entries of rules, to find one that matches all that another one does.
 */
#ifndef CLOAKLAKE_POLICY_COVER_INDEX_H
#define CLOAKLAKE_POLICY_COVER_INDEX_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cloak_abi.h"
#include "policy/rule.h"

namespace cloak
{

/** Port ranges, none within another one, each of some rule. */
class RangeCover
{
public:
	void add(const PortRange &range, std::uint32_t rule);
	/** The rule of a range that has all of @p range in it. */
	[[nodiscard]] std::optional<std::uint32_t>
	find(const PortRange &range) const;

private:
	struct End {
		std::uint16_t most;
		std::uint32_t rule;
	};

	std::map<std::uint16_t, End> ends_; //!< by where they begin
};

/**
 * Finds an entry that covers another one among many. They are kept by the bits
 * that they look at, so one look-up is enough for all entries of a kind.
 */
class CoverIndex
{
public:
	/** @param steps what all look-ups together may take; it is counted down
	 */
	explicit CoverIndex(std::size_t &steps) : steps_(steps) {}

	/** @p entry has the number of its rule as its order. */
	void add(const cloak_entry &entry);

	/**
	 * The order of an entry that matches all that @p entry does; nothing
	 * if there is none, or no steps are left.
	 */
	[[nodiscard]] std::optional<std::uint32_t>
	find(const cloak_entry &entry) const;

private:
	using Words = std::array<std::uint64_t, CLOAK_TERNARY_WORDS>;

	struct Hash {
		std::size_t operator()(const Words &words) const;
	};
	/** Entries that differ in their ports only. */
	struct Ports {
		RangeCover anyLocal; //!< remote ports, where the local is any
		std::map<PortRange, RangeCover> others; //!< by remote port
	};
	struct Kind {
		Words mask{};
		std::unordered_map<Words, Ports, Hash> entries;
	};

	[[nodiscard]] bool spend(std::size_t steps) const;
	[[nodiscard]] std::optional<std::uint32_t>
	find(const Ports &ports, const cloak_entry &entry) const;

	std::size_t &steps_;
	std::vector<Kind> kinds_;
	std::map<Words, std::size_t> numbers_; //!< of kinds, by their mask
};

} // namespace cloak

#endif // CLOAKLAKE_POLICY_COVER_INDEX_H
