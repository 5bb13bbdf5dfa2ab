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
#include "util/clock.h"
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

	/** How the clients are doing. */
	struct Stats {
		std::size_t clients = 0; //!< connected now
		std::size_t held = 0;    //!< octets of theirs, see kShare
		/** Clients that were left as others left no room. */
		std::uint64_t crowdedOut = 0;
		/** Clients that were left as they did not read. */
		std::uint64_t unread = 0;
		/** How often nobody could be let in for want of descriptors. */
		std::uint64_t starved = 0;
	};

	static constexpr std::size_t kMostClients = 32;
	/**
	 * So many of them are root's alone, as is a half of what may be held.
	 * Members of the group may be many, or one script that goes mad; that
	 * must not keep out the administrator, who could end it. Nobody is
	 * closed to make room for another: who asks for nothing for a while
	 * may be a follower, and there are no alerts to show.
	 */
	static constexpr std::size_t kRootClients = 4;
	/** What a client may leave unread before he is dropped. */
	static constexpr std::size_t kMostUnread = 16UL << 20U;
	/**
	 * What each may hold, whatever the others do: of a request that has
	 * not ended yet, and of answers that he has not read.
	 */
	static constexpr std::size_t kShare = 1UL << 20U;
	/**
	 * What all together may hold beyond that: room for the longest request,
	 * and with the shares less than a twelfth of MemoryMax.
	 */
	static constexpr std::size_t kMostBeyond = 128UL << 20U;
	/** The same for all but root. */
	static constexpr std::size_t kMostBeyondOfGroup = kMostBeyond / 2;

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
	 * Listens again where there were no descriptors for those who came.
	 * Call it each second.
	 */
	void tick();

	/**
	 * Sends {"event": ...} to all who follow @p topic.
	 * @param event JSON, one line.
	 */
	void broadcast(Topic topic, const std::string &event);

	/** Whether anybody follows it. */
	[[nodiscard]] bool isFollowed(Topic topic) const;

	[[nodiscard]] Stats stats() const;

private:
	struct Client {
		[[nodiscard]] bool isRoot() const
		{
			return credentials.uid == 0;
		}
		/** As memory goes, not as text. */
		[[nodiscard]] std::size_t held() const
		{
			return input.capacity() + output.capacity();
		}
		/** Whether a whole one is there, which ends at searched. */
		[[nodiscard]] bool hasRequest();

		Fd fd;
		PeerCredentials credentials;
		std::string input;
		std::size_t searched = 0; //!< so much of it ends no line
		std::string output;
		Topic following = Topic::None;
		bool closing = false; //!< when the output is out
	};

	void accept();
	void pause(int error);
	void admit(Fd fd, const PeerCredentials &credentials);
	void serve(int fd, std::uint32_t events);
	bool receive(Client &client);
	bool answerNext(Client &client);
	Reply handle(const Request &request, const PeerCredentials &peer);
	void answer(Client &client, std::string_view line);
	void refuse(Client &client, Failure failure, std::string message);
	bool flush(Client &client);
	bool cutShort(Client &client);
	void complain(const PeerCredentials &peer, const char *why);
	[[nodiscard]] bool hasRoomFor(const PeerCredentials &peer) const;
	[[nodiscard]] bool mayHold(const Client &client,
	                           std::size_t more) const;
	void close(int fd);

	Loop &loop_;
	Handler handler_;
	Fd listener_;
	bool paused_ = false; //!< nobody is accepted until tick()
	std::string path_;
	gid_t group_ = 0;
	/** One who is served stays until then, also when he is closed. */
	std::map<int, std::shared_ptr<Client>> clients_;
	BootTime silentUntil_; //!< about those who are refused
	Stats counted_;        //!< what has happened; stats() adds what is now
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_CONTROL_H
