// SPDX-License-Identifier: Apache-2.0
#include "daemon/kept_policy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "policy/parse.h"
#include "policy/render.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

class KeptPolicyTest : public testing::Test
{
protected:
	void SetUp() override
	{
		folder_ = testing::TempDir() + "cloak-kept-" +
		          std::to_string(getpid());
		policy_ = readPolicy("[[interface]]\nname = \"eth0\"\n").policy;
	}
	void TearDown() override { fs::remove_all(folder_); }

	/** Another number says that the file was written anew. */
	[[nodiscard]] ino_t inode() const
	{
		struct stat status {
		};

		EXPECT_EQ(stat(keptPolicyIn(folder_).c_str(), &status), 0);
		return status.st_ino;
	}

	std::string folder_;
	Policy policy_;
};

TEST_F(KeptPolicyTest, RecallsWhatWasKept)
{
	ASSERT_TRUE(keepPolicy(folder_, policy_, "/etc/a.toml"));
	const auto kept = recallPolicy(folder_);

	ASSERT_TRUE(kept && *kept);
	const ParsedPolicy parsed = readPolicy(**kept);
	EXPECT_TRUE(parsed.errors.empty());
	EXPECT_EQ(renderPolicy(parsed.policy), renderPolicy(policy_));
	EXPECT_EQ((*kept)->front().source, keptPolicyIn(folder_));
}

TEST_F(KeptPolicyTest, SaysWhereItIsFromWhateverThatIs)
{
	ASSERT_TRUE(keepPolicy(folder_, policy_, "a\n[[interface]]\nb"));
	const auto kept = recallPolicy(folder_);

	ASSERT_TRUE(kept && *kept);
	EXPECT_EQ(readPolicy(**kept).policy.interfaces.size(), 1U);
}

TEST_F(KeptPolicyTest, IsNobodyElsesBusiness)
{
	ASSERT_TRUE(keepPolicy(folder_, policy_, ""));
	EXPECT_EQ(fs::status(keptPolicyIn(folder_)).permissions(),
	          fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(KeptPolicyTest, IsNotWrittenAnewIfItIsTheSame)
{
	ASSERT_TRUE(keepPolicy(folder_, policy_, "a"));
	const ino_t first = inode();

	ASSERT_TRUE(keepPolicy(folder_, policy_, "a"));
	EXPECT_EQ(inode(), first);
	ASSERT_TRUE(keepPolicy(folder_, policy_, "b"));
	EXPECT_NE(inode(), first);
}

TEST_F(KeptPolicyTest, NeedNotBeThere)
{
	const auto kept = recallPolicy(folder_);

	ASSERT_TRUE(kept);
	EXPECT_FALSE(*kept);
	EXPECT_FALSE(keepPolicy(folder_ + "/no/such", policy_, ""));
}

} // namespace
} // namespace cloak
