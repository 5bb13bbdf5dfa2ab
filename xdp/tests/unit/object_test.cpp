// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "bpf/inner.h"
#include "bpf/object.h"
#include "bpf/policy_maps.h"
#include "bpf/rule_counters.h"
#include "model/address.h"

namespace cloak
{
namespace
{

/** Pins in a BPF file system of their own. */
class ObjectTest : public testing::Test
{
protected:
	void SetUp() override
	{
		std::filesystem::create_directories(folder_);
		if (mount("bpf", folder_.c_str(), "bpf", 0, "mode=700") != 0)
			GTEST_SKIP() << "no BPF file system can be mounted";
		options_.pinRoot = folder_ + "/cloak";
	}

	void TearDown() override
	{
		umount(folder_.c_str());
		std::filesystem::remove(folder_);
	}

	std::string folder_ =
	    testing::TempDir() + "cloak-object-" + std::to_string(getpid());
	CloakObject::Options options_;
};

/** One that ends before the first policy may have those of another version. */
TEST_F(ObjectTest, LeavesPeersToTheNext)
{
	const cloak_prefix guest = toAbi(*parsePrefix("192.0.2.11"));
	{
		auto first = CloakObject::load(options_);
		ASSERT_TRUE(first) << first.error().message();
		auto map = innerMap(first->maps().peerSlots, 0, "peers");
		ASSERT_TRUE(map) << map.error().message();
		const PeerMap peers(*std::move(map), "peers");
		ASSERT_TRUE(peers.put(guest, {}));
	}
	for (int i = 0; i < 2; ++i) {
		auto next = CloakObject::load(options_);
		ASSERT_TRUE(next) << next.error().message();
		auto peers = PolicyMaps(next->maps()).peers();
		ASSERT_TRUE(peers) << peers.error().message();
		ASSERT_EQ(peers->size(), 1U);
		EXPECT_EQ(peers->front().first.bits, guest.bits);
		EXPECT_TRUE(std::filesystem::exists(options_.pinRoot +
		                                    "/peer_slots-0"));
	}
}

/** Counters of a policy that cannot have all it wants are free for others. */
TEST_F(ObjectTest, FreesCountersThatWereNotHad)
{
	constexpr __u32 kTooMany =
	    CLOAK_COUNTER_CHUNK * CLOAK_COUNTER_CHUNKS + 1;
	const std::vector<cloak_counter_key> first{{}, {{7, 7}}};
	const std::vector<cloak_counter_key> second{{}, {{7, 7}}, {{8, 8}}};
	std::vector<cloak_counter_key> many;

	for (__u64 i = 0; i < kTooMany; ++i)
		many.push_back({{i, ~i}});
	auto object = CloakObject::load(options_);
	ASSERT_TRUE(object) << object.error().message();
	auto counters = RuleCounters::open(object->maps());
	ASSERT_TRUE(counters) << counters.error().message();
	auto had = counters->claim(object->maps(), first);
	ASSERT_TRUE(had) << had.error().message();
	EXPECT_FALSE(counters->claim(object->maps(), many));
	auto claimed = counters->claim(object->maps(), second);
	ASSERT_TRUE(claimed) << claimed.error().message();
	EXPECT_EQ(*claimed, (std::vector<__u32>{0, 1, 2}));
}

} // namespace
} // namespace cloak
