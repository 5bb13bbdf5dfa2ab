// SPDX-License-Identifier: Apache-2.0
#include "daemon/trial.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "util/file.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

class TrialTest : public testing::Test
{
protected:
	void SetUp() override
	{
		folder_ = testing::TempDir() + "cloak-trial-" +
		          std::to_string(getpid());
	}
	void TearDown() override { fs::remove_all(folder_); }

	void damage(const std::string &text)
	{
		fs::create_directories(folder_);
		std::ofstream(folder_ + "/trial.json") << text;
	}

	std::string folder_;
};

TEST_F(TrialTest, RecallsWhatWasKept)
{
	ASSERT_TRUE(keepTrial(folder_, {"[[interface]]\nname = \"\u00e9\"\n",
	                                "/etc/a.toml",
	                                false,
	                                "/tmp/b.toml",
	                                "0123",
	                                BootTime(),
	                                false,
	                                {},
	                                {}}));
	auto trial = recallTrial(folder_);

	ASSERT_TRUE(trial && *trial);
	EXPECT_EQ((*trial)->former, "[[interface]]\nname = \"\u00e9\"\n");
	EXPECT_EQ((*trial)->formerSource, "/etc/a.toml");
	EXPECT_FALSE((*trial)->formerOn);
	EXPECT_EQ((*trial)->source, "/tmp/b.toml");
	EXPECT_EQ((*trial)->fingerprint, "0123");
	EXPECT_FALSE((*trial)->waiting);
}

const Authorisation kForAWhile = {*parsePrefix("10.0.9.64/26"),
                                  parseMac("52:54:00:00:00:66"),
                                  BootTime(std::chrono::hours(7))};
const Authorisation kUntilRevoked = {*parsePrefix("2001:db8::66"), {}, {}};

TEST_F(TrialTest, RecallsWhoWasLetIn)
{
	Trial trial;

	trial.granted = {kForAWhile, kUntilRevoked};
	trial.boot = bootId();
	ASSERT_TRUE(keepTrial(folder_, trial));
	auto recalled = recallTrial(folder_);

	ASSERT_TRUE(recalled && *recalled);
	const auto &granted = (*recalled)->granted;
	ASSERT_EQ(granted.size(), 2U);
	EXPECT_EQ(granted[0].peer, kForAWhile.peer);
	EXPECT_EQ(granted[0].mac, kForAWhile.mac);
	EXPECT_EQ(granted[0].expires, kForAWhile.expires);
	EXPECT_EQ(granted[1].peer, kUntilRevoked.peer);
	EXPECT_FALSE(granted[1].mac);
	EXPECT_FALSE(granted[1].expires);
}

/** Both say the same in one boot, of which the kernel's is known here. */
TEST(BootId, IsWrittenInOneWay)
{
	const std::string id = bootId();

	EXPECT_EQ(id.size(), 32U);
	EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos);
}

TEST_F(TrialTest, LetsNobodyInAfterAReboot)
{
	for (const char *boot : {"", "another"}) {
		Trial trial;

		trial.granted = {kForAWhile, kUntilRevoked};
		trial.boot = boot;
		ASSERT_TRUE(keepTrial(folder_, trial));
		auto recalled = recallTrial(folder_);
		ASSERT_TRUE(recalled && *recalled);
		EXPECT_TRUE((*recalled)->granted.empty());
	}
}

TEST_F(TrialTest, KeepsNoMoreThanThereIsRoomFor)
{
	Trial trial;

	trial.granted.assign(CLOAK_MAX_PEERS + 1, kUntilRevoked);
	auto read = parseTrial(toLine(trial));
	ASSERT_TRUE(read);
	EXPECT_EQ(read->granted.size(), std::size_t{CLOAK_MAX_PEERS});
}

/** What a trial says beside its policies. */
bool isTrialWith(const std::string &members)
{
	return parseTrial(R"({"former":"","former_source":"","source":"",)"
	                  R"("fingerprint":"")" +
	                  members + "}")
	    .has_value();
}

TEST(ParseTrial, ReadsWhatAFormerDaemonWrote)
{
	EXPECT_TRUE(isTrialWith(""));
	EXPECT_TRUE(isTrialWith(R"(,"version":1)"));
	EXPECT_TRUE(isTrialWith(R"(,"version":2,"granted":[])"));
}

TEST(ParseTrial, RefusesWhatItDoesNotKnow)
{
	for (const char *members :
	     {R"(,"version":3)", R"(,"version":0)", R"(,"version":"2")",
	      R"(,"granted":7)", R"(,"granted":[7])", R"(,"granted":[{}])",
	      R"(,"granted":[{"peer":"10.0.9.66/24"}])",
	      R"(,"granted":[{"peer":"10.0.9.66","mac":"x"}])",
	      R"(,"granted":[{"peer":"10.0.9.66","expires":"x"}])",
	      R"(,"granted":[{"peer":"10.0.9.66","expires":0.5}])",
	      R"(,"boot":7)"})
		EXPECT_FALSE(isTrialWith(members)) << members;
}

TEST_F(TrialTest, IsNobodyElsesBusiness)
{
	ASSERT_TRUE(keepTrial(folder_, {}));
	const auto mode = fs::status(folder_ + "/trial.json").permissions();

	EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
	EXPECT_FALSE(fs::exists(folder_ + "/trial.json.new"));
}

TEST_F(TrialTest, ForgetsIt)
{
	EXPECT_TRUE(forgetTrial(folder_));
	ASSERT_TRUE(keepTrial(folder_, {}));
	EXPECT_TRUE(forgetTrial(folder_));
	auto trial = recallTrial(folder_);
	ASSERT_TRUE(trial);
	EXPECT_FALSE(*trial);
}

TEST_F(TrialTest, SaysThatItIsDamaged)
{
	for (const char *text : {"", "{", "[]", "7", R"({"former": 7})",
	                         R"({"former": "", "source": ""})"}) {
		damage(text);
		EXPECT_FALSE(recallTrial(folder_)) << text;
	}
}

TEST_F(TrialTest, SaysThatItCannotBeKept)
{
	damage("");
	EXPECT_FALSE(keepTrial(folder_ + "/trial.json", {}));
	EXPECT_FALSE(keepTrial(folder_ + "/no/such/folder", {}));
}

TEST_F(TrialTest, ReplacesTheWholeFile)
{
	damage("a longer text than what follows");
	ASSERT_TRUE(replaceFile(folder_ + "/trial.json", "short"));
	auto text = readFile(folder_ + "/trial.json", 100);

	ASSERT_TRUE(text);
	EXPECT_EQ(*text, "short");
}

TEST(Fingerprint, IsThatOfTheText)
{
	const auto of = [](const std::vector<std::string> &files) {
		PolicyTexts texts;

		for (const std::string &text : files)
			texts.push_back({"policy", text});
		return fingerprintOf(texts);
	};

	EXPECT_EQ(of({"a"}), of({"a"}));
	EXPECT_NE(of({"a"}), of({"b"}));
	EXPECT_NE(of({"ab"}), of({"a", "b"}));
	EXPECT_NE(of({"a", "b"}), of({"a", "c"}));
	EXPECT_EQ(of({""}).size(), 32U);
}

} // namespace
} // namespace cloak
