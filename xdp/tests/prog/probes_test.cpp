// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Every kind of probe, from a stranger and from an authorised peer.
 */
#include <algorithm>

#include "bpf/names.h"
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

class ProbeTest : public CloakTest
{
protected:
	/** The event of one probe by a source that was not seen before. */
	static void expectReport(const Probe &probe, const Bytes &frame,
	                         const Outcome &outcome)
	{
		const auto seen = events();
		if (probe.kind == CLOAK_KIND_NONE) {
			EXPECT_TRUE(seen.empty());
			return;
		}
		ASSERT_EQ(seen.size(), 1U);
		const cloak_event &event = seen[0].event;
		EXPECT_EQ(kindName(event.kind), kindName(probe.kind));
		EXPECT_EQ(event.reason, outcome.reason);
		EXPECT_TRUE(event.flags & CLOAK_EVENT_FIRST);
		EXPECT_EQ(!!(event.flags & CLOAK_EVENT_MONITOR),
		          outcome.monitored);
		EXPECT_EQ(event.ifindex, kIfindex);
		EXPECT_EQ(event.packet_len, frame.size());
		EXPECT_EQ(Mac(std::to_array(event.source.mac)), kScanner.mac);
		const std::size_t whole =
		    std::min<std::size_t>(frame.size(), CLOAK_HEAD_LEN);
		EXPECT_TRUE(std::equal(
		    seen[0].head.begin(), seen[0].head.end(), frame.begin(),
		    frame.begin() + static_cast<std::ptrdiff_t>(whole)));
	}
};

TEST_F(ProbeTest, OfAStrangerIsDroppedAndReported)
{
	usualPolicy().commit(policy());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		forgetState();
		const Bytes frame = probe.make(kScanner).bytes();

		const Outcome outcome = ingress(frame);

		EXPECT_FALSE(outcome.passed) << reasonName(outcome.reason);
		EXPECT_FALSE(outcome.monitored);
		expectReport(probe, frame, outcome);
	}
}

TEST_F(ProbeTest, OfAPeerPasses)
{
	usualPolicy().commit(policy());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		forgetState();

		const Outcome outcome = ingress(probe.make(kPeer));

		EXPECT_EQ(reasonName(outcome.reason),
		          reasonName(probe.fromPeer));
		EXPECT_EQ(outcome.passed, probe.fromPeer < CLOAK_DROP_FIRST);
		EXPECT_EQ(events().empty(),
		          outcome.passed || probe.kind == CLOAK_KIND_NONE);
	}
}

TEST_F(ProbeTest, OfAStrangerPassesAndIsReportedInMonitorMode)
{
	usualPolicy().monitor().commit(policy());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		forgetState();
		const Bytes frame = probe.make(kScanner).bytes();

		const Outcome outcome = ingress(frame);

		EXPECT_TRUE(outcome.passed);
		EXPECT_TRUE(outcome.monitored);
		expectReport(probe, frame, outcome);
	}
}

TEST_F(ProbeTest, PassesWhereNoPolicyIs)
{
	usualPolicy().commit(policy());
	ASSERT_TRUE(policy().eraseInterface(kIfindex).ok());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		EXPECT_EQ(ingress(probe.make(kScanner)).reason,
		          CLOAK_PASS_UNMANAGED);
	}
	EXPECT_TRUE(events().empty());
}

/*
 * Cut off at every length: whatever is left must not pass, must be counted
 * once (which ingress() checks), and must not upset the programs.
 */
TEST_F(ProbeTest, OfAStrangerIsDroppedCutOffAnywhere)
{
	usualPolicy().commit(policy());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		Bytes frame = probe.make(kScanner).bytes();

		while (frame.size() > 14) {
			frame.pop_back();
			EXPECT_FALSE(ingress(frame).passed) << frame.size();
			if (frame.size() >= kLeastSkb)
				egress(frame);
		}
	}
}

/*
 * A peer may send what it likes, and links lose what they like: it passes or
 * is dropped for a reason that is known, and is accounted.
 */
TEST_F(ProbeTest, OfAPeerHasAReasonCutOffAnywhere)
{
	usualPolicy().commit(policy());
	gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_ALL);
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		Bytes frame = probe.make(kPeer).bytes();

		while (frame.size() > 14) {
			frame.pop_back();
			SCOPED_TRACE(frame.size());
			const Outcome in = ingress(frame);

			EXPECT_FALSE(reasonName(in.reason).empty());
			EXPECT_NE(in.reason, CLOAK_DROP_INTERNAL);
			if (frame.size() < kLeastSkb)
				continue;
			const Outcome out = egress(frame);

			EXPECT_FALSE(reasonName(out.reason).empty());
			EXPECT_NE(out.reason, CLOAK_DROP_INTERNAL);
		}
		events();
	}
}

/* The same host on the other end: no probe of a stranger may be sent either. */
TEST_F(ProbeTest, IsNotSentByACloakedHostToAStranger)
{
	usualPolicy().commit(policy());
	for (const Probe &probe : allProbes()) {
		SCOPED_TRACE(probe.name);
		const Bytes frame = probe.make(kScanner).bytes();

		if (frame.size() < kLeastSkb)
			continue;
		EXPECT_FALSE(egress(frame).passed);
	}
}

} // namespace cloak::test
