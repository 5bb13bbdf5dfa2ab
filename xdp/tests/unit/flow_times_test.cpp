// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What took no time takes none in what is told of it either.
 */
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "alerts/eve.h"
#include "export/ipfix.h"
#include "flows/eve.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

/** So often that two looks at the clocks differ. */
constexpr int kLooks = 1000;

/**
 * A moment at which the next number of @p unit begins by the wall clock, as far
 * as one can look at it.
 */
std::uint64_t onTheEdge(std::chrono::nanoseconds unit)
{
	const BootTime now = BootClock::now();
	const BootTime edge = now - toWall(now).time_since_epoch() % unit;

	return static_cast<std::uint64_t>(edge.time_since_epoch().count());
}

/** Of one packet. */
Flow flowAt(std::uint64_t nanoseconds)
{
	Flow flow;

	flow.key.ethertype = 0x0800;
	flow.key.protocol = 17;
	flow.record.first_ns = nanoseconds;
	flow.record.last_ns = nanoseconds;
	return flow;
}

TEST(Times, OfAFlowOfOnePacketAreTheSame)
{
	for (int i = 0; i < kLooks; ++i) {
		const auto event = toEve(flowAt(onTheEdge(1us)), {});
		ASSERT_EQ(event["flow"]["start"], event["flow"]["end"]);
	}
}

TEST(Times, OfAnAlertOfOneProbeAreTheSame)
{
	for (int i = 0; i < kLooks; ++i) {
		Alert alert{};
		alert.totals.first_ns = onTheEdge(1us);
		alert.totals.last_ns = alert.totals.first_ns;
		const auto event = toEve(alert, {});
		ASSERT_EQ(event["cloak"]["first_seen"],
		          event["cloak"]["last_seen"]);
	}
}

TEST(Times, OfAnIpfixRecordOfOnePacketAreTheSame)
{
	constexpr std::size_t headers = 16 + 4;
	IpfixEncoder encoder(false);

	for (int i = 0; i < kLooks; ++i) {
		auto messages = encoder.encode({flowAt(onTheEdge(1ms))});
		ASSERT_TRUE(messages);
		const std::string &message = messages->back();
		ASSERT_GT(message.size(), headers + 16);
		ASSERT_EQ(message.substr(headers, 8),
		          message.substr(headers + 8, 8));
	}
}

} // namespace
} // namespace cloak
