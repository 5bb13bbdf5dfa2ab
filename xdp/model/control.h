// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakctl and cloakd say to each other: one line of JSON each way.
 *
 *     {"command": "authorise", "arguments": {"peer": "10.0.9.7"}}
 *     {"ok": true, "result": {...}}
 *     {"ok": false, "error": {"code": "failed", "message": "..."}}
 *
 * After a command that follows something, lines {"event": {...}} come until
 * either side closes.
 */
#ifndef CLOAKLAKE_MODEL_CONTROL_H
#define CLOAKLAKE_MODEL_CONTROL_H

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.h"

namespace cloak
{

/** Where cloakd listens unless an option says otherwise. */
inline constexpr const char *kDefaultSocket = "/run/cloaklake/control.sock";

/** A longer line is no request; a policy of the largest size fits. */
inline constexpr std::size_t kLongestRequest = 96UL << 20U;

/** More values in a request, keys and lists included, make none. */
inline constexpr std::size_t kMostRequestValues = 65536;

/** Nor do lists and objects that are in each other more often. */
inline constexpr std::size_t kDeepestRequest = 16;

/** Kinds of failure, which become the exit status of cloakctl. */
enum class Failure {
	Usage,          //!< the command line of cloakctl makes no sense
	BadRequest,     //!< not a request, or arguments that make no sense
	UnknownCommand, //!< a newer cloakctl talks to an older cloakd
	NoDaemon,       //!< no cloakd is there, or it has ended
	NoAnswer,       //!< cloakd has not said what came of it
	NotPermitted,   //!< neither root nor in the group
	Policy,         //!< the policy has errors, which come with it
	Unreadable,     //!< a file that was named cannot be read
	Off,            //!< it needs a cloak, and that is off
	WouldCut,       //!< it would cut a session that is to be kept
	OnTrial,        //!< a policy awaits confirmation before
	Busy,           //!< others leave no room for it; later it may go
	Failed,         //!< could not be done
};

/** The word for it in "code"; stable. */
[[nodiscard]] std::string_view failureName(Failure failure);
[[nodiscard]] std::optional<Failure> parseFailure(std::string_view name);

/** A command and what it needs to know. */
struct Request {
	std::string command;
	nlohmann::json arguments = nlohmann::json::object();

	/** A string argument; nothing if there is none or it is no string. */
	[[nodiscard]] std::optional<std::string>
	text(const std::string &key) const;
};

/** Reads a request from one line. Never throws, whatever the line is. */
[[nodiscard]] Result<Request> parseRequest(std::string_view line);
[[nodiscard]] std::string toLine(const Request &request);

/** What came of a command. */
struct Response {
	bool ok = true;
	nlohmann::json result = nlohmann::json::object();
	Failure failure = Failure::Failed;
	std::string message;
	nlohmann::json details; //!< with an error: null, or more about it

	[[nodiscard]] static Response success(nlohmann::json result);
	[[nodiscard]] static Response error(Failure failure,
	                                    std::string message);
};

[[nodiscard]] Result<Response> parseResponse(std::string_view line);
[[nodiscard]] std::string toLine(const Response &response);

} // namespace cloak

#endif // CLOAKLAKE_MODEL_CONTROL_H
