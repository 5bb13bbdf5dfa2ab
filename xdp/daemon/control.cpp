// SPDX-License-Identifier: Apache-2.0
#include "daemon/control.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace cloak
{
namespace
{

constexpr int kBacklog = 16;
constexpr mode_t kSocketMode = 0660;
constexpr mode_t kFolderMode = 0750;

Result<sockaddr_un> addressOf(const std::string &path)
{
	sockaddr_un address{};

	address.sun_family = AF_UNIX;
	if (path.empty() || path.size() >= sizeof(address.sun_path)) {
		return Error(fmt::format(
		    "the path of the socket has to have 1 to {} characters: {}",
		    sizeof(address.sun_path) - 1, path));
	}
	path.copy(address.sun_path, path.size());
	return address;
}

const sockaddr *generic(const sockaddr_un &address)
{
	return reinterpret_cast<const sockaddr *>(&address);
}

bool isAnswered(const sockaddr_un &address)
{
	const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	return fd && connect(fd.get(), generic(address), sizeof(address)) == 0;
}

/** Only the last folder is made: one that is far from existing is a slip. */
void makeFolderOf(const std::string &path)
{
	const std::size_t slash = path.rfind('/');

	if (slash != std::string::npos && slash > 0)
		mkdir(path.substr(0, slash).c_str(), kFolderMode);
}

/** The socket belongs to the group if there is one and we may say so. */
void openToGroup(const std::string &path, gid_t group)
{
	const uid_t keep = static_cast<uid_t>(-1);
	const std::size_t slash = path.rfind('/');

	if (group == static_cast<gid_t>(-1) || chown(path.c_str(), keep, group))
		return;
	if (slash > 0 && path.substr(0, slash) == "/run/cloaklake" &&
	    chown("/run/cloaklake", keep, group) != 0)
		spdlog::debug("the folder of the socket keeps its group");
}

} // namespace

ControlServer::ControlServer(Loop &loop, Handler handler)
    : loop_(loop), handler_(std::move(handler))
{
}

ControlServer::~ControlServer()
{
	for (const auto &[fd, client] : clients_)
		loop_.remove(fd);
	if (listener_) {
		loop_.remove(listener_.get());
		unlink(path_.c_str());
	}
}

Status ControlServer::listen(const Options &options)
{
	auto address = addressOf(options.path);

	if (!address)
		return address.error();
	if (isAnswered(*address)) {
		return Error(
		    fmt::format("another cloakd answers at {}", options.path));
	}
	makeFolderOf(options.path);
	unlink(options.path.c_str());
	Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	const mode_t mask = umask(static_cast<mode_t>(~kSocketMode & 0777U));
	const bool bound =
	    fd && bind(fd.get(), generic(*address), sizeof(*address)) == 0;
	umask(mask);
	if (!bound || ::listen(fd.get(), kBacklog) != 0)
		return Error::fromErrno("cannot listen at " + options.path);
	group_ = findGroup(options.group);
	openToGroup(options.path, group_);
	path_ = options.path;
	listener_ = std::move(fd);
	return loop_.add(listener_.get(), EPOLLIN,
	                 [this](std::uint32_t) { accept(); });
}

void ControlServer::accept()
{
	Fd fd(accept4(listener_.get(), nullptr, nullptr,
	              SOCK_CLOEXEC | SOCK_NONBLOCK));

	if (!fd)
		return;
	if (clients_.size() >= kMostClients) {
		spdlog::warn("control: more than {} connections, one refused",
		             kMostClients);
		return;
	}
	admit(std::move(fd));
}

void ControlServer::admit(Fd fd)
{
	const int number = fd.get();
	auto credentials = readCredentials(number, group_);
	auto client = std::make_shared<Client>();

	if (!credentials)
		return;
	client->fd = std::move(fd);
	client->credentials = *credentials;
	auto added =
	    loop_.add(number, EPOLLIN, [this, number](std::uint32_t events) {
		    serve(number, events);
	    });
	if (!added)
		return;
	Client &known = *(clients_[number] = std::move(client));
	if (!mayCommand(known.credentials)) {
		spdlog::warn("control: user {} (process {}) was refused",
		             known.credentials.uid, known.credentials.pid);
		refuse(known, Failure::NotPermitted,
		       "only root and members of the group may ask");
	}
	if (!flush(known))
		close(number);
}

void ControlServer::serve(int fd, std::uint32_t events)
{
	auto found = clients_.find(fd);

	if (found == clients_.end())
		return;
	const std::shared_ptr<Client> client = found->second;
	bool alive = (events & EPOLLERR) == 0;
	if (alive && (events & (EPOLLIN | EPOLLHUP)) != 0)
		alive = receive(*client);
	if (!alive || !answerAll(*client))
		close(fd);
}

/** @returns false when the client is gone. */
bool ControlServer::receive(Client &client)
{
	std::array<char, 65536> buffer{};
	const ssize_t size =
	    recv(client.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	if (size == 0)
		return false;
	if (!client.closing)
		client.input.append(buffer.data(),
		                    static_cast<std::size_t>(size));
	return true;
}

/**
 * A request is answered when the answer before it is out, or one who asks much
 * and reads nothing could have any amount of memory.
 * @returns false when the client is to go.
 */
bool ControlServer::answerAll(Client &client)
{
	while (flush(client)) {
		if (!client.output.empty())
			return true; // the socket says when it goes on
		const std::size_t end =
		    client.input.find('\n', client.searched);
		client.searched = client.input.size();
		if (end != std::string::npos) {
			answer(client,
			       std::string_view(client.input).substr(0, end));
			client.input.erase(0, end + 1);
			client.searched = 0;
		} else if (client.input.size() > kLongestRequest) {
			refuse(client, Failure::BadRequest,
			       "the request is too long");
		} else {
			return true;
		}
	}
	return false;
}

void ControlServer::answer(Client &client, std::string_view line)
{
	auto request = parseRequest(line);

	if (!request) {
		refuse(client, Failure::BadRequest, request.error().message());
		return;
	}
	const Reply reply = handler_(*request, client.credentials);
	if (reply.follow != Topic::None)
		client.following = reply.follow;
	client.output += toLine(reply.response) + "\n";
}

/** Whoever is refused hears why and is then left. */
void ControlServer::refuse(Client &client, Failure failure, std::string message)
{
	client.output +=
	    toLine(Response::error(failure, std::move(message))) + "\n";
	client.input.clear();
	client.closing = true;
}

/** Sends what the socket takes. @returns false when the client is to go. */
bool ControlServer::flush(Client &client)
{
	const int fd = client.fd.get();

	while (!client.output.empty()) {
		const ssize_t sent =
		    ::send(fd, client.output.data(), client.output.size(),
		           MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return false;
		client.output.erase(0, static_cast<std::size_t>(sent));
	}
	if (client.output.empty() && client.closing)
		return false;
	if (client.output.size() > kMostUnread ||
	    (client.output.size() > kFairShare &&
	     unread() > kMostUnreadOfAll)) {
		spdlog::warn("control: process {} does not read its answers",
		             client.credentials.pid);
		return false;
	}
	return loop_.change(fd, client.output.empty() ? EPOLLIN : EPOLLOUT)
	    .ok();
}

/** What waits for all clients together, in octets. */
std::size_t ControlServer::unread() const
{
	std::size_t sum = 0;

	for (const auto &[fd, client] : clients_)
		sum += client->output.size();
	return sum;
}

bool ControlServer::isFollowed(Topic topic) const
{
	return std::ranges::any_of(
	    clients_,
	    [topic](const auto &entry) {
		    return entry.second->following == topic;
	    });
}

void ControlServer::broadcast(Topic topic, const std::string &event)
{
	std::vector<int> gone;

	for (const auto &[fd, client] : clients_) {
		if (client->following != topic)
			continue;
		client->output += "{\"event\":" + event + "}\n";
		if (!flush(*client))
			gone.push_back(fd);
	}
	for (const int fd : gone)
		close(fd);
}

void ControlServer::close(int fd)
{
	loop_.remove(fd);
	clients_.erase(fd);
}

} // namespace cloak
