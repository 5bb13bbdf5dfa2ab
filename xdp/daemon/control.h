// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The socket at which cloakctl asks.
 */
#ifndef CLOAKLAKE_DAEMON_CONTROL_H
#define CLOAKLAKE_DAEMON_CONTROL_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/credentials.h"
#include "daemon/loop.h"
#include "model/control.h"
#include "util/fd.h"

namespace cloak
{

/**
 * Accepts connections on a Unix socket, reads requests, sends responses, and
 * passes events on to those who follow. Whoever sends nonsense, too much, or
 * does not read what he asked for loses his connection, and nobody waits.
 */
class ControlServer
{
public:
	/** What a client may follow. */
	enum class Topic { None, Alerts, Flows };

	struct Reply {
		Response response;
		/** Send events of this topic to the client from now on. */
		Topic follow = Topic::None;

		/** The request cannot be understood. */
		[[nodiscard]] static Reply bad(std::string message)
		{
			return {Response::error(Failure::BadRequest,
			                        std::move(message))};
		}
	};
	using Handler =
	    std::function<Reply(const Request &, const PeerCredentials &)>;

	struct Options {
		std::string path = kDefaultSocket;
		std::string group = "cloaklake";
	};

	static constexpr std::size_t kMostClients = 32;
	/** What a client may leave unread before he is dropped. */
	static constexpr std::size_t kMostUnread = 16UL << 20U;
	/** What all together may: an eighth of MemoryMax. */
	static constexpr std::size_t kMostUnreadOfAll = 64UL << 20U;
	/** What each may whatever the others do. */
	static constexpr std::size_t kFairShare =
	    kMostUnreadOfAll / kMostClients;

	/** @param loop must outlive the server. */
	ControlServer(Loop &loop, Handler handler);
	ControlServer(const ControlServer &) = delete;
	ControlServer &operator=(const ControlServer &) = delete;
	~ControlServer();

	/**
	 * Fails if another daemon answers at the path; a socket that nobody
	 * answers at is replaced.
	 */
	Status listen(const Options &options);

	/**
	 * Sends {"event": ...} to all who follow @p topic.
	 * @param event JSON, one line.
	 */
	void broadcast(Topic topic, const std::string &event);

	/** Whether anybody follows it. */
	[[nodiscard]] bool isFollowed(Topic topic) const;

private:
	struct Client {
		Fd fd;
		PeerCredentials credentials;
		std::string input;
		std::size_t searched = 0; //!< so much of it ends no line
		std::string output;
		Topic following = Topic::None;
		bool closing = false; //!< when the output is out
	};

	void accept();
	void admit(Fd fd);
	void serve(int fd, std::uint32_t events);
	bool receive(Client &client);
	bool answerAll(Client &client);
	void answer(Client &client, std::string_view line);
	void refuse(Client &client, Failure failure, std::string message);
	bool flush(Client &client);
	[[nodiscard]] std::size_t unread() const;
	void close(int fd);

	Loop &loop_;
	Handler handler_;
	Fd listener_;
	std::string path_;
	gid_t group_ = 0;
	/** One who is served stays until then, also when he is closed. */
	std::map<int, std::shared_ptr<Client>> clients_;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_CONTROL_H
