// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Frames nobody thought of: random ones and damaged probes.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_GENERATOR_H
#define CLOAKLAKE_TESTS_HARNESS_GENERATOR_H

#include <cstdint>
#include <random>
#include <vector>

#include "tests/harness/packet.h"

namespace cloak::test
{

/** The same seed gives the same frames, so a failure can be repeated. */
class Generator
{
public:
	explicit Generator(std::uint32_t seed);

	/** Random bytes; half of them under a type that is parsed. */
	[[nodiscard]] Bytes noise();

	/** A probe of kScanner with a few bytes changed, or cut off. */
	[[nodiscard]] Bytes damaged();

private:
	[[nodiscard]] std::size_t pick(std::size_t below)
	{
		return rng_() % below;
	}
	void wear(Bytes &frame);

	std::mt19937 rng_;
	/** To compose one takes longer than to damage and to send it. */
	std::vector<Bytes> probes_;
};

/** Damage can turn the stranger into a peer; then it is none. */
[[nodiscard]] bool namesAPeer(const Bytes &frame);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_GENERATOR_H
