// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How many flows are told of as events, and whether anybody wants them.
 */
#include "daemon/flow_events.h"

#include <gtest/gtest.h>

#include "tests/unit/scanner.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

/** Flows that all end at the same time, of which somebody is told. */
class FlowEventsTest : public testing::Test
{
protected:
	void SetUp() override
	{
		FlowPolicy policy;

		outputs_.configure({false, ""});
		policy.evePerSecond = 10;
		events_.configure(policy);
		events_.follow([this] { return wanted_; },
		               [this](const std::string &) { ++told_; });
	}

	void endFlows(unsigned count, std::chrono::nanoseconds when)
	{
		for (unsigned i = 0; i < count; ++i)
			events_.tell({}, at(when));
	}

	Outputs outputs_;
	FlowEvents events_{outputs_};
	bool wanted_ = true;
	unsigned told_ = 0;
};

TEST_F(FlowEventsTest, TellOfNoMoreThanTheyMayAndCountTheRest)
{
	endFlows(1000, 1s);
	EXPECT_EQ(told_, 100U) << "as many as in ten seconds";
	EXPECT_EQ(events_.omitted(), 900U);
	endFlows(1000, 2s);
	EXPECT_EQ(told_, 110U);
	EXPECT_EQ(events_.omitted(), 1890U);
}

TEST_F(FlowEventsTest, NothingIsOmittedThatNobodyWants)
{
	wanted_ = false;
	endFlows(1000, 1s);
	EXPECT_EQ(told_, 0U);
	EXPECT_EQ(events_.omitted(), 0U);
}

TEST_F(FlowEventsTest, TheFileHasTheSameLimit)
{
	wanted_ = false;
	outputs_.configure({false, "/dev/full"});
	endFlows(1000, 1s);
	EXPECT_EQ(outputs_.stats().at("/dev/full").waiting, 100U);
	EXPECT_EQ(events_.omitted(), 900U);
}

TEST_F(FlowEventsTest, TheFileIsAMatterOfThePolicy)
{
	FlowPolicy policy;

	policy.eve = false;
	events_.configure(policy);
	outputs_.configure({false, "/dev/full"});
	endFlows(10, 1s);
	EXPECT_EQ(told_, 10U);
	EXPECT_EQ(outputs_.stats().at("/dev/full").waiting, 0U);
}

} // namespace
} // namespace cloak
