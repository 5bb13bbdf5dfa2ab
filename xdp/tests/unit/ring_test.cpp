// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The files of evidence: how many are kept, and what a full disk costs.
 */
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "evidence/ring.h"

namespace cloak
{
namespace
{

/** A folder for one test. */
class FileRingTest : public testing::Test
{
protected:
	void SetUp() override
	{
		std::string name = testing::TempDir() + "cloak-ring-XXXXXX";
		ASSERT_NE(mkdtemp(name.data()), nullptr);
		root_ = name;
	}
	void TearDown() override { std::filesystem::remove_all(root_); }

	[[nodiscard]] std::string folder() const { return root_ + "/ring"; }

	[[nodiscard]] std::vector<std::string> names() const
	{
		std::vector<std::string> found;
		for (const auto &entry :
		     std::filesystem::directory_iterator(folder()))
			found.push_back(entry.path().filename());
		std::sort(found.begin(), found.end());
		return found;
	}

	[[nodiscard]] FileRing ring() const
	{
		return FileRing({folder(), 100, 3});
	}

private:
	std::string root_;
};

TEST_F(FileRingTest, KeepsSoManyFilesAndNoMore)
{
	FileRing ring = this->ring();

	EXPECT_FALSE(ring.fits(1));
	for (int i = 0; i < 5; ++i) {
		ASSERT_TRUE(ring.next("head").ok());
		EXPECT_TRUE(ring.fits(96));
		EXPECT_FALSE(ring.fits(97));
		ASSERT_TRUE(ring.append(std::string(96, 'x')).ok());
		EXPECT_FALSE(ring.fits(1));
	}
	EXPECT_EQ(names(),
	          (std::vector<std::string>{"evidence-00000003.pcapng",
	                                    "evidence-00000004.pcapng",
	                                    "evidence-00000005.pcapng"}));
}

TEST_F(FileRingTest, GoesOnAfterAFormerProcess)
{
	ASSERT_TRUE(ring().next("head").ok());
	std::ofstream(folder() + "/evidence-00000041.pcapng") << "old";
	std::ofstream(folder() + "/notes.txt") << "not ours";
	FileRing again = ring();
	ASSERT_TRUE(again.next("head").ok());
	ASSERT_TRUE(again.next("head").ok());
	EXPECT_EQ(names(), (std::vector<std::string>{"evidence-00000041.pcapng",
	                                             "evidence-00000042.pcapng",
	                                             "evidence-00000043.pcapng",
	                                             "notes.txt"}));
}

/** A ring of three files of 16 KiB on a disk of 64 KiB, and somebody else. */
class FullDiskTest : public FileRingTest
{
protected:
	static constexpr std::size_t kPage = 4096;

	/** Has the disk for @p test alone: nobody else sees it. */
	void onSmallDisk(const std::function<void()> &test)
	{
		std::filesystem::create_directory(folder());
		bool mounted = false;
		std::thread([&] {
			mounted = unshare(CLONE_NEWNS) == 0 &&
			          mount("none", "/", nullptr,
			                MS_REC | MS_PRIVATE, nullptr) == 0 &&
			          mount("none", folder().c_str(), "tmpfs", 0,
			                "size=64k") == 0;
			if (mounted)
				test();
		}).join();
		if (!mounted)
			GTEST_SKIP() << "may not mount a disk of its own";
	}

	/** Somebody else takes what room is left. */
	void fillUp()
	{
		std::ofstream(folder() + "/others", std::ios::app)
		    << std::string(16 * kPage, 'o');
	}

	void makeRoom() { std::filesystem::remove(folder() + "/others"); }

	/** As the recorder does it. */
	static Status record(FileRing &ring, const std::string &block)
	{
		if (!ring.fits(block.size())) {
			Status made = ring.next("head");
			if (!made)
				return made;
		}
		return ring.append(block);
	}

	[[nodiscard]] FileRing ring() const
	{
		return FileRing({folder(), 4 * kPage, 3});
	}

	[[nodiscard]] std::string contentOf(const char *name) const
	{
		std::ifstream file(folder() + "/" + name);
		return {std::istreambuf_iterator<char>(file), {}};
	}

	const std::string most_ = std::string(4 * kPage - 4, 'x');
};

TEST_F(FullDiskTest, NoOldFileGoesForAnAttempt)
{
	onSmallDisk([this] {
		FileRing ring = this->ring();
		const std::string part(2 * kPage - 100, 'y');

		for (int i = 0; i < 3; ++i)
			ASSERT_TRUE(record(ring, most_).ok());
		// There is room for the head of the next, for which one goes.
		ASSERT_TRUE(ring.next("head").ok());
		for (int i = 0; i < 5; ++i) {
			fillUp();
			EXPECT_EQ(record(ring, part).error().code(), ENOSPC);
		}
		EXPECT_EQ(names(), (std::vector<std::string>{
				       "evidence-00000002.pcapng",
				       "evidence-00000003.pcapng",
				       "evidence-00000004.pcapng", "others"}));
		EXPECT_EQ(contentOf("evidence-00000002.pcapng"),
		          "head" + most_);
		makeRoom();
		ASSERT_TRUE(record(ring, part).ok());
		EXPECT_EQ(contentOf("evidence-00000004.pcapng"), "head" + part);
	});
}

TEST_F(FullDiskTest, OneOldFileIsTheMostThatGoesForTheNext)
{
	onSmallDisk([this] {
		FileRing ring = this->ring();

		for (int i = 0; i < 3; ++i)
			ASSERT_TRUE(record(ring, most_).ok());
		fillUp();
		for (int i = 0; i < 5; ++i)
			EXPECT_EQ(ring.next(std::string(8 * kPage, 'h'))
			              .error()
			              .code(),
			          ENOSPC);
		EXPECT_EQ(names(), (std::vector<std::string>{
				       "evidence-00000002.pcapng",
				       "evidence-00000003.pcapng", "others"}));
		ASSERT_TRUE(record(ring, most_).ok());
		EXPECT_EQ(contentOf("evidence-00000002.pcapng"),
		          "head" + most_);
	});
}

TEST_F(FileRingTest, NoFileGoesForOneThatCannotBe)
{
	FileRing ring = this->ring();

	for (int i = 0; i < 3; ++i)
		ASSERT_TRUE(ring.next("head").ok());
	std::filesystem::create_directory(folder() +
	                                  "/evidence-00000004.pcapng");
	EXPECT_FALSE(ring.next("head").ok());
	EXPECT_EQ(names().size(), 4U);
	ASSERT_TRUE(ring.next("head").ok());
	EXPECT_EQ(names().size(), 4U);
	EXPECT_EQ(names().front(), "evidence-00000002.pcapng");
}

TEST_F(FullDiskTest, AFileThatWasRemovedDoesNotGoOn)
{
	onSmallDisk([this] {
		FileRing ring = this->ring();

		ASSERT_TRUE(record(ring, "first").ok());
		fillUp();
		EXPECT_FALSE(record(ring, std::string(kPage, 'y')).ok());
		std::filesystem::remove(folder() + "/evidence-00000001.pcapng");
		makeRoom();
		ASSERT_TRUE(record(ring, "second").ok());
		EXPECT_EQ(contentOf("evidence-00000002.pcapng"), "headsecond");
	});
}

TEST(FileRing, SaysWhatIsWrong)
{
	FileRing ring({"/proc/nowhere", 100, 3});

	EXPECT_FALSE(ring.next("head").ok());
	EXPECT_FALSE(ring.fits(1));
}

} // namespace
} // namespace cloak
