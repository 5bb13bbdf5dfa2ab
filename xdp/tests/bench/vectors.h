// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The rules of a table as bit vectors, a set for each field.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_VECTORS_H
#define CLOAKLAKE_TESTS_BENCH_VECTORS_H

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "cloak_abi.h"
#include "model/address.h"
#include "tests/bench/vector.h"

namespace cloak::test
{

/** A bit for each rule. */
using BitVector = std::array<std::uint64_t, VECTOR_WORDS>;

/** Rules as bit vectors: those of a field's value, by their number. */
struct BitVectors {
	static constexpr std::size_t kPorts = 65536;
	static constexpr std::size_t kProtocols = 256;

	std::vector<BitVector> all; //!< each of them once
	std::map<Prefix, std::uint32_t> bySource;
	std::array<std::uint32_t, kPorts> byPort{};
	std::array<std::uint32_t, kProtocols> byProtocol{};
};

/** @param rules in their order; as many as a vector has bits, or fewer. */
[[nodiscard]] BitVectors bitVectorsOf(const std::vector<cloak_entry> &rules);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_VECTORS_H
