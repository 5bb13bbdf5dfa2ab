// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bpf/pin_keeper.h"
#include "policy/enforce.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

/** Whoever names a wrong folder loses nothing. */
TEST(Pins, AreNotRemovedFromAnotherFileSystem)
{
	const fs::path folder =
	    testing::TempDir() + "cloak-pins-" + std::to_string(getpid());

	fs::create_directories(folder / "links");
	std::ofstream(folder / "links" / "xdp-1") << "mine";
	std::ofstream(folder / "config") << "mine";
	const Status lifted = Enforcer::lift(folder);
	ASSERT_FALSE(lifted);
	EXPECT_NE(lifted.error().message().find("BPF file system"),
	          std::string::npos);
	EXPECT_TRUE(fs::exists(folder / "links" / "xdp-1"));
	EXPECT_TRUE(fs::exists(folder / "config"));
	fs::remove_all(folder);
}

/** Any folder can be held: it need not be in a BPF file system. */
TEST(Pins, AreHeldByOneAlone)
{
	const fs::path folder =
	    testing::TempDir() + "cloak-held-" + std::to_string(getpid());

	EXPECT_EQ(PinKeeper::hold(folder).error().code(), ENOENT);
	fs::create_directories(folder);
	{
		const auto held = PinKeeper::hold(folder);
		ASSERT_TRUE(held);
		const auto second = PinKeeper::hold(folder);
		ASSERT_FALSE(second);
		EXPECT_NE(second.error().message().find("another cloakd"),
		          std::string::npos);
	}
	EXPECT_TRUE(PinKeeper::hold(folder));
	fs::remove_all(folder);
}

TEST(Pins, NeedNotBeThereToBeRemoved)
{
	EXPECT_TRUE(Enforcer::lift(testing::TempDir() + "cloak-no-pins"));
}

} // namespace
} // namespace cloak
