// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "daemon/commands.h"
#include "daemon/control.h"

namespace cloak
{
namespace
{

/** A real server on a real socket, whose loop runs beside the test. */
class Server : public testing::Test
{
protected:
	void SetUp() override
	{
		options_.path = testing::TempDir() + "cloak-control-" +
		                std::to_string(getpid());
		options_.group = "no such group";
		auto loop = Loop::create();
		ASSERT_TRUE(loop);
		loop_ = std::make_unique<Loop>(std::move(*loop));
		server_ = std::make_unique<ControlServer>(
		    *loop_,
		    [this](const Request &request, const PeerCredentials &) {
			    return answer(request);
		    });
		ASSERT_TRUE(server_->listen(options_));
		thread_ = std::thread([this] { loop_->run().ignore(); });
	}

	void TearDown() override
	{
		// Refused while the server has yet to see that others left.
		while (ask(connect(), R"({"command":"stop"})").empty())
			std::this_thread::yield();
		thread_.join();
		server_.reset();
	}

	ControlServer::Reply answer(const Request &request)
	{
		if (request.command == "stop")
			loop_->stop();
		if (request.command == "event")
			server_->broadcast(ControlServer::Topic::Alerts,
			                   R"({"n":1})");
		if (request.command == "large event")
			server_->broadcast(ControlServer::Topic::Alerts,
			                   '"' + std::string(kLarge, 'x') +
			                       '"');
		if (request.command == "large") {
			++larges_;
			return {Response::success(std::string(kLarge, 'x')),
			        ControlServer::Topic::None};
		}
		if (request.command == "unknown") {
			Engine engine({});
			return execute(engine, request);
		}
		return {Response::success({{"echo", request.command}}),
		        request.command == "follow"
		            ? ControlServer::Topic::Alerts
		            : ControlServer::Topic::None};
	}

	[[nodiscard]] Fd connect() const
	{
		sockaddr_un address{};
		Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

		address.sun_family = AF_UNIX;
		options_.path.copy(address.sun_path,
		                   sizeof(address.sun_path) - 1);
		EXPECT_EQ(::connect(fd.get(),
		                    reinterpret_cast<sockaddr *>(&address),
		                    sizeof(address)),
		          0);
		return fd;
	}

	/** One line from the server; empty when it has closed. */
	static std::string readLine(const Fd &fd)
	{
		std::string line;
		char octet = 0;

		while (read(fd.get(), &octet, 1) == 1 && octet != '\n')
			line += octet;
		return line;
	}

	static void tell(const Fd &fd, std::string_view text)
	{
		while (!text.empty()) {
			const ssize_t sent = send(fd.get(), text.data(),
			                          text.size(), MSG_NOSIGNAL);
			if (sent <= 0)
				return;
			text.remove_prefix(static_cast<std::size_t>(sent));
		}
	}

	static std::string ask(const Fd &fd, const std::string &line)
	{
		tell(fd, line + "\n");
		return readLine(fd);
	}

	/** How much comes until the server closes. */
	static std::size_t drain(const Fd &fd)
	{
		std::vector<char> buffer(kLarge);
		std::size_t sum = 0;
		ssize_t size = 0;

		while ((size = read(fd.get(), buffer.data(), buffer.size())) >
		       0)
			sum += static_cast<std::size_t>(size);
		return sum;
	}

	/** Reads until so many lines have come. @returns how many have. */
	static unsigned countLines(const Fd &fd, unsigned wanted)
	{
		std::vector<char> buffer(kLarge);
		unsigned lines = 0;
		ssize_t size = 0;

		while (lines < wanted && (size = read(fd.get(), buffer.data(),
		                                      buffer.size())) > 0)
			lines += static_cast<unsigned>(std::count(
			    buffer.begin(), buffer.begin() + size, '\n'));
		return lines;
	}

	static constexpr std::size_t kLarge = 1UL << 20U;

	std::atomic<unsigned> larges_ = 0;
	ControlServer::Options options_;
	std::unique_ptr<Loop> loop_;
	std::unique_ptr<ControlServer> server_;
	std::thread thread_;
};

TEST_F(Server, AnswersEachRequestInTurn)
{
	const Fd fd = connect();

	EXPECT_EQ(ask(fd, R"({"command":"one"})"),
	          R"({"ok":true,"result":{"echo":"one"}})");
	tell(fd, "{\"command\":\"two\"}\n{\"command\":\"three\"}\n");
	EXPECT_NE(readLine(fd).find("two"), std::string::npos);
	EXPECT_NE(readLine(fd).find("three"), std::string::npos);
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

TEST_F(Server, KeepsNoMoreForAllFollowersThanItsBound)
{
	constexpr std::size_t bound = ControlServer::kMostUnreadOfAll;
	constexpr std::size_t each = ControlServer::kMostUnread / 2;
	const Fd other = connect();
	std::vector<Fd> followers;
	std::size_t dropped = 0;

	for (std::size_t sum = 0; sum < 2 * bound; sum += each) {
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
	EXPECT_GE(dropped, 6U);
	EXPECT_LT(dropped, followers.size());
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
	EXPECT_EQ(ask(connect(), R"({"command":"out"})"), "");
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

TEST(Listen, ReplacesASocketThatNobodyAnswersAt)
{
	ControlServer::Options options;
	options.path =
	    testing::TempDir() + "cloak-stale-" + std::to_string(getpid());
	auto loop = Loop::create();
	ASSERT_TRUE(loop);
	{
		sockaddr_un address{};
		const Fd stale(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
		address.sun_family = AF_UNIX;
		options.path.copy(address.sun_path,
		                  sizeof(address.sun_path) - 1);
		ASSERT_EQ(bind(stale.get(),
		               reinterpret_cast<sockaddr *>(&address),
		               sizeof(address)),
		          0);
	}
	ControlServer server(*loop, {});
	EXPECT_TRUE(server.listen(options));
}

TEST(Listen, RefusesAPathThatIsTooLong)
{
	ControlServer::Options options;
	options.path = "/tmp/" + std::string(200, 'x');
	auto loop = Loop::create();
	ASSERT_TRUE(loop);
	ControlServer server(*loop, {});

	EXPECT_FALSE(server.listen(options));
}

TEST(MayCommand, RootOwnersAndTheGroup)
{
	PeerCredentials peer;

	peer.uid = 0;
	EXPECT_TRUE(mayCommand(peer));
	peer.uid = geteuid();
	EXPECT_TRUE(mayCommand(peer));
	peer.uid = 65534;
	EXPECT_FALSE(mayCommand(peer));
	peer.inGroup = true;
	EXPECT_TRUE(mayCommand(peer));
}

TEST(MayCommand, SupplementaryGroupsCount)
{
	int ends[2];
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	const Fd one(ends[0]);
	const Fd other(ends[1]);
	auto own = readCredentials(one.get(), getegid());

	ASSERT_TRUE(own);
	EXPECT_TRUE(own->inGroup);
	EXPECT_EQ(own->uid, geteuid());
	auto foreign = readCredentials(one.get(), 4'000'000'000U);
	ASSERT_TRUE(foreign);
	EXPECT_FALSE(foreign->inGroup);
}

} // namespace
} // namespace cloak
