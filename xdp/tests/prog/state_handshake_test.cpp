// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that ask for the state of a connection: TCP, whose ends and handshakes
 * are seen, and what no flood pushes out.
 */
#include "tests/prog/state.h"

namespace cloak::test::state
{

TEST_F(StateTest, AProvenConnectionMayBeSilentForHours)
{
	connectOut(kOut4);
	age(7440 - 1);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	age(7440 + 1);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
}

TEST_F(StateTest, FinsOfBothEndsEndIt)
{
	connectOut(kOut4);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kFin | kAck));
	age(241);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kFin | kAck));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	age(241);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
}

TEST_F(StateTest, ThePortsOfOneThatHasEndedMayBeUsedAgain)
{
	connectIn(kIn4);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kFin | kAck));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kFin | kAck));
	connectIn(kIn4);
	age(241);
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck));
}

TEST_F(StateTest, OnlyAResetOfThisHostEndsIt)
{
	connectOut(kOut4);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kRst));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kRst));
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectDropped(kOut4, tcp(kOut4, kService, kClient, kRst));
}

TEST_F(StateTest, AResetIsNoAnswerThatProves)
{
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kRst | kAck));
	age(241);
	expectDropped(kIn4, tcp(kIn4, kClient, kFar, kRst | kAck));
}

TEST_F(StateTest, OnlyAHandshakeLeadsAmongTheProven)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U) << "nobody has answered";
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
	EXPECT_EQ(sizeOf(maps().openings), 0U);

	for (int i = 0; i < 3; ++i) {
		expectPasses(kIn4, udp(kIn4, kService, kClient));
		expectPasses(kOut4, udp(kOut4, kService, kClient));
	}
	EXPECT_EQ(sizeOf(maps().connections), 1U);
	EXPECT_EQ(sizeOf(maps().openings), 1U);
}

/** Who forges the end of a handshake has not seen its middle. */
TEST_F(StateTest, AGuessedNumberProvesNothing)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	for (const std::uint32_t off : {0U, 0U - 1U, 1U + 65536U, 1U << 31U}) {
		expectPasses(
		    kIn4, tcp(kIn4, kService, kClient, kAck, kSequence + off));
		EXPECT_EQ(sizeOf(maps().connections), 0U) << off;
	}
	// The segments in between may have been lost.
	expectPasses(kIn4,
	             tcp(kIn4, kService, kClient, kAck, kSequence + 1 + 65535));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
}

/** A second SYN is answered with no SYN, and makes the kernel forget both. */
TEST_F(StateTest, AGuessedNumberBehindASecondFirstSegmentProvesNothing)
{
	for (const Way in : {kIn4, kIn6}) {
		const Way out = back(in);

		expectPasses(in, tcp(in, kService, kClient, kSyn));
		expectPasses(out, tcp(out, kService, kClient, kSyn | kAck));
		expectPasses(in, tcp(in, kService, kClient, kSyn, 0));
		expectPasses(out, tcp(out, kService, kClient, kAck));
		for (const std::uint32_t guess :
		     {1U << 20U, kSequence - 1, 1U << 30U})
			expectPasses(in,
			             tcp(in, kService, kClient, kAck, guess));
		EXPECT_EQ(sizeOf(maps().connections), 0U);
	}
}

/** One in the middle, as it was forgotten here. */
TEST_F(StateTest, WhatGoesOnIsProvenByWhatItAcknowledges)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 1U << 20U));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck | kPsh));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 1U << 20U));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, kSequence - 9));
	EXPECT_EQ(sizeOf(maps().connections), 1U) << "the last is on its way";
}

/** Its SYN has come by another way, or was forgotten in a flood. */
TEST_F(StateTest, WhatBeginsWithAnAnswerIsProvenBySomebodyElse)
{
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn | kAck));
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck, 1U << 20U));
	expectPasses(kOut4, tcp(kOut4, kClient, kFar, kSyn | kAck));
	EXPECT_EQ(sizeOf(maps().connections), 0U);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	EXPECT_EQ(sizeOf(maps().connections), 1U);
}

/** The host's second answer, to the same question, begins anew. */
TEST_F(StateTest, TheLastAnswerIsAcknowledged)
{
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kSyn));
	expectPasses(kOut4, ip(kOut4) / Tcp{.sport = kService,
	                                    .dport = kClient,
	                                    .flags = kSyn | kAck,
	                                    .sequence = 7});
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kSyn | kAck));
	expectPasses(kIn4, tcp(kIn4, kService, kClient, kAck, 8));
	EXPECT_EQ(sizeOf(maps().connections), 1U) << "8 is not far behind";
}

TEST_F(StateTest, AFloodPushesOutWhatIsNotProven)
{
	connectOut(kOut4);
	expectPasses(kOut4, udp(kOut4, kClient, kFar));
	connectIn(kIn4);
	ingressAll(flood(tcp(kIn4, kService, kClient, kSyn), kSource));
	EXPECT_LE(sizeOf(maps().openings), std::size_t{CLOAK_MAX_OPENINGS});
	EXPECT_GT(sizeOf(maps().openings), CLOAK_MAX_OPENINGS / 2U);
	expectPasses(kIn4, tcp(kIn4, kClient, kFar, kAck));
	expectPasses(kIn4, udp(kIn4, kClient, kFar));
	expectPasses(kOut4, tcp(kOut4, kService, kClient, kAck));
	expectDropped(kIn4, udp(kIn4, kClient, kFar + 1));
	connectIn(kIn4, kClient + 1);
}

} // namespace cloak::test::state
