// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "daemon/control.h"

namespace cloak
{
namespace
{

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
