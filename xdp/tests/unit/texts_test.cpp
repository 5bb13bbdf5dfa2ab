// SPDX-License-Identifier: Apache-2.0
#include "policy/texts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "policy/parse.h"
#include "policy/render.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

/** A policy file with a folder beside it. */
class TextsTest : public testing::Test
{
protected:
	void SetUp() override
	{
		std::string name = testing::TempDir() + "cloak-texts-XXXXXX";
		ASSERT_NE(mkdtemp(name.data()), nullptr);
		root_ = name;
		write("policy.toml", "[[interface]]\nname = \"eth0\"\n");
	}
	void TearDown() override { fs::remove_all(root_); }

	void write(const std::string &name, const std::string &text) const
	{
		fs::create_directories(fs::path(path(name)).parent_path());
		std::ofstream(path(name)) << text;
	}

	[[nodiscard]] std::string path(const std::string &name) const
	{
		return root_ + "/" + name;
	}

	[[nodiscard]] Result<PolicyTexts> read() const
	{
		return readPolicyTexts(path("policy.toml"));
	}

	/** The same where it has to work. */
	[[nodiscard]] PolicyTexts texts() const
	{
		auto texts = read();

		if (!texts) {
			ADD_FAILURE() << texts.error().message();
			return {{"none", ""}};
		}
		return *texts;
	}

	/** The names of the files that are read, without their folder. */
	[[nodiscard]] Lines names() const
	{
		Lines names;

		for (const PolicyText &text : texts())
			names.push_back(text.source.substr(root_.size() + 1));
		return names;
	}

	/** What is wrong with the policy, without the folder of the files. */
	[[nodiscard]] Lines errors() const
	{
		const ParsedPolicy parsed = readPolicy(texts());
		const std::string folder = root_ + "/";
		Lines lines;

		for (const Diagnostic &error : parsed.errors) {
			std::string line = toString(error, parsed.policy.files);

			for (auto at = line.find(folder);
			     at != std::string::npos; at = line.find(folder))
				line.erase(at, folder.size());
			lines.push_back(line);
		}
		return lines;
	}

private:
	std::string root_;
};

TEST_F(TextsTest, FileAlone)
{
	EXPECT_EQ(names(), Lines{"policy.toml"});
	EXPECT_EQ(errors(), Lines{});
}

TEST_F(TextsTest, FolderInOrderOfNames)
{
	write("policy.d/20-b.toml", "");
	write("policy.d/10-a.toml", "");
	write("policy.d/.10-a.toml.swp", "nonsense");
	write("policy.d/.hidden.toml", "nonsense");
	write("policy.d/10-a.toml~", "nonsense");
	write("policy.d/README", "nonsense");
	EXPECT_EQ(names(), (Lines{"policy.toml", "policy.d/10-a.toml",
	                          "policy.d/20-b.toml"}));
}

TEST_F(TextsTest, FolderOfAnotherFileIsNotRead)
{
	write("policy.d/10-a.toml", "nonsense");
	write("other.toml", "");
	write("other", "");
	for (const std::string name : {"other.toml", "other"}) {
		const auto alone = readPolicyTexts(path(name));
		ASSERT_TRUE(alone);
		EXPECT_EQ(alone->size(), 1U);
	}
}

TEST_F(TextsTest, WhatCannotBeReadIsNamed)
{
	fs::create_directories(path("policy.d/folder.toml"));
	const auto folder = read();
	ASSERT_FALSE(folder);
	EXPECT_NE(folder.error().message().find("policy.d/folder.toml"),
	          std::string::npos);

	fs::remove_all(path("policy.d"));
	write("policy.d", "a file");
	const auto file = read();
	ASSERT_FALSE(file);
	EXPECT_NE(file.error().message().find("policy.d"), std::string::npos);
}

/** Nobody writes to it: who waits for that waits for ever. */
TEST_F(TextsTest, APipeIsNoFileOfTheFolder)
{
	const std::string pipe = path("policy.d/10-a.toml");

	fs::create_directories(path("policy.d"));
	ASSERT_EQ(mkfifo(pipe.c_str(), S_IRUSR), 0);
	const auto texts = read();
	ASSERT_FALSE(texts);
	EXPECT_EQ(texts.error().message(), pipe + " is no regular file");
}

TEST_F(TextsTest, TheDaemonReadsRegularFilesAlone)
{
	const std::string pipe = path("pipe");

	EXPECT_TRUE(readPolicyTexts(path("policy.toml"), PolicyFile::Regular));
	ASSERT_EQ(mkfifo(pipe.c_str(), S_IRUSR), 0);
	fs::create_directories(path("folder"));
	for (const std::string &name :
	     {pipe, path("folder"), std::string("/dev/null")}) {
		const auto texts = readPolicyTexts(name, PolicyFile::Regular);
		ASSERT_FALSE(texts);
		EXPECT_EQ(texts.error().message(),
		          name + " is no regular file");
	}
	EXPECT_FALSE(readPolicyTexts("-", PolicyFile::Regular));
}

TEST_F(TextsTest, OthersReadPipesToo)
{
	const std::string pipe = path("pipe");

	ASSERT_EQ(mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR), 0);
	std::thread writer([&pipe] { std::ofstream(pipe) << "said"; });
	const auto texts = readPolicyTexts(pipe);
	writer.join();
	ASSERT_TRUE(texts);
	EXPECT_EQ(texts->front().text, "said");
}

TEST_F(TextsTest, TooManyFilesAreRefused)
{
	for (std::size_t i = 0; i < kMostPolicyFiles; ++i)
		write("policy.d/" + std::to_string(i) + ".toml", "");
	const auto texts = read();
	ASSERT_FALSE(texts);
	EXPECT_NE(texts.error().message().find("more than 1023 files"),
	          std::string::npos);
}

TEST_F(TextsTest, ListsAddUpOverFiles)
{
	write("policy.toml", "[[interface]]\nname = \"eth0\"\n"
	                     "[cloak]\naddresses = [\"10.0.9.5\"]\n");
	write("policy.d/10-a.toml",
	      "[cloak]\naddresses = [\"10.0.9.6\"]\nlogins = [2222]\n"
	      "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.1.0/24\"]\n");
	write("policy.d/20-b.toml",
	      "[cloak]\nlogins = [22]\n"
	      "[[peers]]\nname = \"b\"\nprefixes = [\"10.0.2.0/24\"]\n"
	      "[alerts]\nper_second = 7\n");
	const Policy policy = readPolicy(texts()).policy;

	EXPECT_EQ(errors(), Lines{});
	EXPECT_EQ(policy.addresses.size(), 2U);
	EXPECT_EQ(policy.peers.size(), 2U);
	EXPECT_EQ(policy.alerts.perSecond, 7U);
	ASSERT_EQ(policy.logins.size(), 2U);
	EXPECT_EQ(policy.logins[0].value, 2222);
	EXPECT_EQ(policy.logins[1].value, 22);
	EXPECT_EQ(policy.peers[1].name.at, (Position{2, 4, 8}));
	// In one file it is the same.
	EXPECT_EQ(readPolicy(renderPolicy(policy)).errors.size(), 0U);
}

TEST_F(TextsTest, OtherTablesStandInOneFile)
{
	write("policy.d/10-a.toml", "\n[alerts]\nper_second = 7\n");
	write("policy.d/20-b.toml", "[alerts]\nrepeat = \"1m\"\n");
	EXPECT_EQ(errors(),
	          Lines{"policy.d/20-b.toml:1:1: alerts = a table: expected "
	                "[alerts] in one file only; it stands in line 2 of "
	                "policy.d/10-a.toml already"});
}

TEST_F(TextsTest, ErrorsNameTheFile)
{
	write("policy.d/10-a.toml", "[[interface]]\nname = \"eth0\"\n");
	write("policy.d/20-b.toml", "[alerts]\nper_second = 0\n");
	EXPECT_EQ(
	    errors(),
	    (Lines{"policy.d/10-a.toml:2:8: interface.name = \"eth0\": "
	           "expected each value once; this one stands in line 2 of "
	           "policy.toml already",
	           "policy.d/20-b.toml:2:14: alerts.per_second = 0: expected "
	           "a whole number from 1 to 100000"}));
}

TEST_F(TextsTest, EachFileHasItsOwnErrorOfSyntax)
{
	write("policy.toml", "[[interface]\n");
	write("policy.d/10-a.toml", "\nname =\n");
	const Lines lines = errors();

	ASSERT_EQ(lines.size(), 2U);
	EXPECT_TRUE(lines[0].starts_with("policy.toml:1:"));
	EXPECT_TRUE(lines[1].starts_with("policy.d/10-a.toml:2:"));
}

TEST_F(TextsTest, TheRequestHasThemAll)
{
	write("policy.d/10-a.toml", "a");
	const PolicyTexts before = texts();
	const auto again = textsIn(toArguments(before));

	ASSERT_TRUE(again);
	ASSERT_EQ(again->size(), 2U);
	for (std::size_t i = 0; i < before.size(); ++i) {
		EXPECT_EQ((*again)[i].source, before[i].source);
		EXPECT_EQ((*again)[i].text, before[i].text);
	}
}

TEST(Texts, TheSourceInARequestIsFitForALine)
{
	const auto texts =
	    textsIn({{"source", "a\n<3>b\x1b[2J"}, {"text", "as\nit is"}});

	ASSERT_TRUE(texts);
	EXPECT_EQ(texts->front().source, "a\\x0a<3>b\\x1b[2J");
	EXPECT_EQ(texts->front().text, "as\nit is");
	EXPECT_FALSE(
	    textsIn({{"source", std::string(5000, 'a')}, {"text", "b"}}));
}

TEST(Texts, RequestsOfAnotherShapeAreNone)
{
	const std::string good = R"("source": "a", "text": "b")";

	for (const std::string arguments :
	     {"{}", R"({"source": "a"})", R"({"source": 1, "text": "b"})"})
		EXPECT_FALSE(textsIn(nlohmann::json::parse(arguments)));
	for (const std::string dropIns :
	     {"1", "{}", "[1]", "[{}]", R"([{"source": "a", "text": 1}])"})
		EXPECT_FALSE(textsIn(nlohmann::json::parse(
		    "{" + good + R"(, "drop_ins": )" + dropIns + "}")));
	EXPECT_TRUE(textsIn(nlohmann::json::parse("{" + good + "}")));
}

} // namespace
} // namespace cloak
