// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Policies that cannot be put in force.
 */
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "policy/enforce.h"

namespace cloak
{
namespace
{

/** Pins in a BPF file system of their own; no interface is cloaked. */
class EnforceTest : public testing::Test
{
protected:
	void SetUp() override
	{
		std::filesystem::create_directories(folder_);
		if (mount("bpf", folder_.c_str(), "bpf", 0, "mode=700") != 0)
			GTEST_SKIP() << "no BPF file system can be mounted";
	}

	void TearDown() override
	{
		umount(folder_.c_str());
		std::filesystem::remove(folder_);
	}

	std::string folder_ =
	    testing::TempDir() + "cloak-enforce-" + std::to_string(getpid());
};

/** What is accounted stays what it was, too. */
TEST_F(EnforceTest, LeavesTheAccountingOfThePolicyInForce)
{
	CompiledPolicy former;
	CompiledPolicy later;
	auto enforcer = Enforcer::open(folder_ + "/cloak");

	ASSERT_TRUE(enforcer) << enforcer.error().message();
	former.gates = CLOAK_ACCOUNT_DECOYS;
	former.accounting.shadow_ns = 7;
	later.gates = CLOAK_ACCOUNT_ALL;
	later.accounting.shadow_ns = 8;
	auto applied = enforcer->apply(former, nullptr);
	ASSERT_TRUE(applied) << applied.error().message();
	const CloakMaps &maps = enforcer->maps();
	ASSERT_EQ(bpf_map_freeze(maps.peerFilters.fd()), 0);
	EXPECT_FALSE(enforcer->apply(later, nullptr));
	const auto gates = maps.gates.get(CLOAK_GATE_POLICY);
	const auto config = maps.accountConfig.get(0);
	ASSERT_TRUE(gates && *gates && config && *config);
	EXPECT_EQ(**gates, std::uint32_t{CLOAK_ACCOUNT_DECOYS});
	EXPECT_EQ((*config)->shadow_ns, 7U);
}

} // namespace
} // namespace cloak
