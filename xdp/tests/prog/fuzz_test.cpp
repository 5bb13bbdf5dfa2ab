// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Generated frames: random ones and damaged probes. The seed is fixed, so a
 * failure can be repeated.
 */
#include <algorithm>
#include <random>

#include "tests/harness/probes.h"

namespace cloak::test
{

namespace
{

constexpr unsigned kRounds = 3000;
constexpr std::size_t kLeastXdp = 14;
constexpr std::size_t kLeastSkb = 14 + 40;

class Generator
{
public:
	Bytes noise()
	{
		Bytes frame(kLeastXdp + pick(200));

		std::ranges::generate(
		    frame, [&] { return static_cast<std::uint8_t>(rng_()); });
		if (pick(2) == 0)
			wear(frame);
		return frame;
	}

	/** A probe of a stranger with a few bytes changed or cut off. */
	Bytes damaged()
	{
		const auto &probes = allProbes();
		Bytes frame =
		    probes.at(pick(probes.size())).make(kScanner).bytes();

		for (std::size_t left = pick(4); left > 0; left--)
			frame.at(kLeastXdp + pick(frame.size() - kLeastXdp)) =
			    static_cast<std::uint8_t>(rng_());
		if (pick(4) == 0)
			frame.resize(kLeastXdp +
			             pick(frame.size() - kLeastXdp));
		return frame;
	}

private:
	std::size_t pick(std::size_t below) { return rng_() % below; }

	/** Random bytes under a type that is parsed. */
	void wear(Bytes &frame)
	{
		constexpr std::uint16_t kTypes[] = {0x0800, 0x0806, 0x86dd,
		                                    0x8100, 0x88a8};
		const std::uint16_t type = kTypes[pick(std::size(kTypes))];

		frame[12] = static_cast<std::uint8_t>(type >> 8U);
		frame[13] = static_cast<std::uint8_t>(type);
		if (frame.size() > kLeastXdp)
			frame[14] = type == 0x86dd ? 0x60 : 0x45;
	}

	std::mt19937 rng_{20171114};
};

/** Damage can turn the stranger into a peer; then it is none. */
bool namesAPeer(const Bytes &frame)
{
	const auto has = [&](const auto &addr) {
		return std::search(frame.begin(), frame.end(), addr.begin(),
		                   addr.end()) != frame.end();
	};
	const Addr4 routed = {198, 51, 100, 0};

	return has(kPeer.v4) || has(kPeer.v6) || has(kGateway.v4) ||
	       has(kGateway.linkLocal) || has(kOutbound.v4) ||
	       std::search(frame.begin(), frame.end(), routed.begin(),
	                   routed.begin() + 3) != frame.end();
}

} // namespace

class FuzzTest : public CloakTest
{
};

TEST_F(FuzzTest, NoFrameOfAStrangerPasses)
{
	Generator generator;
	usualPolicy().commit(policy());
	const std::uint64_t before = counted();
	const EventStats statsBefore = stats();

	std::uint64_t frames = 0;
	for (unsigned round = 0; round < kRounds; round++) {
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
	EXPECT_EQ(moved(CLOAK_STAT_PROBES),
	          moved(CLOAK_STAT_SENT) + moved(CLOAK_STAT_SUPPRESSED) +
	              moved(CLOAK_STAT_RATE_LIMITED) +
	              moved(CLOAK_STAT_FAILED));
}

TEST_F(FuzzTest, EgressTellsNoStranger)
{
	Generator generator;
	usualPolicy().commit(policy());

	for (unsigned round = 0; round < kRounds; round++) {
		const Bytes frame = generator.damaged();

		if (frame.size() < kLeastSkb)
			continue;
		EXPECT_TRUE(!egress(frame).passed || namesAPeer(frame))
		    << ::testing::PrintToString(frame);
	}
}

TEST_F(FuzzTest, AddressModeTakesAnything)
{
	Generator generator;
	PolicyText()
	    .addresses()
	    .cloaked("192.0.2.5")
	    .cloaked("2001:db8::5")
	    .commit(policy());

	for (unsigned round = 0; round < kRounds; round++) {
		ingress(generator.noise());
		ingress(generator.damaged());
	}
}

} // namespace cloak::test
