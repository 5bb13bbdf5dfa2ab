// SPDX-License-Identifier: Apache-2.0
#include "alerts/queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

bool comesTrue(const std::function<bool()> &condition)
{
	for (int i = 0; i < 500; ++i) {
		if (condition())
			return true;
		std::this_thread::sleep_for(10ms);
	}
	return false;
}

class FileQueue : public testing::Test
{
protected:
	void SetUp() override
	{
		folder_ = std::filesystem::path(testing::TempDir()) /
		          ("cloak-queue-" + std::to_string(getpid()));
		std::filesystem::create_directories(folder_);
		path_ = folder_ / "lines";
	}
	void TearDown() override { std::filesystem::remove_all(folder_); }

	[[nodiscard]] std::string contents() const
	{
		std::ostringstream text;
		text << std::ifstream(path_).rdbuf();
		return text.str();
	}

	std::filesystem::path folder_;
	std::filesystem::path path_;
};

TEST_F(FileQueue, WritesLinesInTheirOrder)
{
	{
		LineQueue queue(std::make_unique<FileSink>(path_));
		queue.push("one");
		queue.push("two");
	}
	EXPECT_EQ(contents(), "one\ntwo\n");
}

TEST_F(FileQueue, AppendsToWhatIsThere)
{
	std::ofstream(path_) << "before\n";
	{
		LineQueue queue(std::make_unique<FileSink>(path_));
		queue.push("after");
	}
	EXPECT_EQ(contents(), "before\nafter\n");
}

/** Whoever wrote it had no more room for its end. */
TEST_F(FileQueue, BeginsALineBehindOneWithoutAnEnd)
{
	std::ofstream(path_) << "whole\nbro";
	{
		LineQueue queue(std::make_unique<FileSink>(path_));
		queue.push("after");
	}
	EXPECT_EQ(contents(), "whole\nbro\nafter\n");
}

TEST_F(FileQueue, NoticesThatTheFileWasRotated)
{
	LineQueue queue(std::make_unique<FileSink>(path_));

	queue.push("old");
	ASSERT_TRUE(comesTrue([&] { return queue.stats().written == 1; }));
	std::filesystem::rename(path_, folder_ / "lines.1");
	queue.push("new");
	ASSERT_TRUE(comesTrue([&] { return queue.stats().written == 2; }));
	EXPECT_EQ(contents(), "new\n");
}

TEST_F(FileQueue, KeepsLinesWhileThereIsNoFolder)
{
	std::filesystem::remove_all(folder_);
	LineQueue queue(std::make_unique<FileSink>(path_));

	queue.push("patient");
	ASSERT_TRUE(comesTrue([&] { return queue.stats().failed > 0; }));
	EXPECT_EQ(queue.stats().waiting, 1U);
	EXPECT_NE(queue.stats().lastError.find("No such file"),
	          std::string::npos);
	std::filesystem::create_directories(folder_);
	ASSERT_TRUE(comesTrue([&] { return queue.stats().written == 1; }));
	EXPECT_EQ(contents(), "patient\n");
	EXPECT_EQ(queue.stats().lastError, "");
	EXPECT_GT(queue.stats().failed, 0U);
}

/** As much as fits into a pipe. */
void fill(Sink &sink)
{
	const std::string piece(4096, 'x');
	auto written = sink.write(piece);

	while (written && *written > 0)
		written = sink.write(piece);
	ASSERT_TRUE(written);
}

TEST_F(FileQueue, AFullFifoIsNotTriedAllTheTime)
{
	ASSERT_EQ(mkfifo(path_.c_str(), S_IRUSR | S_IWUSR), 0);
	const Fd reading(
	    open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	FileSink sink(path_);

	ASSERT_TRUE(sink.lineBoundary());
	fill(sink);
	const auto begun = std::chrono::steady_clock::now();
	auto written = sink.write("x");
	ASSERT_TRUE(written);
	EXPECT_EQ(*written, 0U);
	EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
}

TEST_F(FileQueue, WhatAFullFifoDidNotTakeComesWhenThereIsRoom)
{
	constexpr unsigned count = 1000;
	const std::string line(999, 'x');
	std::string got;
	std::array<char, 65536> chunk{};
	ASSERT_EQ(mkfifo(path_.c_str(), S_IRUSR | S_IWUSR), 0);
	const Fd reading(
	    open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	LineQueue queue(std::make_unique<FileSink>(path_));

	for (unsigned i = 0; i < count; ++i)
		queue.push(line);
	ASSERT_TRUE(comesTrue([&] { return queue.stats().written > 0; }));
	std::this_thread::sleep_for(200ms);
	EXPECT_GT(queue.stats().waiting, 0U);
	ASSERT_TRUE(comesTrue([&] {
		ssize_t size = 0;
		while ((size = read(reading.get(), chunk.data(),
		                    chunk.size())) > 0)
			got.append(chunk.data(),
			           static_cast<std::size_t>(size));
		return got.size() == count * (line.size() + 1);
	}));
	ASSERT_TRUE(comesTrue([&] { return queue.stats().written == count; }));
	EXPECT_EQ(queue.stats().dropped, 0U);
	EXPECT_EQ(queue.stats().failed, 0U);
}

TEST(Queue, FullDiskIsCountedAndNobodyWaits)
{
	LineQueue queue(std::make_unique<FileSink>("/dev/full"));
	const auto begun = std::chrono::steady_clock::now();

	for (int i = 0; i < 1000; ++i)
		queue.push("alert");
	EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
	ASSERT_TRUE(comesTrue([&] { return queue.stats().failed > 0; }));
	EXPECT_EQ(queue.stats().written, 0U);
	EXPECT_EQ(queue.stats().waiting, 1000U);
	EXPECT_NE(queue.stats().lastError.find("No space left"),
	          std::string::npos);
}

/** A sink that takes nothing. */
class StuckSink final : public Sink
{
public:
	[[nodiscard]] Result<std::size_t> write(std::string_view) override
	{
		return Error(EIO, "stuck");
	}
	[[nodiscard]] const std::string &name() const override { return name_; }

private:
	std::string name_ = "stuck";
};

/** A sink that fails as long as it is told to. */
class MoodySink final : public Sink
{
public:
	explicit MoodySink(const std::atomic<bool> &fails) : fails_(fails) {}

	[[nodiscard]] Result<std::size_t> write(std::string_view text) override
	{
		if (fails_)
			return Error(ENOSPC, "cannot write to moody");
		return text.size();
	}
	[[nodiscard]] const std::string &name() const override { return name_; }

private:
	const std::atomic<bool> &fails_;
	std::string name_ = "moody";
};

/** What the log says meanwhile, one line after the other. */
class Log
{
public:
	Log() : former_(spdlog::default_logger())
	{
		auto sink =
		    std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
		auto logger = std::make_shared<spdlog::logger>("test", sink);
		logger->set_pattern("%l: %v");
		spdlog::set_default_logger(logger);
	}
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;
	~Log() { spdlog::set_default_logger(former_); }

	/** When nobody writes to it any more. */
	[[nodiscard]] std::string text() const { return text_.str(); }

private:
	std::shared_ptr<spdlog::logger> former_;
	std::ostringstream text_;
};

TEST(Queue, AnErrorIsSaidOnceUntilItWorksAgain)
{
	std::atomic<bool> fails = true;
	const Log log;

	for (int i = 0; i < 2; ++i) {
		LineQueue queue(std::make_unique<MoodySink>(fails));
		fails = true;
		queue.push("one");
		ASSERT_TRUE(
		    comesTrue([&] { return queue.stats().failed > 1; }));
		fails = false;
		ASSERT_TRUE(
		    comesTrue([&] { return queue.stats().written == 1; }));
	}
	const std::string round =
	    "error: cannot write to moody: No space left on device; up to "
	    "65536 events wait for it, what exceeds that is lost\n"
	    "info: moody is written again\n";
	EXPECT_EQ(log.text(), round + round);
}

TEST(Queue, DropsTheNewestBeyondItsBound)
{
	LineQueue queue(std::make_unique<StuckSink>());

	for (std::size_t i = 0; i < LineQueue::kMostLines + 10; ++i)
		queue.push("x");
	EXPECT_EQ(queue.stats().waiting, LineQueue::kMostLines);
	EXPECT_EQ(queue.stats().dropped, 10U);
}

TEST(Queue, MinorLinesLeaveRoomForOthers)
{
	LineQueue queue(std::make_unique<StuckSink>());

	for (std::size_t i = 0; i < LineQueue::kMostLines; ++i)
		queue.pushMinor("x");
	EXPECT_EQ(queue.stats().waiting, LineQueue::kMostMinorLines);
	EXPECT_EQ(queue.stats().dropped,
	          LineQueue::kMostLines - LineQueue::kMostMinorLines);
	for (std::size_t i = queue.stats().waiting; i < LineQueue::kMostLines;
	     ++i)
		queue.push("x");
	EXPECT_EQ(queue.stats().waiting, LineQueue::kMostLines);
}

TEST(Queue, MinorOctetsLeaveRoomForOthers)
{
	LineQueue queue(std::make_unique<StuckSink>());
	const std::string quarter(LineQueue::kMostBytes / 4 - 1, 'x');

	for (int i = 0; i < 4; ++i)
		queue.pushMinor(quarter);
	EXPECT_EQ(queue.stats().waiting, 3U);
	queue.push(quarter);
	EXPECT_EQ(queue.stats().waiting, 4U);
	EXPECT_EQ(queue.stats().dropped, 1U);
}

TEST(Queue, BoundsOctetsToo)
{
	LineQueue queue(std::make_unique<StuckSink>());

	queue.push(std::string(LineQueue::kMostBytes, 'x'));
	EXPECT_EQ(queue.stats().dropped, 1U);
}

TEST(Queue, DoesNotWaitForAFullPipeAtTheEnd)
{
	int ends[2];
	ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
	const Fd reading(ends[0]);
	const Fd writing(ends[1]);
	const auto begun = std::chrono::steady_clock::now();
	{
		LineQueue queue(
		    std::make_unique<StreamSink>(writing.get(), "pipe"));
		for (int i = 0; i < 1000; ++i)
			queue.push(std::string(1000, 'x'));
	}
	EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

} // namespace
} // namespace cloak
