// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Generated frames: random ones and damaged probes. The seed is fixed, so a
 * failure can be repeated.
 */
#include <cstdlib>

#include "tests/harness/generator.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

namespace
{

constexpr std::uint32_t kSeed = 20171114;

/** CLOAK_FUZZ_ROUNDS, for where a frame takes long; 3000 by default. */
unsigned rounds()
{
	const char *wanted = std::getenv("CLOAK_FUZZ_ROUNDS");

	return wanted ? std::strtoul(wanted, nullptr, 10) : 3000;
}

} // namespace

class FuzzTest : public CloakTest
{
};

TEST_F(FuzzTest, NoFrameOfAStrangerPasses)
{
	Generator generator(kSeed);
	const unsigned last = rounds();
	usualPolicy().commit(policy());
	const std::uint64_t before = counted();
	const EventStats statsBefore = stats();

	std::uint64_t frames = 0;
	for (unsigned round = 0; round < last; round++) {
		for (const Bytes &frame :
		     {generator.noise(), generator.damaged()}) {
			const Outcome outcome = ingress(frame);

			frames++;
			EXPECT_TRUE(!outcome.passed || namesAPeer(frame))
			    << ::testing::PrintToString(frame);
		}
		if (round % 64 == 0)
			events();
	}

	EXPECT_EQ(counted() - before, frames) << "produced is the sum";
	const EventStats now = stats();
	const auto moved = [&](cloak_event_stat which) {
		return now.at(which) - statsBefore.at(which);
	};
	EXPECT_EQ(moved(CLOAK_STAT_PROBES), moved(CLOAK_STAT_SENT) +
	                                        moved(CLOAK_STAT_SUPPRESSED) +
	                                        moved(CLOAK_STAT_RATE_LIMITED) +
	                                        moved(CLOAK_STAT_FAILED));
}

TEST_F(FuzzTest, EgressTellsNoStranger)
{
	Generator generator(kSeed);
	const unsigned last = rounds();
	usualPolicy().commit(policy());

	for (unsigned round = 0; round < last; round++) {
		const Bytes frame = generator.damaged();

		if (frame.size() < kLeastSkb)
			continue;
		EXPECT_TRUE(!egress(frame).passed || namesAPeer(frame))
		    << ::testing::PrintToString(frame);
	}
}

TEST_F(FuzzTest, AddressModeTakesAnything)
{
	Generator generator(kSeed);
	const unsigned last = rounds();
	PolicyText()
	    .addresses()
	    .cloaked("192.0.2.5")
	    .cloaked("2001:db8::5")
	    .commit(policy());

	for (unsigned round = 0; round < last; round++) {
		ingress(generator.noise());
		ingress(generator.damaged());
	}
}

} // namespace cloak::test
