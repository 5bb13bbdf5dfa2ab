// SPDX-License-Identifier: Apache-2.0
#include "model/control.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cloak
{
namespace
{

TEST(Request, ReadsCommandAndArguments)
{
	auto request = parseRequest(
	    R"({"command":"authorise","arguments":{"peer":"10.0.9.7"}})");

	ASSERT_TRUE(request);
	EXPECT_EQ(request->command, "authorise");
	EXPECT_EQ(request->text("peer"), "10.0.9.7");
	EXPECT_EQ(request->text("mac"), std::nullopt);
}

TEST(Request, NeedsNoArguments)
{
	auto request = parseRequest(R"({"command":"status"})");

	ASSERT_TRUE(request);
	EXPECT_TRUE(request->arguments.empty());
}

TEST(Request, RefusesWhatIsNone)
{
	for (const char *line :
	     {"", "{", "null", "[]", "\"status\"", "{}", "status",
	      R"({"command":5})", R"({"command":"status"} x)",
	      R"({"command":"status","arguments":[]})",
	      R"({"command":"status","arguments":null})",
	      "{\"command\":\"\xff\"}"})
		EXPECT_FALSE(parseRequest(line)) << line;
}

TEST(Request, RefusesWhatIsTooLong)
{
	const std::string line =
	    R"({"command":")" + std::string(kLongestRequest, 'x') + R"("})";
	auto request = parseRequest(line);

	ASSERT_FALSE(request);
	EXPECT_EQ(request.error().message(), "the request is too long");
}

TEST(Request, SurvivesDeepNesting)
{
	EXPECT_FALSE(parseRequest(std::string(1'000'000, '[')));
	EXPECT_FALSE(parseRequest(R"({"a":)" + std::string(1'000'000, '[')));
}

/** A character of text each, but ten times that as values. */
TEST(Request, RefusesTooManyValues)
{
	const auto requestOf = [](std::size_t values) {
		std::string list = "0";
		for (std::size_t i = 1; i < values; ++i)
			list += ",0";
		return parseRequest(R"({"command":"x","arguments":{"a":[)" +
		                    list + "]}}");
	};

	EXPECT_TRUE(requestOf(kMostRequestValues - 10));
	EXPECT_FALSE(requestOf(kMostRequestValues));
	EXPECT_FALSE(parseRequest(R"({"command":"x","arguments":{"a":)" +
	                          std::string(kDeepestRequest, '[') +
	                          std::string(kDeepestRequest, ']') + "}}"));
}

TEST(Request, ReadsWhatItWrites)
{
	Request request;

	request.command = "apply";
	request.arguments = {{"text", "a\nb\"c\\"}, {"source", "-"}};
	auto read = parseRequest(toLine(request));
	ASSERT_TRUE(read);
	EXPECT_EQ(toLine(request).find('\n'), std::string::npos);
	EXPECT_EQ(read->text("text"), "a\nb\"c\\");
}

TEST(Response, ReadsWhatItWrites)
{
	auto good = parseResponse(toLine(Response::success({{"cloak", "on"}})));
	ASSERT_TRUE(good);
	EXPECT_TRUE(good->ok);
	EXPECT_EQ(good->result["cloak"], "on");

	for (const Failure failure :
	     {Failure::Usage, Failure::BadRequest, Failure::UnknownCommand,
	      Failure::NoDaemon, Failure::NoAnswer, Failure::NotPermitted,
	      Failure::Policy, Failure::Unreadable, Failure::Off,
	      Failure::WouldCut, Failure::OnTrial, Failure::Busy,
	      Failure::Failed}) {
		Response response = Response::error(failure, "because");
		response.details = {1, 2};
		auto bad = parseResponse(toLine(response));
		ASSERT_TRUE(bad);
		EXPECT_FALSE(bad->ok);
		EXPECT_EQ(bad->failure, failure);
		EXPECT_EQ(bad->message, "because");
		EXPECT_EQ(bad->details.size(), 2U);
	}
}

TEST(Response, ReadsWhatANewerDaemonSays)
{
	auto response =
	    parseResponse(R"({"ok":false,"error":{"code":"tired"}})");

	ASSERT_TRUE(response);
	EXPECT_EQ(response->failure, Failure::Failed);
	EXPECT_FALSE(response->message.empty());
}

TEST(Response, RefusesWhatIsNone)
{
	for (const char *line : {"", "{}", R"({"ok":1})", R"({"ok":false})",
	                         R"({"ok":false,"error":5})"})
		EXPECT_FALSE(parseResponse(line)) << line;
}

} // namespace
} // namespace cloak
