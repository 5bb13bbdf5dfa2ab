// SPDX-License-Identifier: Apache-2.0
#include "model/control.h"

#include <array>
#include <utility>

#include "util/json.h"

namespace cloak
{
namespace
{

using nlohmann::json;

constexpr std::array<std::pair<Failure, std::string_view>, 13> kFailures = {{
    {Failure::Usage, "usage"},
    {Failure::BadRequest, "bad_request"},
    {Failure::UnknownCommand, "unknown_command"},
    {Failure::NoDaemon, "no_daemon"},
    {Failure::NoAnswer, "no_answer"},
    {Failure::NotPermitted, "not_permitted"},
    {Failure::Policy, "policy"},
    {Failure::Unreadable, "unreadable"},
    {Failure::Off, "off"},
    {Failure::WouldCut, "would_cut"},
    {Failure::OnTrial, "on_trial"},
    {Failure::Busy, "busy"},
    {Failure::Failed, "failed"},
}};

/**
 * Reads a value and keeps nothing of it; ends where it becomes too much. What
 * is a few characters of text each takes ten times the memory as a value.
 */
class Frugal final : public nlohmann::json_sax<json>
{
public:
	bool null() override { return one(); }
	bool boolean(bool) override { return one(); }
	bool number_integer(number_integer_t) override { return one(); }
	bool number_unsigned(number_unsigned_t) override { return one(); }
	bool number_float(number_float_t, const string_t &) override
	{
		return one();
	}
	bool string(string_t &) override { return one(); }
	bool binary(binary_t &) override { return one(); }
	bool key(string_t &) override { return one(); }
	bool start_object(std::size_t) override { return deeper(); }
	bool end_object() override { return higher(); }
	bool start_array(std::size_t) override { return deeper(); }
	bool end_array() override { return higher(); }
	bool parse_error(std::size_t, const std::string &,
	                 const nlohmann::detail::exception &) override
	{
		return false;
	}

private:
	bool one() { return ++values_ <= kMostRequestValues; }
	bool deeper() { return one() && ++depth_ <= kDeepestRequest; }
	bool higher()
	{
		--depth_;
		return true;
	}

	std::size_t values_ = 0;
	std::size_t depth_ = 0;
};

/** An object, or a discarded value if the line is anything else. */
json parseObject(std::string_view line)
{
	json value = json::parse(line, nullptr, false);

	if (!value.is_object())
		return json(json::value_t::discarded);
	return value;
}

std::optional<std::string> textOf(const json &object, const std::string &key)
{
	auto found = object.find(key);

	if (found == object.end() || !found->is_string())
		return std::nullopt;
	return found->get<std::string>();
}

json memberOf(const json &object, const std::string &key)
{
	auto found = object.find(key);

	return found == object.end() ? json() : *found;
}

} // namespace

std::string_view failureName(Failure failure)
{
	for (const auto &[value, name] : kFailures)
		if (value == failure)
			return name;
	return {};
}

std::optional<Failure> parseFailure(std::string_view name)
{
	for (const auto &[value, known] : kFailures)
		if (known == name)
			return value;
	return std::nullopt;
}

std::optional<std::string> Request::text(const std::string &key) const
{
	return textOf(arguments, key);
}

Result<Request> parseRequest(std::string_view line)
{
	Request request;

	if (line.size() > kLongestRequest)
		return Error("the request is too long");
	Frugal frugal;
	json object(json::value_t::discarded);
	if (json::sax_parse(line, &frugal))
		object = parseObject(line);
	if (object.is_discarded()) {
		return Error("the request is not a JSON object in one line, or "
		             "one of too many values");
	}
	auto command = textOf(object, "command");
	if (!command)
		return Error("the request has no \"command\"");
	request.command = std::move(*command);
	if (object.contains("arguments"))
		request.arguments = std::move(object["arguments"]);
	if (!request.arguments.is_object())
		return Error("\"arguments\" is not an object");
	return request;
}

std::string toLine(const Request &request)
{
	return toLine(json{{"command", request.command},
	                   {"arguments", request.arguments}});
}

Response Response::success(json result)
{
	Response response;

	response.result = std::move(result);
	return response;
}

Response Response::error(Failure failure, std::string message)
{
	Response response;

	response.ok = false;
	response.failure = failure;
	response.message = std::move(message);
	return response;
}

Result<Response> parseResponse(std::string_view line)
{
	const json object = parseObject(line);
	const json ok = memberOf(object, "ok");

	if (!ok.is_boolean())
		return Error("cloakd gave an answer that is none");
	if (ok.get<bool>())
		return Response::success(memberOf(object, "result"));
	const json error = memberOf(object, "error");
	if (!error.is_object())
		return Error("cloakd gave an error without a reason");
	Response response = Response::error(
	    parseFailure(textOf(error, "code").value_or(""))
		.value_or(Failure::Failed),
	    textOf(error, "message").value_or("it failed without a reason"));
	response.details = memberOf(error, "details");
	return response;
}

std::string toLine(const Response &response)
{
	if (response.ok)
		return toLine(json{{"ok", true}, {"result", response.result}});
	json error = {{"code", failureName(response.failure)},
	              {"message", response.message}};
	if (!response.details.is_null())
		error["details"] = response.details;
	return toLine(json{{"ok", false}, {"error", std::move(error)}});
}

} // namespace cloak
