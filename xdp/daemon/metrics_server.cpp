// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "daemon/descriptors.h"

namespace cloak
{
namespace
{

constexpr int kScrapers = 8;
constexpr mode_t kMetricsMode = 0660;

struct SocketAddress {
	sockaddr_storage storage{};
	socklen_t size = 0;

	[[nodiscard]] const sockaddr *get() const
	{
		return reinterpret_cast<const sockaddr *>(&storage);
	}
};

SocketAddress addressOf(const LocalEndpoint &endpoint)
{
	SocketAddress address;

	if (!endpoint.path.empty()) {
		auto *local = reinterpret_cast<sockaddr_un *>(&address.storage);
		local->sun_family = AF_UNIX;
		std::copy(endpoint.path.begin(), endpoint.path.end(),
		          local->sun_path);
		address.size = sizeof(*local);
		return address;
	}
	auto *v6 = reinterpret_cast<sockaddr_in6 *>(&address.storage);
	if (inet_pton(AF_INET6, endpoint.host.c_str(), &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(endpoint.port);
		address.size = sizeof(*v6);
		return address;
	}
	auto *v4 = reinterpret_cast<sockaddr_in *>(&address.storage);
	address.storage = {};
	inet_pton(AF_INET, endpoint.host.c_str(), &v4->sin_addr);
	v4->sin_family = AF_INET;
	v4->sin_port = htons(endpoint.port);
	address.size = sizeof(*v4);
	return address;
}

/** A socket that nobody answers at any more is in the way of another. */
Status makeRoom(const std::string &path)
{
	if (isAnswered(path)) {
		return Error(fmt::format(
		    "cannot serve metrics: somebody answers at {} already",
		    path));
	}
	Status free = removeSocket(path);
	return free ? free : free.error().in("cannot serve metrics");
}

Result<Fd> listenAt(const LocalEndpoint &endpoint)
{
	const SocketAddress address = addressOf(endpoint);
	const int yes = 1;
	Fd fd(socket(address.storage.ss_family,
	             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	if (!endpoint.path.empty()) {
		Status free = makeRoom(endpoint.path);
		if (!free)
			return free.error();
	}
	if (fd)
		setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes,
		           sizeof(yes));
	if (!fd || bind(fd.get(), address.get(), address.size) != 0 ||
	    (!endpoint.path.empty() &&
	     chmod(endpoint.path.c_str(), kMetricsMode) != 0) ||
	    listen(fd.get(), kScrapers) != 0)
		return Error::fromErrno("cannot serve metrics at " +
		                        toString(endpoint));
	return fd;
}

std::string respond(const std::string &page)
{
	return fmt::format(
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: {}\r\n"
	    "Connection: close\r\n\r\n{}",
	    page.size(), page);
}

} // namespace

MetricsServer::MetricsServer(Loop &loop, Page page)
    : loop_(loop), page_(std::move(page))
{
}

MetricsServer::~MetricsServer()
{
	close();
}

void MetricsServer::close()
{
	while (!clients_.empty())
		leave(clients_.begin());
	if (!listener_)
		return;
	// One that somebody else has put there since is his.
	if (!endpoint_.path.empty() && identityOf(endpoint_.path) == made_)
		removeSocket(endpoint_.path).ignore();
	loop_.remove(listener_.get());
	listener_.reset();
	paused_ = false;
}

Status MetricsServer::configure(const LocalEndpoint &endpoint)
{
	if (endpoint == endpoint_ && (listener_ || endpoint.isNone()))
		return resume();
	close();
	endpoint_ = endpoint;
	if (endpoint.isNone())
		return {};
	auto listener = listenAt(endpoint);
	if (!listener)
		return listener.error();
	listener_ = std::move(*listener);
	made_ = identityOf(endpoint.path);
	return loop_.add(listener_.get(), EPOLLIN,
	                 [this](std::uint32_t) { accept(); });
}

Status MetricsServer::resume()
{
	if (!paused_)
		return {};
	Status listening = loop_.change(listener_.get(), EPOLLIN);
	paused_ = !listening;
	return listening;
}

void MetricsServer::accept()
{
	Fd fd(accept4(listener_.get(), nullptr, nullptr,
	              SOCK_CLOEXEC | SOCK_NONBLOCK));

	if (!fd) {
		paused_ = isWantOfRoom(errno) &&
		          loop_.change(listener_.get(), 0).ok();
		return;
	}
	if (clients_.size() >= kMostClients)
		leave(clients_.begin());
	const int number = fd.get();
	clients_.push_back({std::move(fd), {}, {}});
	auto client = std::prev(clients_.end());
	auto watched = loop_.add(
	    number, EPOLLIN, [this, client](std::uint32_t) { serve(client); });
	if (!watched)
		clients_.erase(client);
}

void MetricsServer::serve(std::list<Client>::iterator client)
{
	const int fd = client->fd.get();

	if (client->output.empty() && !receive(*client)) {
		leave(client);
		return;
	}
	if (client->output.empty())
		return;
	const ssize_t sent = ::send(fd, client->output.data(),
	                            client->output.size(), MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN) {
		leave(client);
		return;
	}
	if (sent > 0)
		client->output.erase(0, static_cast<std::size_t>(sent));
	if (client->output.empty() || !loop_.change(fd, EPOLLOUT))
		leave(client);
}

/** @returns false if the client is to go. */
bool MetricsServer::receive(Client &client)
{
	std::array<char, 4096> buffer{};
	const ssize_t got =
	    ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);

	if (got < 0 && errno == EAGAIN)
		return true;
	if (got <= 0)
		return false;
	client.input.append(buffer.data(), static_cast<std::size_t>(got));
	if (client.input.size() > kLongestRequest)
		return false;
	if (client.input.find("\r\n\r\n") != std::string::npos)
		client.output = respond(page_());
	return true;
}

void MetricsServer::leave(std::list<Client>::iterator client)
{
	loop_.remove(client->fd.get());
	clients_.erase(client);
}

} // namespace cloak
