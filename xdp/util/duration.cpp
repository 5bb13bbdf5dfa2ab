// SPDX-License-Identifier: Apache-2.0
#include "util/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace cloak
{
namespace
{

struct Unit {
	std::string_view name;
	std::int64_t milliseconds;
};

constexpr std::array<Unit, 5> kUnits = {{
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

} // namespace

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text)
{
	std::int64_t number = 0;
	const char *end = text.data() + text.size();
	auto [stop, error] = std::from_chars(text.data(), end, number);

	if (error != std::errc{} || number < 0)
		return std::nullopt;
	const std::string_view name(stop, static_cast<std::size_t>(end - stop));
	for (const Unit &unit : kUnits) {
		if (unit.name != name)
			continue;
		if (number > kLongestDuration.count() / unit.milliseconds)
			return std::nullopt;
		return std::chrono::milliseconds(number * unit.milliseconds);
	}
	return std::nullopt;
}

std::string toString(std::chrono::milliseconds duration)
{
	const std::int64_t number = duration.count();

	for (const Unit &unit : kUnits) {
		if (number != 0 && number % unit.milliseconds == 0) {
			return fmt::format("{}{}", number / unit.milliseconds,
			                   unit.name);
		}
	}
	return "0s";
}

} // namespace cloak
