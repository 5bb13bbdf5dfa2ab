// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/unit/server.h"

namespace cloak
{
namespace
{

TEST_F(Server, AnswersEachRequestInTurn)
{
	const Fd fd = connect();

	EXPECT_EQ(ask(fd, R"({"command":"one"})"),
	          R"({"ok":true,"result":{"echo":"one"}})");
	tell(fd, "{\"command\":\"two\"}\n{\"command\":\"three\"}\n");
	EXPECT_NE(readLine(fd).find("two"), std::string::npos);
	EXPECT_NE(readLine(fd).find("three"), std::string::npos);
}

TEST_F(Server, KeepsNobodyWaitingForAllRequestsOfAnother)
{
	constexpr unsigned asked = 100;
	const Fd busy = connect();
	const Fd other = connect();
	std::string requests;

	for (unsigned i = 0; i < asked; ++i)
		requests += "{\"command\":\"slow\"}\n";
	tell(busy, requests);
	EXPECT_NE(ask(other, R"({"command":"in"})"), "");
	EXPECT_LT(slows_, asked / 2);
	EXPECT_EQ(countLines(busy, asked), asked);
}

/** What one is told meanwhile does not make his next request be forgotten. */
TEST_F(Server, AnswersAFollowerWhoAsksMuch)
{
	constexpr unsigned asked = 20;
	const Fd fd = connect();
	std::string requests = "{\"command\":\"follow\"}\n";

	for (unsigned i = 0; i < asked; ++i)
		requests += "{\"command\":\"event\"}\n";
	tell(fd, requests);
	EXPECT_EQ(countLines(fd, 1 + 2 * asked), 1 + 2 * asked);
}

TEST_F(Server, OutlivesARequestThatTakesTooMuchMemory)
{
	const Fd fd = connect();

	EXPECT_NE(ask(fd, R"({"command":"greedy"})").find("no memory"),
	          std::string::npos);
	EXPECT_NE(ask(fd, R"({"command":"on"})").find("echo"),
	          std::string::npos);
}

TEST_F(Server, WaitsForTheEndOfALine)
{
	const Fd fd = connect();

	tell(fd, "{\"comm");
	tell(fd, "and\":\"whole\"}");
	EXPECT_NE(ask(fd, "").find("whole"), std::string::npos);
}

TEST_F(Server, LeavesWhoeverSendsNonsense)
{
	const Fd fd = connect();

	EXPECT_NE(ask(fd, "nonsense").find("\"bad_request\""),
	          std::string::npos);
	EXPECT_EQ(readLine(fd), "");
}

TEST_F(Server, LeavesWhoeverSendsTooMuch)
{
	const Fd fd = connect();

	tell(fd, std::string(kLongestRequest + 100'000, 'x'));
	EXPECT_NE(readLine(fd).find("too long"), std::string::npos);
	EXPECT_EQ(readLine(fd), "");
}

TEST_F(Server, SaysThatItDoesNotKnowACommand)
{
	const std::string line = ask(connect(), R"({"command":"unknown"})");

	EXPECT_NE(line.find("\"unknown_command\""), std::string::npos) << line;
}

/** The process can open nothing more as long as this lives. */
class NoDescriptors
{
public:
	NoDescriptors()
	{
		const Fd next(dup(STDIN_FILENO));

		getrlimit(RLIMIT_NOFILE, &former_);
		rlimit none = former_;
		none.rlim_cur = static_cast<rlim_t>(next.get());
		setrlimit(RLIMIT_NOFILE, &none);
	}
	~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &former_); }
	NoDescriptors(const NoDescriptors &) = delete;
	NoDescriptors &operator=(const NoDescriptors &) = delete;

private:
	rlimit former_{};
};

/** A listener that is watched all the time would be seen at each request. */
TEST_F(Server, LeavesAloneWhomItHasNoDescriptorFor)
{
	constexpr unsigned asked = 100;
	const Fd other = connect();
	Fd late(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	ask(other, R"({"command":"in"})");
	{
		const NoDescriptors none;
		connect(late);
		while (number(other, "starved") == 0)
			std::this_thread::yield();
		for (unsigned i = 0; i < asked; ++i)
			ask(other, R"({"command":"in"})");
		EXPECT_EQ(number(other, "starved"), 1U);
	}
	ask(other, R"({"command":"tick"})");
	EXPECT_NE(ask(late, R"({"command":"late"})").find("late"),
	          std::string::npos);
}

TEST_F(Server, SendsEventsToThoseWhoFollow)
{
	const Fd follower = connect();
	const Fd other = connect();

	ask(follower, R"({"command":"follow"})");
	EXPECT_NE(ask(other, R"({"command":"event"})").find("echo"),
	          std::string::npos);
	EXPECT_EQ(readLine(follower), R"({"event":{"n":1}})");
}

TEST_F(Server, LeavesAFollowerWhoDoesNotRead)
{
	constexpr std::size_t bound = ControlServer::kMostUnread;
	const Fd follower = connect();
	const Fd other = connect();

	ask(follower, R"({"command":"follow"})");
	for (std::size_t sent = 0; sent <= bound + kLarge; sent += kLarge)
		ask(other, R"({"command":"large event"})");
	const std::size_t read = drain(follower); // it ends
	EXPECT_LT(read, bound + kLarge);
	EXPECT_NE(ask(other, R"({"command":"in"})"), "");
}

TEST_F(Server, TellsAFollowerWhoDoesNotReadWhyHeIsLeft)
{
	constexpr std::size_t bound = ControlServer::kMostUnread;
	const Fd follower = connect();
	const Fd other = connect();
	std::string last;
	std::size_t lines = 0;

	ask(follower, R"({"command":"follow"})");
	for (std::size_t sent = 0; sent <= bound + kLarge; sent += kSmall)
		ask(other, R"({"command":"small event"})");
	EXPECT_EQ(number(other, "unread"), 1U);
	EXPECT_LT(number(other, "held_bytes"), 2 * kLarge);
	for (std::string line; !(line = readLine(follower)).empty(); ++lines)
		last = line;
	EXPECT_NE(last.find("\"busy\""), std::string::npos);
	EXPECT_GT(lines, 2U);
	EXPECT_LT(lines, bound / kSmall);
}

TEST_F(Server, KeepsNoMoreForAllFollowersThanItsBound)
{
	constexpr std::size_t each = ControlServer::kMostUnread - 2 * kLarge;
	constexpr std::size_t room = ControlServer::kMostBeyond;
	const Fd other = connect();
	std::vector<Fd> followers;
	std::size_t dropped = 0;

	for (std::size_t sum = 0; sum < 2 * room; sum += each) {
		followers.push_back(connect());
		ask(followers.back(), R"({"command":"follow"})");
	}
	for (std::size_t sent = 0; sent + kLarge < each; sent += kLarge)
		ask(other, R"({"command":"large event"})");
	for (const Fd &follower : followers) {
		pollfd state{follower.get(), POLLRDHUP, 0};
		if (poll(&state, 1, 0) == 1)
			++dropped;
	}
	EXPECT_GE(dropped, followers.size() / 2);
	EXPECT_LT(dropped, followers.size());
	EXPECT_EQ(number(other, "unread"), dropped);
	EXPECT_LE(number(other, "held_bytes"), kBound);
}

/** Whoever still finds room goes on, and a small request always does. */
TEST_F(Server, KeepsNoMoreOfAllRequestsThanItsBound)
{
	constexpr std::size_t each = 8 * kLarge;
	const Fd other = connect();
	std::vector<Fd> many;

	while (many.size() < ControlServer::kMostClients - 1) {
		many.push_back(connect());
		begin(many.back(), each);
		EXPECT_LE(number(other, "held_bytes"), kBound);
	}
	const std::size_t refused = number(other, "crowded_out");
	EXPECT_GE(refused, many.size() / 3);
	EXPECT_LE(refused, many.size() / 2);
	EXPECT_EQ(countRefused(many), refused);
	many.clear();
	while (number(other, "clients") > 1)
		std::this_thread::yield();
	EXPECT_NE(ask(connect(), requestOf("again", 8 * kLarge)).find("again"),
	          std::string::npos);
	EXPECT_LT(number(other, "held_bytes"), kLarge);
}

/** Neither connections nor memory: the group cannot shut out who ends it. */
TEST_F(Server, KeepsAReserveForRoot)
{
	constexpr std::size_t members =
	    ControlServer::kMostClients - ControlServer::kRootClients;
	std::vector<Fd> many;

	if (geteuid() != 0)
		GTEST_SKIP() << "who is not root cannot be another";
	while (many.size() < members) {
		many.push_back(connectAsMember());
		EXPECT_NE(ask(many.back(), R"({"command":"in"})"), "");
	}
	EXPECT_NE(readLine(connectAsMember()).find("\"busy\""),
	          std::string::npos);
	const Fd root = connect();
	for (const Fd &member : many)
		begin(member, 16 * kLarge);
	EXPECT_LE(number(root, "held_bytes"),
	          ControlServer::kMostBeyondOfGroup +
	              ControlServer::kMostClients * ControlServer::kShare);
	EXPECT_GT(countRefused(many), members / 2);
	EXPECT_NE(ask(root, requestOf("root", 8 * kLarge)).find("root"),
	          std::string::npos);
}

/** Else one who reads nothing could have any amount of memory. */
TEST_F(Server, AnswersAsFastAsItsAnswersAreRead)
{
	constexpr unsigned asked = 50;
	const Fd greedy = connect();
	const Fd other = connect();

	for (unsigned i = 0; i < asked; ++i)
		tell(greedy, "{\"command\":\"large\"}\n");
	EXPECT_NE(ask(other, R"({"command":"in"})"), "");
	EXPECT_NE(ask(other, R"({"command":"in"})"), "");
	EXPECT_LE(larges_, 2U);
	EXPECT_EQ(countLines(greedy, asked), asked);
	EXPECT_EQ(larges_, asked);
}

/** Who is gone when he hears of what he has asked for harms nobody. */
TEST_F(Server, OutlivesAFollowerWhoLeavesWhileHeIsServed)
{
	const Fd other = connect();

	for (unsigned i = 0; i < 100; ++i) {
		const Fd follower = connect();
		ask(follower, R"({"command":"follow"})");
		tell(follower, "{\"command\":\"event\"}\n");
		shutdown(follower.get(), SHUT_RDWR);
	}
	EXPECT_NE(ask(other, R"({"command":"in"})"), "");
}

TEST_F(Server, AcceptsNoMoreThanItsBound)
{
	std::vector<Fd> many;

	for (std::size_t i = 0; i < ControlServer::kMostClients; ++i) {
		many.push_back(connect());
		EXPECT_NE(ask(many.back(), R"({"command":"in"})"), "");
	}
	EXPECT_NE(ask(connect(), R"({"command":"out"})").find("\"busy\""),
	          std::string::npos);
	many.clear();
}

TEST_F(Server, DoesNotTakeTheSocketOfAnother)
{
	auto loop = Loop::create();
	ASSERT_TRUE(loop);
	ControlServer second(*loop, {});
	auto listening = second.listen(options_);

	ASSERT_FALSE(listening);
	EXPECT_NE(listening.error().message().find("another cloakd"),
	          std::string::npos);
	EXPECT_NE(ask(connect(), R"({"command":"still"})"), "");
}

TEST_F(Server, IsClosedToOthers)
{
	struct stat status {
	};

	ASSERT_EQ(stat(options_.path.c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

} // namespace
} // namespace cloak
