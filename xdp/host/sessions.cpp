// SPDX-License-Identifier: Apache-2.0
#include "host/sessions.h"

#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include "util/file.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

constexpr std::size_t kLongestStat = 4096;
/** Nobody has so many ancestors; a loop of processes would not end. */
constexpr int kMostAncestors = 256;

/** A link-local address is written with its interface behind it. */
std::optional<IpAddress> withoutScope(const std::string &text)
{
	return parseIp(std::string_view(text).substr(0, text.find('%')));
}

/** That interface; 0 if none is named, or it is not there any more. */
unsigned scopeOf(const std::string &text)
{
	const std::size_t sign = text.find('%');

	return sign == std::string::npos
	           ? 0
	           : if_nametoindex(text.c_str() + sign + 1);
}

/** Whether both may be one interface; 0 may be any. */
bool mayBe(unsigned scope, unsigned ifindex)
{
	return scope == 0 || ifindex == 0 || scope == ifindex;
}

/** "socket:[4711]" */
std::optional<std::uint32_t> inodeOf(const std::string &link)
{
	constexpr std::string_view head = "socket:[";
	std::uint32_t inode = 0;

	if (!link.starts_with(head))
		return std::nullopt;
	const char *begin = link.data() + head.size();
	const auto [at, error] =
	    std::from_chars(begin, link.data() + link.size(), inode);
	if (error != std::errc())
		return std::nullopt;
	return inode;
}

void addSockets(const fs::path &process, std::set<std::uint32_t> &inodes)
{
	std::error_code error;

	for (fs::directory_iterator at(process / "fd", error), end;
	     !error && at != end; at.increment(error)) {
		std::error_code unreadable;
		const auto link = fs::read_symlink(at->path(), unreadable);
		const auto inode = inodeOf(link);
		if (!unreadable && inode)
			inodes.insert(*inode);
	}
}

/** The process that has started this one; 0 if there is none. */
int parentOf(const fs::path &process)
{
	auto stat = readFile(process / "stat", kLongestStat);
	if (!stat)
		return 0;
	// "PID (NAME) STATE PARENT ...", and NAME may hold anything.
	const auto name = stat->rfind(')');
	if (name == std::string::npos)
		return 0;
	std::istringstream rest(stat->substr(name + 1));
	std::string state;
	int parent = 0;
	rest >> state >> parent;
	return rest ? parent : 0;
}

bool isWithinHost(const Connection &connection)
{
	return connection.remote == connection.local ||
	       parsePrefix("127.0.0.0/8")->contains(connection.remote);
}

} // namespace

std::vector<Connection>
namedSessions(const std::vector<Connection> &connections,
              std::string_view sshConnection)
{
	std::istringstream words{std::string(sshConnection)};
	std::string peer;
	std::string local;
	std::uint16_t peerPort = 0;
	std::uint16_t localPort = 0;
	std::vector<Connection> sessions;

	words >> peer >> peerPort >> local >> localPort;
	const auto remoteIp = withoutScope(peer);
	const auto localIp = withoutScope(local);
	const unsigned scope = scopeOf(local);
	if (!words || !remoteIp || !localIp)
		return sessions;
	std::ranges::copy_if(connections, std::back_inserter(sessions),
	                     [&](const Connection &one) {
				     return one.remote == *remoteIp &&
		                            one.remotePort == peerPort &&
		                            one.local == *localIp &&
		                            one.localPort == localPort &&
		                            mayBe(scope, one.ifindex);
			     });
	return sessions;
}

std::vector<Connection>
inheritedSessions(const std::vector<Connection> &connections, int process,
                  const std::string &proc)
{
	std::set<std::uint32_t> inodes;
	std::vector<Connection> sessions;

	for (int i = 0; i < kMostAncestors && process > 1; ++i) {
		const fs::path folder =
		    fs::path(proc) / std::to_string(process);
		addSockets(folder, inodes);
		process = parentOf(folder);
	}
	std::ranges::copy_if(connections, std::back_inserter(sessions),
	                     [&inodes](const Connection &one) {
				     return one.inode != 0 &&
		                            inodes.contains(one.inode);
			     });
	return sessions;
}

std::vector<Connection>
loginSessions(std::vector<Connection> connections,
              const std::vector<Located<std::uint16_t>> &ports)
{
	std::erase_if(connections, [&ports](const Connection &one) {
		return isWithinHost(one) || one.inode == 0 ||
		       std::ranges::find(ports, one.localPort,
		                         &Located<std::uint16_t>::value) ==
		           ports.end();
	});
	return connections;
}

std::vector<Connection> findSessions()
{
	const char *named = std::getenv("SSH_CONNECTION");

	const auto connections = readConnections();
	if (!connections)
		return {};
	auto sessions = inheritedSessions(*connections, getpid());
	for (const Connection &one :
	     namedSessions(*connections, named == nullptr ? "" : named))
		if (std::ranges::find(sessions, one) == sessions.end())
			sessions.push_back(one);
	std::erase_if(sessions, isWithinHost);
	return sessions;
}

} // namespace cloak
