// SPDX-License-Identifier: Apache-2.0
#include "export/spool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "util/file.h"

namespace cloak
{
namespace
{

using Lines = std::vector<std::string>;

class SpoolTest : public testing::Test
{
protected:
	void SetUp() override
	{
		folder_ = std::filesystem::path(testing::TempDir()) /
		          ("cloak-spool-" + std::to_string(getpid()));
		std::filesystem::remove_all(folder_);
		path_ = spoolPath(folder_, "tcp://10.0.0.1:601");
	}
	void TearDown() override { std::filesystem::remove_all(folder_); }

	/** What the next daemon finds. */
	[[nodiscard]] Lines left() const
	{
		Spool next(path_);
		auto found = next.recall();

		EXPECT_TRUE(found);
		return found ? *found : Lines{"?"};
	}

	void append(const std::string &text) const
	{
		std::ofstream(path_, std::ios::app) << text;
	}

	std::filesystem::path folder_;
	std::string path_;
};

TEST_F(SpoolTest, KeepsLinesInTheirOrder)
{
	Spool spool(path_);

	EXPECT_EQ(left(), Lines{});
	ASSERT_TRUE(spool.keep({"one", "two"}));
	ASSERT_TRUE(spool.keep({"three"}));
	EXPECT_EQ(left(), (Lines{"one", "two", "three"}));
	ASSERT_TRUE(spool.drop({"one"}));
	EXPECT_EQ(left(), (Lines{"two", "three"}));
}

TEST_F(SpoolTest, LeavesNoFileBehindWhenAllIsDelivered)
{
	Spool spool(path_);

	ASSERT_TRUE(spool.keep({"one", "two"}));
	ASSERT_TRUE(spool.drop({"one", "two"}));
	EXPECT_FALSE(std::filesystem::exists(path_));
	ASSERT_TRUE(spool.keep({"three"}));
	EXPECT_EQ(left(), Lines{"three"});
	ASSERT_TRUE(spool.clear());
	EXPECT_EQ(left(), Lines{});
}

TEST_F(SpoolTest, GoesOnBehindWhatAFormerDaemonHasLeft)
{
	ASSERT_TRUE(Spool(path_).keep({"one", "two"}));
	Spool spool(path_);

	ASSERT_TRUE(spool.recall());
	ASSERT_TRUE(spool.keep({"three"}));
	ASSERT_TRUE(spool.drop({"one", "two"}));
	EXPECT_EQ(left(), Lines{"three"});
}

/** Who wrote it was killed, or had no more room. */
TEST_F(SpoolTest, CutsOffAPartOfALine)
{
	ASSERT_TRUE(Spool(path_).keep({"whole"}));
	append("bro");
	Spool spool(path_);
	auto found = spool.recall();

	ASSERT_TRUE(found);
	EXPECT_EQ(*found, Lines{"whole"});
	ASSERT_TRUE(spool.keep({"next"}));
	EXPECT_EQ(left(), (Lines{"whole", "next"}));
}

TEST_F(SpoolTest, RefusesWhatIsNoSpoolAndBeginsAnew)
{
	for (const std::string text :
	     {"", "x", "00000000000000000009\n", "0000000000000000002x\n",
	      "99999999999999999999\nline\n", "00000000000000000030\nline\n"}) {
		ASSERT_TRUE(Spool(path_).keep({"line"}));
		std::ofstream(path_, std::ios::trunc) << text;
		Spool spool(path_);
		EXPECT_FALSE(spool.recall()) << text;
		ASSERT_TRUE(spool.keep({"fresh"}));
		EXPECT_EQ(left(), Lines{"fresh"}) << text;
	}
}

TEST_F(SpoolTest, HasALimitAndMakesRoomOfWhatIsDelivered)
{
	const std::string half(Spool::kMostBytes / 2, 'x');
	Spool spool(path_);

	ASSERT_TRUE(spool.keep({"first"}));
	ASSERT_TRUE(spool.keep({half}));
	EXPECT_FALSE(spool.keep({half}));
	EXPECT_EQ(left(), (Lines{"first", half}));
	ASSERT_TRUE(spool.keep({"last"}));
	ASSERT_TRUE(spool.drop({"first", half}));
	ASSERT_TRUE(spool.keep({half}));
	EXPECT_EQ(left(), (Lines{"last", half}));
	EXPECT_LE(std::filesystem::file_size(path_), Spool::kMostBytes);
}

TEST_F(SpoolTest, SaysWhatIsWrongWithTheFolder)
{
	std::ofstream(folder_.string()) << "no folder";
	Spool spool(path_);

	EXPECT_FALSE(spool.keep({"line"}));
	std::filesystem::remove(folder_);
	EXPECT_TRUE(spool.keep({"line"}));
	EXPECT_EQ(left(), Lines{"line"});
}

} // namespace
} // namespace cloak
