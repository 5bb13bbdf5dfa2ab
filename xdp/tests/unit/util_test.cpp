// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "util/base64.h"
#include "util/clock.h"
#include "util/duration.h"
#include "util/file.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

TEST(Duration, ReadsEachUnit)
{
	EXPECT_EQ(parseDuration("250ms"), 250ms);
	EXPECT_EQ(parseDuration("10s"), 10s);
	EXPECT_EQ(parseDuration("5m"), 5min);
	EXPECT_EQ(parseDuration("1h"), 1h);
	EXPECT_EQ(parseDuration("2d"), 48h);
	EXPECT_EQ(parseDuration("0s"), 0s);
}

TEST(Duration, RefusesTheRest)
{
	for (const char *text :
	     {"", "5", "s", "-5s", "+5s", "5 s", "5s ", "5w", "1.5h", "5sm",
	      "99999999999999999999s", "9223372036854775807d", "3651d"})
		EXPECT_FALSE(parseDuration(text)) << text;
}

TEST(Duration, WritesWhatItReads)
{
	for (const char *text :
	     {"1ms", "1500ms", "10s", "90s", "5m", "36h", "1h", "1d", "3650d"})
		EXPECT_EQ(toString(*parseDuration(text)), text);
	EXPECT_EQ(toString(0ms), "0s");
}

TEST(Quote, ShowsWhatATerminalMustNotSee)
{
	EXPECT_EQ(quote("plain"), "\"plain\"");
	EXPECT_EQ(quote("a\"b\\c"), R"("a\"b\\c")");
	EXPECT_EQ(quote("\x1b[2J\n"), R"("\x1b[2J\x0a")");
	EXPECT_EQ(quote(std::string_view("\0", 1)), R"("\x00")");
}

TEST(Quote, CutsLongTextBetweenCharacters)
{
	const std::string shown =
	    quote(std::string(79, 'a') + "\xc3\xa4\xc3\xa4");

	EXPECT_EQ(shown, "\"" + std::string(79, 'a') + "...\"");
	EXPECT_EQ(quote(std::string(80, 'a')),
	          "\"" + std::string(80, 'a') + "\"");
}

TEST(Base64, KnownAnswers) // RFC 4648, section 10
{
	const auto encode = [](std::string_view text) {
		return base64(
		    std::vector<std::uint8_t>(text.begin(), text.end()));
	};

	EXPECT_EQ(encode(""), "");
	EXPECT_EQ(encode("f"), "Zg==");
	EXPECT_EQ(encode("fo"), "Zm8=");
	EXPECT_EQ(encode("foo"), "Zm9v");
	EXPECT_EQ(encode("foob"), "Zm9vYg==");
	EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
	EXPECT_EQ(base64(std::vector<std::uint8_t>{0xfb, 0xff, 0xfe}), "+//+");
}

TEST(Timestamp, WritesWhatSuricataWrites)
{
	EXPECT_EQ(timestamp(WallTime(1'795'156'791s + 123'456'789ns)),
	          "2026-11-20T06:39:51.123456+0000");
	EXPECT_EQ(timestamp(WallTime(0s)), "1970-01-01T00:00:00.000000+0000");
}

TEST(Timestamp, SaysTheDayOnlyOfAnother)
{
	const WallTime now(1'795'156'791s);
	const std::string day = localTime(now + 24h, "%F");

	EXPECT_EQ(shortTime(now, now), localTime(now, "%H:%M"));
	EXPECT_EQ(shortTime(now + 24h, now),
	          day + localTime(now + 24h, " %H:%M"));
	EXPECT_EQ(localTime(now, "%F").size(), day.size());
}

TEST(Timestamp, ReadsWhatPeopleWrite)
{
	const WallTime time(1'795'156'791s);

	EXPECT_EQ(parseTimestamp("2026-11-20T06:39:51"), time);
	EXPECT_EQ(parseTimestamp("2026-11-20 06:39:51Z"), time);
	EXPECT_EQ(parseTimestamp("2026-11-20T07:39:51+0100"), time);
	EXPECT_EQ(parseTimestamp("2026-11-20T05:09:51-01:30"), time);
	EXPECT_EQ(parseTimestamp("2026-11-20T06:39:51.5+0000"), time + 500ms);
	EXPECT_EQ(parseTimestamp(timestamp(time + 7us)), time + 7us);
}

TEST(Timestamp, RefusesTheRest)
{
	for (const char *text :
	     {"", "2026", "2026-11-20", "2026-02-30T00:00:00",
	      "2026-13-01T00:00:00", "2026-11-20T24:00:00",
	      "2026-11-20T06:60:00", "2026-11-20T06:39:51X",
	      "2026-11-20T06:39:51+01", "2026-11-20T06:39:51+01:",
	      "2026-11-20T06:39:51+0160", "+026-11-20T06:39:51",
	      "0001-01-01T00:00:00", "9999-12-31T23:59:59"})
		EXPECT_FALSE(parseTimestamp(text)) << text;
}

TEST(BootClock, DoesNotGoBack)
{
	const BootTime first = BootClock::now();

	EXPECT_GE(BootClock::now(), first);
	EXPECT_GT(first.time_since_epoch().count(), 0);
}

class ReadFile : public testing::Test
{
protected:
	void SetUp() override
	{
		path_ = testing::TempDir() + "cloak-read-file";
		std::ofstream(path_) << "0123456789";
	}
	void TearDown() override { std::remove(path_.c_str()); }

	std::string path_;
};

TEST_F(ReadFile, GivesItsContents)
{
	auto text = readFile(path_, 10);

	ASSERT_TRUE(text);
	EXPECT_EQ(*text, "0123456789");
}

TEST_F(ReadFile, RefusesMoreThanAsked)
{
	auto text = readFile(path_, 9);

	ASSERT_FALSE(text);
	EXPECT_EQ(text.error().code(), EFBIG);
}

TEST_F(ReadFile, NamesAFileThatIsMissing)
{
	auto text = readFile(path_ + ".missing", 10);

	ASSERT_FALSE(text);
	EXPECT_NE(text.error().message().find(path_ + ".missing"),
	          std::string::npos);
}

TEST_F(ReadFile, SaysWhereLinesCanBeAdded)
{
	EXPECT_TRUE(mayAppend(path_));
	EXPECT_TRUE(mayAppend(path_ + ".missing"));
	EXPECT_EQ(mayAppend(testing::TempDir()).error().code(), EISDIR);
	EXPECT_EQ(mayAppend(path_ + "/none").error().code(), ENOTDIR);
	EXPECT_EQ(mayAppend(testing::TempDir() + "none/none").error().code(),
	          ENOENT);
	EXPECT_FALSE(readFile(path_ + ".missing", 1)) << "nothing was made";
}

} // namespace
} // namespace cloak
