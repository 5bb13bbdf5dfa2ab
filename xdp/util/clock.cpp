// SPDX-License-Identifier: Apache-2.0
#include "util/clock.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>

namespace cloak
{
namespace
{

namespace chrono = std::chrono;

/** Years that a WallTime can hold as a whole. */
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

/** Takes fixed-width numbers and the marks between them off a text. */
class Cursor
{
public:
	explicit Cursor(std::string_view text) : text_(text) {}

	std::optional<int> number(std::size_t digits)
	{
		int value = 0;
		const std::string_view part = text_.substr(0, digits);
		const char *end = part.data() + part.size();
		auto [stop, error] = std::from_chars(part.data(), end, value);

		if (part.size() != digits || error != std::errc{} ||
		    stop != end || value < 0)
			return std::nullopt;
		text_.remove_prefix(digits);
		return value;
	}

	bool mark(char expected)
	{
		if (text_.empty() || text_.front() != expected)
			return false;
		text_.remove_prefix(1);
		return true;
	}

	/** The digits behind a decimal point as nanoseconds. */
	chrono::nanoseconds fraction()
	{
		chrono::nanoseconds::rep value = 0;
		chrono::nanoseconds::rep unit = 1'000'000'000;

		while (!text_.empty() && text_.front() >= '0' &&
		       text_.front() <= '9') {
			unit /= 10;
			value += unit * (text_.front() - '0');
			text_.remove_prefix(1);
		}
		return chrono::nanoseconds(value);
	}

	[[nodiscard]] bool atEnd() const { return text_.empty(); }

private:
	std::string_view text_;
};

std::optional<chrono::sys_days> readDay(Cursor &cursor)
{
	auto year = cursor.number(4);
	if (!year || *year < kFirstYear || *year > kLastYear ||
	    !cursor.mark('-'))
		return std::nullopt;
	auto month = cursor.number(2);
	if (!month || !cursor.mark('-'))
		return std::nullopt;
	auto day = cursor.number(2);
	if (!day)
		return std::nullopt;
	const chrono::year_month_day date(
	    chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
	    chrono::day(static_cast<unsigned>(*day)));
	if (!date.ok())
		return std::nullopt;
	return chrono::sys_days(date);
}

std::optional<chrono::seconds> readTimeOfDay(Cursor &cursor)
{
	auto hour = cursor.number(2);
	if (!hour || *hour > 23 || !cursor.mark(':'))
		return std::nullopt;
	auto minute = cursor.number(2);
	if (!minute || *minute > 59 || !cursor.mark(':'))
		return std::nullopt;
	auto second = cursor.number(2);
	if (!second || *second > 60)
		return std::nullopt;
	return chrono::hours(*hour) + chrono::minutes(*minute) +
	       chrono::seconds(*second);
}

/** "Z", "+0200", "+02:00", or nothing for UTC. */
std::optional<chrono::minutes> readOffset(Cursor &cursor)
{
	if (cursor.atEnd() || cursor.mark('Z'))
		return chrono::minutes(0);
	const int sign = cursor.mark('-') ? -1 : 1;
	if (sign > 0 && !cursor.mark('+'))
		return std::nullopt;
	auto hours = cursor.number(2);
	const bool colon = cursor.mark(':');
	auto minutes = cursor.number(2);
	if (!hours || (colon && !minutes) || *hours > 23 || !minutes ||
	    *minutes > 59)
		return std::nullopt;
	return sign * (chrono::hours(*hours) + chrono::minutes(*minutes));
}

} // namespace

BootTime BootClock::now() noexcept
{
	timespec value{};

	clock_gettime(CLOCK_BOOTTIME, &value);
	return time_point(chrono::seconds(value.tv_sec) +
	                  chrono::nanoseconds(value.tv_nsec));
}

std::uint64_t coarseTime() noexcept
{
	timespec value{};

	clock_gettime(CLOCK_MONOTONIC_COARSE, &value);
	return static_cast<std::uint64_t>(
	    (chrono::seconds(value.tv_sec) + chrono::nanoseconds(value.tv_nsec))
		.count());
}

WallTime toWall(BootTime time)
{
	const WallTime now = chrono::system_clock::now();

	return now - (BootClock::now() - time);
}

WallSpan toWall(BootTime begin, BootTime end)
{
	const WallTime wall = toWall(end);

	return {wall - (end - begin), wall};
}

std::string timestamp(WallTime time)
{
	const auto seconds = chrono::floor<chrono::seconds>(time);
	const auto micros =
	    chrono::duration_cast<chrono::microseconds>(time - seconds);
	const std::time_t calendar = seconds.time_since_epoch().count();
	std::tm fields{};
	std::array<char, sizeof("2026-11-21T06:39:51")> text{};

	gmtime_r(&calendar, &fields);
	std::strftime(text.data(), text.size(), "%FT%T", &fields);
	return fmt::format("{}.{:06d}+0000", text.data(), micros.count());
}

std::string localTime(WallTime time, const char *format)
{
	const auto seconds = chrono::floor<chrono::seconds>(time);
	const std::time_t calendar = seconds.time_since_epoch().count();
	std::tm fields{};
	std::array<char, 64> text{};

	localtime_r(&calendar, &fields);
	const auto length =
	    std::strftime(text.data(), text.size(), format, &fields);
	return {text.data(), length};
}

std::string shortTime(WallTime time, WallTime now)
{
	const bool today = localTime(time, "%F") == localTime(now, "%F");

	return localTime(time, today ? "%H:%M" : "%F %H:%M");
}

std::optional<WallTime> parseTimestamp(std::string_view text)
{
	Cursor cursor(text);

	auto day = readDay(cursor);
	if (!day || !(cursor.mark('T') || cursor.mark(' ')))
		return std::nullopt;
	auto time = readTimeOfDay(cursor);
	if (!time)
		return std::nullopt;
	auto fraction = chrono::nanoseconds(0);
	if (cursor.mark('.'))
		fraction = cursor.fraction();
	auto offset = readOffset(cursor);
	if (!offset || !cursor.atEnd())
		return std::nullopt;
	return WallTime(*day) + *time + fraction - *offset;
}

} // namespace cloak
