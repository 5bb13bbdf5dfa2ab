// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_TESTS_UNIT_SERVER_H
#define CLOAKLAKE_TESTS_UNIT_SERVER_H

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/report.h"

namespace cloak
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

} // namespace cloak

#endif // CLOAKLAKE_TESTS_UNIT_SERVER_H
