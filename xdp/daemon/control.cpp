// SPDX-License-Identifier: Apache-2.0
#include "daemon/control.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

#include "daemon/descriptors.h"
#include "util/local_socket.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

constexpr int kBacklog = 16;
constexpr std::chrono::seconds kSilence(10);
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

/** What has gone out or in takes no memory any more, if it was much. */
void release(std::string &text)
{
	constexpr std::size_t little = 65536;

	if (text.capacity() > little && text.size() < text.capacity() / 4)
		text.shrink_to_fit();
}

/** What a text takes more once so much is added to it: it doubles. */
std::size_t growth(const std::string &text, std::size_t more)
{
	return text.size() + more <= text.capacity()
	           ? 0
	           : std::max(text.capacity(), more);
}

/** To one who gets no further; what he does not read now he never does. */
void turnAway(const Fd &fd, std::string message)
{
	const std::string line =
	    toLine(Response::error(Failure::Busy, std::move(message))) + "\n";

	if (::send(fd.get(), line.data(), line.size(),
	           MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		spdlog::debug("control: nobody hears that he is refused");
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
		removeSocket(path_).ignore();
	}
}

Status ControlServer::listen(const Options &options)
{
	auto address = addressOf(options.path);

	if (!address)
		return address.error();
	if (isAnswered(options.path)) {
		return Error(
		    fmt::format("another cloakd answers at {}", options.path));
	}
	makeFolderOf(options.path);
	Status free = removeSocket(options.path);
	if (!free)
		return free.error().in("cannot listen");
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

	if (!fd) {
		pause(errno);
		return;
	}
	auto credentials = readCredentials(fd.get(), group_);
	if (!credentials)
		return;
	if (hasRoomFor(*credentials)) {
		admit(std::move(fd), *credentials);
		return;
	}
	++counted_.crowdedOut;
	complain(*credentials, "comes when others have all connections");
	turnAway(fd, fmt::format("cloakd has {} connections already; end some, "
	                         "or try again",
	                         clients_.size()));
}

/** Who cannot be accepted waits, and must not keep the daemon busy. */
void ControlServer::pause(int error)
{
	if (!isWantOfRoom(error))
		return;
	if (counted_.starved++ == 0) {
		spdlog::error(
		    "{}: it is tried again each second",
		    Error(error, "control: cannot accept a client").message());
	}
	paused_ = loop_.change(listener_.get(), 0).ok();
}

void ControlServer::tick()
{
	if (paused_)
		paused_ = !loop_.change(listener_.get(), EPOLLIN).ok();
}

/** Now and then: who comes again at once would fill the journal. */
void ControlServer::complain(const PeerCredentials &peer, const char *why)
{
	const BootTime now = BootClock::now();

	if (now < silentUntil_)
		return;
	silentUntil_ = now + kSilence;
	spdlog::warn("control: process {} of user {} {}; {} were refused or "
	             "left so far",
	             peer.pid, peer.uid, why,
	             counted_.crowdedOut + counted_.unread);
}

/** The last ones are for root. */
bool ControlServer::hasRoomFor(const PeerCredentials &peer) const
{
	return clients_.size() <
	       (peer.uid == 0 ? kMostClients : kMostClients - kRootClients);
}

void ControlServer::admit(Fd fd, const PeerCredentials &credentials)
{
	const int number = fd.get();
	auto client = std::make_shared<Client>();

	client->fd = std::move(fd);
	client->credentials = credentials;
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
	if (!alive || !answerNext(*client))
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
	if (client.closing)
		return true;
	const auto arrived = static_cast<std::size_t>(size);
	if (mayHold(client, growth(client.input, arrived))) {
		client.input.append(buffer.data(), arrived);
	} else {
		++counted_.crowdedOut;
		complain(client.credentials,
		         "sends more than there is room for");
		refuse(client, Failure::Busy,
		       "cloakd has no room for a request that long beside "
		       "those of others; try again");
	}
	return true;
}

/** Looks at each octet once, however often it is asked. */
bool ControlServer::Client::hasRequest()
{
	searched = std::min(input.find('\n', searched), input.size());
	return searched < input.size();
}

/**
 * One request, so that one who has sent many does not keep the others waiting;
 * flush() sees to it that his next one has its turn. It is answered when the
 * answer before it is out, or one who asks much and reads nothing could have
 * any amount of memory.
 * @returns false when the client is to go.
 */
bool ControlServer::answerNext(Client &client)
{
	if (!flush(client))
		return false;
	if (!client.output.empty())
		return true; // the socket says when it goes on
	if (client.hasRequest()) {
		const std::size_t end = client.searched;

		answer(client, std::string_view(client.input).substr(0, end));
		client.input.erase(0, end + 1);
		release(client.input);
		client.searched = 0;
	} else if (client.input.size() > kLongestRequest) {
		refuse(client, Failure::BadRequest, "the request is too long");
	} else {
		return true;
	}
	return flush(client);
}

/** One request that takes too much memory is no reason to end. */
ControlServer::Reply ControlServer::handle(const Request &request,
                                           const PeerCredentials &peer)
{
	try {
		return handler_(request, peer);
	} catch (const std::bad_alloc &) {
		spdlog::error("control: no memory for {}",
		              printable(request.command));
		return {Response::error(Failure::Failed,
		                        "cloakd has no memory for that")};
	}
}

void ControlServer::answer(Client &client, std::string_view line)
{
	auto request = parseRequest(line);

	if (!request) {
		refuse(client, Failure::BadRequest, request.error().message());
		return;
	}
	const Reply reply = handle(*request, client.credentials);
	if (client.closing)
		return; // an event that came of it was too much for him
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
	release(client.input);
	client.searched = 0;
	client.following = Topic::None;
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
	release(client.output);
	if (client.output.empty() && client.closing)
		return false;
	if (client.output.size() > kMostUnread ||
	    (!client.output.empty() && !mayHold(client, 0)))
		return cutShort(client);
	// With a request at hand there is nothing to wait for.
	const bool writes = !client.output.empty() || client.hasRequest();
	return loop_.change(fd, writes ? EPOLLOUT : EPOLLIN).ok();
}

/**
 * One who does not read gets the line that is on its way and then why there is
 * no more, unless that line alone is too much to keep.
 * @returns false when the client is to go.
 */
bool ControlServer::cutShort(Client &client)
{
	const std::size_t end = client.output.find('\n') + 1;

	++counted_.unread;
	complain(client.credentials, "does not read its answers");
	if (client.closing || end > kShare / 2)
		return false;
	client.output.resize(end);
	refuse(client, Failure::Busy,
	       "too much was left unread; cloakd keeps no more");
	release(client.output);
	return loop_.change(client.fd.get(), EPOLLOUT).ok();
}

/**
 * Whether the client may hold @p more than he does. Each has a share; what is
 * beyond it all have in common, so that one may send a large policy, and the
 * sum has a bound whatever anybody does.
 */
bool ControlServer::mayHold(const Client &client, std::size_t more) const
{
	const std::size_t own = client.held();

	if (own + more <= kShare)
		return true;
	std::size_t all = own + more - std::max(own, kShare);
	std::size_t group = client.isRoot() ? 0 : all;
	for (const auto &[fd, other] : clients_) {
		const std::size_t beyond =
		    std::max(other->held(), kShare) - kShare;
		all += beyond;
		group += other->isRoot() ? 0 : beyond;
	}
	return all <= kMostBeyond &&
	       (client.isRoot() || group <= kMostBeyondOfGroup);
}

ControlServer::Stats ControlServer::stats() const
{
	Stats stats = counted_;

	stats.clients = clients_.size();
	for (const auto &[fd, client] : clients_)
		stats.held += client->held();
	return stats;
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
