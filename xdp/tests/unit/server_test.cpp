// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/report.h"

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
		options_.group = "root";
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
		while (ask(connect(), R"({"command":"stop"})").find("echo") ==
		       std::string::npos)
			std::this_thread::yield();
		thread_.join();
		server_.reset();
	}

	ControlServer::Reply answer(const Request &request)
	{
		if (request.command == "stop")
			loop_->stop();
		if (request.command == "tick")
			server_->tick();
		if (request.command == "event")
			server_->broadcast(ControlServer::Topic::Alerts,
			                   R"({"n":1})");
		if (request.command == "large event")
			server_->broadcast(ControlServer::Topic::Alerts,
			                   '"' + std::string(kLarge, 'x') +
			                       '"');
		if (request.command == "small event")
			server_->broadcast(ControlServer::Topic::Alerts,
			                   '"' + std::string(kSmall, 'x') +
			                       '"');
		if (request.command == "stats")
			return {
			    Response::success(reportControl(server_->stats()))};
		if (request.command == "large") {
			++larges_;
			return {Response::success(std::string(kLarge, 'x')),
			        ControlServer::Topic::None};
		}
		if (request.command == "greedy")
			throw std::bad_alloc();
		if (request.command == "slow") {
			++slows_;
			std::this_thread::sleep_for(kSlow);
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

	/** One who is not root, but in the group of the socket. */
	[[nodiscard]] Fd connectAsMember() const
	{
		// Of this thread alone, and the kernel remembers who connected.
		syscall(SYS_setresuid, -1, kNobody, -1);
		Fd fd = connect();
		syscall(SYS_setresuid, -1, 0, -1);
		return fd;
	}

	[[nodiscard]] Fd connect() const
	{
		Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

		connect(fd);
		return fd;
	}

	void connect(const Fd &fd) const
	{
		sockaddr_un address{};

		address.sun_family = AF_UNIX;
		options_.path.copy(address.sun_path,
		                   sizeof(address.sun_path) - 1);
		EXPECT_EQ(::connect(fd.get(),
		                    reinterpret_cast<sockaddr *>(&address),
		                    sizeof(address)),
		          0);
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

	/** The server's numbers, by the name that the status has for them. */
	[[nodiscard]] std::size_t number(const Fd &fd, const char *name) const
	{
		const auto line = ask(fd, R"({"command":"stats"})");
		const auto found = nlohmann::json::parse(line, nullptr, false);

		return found.is_object()
		           ? found["result"].value(name, std::size_t(0))
		           : 0;
	}

	/** Begins a request that has no end; all of it arrives, or too much. */
	static void begin(const Fd &fd, std::size_t size)
	{
		const std::string piece(kLarge, 'x');
		int unread = 1;

		for (std::size_t sent = 0; sent < size; sent += kLarge)
			tell(fd, piece);
		while (unread > 0 && ioctl(fd.get(), SIOCOUTQ, &unread) == 0)
			std::this_thread::yield();
	}

	/** A request of that size, which is answered with @p name. */
	static std::string requestOf(const std::string &name, std::size_t size)
	{
		return R"({"command":")" + name + R"(","arguments":{"a":")" +
		       std::string(size, 'x') + R"("}})";
	}

	/** How many were told that there is no room; the others are silent. */
	static std::size_t countRefused(const std::vector<Fd> &clients)
	{
		std::size_t refused = 0;

		for (const Fd &client : clients) {
			pollfd state{client.get(), POLLIN, 0};
			if (poll(&state, 1, 0) != 1)
				continue;
			EXPECT_NE(readLine(client).find("\"busy\""),
			          std::string::npos);
			++refused;
		}
		return refused;
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
	static constexpr std::size_t kSmall = 1UL << 14U;
	static constexpr uid_t kNobody = 65534;
	/** All that may be held, and a piece of a request on its way. */
	static constexpr std::size_t kBound =
	    ControlServer::kMostBeyond +
	    ControlServer::kMostClients * ControlServer::kShare;

	static constexpr std::chrono::milliseconds kSlow{20};

	std::atomic<unsigned> larges_ = 0;
	std::atomic<unsigned> slows_ = 0;
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

TEST(Listen, LeavesWhatIsNoSocket)
{
	ControlServer::Options options;
	options.path =
	    testing::TempDir() + "cloak-file-" + std::to_string(getpid());
	std::ofstream(options.path) << "mine";
	auto loop = Loop::create();
	ASSERT_TRUE(loop);
	{
		ControlServer server(*loop, {});
		EXPECT_FALSE(server.listen(options));
	}
	std::string contents;
	std::ifstream(options.path) >> contents;
	EXPECT_EQ(contents, "mine");
	unlink(options.path.c_str());
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
