// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Where numbers are served, and what is there already.
 */
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "daemon/control.h"
#include "daemon/metrics_server.h"
#include "util/local_socket.h"

namespace cloak
{
namespace
{

/** A socket at @p path that is bound, but not in use yet. */
Fd bindAt(const std::string &path, int type)
{
	Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
	sockaddr_un address{};

	address.sun_family = AF_UNIX;
	path.copy(address.sun_path, sizeof(address.sun_path) - 1);
	EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr *>(&address),
	               sizeof(address)),
	          0);
	return fd;
}

class MetricsAt : public testing::Test
{
protected:
	void SetUp() override
	{
		endpoint_.path = testing::TempDir() + "cloak-metrics-" +
		                 std::to_string(getpid());
		auto loop = Loop::create();
		ASSERT_TRUE(loop);
		loop_.emplace(std::move(*loop));
		server_.emplace(*loop_, [] { return std::string(); });
	}
	void TearDown() override
	{
		server_.reset();
		unlink(endpoint_.path.c_str());
	}

	/** It says whose place it would take, and takes nobody's. */
	void expectRefused()
	{
		const FileIdentity before = identityOf(endpoint_.path);
		const Status served = server_->configure(endpoint_);

		ASSERT_FALSE(served);
		EXPECT_NE(served.error().message().find(endpoint_.path),
		          std::string::npos);
		server_.reset();
		EXPECT_EQ(identityOf(endpoint_.path), before);
	}

	LocalEndpoint endpoint_;
	std::optional<Loop> loop_;
	std::optional<MetricsServer> server_;
};

TEST_F(MetricsAt, TheControlSocketIsRefused)
{
	ControlServer control(*loop_, {});
	ControlServer::Options options;

	options.path = endpoint_.path;
	options.group = "root";
	ASSERT_TRUE(control.listen(options));
	expectRefused();
	EXPECT_TRUE(isAnswered(endpoint_.path));
}

TEST_F(MetricsAt, ASocketWithoutRoomIsSomebodysToo)
{
	const Fd busy = bindAt(endpoint_.path, SOCK_STREAM);

	ASSERT_EQ(listen(busy.get(), 0), 0);
	// None is accepted, and more than one may wait.
	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(isAnswered(endpoint_.path));
	expectRefused();
}

TEST_F(MetricsAt, ASocketOfDatagramsIsSomebodysToo)
{
	const Fd datagrams = bindAt(endpoint_.path, SOCK_DGRAM);

	expectRefused();
}

TEST_F(MetricsAt, OneThatNobodyAnswersAtIsReplaced)
{
	bindAt(endpoint_.path, SOCK_STREAM).reset();
	EXPECT_FALSE(isAnswered(endpoint_.path));
	EXPECT_TRUE(server_->configure(endpoint_));
	EXPECT_TRUE(isAnswered(endpoint_.path));
}

TEST_F(MetricsAt, ItsOwnIsServedAgain)
{
	LocalEndpoint other = endpoint_;

	other.path += "-other";
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(server_->configure(endpoint_));
		EXPECT_TRUE(server_->configure(endpoint_));
		EXPECT_TRUE(isAnswered(endpoint_.path));
		EXPECT_TRUE(server_->configure(other));
		EXPECT_EQ(identityOf(endpoint_.path), FileIdentity());
		EXPECT_TRUE(server_->configure({}));
		EXPECT_EQ(identityOf(other.path), FileIdentity());
	}
}

TEST_F(MetricsAt, LeavesTheSocketOfOneWhoCameLater)
{
	ASSERT_TRUE(server_->configure(endpoint_));
	ASSERT_EQ(unlink(endpoint_.path.c_str()), 0);
	const Fd later = bindAt(endpoint_.path, SOCK_STREAM);
	ASSERT_EQ(listen(later.get(), 1), 0);
	server_.reset();
	EXPECT_TRUE(isAnswered(endpoint_.path));
}

} // namespace
} // namespace cloak
