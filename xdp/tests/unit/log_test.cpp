// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The log where nobody reads it.
 */
#include "util/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <spdlog/logger.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "util/fd.h"
#include "util/log_sink.h"

namespace cloak
{
namespace
{

/** A pipe that is full. */
class LogTest : public testing::Test
{
protected:
	void SetUp() override
	{
		std::array<int, 2> ends{};

		ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
		from_.reset(ends[0]);
		to_.reset(ends[1]);
		filled_ = static_cast<std::size_t>(
		    fcntl(to_.get(), F_SETPIPE_SZ, 4 * PIPE_BUF));
		ASSERT_GE(filled_, std::size_t{4 * PIPE_BUF});
		const std::string much(filled_, '.');
		ASSERT_EQ(write(to_.get(), much.data(), much.size()),
		          static_cast<ssize_t>(much.size()));
	}

	/** Reads so much of it at once. */
	std::string readSome(std::size_t size = 1U << 20U)
	{
		std::string text(size, '\0');
		const ssize_t got = read(from_.get(), text.data(), text.size());

		text.resize(
		    static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
		return text;
	}

	std::size_t filled_ = 0;
	Fd from_;
	Fd to_;
};

/** Says three lines to whom nobody listens. @returns an exit status. */
int sayToNobody(int fd)
{
	// Who waits for a reader is not heard of again.
	alarm(20);
	if (dup2(fd, STDERR_FILENO) < 0 || !setUpLog("info"))
		return 2;
	for (int i = 0; i < 3; ++i)
		spdlog::info("line {}", i);
	return lostLogLines() == 3 ? 0 : 1;
}

TEST_F(LogTest, WaitsForNobody)
{
	const pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(sayToNobody(to_.get()));
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFEXITED(status)) << "it hangs";
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(LogTest, SaysWhatIsLostWhenItIsReadAgain)
{
	auto sink = std::make_shared<LogSink>(to_.get());
	spdlog::logger log("test", sink);

	log.set_pattern("%l: %v");
	log.info("one");
	log.info("two");
	EXPECT_EQ(sink->lost(), 2U);
	EXPECT_EQ(readSome(), std::string(filled_, '.'));
	log.info("three");
	log.info("four");
	EXPECT_EQ(sink->lost(), 2U);
	EXPECT_EQ(readSome(),
	          "warning: 2 lines of the log are lost, as nobody has read it "
	          "for a while\ninfo: three\ninfo: four\n");
}

TEST_F(LogTest, ALineThatWasTornEnds)
{
	auto sink = std::make_shared<LogSink>(to_.get());
	spdlog::logger log("test", sink);

	log.set_pattern("%v");
	EXPECT_EQ(readSome(PIPE_BUF).size(), std::size_t{PIPE_BUF});
	log.info(std::string(2 * PIPE_BUF, 'x'));
	EXPECT_EQ(sink->lost(), 1U);
	readSome();
	log.info("next");
	EXPECT_EQ(readSome(), "\n1 lines of the log are lost, as nobody has "
	                      "read it for a while\nnext\n");
}

} // namespace
} // namespace cloak
