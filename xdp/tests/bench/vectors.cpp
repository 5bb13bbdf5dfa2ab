// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/vectors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

namespace cloak::test
{
namespace
{

constexpr std::size_t kWordBits = VECTOR_BITS;

/** The field of the remote address, the first two words. */
Prefix sourceOf(const cloak_entry &rule)
{
	Prefix prefix;
	std::size_t bits = 0;

	std::memcpy(prefix.address.octets.data(), rule.value,
	            prefix.address.octets.size());
	for (std::size_t i = 0; i < 2; ++i)
		bits += static_cast<std::size_t>(std::popcount(rule.mask[i]));
	prefix.bits = static_cast<std::uint8_t>(bits);
	return prefix;
}

/** As the LPM trie sees it, for which families are all the same. */
bool covers(const Prefix &outer, const Prefix &inner)
{
	return outer.bits <= inner.bits &&
	       Prefix{inner.address, outer.bits}.network() == outer;
}

bool takesProtocol(const cloak_entry &rule, std::uint64_t protocol)
{
	constexpr std::uint64_t field = CLOAK_FACT_PROTOCOL(0xff);
	const auto kind = static_cast<std::size_t>(CLOAK_WORD_KIND);

	return ((rule.value[kind] ^ CLOAK_FACT_PROTOCOL(protocol)) &
	        rule.mask[kind] & field) == 0;
}

/** The vector of those rules for which @p takes holds. */
template <typename Takes>
BitVector vectorOf(const std::vector<cloak_entry> &rules, Takes takes)
{
	BitVector vector{};

	for (std::size_t i = 0; i < rules.size(); ++i)
		if (takes(rules[i]))
			vector.at(i / kWordBits) |= std::uint64_t{1}
			                            << (i % kWordBits);
	return vector;
}

/** Gives equal vectors one number. */
class Numbering
{
public:
	explicit Numbering(std::vector<BitVector> &all) : all_(all) {}

	std::uint32_t of(const BitVector &vector)
	{
		const auto next = static_cast<std::uint32_t>(all_.size());
		const auto [at, fresh] = numbers_.try_emplace(vector, next);

		if (fresh)
			all_.push_back(vector);
		return at->second;
	}

private:
	std::vector<BitVector> &all_;
	std::map<BitVector, std::uint32_t> numbers_;
};

void addSources(const std::vector<cloak_entry> &rules, Numbering &numbering,
                BitVectors &into)
{
	std::set<Prefix> prefixes{Prefix{}};

	for (const cloak_entry &rule : rules)
		prefixes.insert(sourceOf(rule));
	for (const Prefix &prefix : prefixes) {
		into.bySource[prefix] = numbering.of(vectorOf(
		    rules,
		    [&prefix](const cloak_entry &rule) {
			    return covers(sourceOf(rule), prefix);
		    }));
	}
}

/** Ports between which no rule begins or ends have the same vector. */
void addPorts(const std::vector<cloak_entry> &rules, Numbering &numbering,
              BitVectors &into)
{
	std::set<std::size_t> starts{0};

	for (const cloak_entry &rule : rules) {
		starts.insert(rule.local_least);
		starts.insert(rule.local_most + std::size_t{1});
	}
	starts.insert(BitVectors::kPorts);
	for (auto start = starts.begin(); *start < BitVectors::kPorts;
	     ++start) {
		const std::size_t port = *start;
		const std::uint32_t number = numbering.of(
		    vectorOf(rules, [port](const cloak_entry &rule) {
			    return port >= rule.local_least &&
			           port <= rule.local_most;
		    }));
		std::fill(&into.byPort.at(port),
		          into.byPort.data() + *std::next(start), number);
	}
}

void addProtocols(const std::vector<cloak_entry> &rules, Numbering &numbering,
                  BitVectors &into)
{
	for (std::size_t i = 0; i < into.byProtocol.size(); ++i) {
		into.byProtocol.at(i) = numbering.of(vectorOf(
		    rules,
		    [i](const cloak_entry &rule) {
			    return takesProtocol(rule, i);
		    }));
	}
}

} // namespace

BitVectors bitVectorsOf(const std::vector<cloak_entry> &rules)
{
	BitVectors vectors;
	Numbering numbering(vectors.all);

	addSources(rules, numbering, vectors);
	addPorts(rules, numbering, vectors);
	addProtocols(rules, numbering, vectors);
	return vectors;
}

} // namespace cloak::test
