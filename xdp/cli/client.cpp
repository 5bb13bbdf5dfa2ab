// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "cli/print.h"
#include "util/duration.h"
#include "util/json.h"

namespace cloak
{
namespace
{

using nlohmann::json;

int exitOf(Failure failure)
{
	switch (failure) {
	case Failure::Usage:
	case Failure::BadRequest:
		return kUsage;
	case Failure::NoDaemon:
		return kNoDaemon;
	case Failure::NotPermitted:
		return kNotPermitted;
	case Failure::Policy:
		return kBadPolicy;
	case Failure::UnknownCommand:
	case Failure::NoAnswer:
	case Failure::Unreadable:
	case Failure::Off:
	case Failure::WouldCut:
	case Failure::OnTrial:
	case Failure::Busy:
	case Failure::Failed:
		break;
	}
	return kFailed;
}

Status sendAll(int fd, std::string_view text)
{
	while (!text.empty()) {
		const ssize_t sent =
		    send(fd, text.data(), text.size(), MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return Error::fromErrno("cannot ask cloakd");
		text.remove_prefix(static_cast<std::size_t>(sent));
	}
	return {};
}

/** The error in other words, if it is that the time is over. */
Error late(const Error &error, std::chrono::milliseconds timeout)
{
	if (error.code() != EAGAIN)
		return error;
	return Error("cloakd has not answered for " + toString(timeout) +
	             "; see \"systemctl status cloakd\"");
}

/** Errors of a policy are lines of their own, as a compiler's. */
void printDetails(const json &details)
{
	if (!details.is_array())
		return;
	for (const json &entry : details) {
		const std::string text = entry.value("text", "");
		printError(text + "\n");
	}
}

} // namespace

Result<Client> Client::connect(const std::string &path,
                               std::chrono::milliseconds timeout)
{
	sockaddr_un address{};
	Client client(Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
	              timeout);

	if (!client.fd_ || path.size() >= sizeof(address.sun_path))
		return Error(ENAMETOOLONG, "cannot connect to " + path);
	address.sun_family = AF_UNIX;
	path.copy(address.sun_path, path.size());
	Status limited = client.limit(timeout);
	if (!limited)
		return limited.error();
	if (::connect(client.fd_.get(), reinterpret_cast<sockaddr *>(&address),
	              sizeof(address)) != 0)
		return Error::fromErrno("cannot connect to " + path);
	return client;
}

/** How long sending and hearing may wait from now on. */
Status Client::limit(std::chrono::milliseconds timeout)
{
	const auto whole =
	    std::chrono::duration_cast<std::chrono::seconds>(timeout);
	const timeval wait = {
	    whole.count(),
	    std::chrono::microseconds(timeout - whole).count(),
	};

	for (const int way : {SO_SNDTIMEO, SO_RCVTIMEO})
		if (setsockopt(fd_.get(), SOL_SOCKET, way, &wait,
		               sizeof(wait)) != 0)
			return Error::fromErrno("cannot set a time limit");
	return {};
}

Result<Response> Client::ask(const Request &request)
{
	Status limited = limit(timeout_);
	if (!limited)
		return limited.error();
	// Whoever is refused finds the reason there, and nobody listening.
	Status sent = sendAll(fd_.get(), toLine(request) + "\n");
	if (!sent && sent.error().code() != EPIPE &&
	    sent.error().code() != ECONNRESET)
		return late(sent.error(), timeout_);
	auto line = readLine();
	ended_ = line ? !*line : line.error().code() == ECONNRESET;
	if (!line)
		return late(line.error(), timeout_);
	// Events come when they come.
	limited = limit(std::chrono::milliseconds(0));
	if (!limited)
		return limited.error();
	if (!*line)
		return Error("cloakd has closed the connection");
	return parseResponse(**line);
}

Result<std::optional<json>> Client::nextEvent()
{
	auto line = readLine();

	if (!line)
		return line.error();
	if (!*line)
		return std::optional<json>();
	const json message = json::parse(**line, nullptr, false);
	if (!message.is_object() || !message.contains("event")) {
		const auto response = parseResponse(**line);
		return Error(response && !response->ok
		                 ? response->message
		                 : "cloakd sent what is no event");
	}
	return std::optional<json>(message["event"]);
}

/** @returns nothing at the end of the stream. */
Result<std::optional<std::string>> Client::readLine()
{
	std::array<char, 65536> chunk{};

	std::size_t end = buffer_.find('\n');
	while (end == std::string::npos) {
		const ssize_t size =
		    read(fd_.get(), chunk.data(), chunk.size());
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return Error::fromErrno("cannot hear cloakd");
		if (size == 0)
			return std::optional<std::string>();
		const std::size_t before = buffer_.size();
		buffer_.append(chunk.data(), static_cast<std::size_t>(size));
		end = buffer_.find('\n', before);
	}
	std::string line = buffer_.substr(0, end);
	buffer_.erase(0, end + 1);
	return std::optional<std::string>(std::move(line));
}

Answer ask(const Context &context, const Request &request)
{
	Answer answer;

	auto client = connectOrExplain(context, answer.exit);
	if (!client)
		return answer;
	return ask(context, *client, request);
}

Answer ask(const Context &context, Client &client, const Request &request)
{
	Answer answer;

	auto response = client.ask(request);
	if (!response) {
		answer.exit = explain(context, Failure::NoAnswer,
		                      response.error().message());
	} else if (!response->ok) {
		answer.exit = explain(context, *response);
	} else {
		answer.result = std::move(response->result);
	}
	return answer;
}

bool meansNoDaemon(const Error &error)
{
	return error.code() == ENOENT || error.code() == ECONNREFUSED;
}

Response whyNotConnected(const Context &context, const Error &error)
{
	if (error.code() == EACCES) {
		return Response::error(Failure::NotPermitted,
		                       "only root and members of the group of "
		                       "the socket may ask: " +
		                           context.socket);
	}
	if (error.code() == EAGAIN) {
		return Response::error(Failure::NoAnswer,
		                       late(error, context.timeout).message());
	}
	if (!meansNoDaemon(error))
		return Response::error(Failure::Failed, error.message());
	return Response::error(
	    Failure::NoDaemon,
	    fmt::format("no cloakd answers at {}; start it with "
	                "\"systemctl start cloakd\"",
	                context.socket));
}

std::optional<Client> connectOrExplain(const Context &context, int &exit)
{
	auto client = Client::connect(context.socket, context.timeout);

	if (!client) {
		exit =
		    explain(context, whyNotConnected(context, client.error()));
		return std::nullopt;
	}
	return std::move(*client);
}

int explain(const Context &context, const Response &response)
{
	if (context.json)
		fmt::print("{}\n", toLine(response));
	else
		printDetails(response.details);
	printError(fmt::format("cloakctl: {}\n", response.message));
	return exitOf(response.failure);
}

int explain(const Context &context, Failure failure,
            const std::string &sentence)
{
	return explain(context, Response::error(failure, sentence));
}

int followEvents(const Context &context, Client &client,
                 const std::function<void(const nlohmann::json &)> &show)
{
	while (true) {
		auto event = client.nextEvent();
		if (!event) {
			return explain(context, Failure::NoAnswer,
			               event.error().message());
		}
		if (!*event) {
			return explain(context, Failure::NoDaemon,
			               "cloakd has ended");
		}
		show(**event);
	}
}

} // namespace cloak
