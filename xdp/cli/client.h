// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Asking cloakd.
 */
#ifndef CLOAKLAKE_CLI_CLIENT_H
#define CLOAKLAKE_CLI_CLIENT_H

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.h"
#include "model/control.h"
#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/** A connection to cloakd. */
class Client
{
public:
	/**
	 * Fails with ENOENT or ECONNREFUSED if no cloakd is there, and with
	 * EAGAIN if it has accepted nobody for so long.
	 * @param timeout of each answer, not of events; 0: for ever.
	 */
	[[nodiscard]] static Result<Client>
	connect(const std::string &path, std::chrono::milliseconds timeout);

	/** Sends a request, waits for what comes of it. */
	[[nodiscard]] Result<Response> ask(const Request &request);

	/** Whether it was the end of the daemon that came of it. */
	[[nodiscard]] bool hasEnded() const { return ended_; }

	/** Waits for an event; nothing when the daemon has closed. */
	[[nodiscard]] Result<std::optional<nlohmann::json>> nextEvent();

private:
	Client(Fd fd, std::chrono::milliseconds timeout)
	    : fd_(std::move(fd)), timeout_(timeout)
	{
	}

	Status limit(std::chrono::milliseconds timeout);
	Result<std::optional<std::string>> readLine();

	Fd fd_;
	std::chrono::milliseconds timeout_;
	std::string buffer_;
	bool ended_ = false;
};

/** An answer of cloakd, or the exit code that stands for its absence. */
struct Answer {
	int exit = kDone;
	nlohmann::json result;
};

/**
 * Asks and says on standard error what went wrong. With --json an error is
 * printed as an object on standard output too.
 */
[[nodiscard]] Answer ask(const Context &context, const Request &request);

/** The same on a connection that is kept. */
[[nodiscard]] Answer ask(const Context &context, Client &client,
                         const Request &request);

/** Whether connect() has failed since no cloakd is there. */
[[nodiscard]] bool meansNoDaemon(const Error &error);

/** Why no cloakd could be reached, in the words that all commands have. */
[[nodiscard]] Response whyNotConnected(const Context &context,
                                       const Error &error);

/** Connects, or says why not. @param exit gets the exit code then. */
[[nodiscard]] std::optional<Client> connectOrExplain(const Context &context,
                                                     int &exit);

/** Calls @p show for each event until cloakd ends. @returns an exit code. */
int followEvents(const Context &context, Client &client,
                 const std::function<void(const nlohmann::json &)> &show);

/** Says what went wrong the way all commands do. @returns the exit code. */
int explain(const Context &context, const Response &response);

/** The same of a sentence. */
int explain(const Context &context, Failure failure,
            const std::string &sentence);

} // namespace cloak

#endif // CLOAKLAKE_CLI_CLIENT_H
