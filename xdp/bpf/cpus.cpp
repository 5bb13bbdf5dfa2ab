// SPDX-License-Identifier: Apache-2.0
#include "bpf/cpus.h"

#include <charconv>
#include <string>
#include <system_error>

#include "util/file.h"

namespace cloak
{
namespace
{

constexpr const char *kOnline = "/sys/devices/system/cpu/online";
constexpr std::size_t kLongestList = 65536;

/** Beyond what any kernel has; a range of more is a mistake. */
constexpr unsigned kMostCpus = 65536;

std::optional<unsigned> takeNumber(std::string_view &text)
{
	unsigned value = 0;
	const char *end = text.data() + text.size();
	auto [stop, error] = std::from_chars(text.data(), end, value);

	if (error != std::errc{} || value >= kMostCpus)
		return std::nullopt;
	text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
	return value;
}

bool takeMark(std::string_view &text, char mark)
{
	if (!text.starts_with(mark))
		return false;
	text.remove_prefix(1);
	return true;
}

} // namespace

std::optional<std::vector<unsigned>> parseCpuList(std::string_view text)
{
	std::vector<unsigned> cpus;

	do {
		const auto first = takeNumber(text);
		auto last = first;
		if (takeMark(text, '-'))
			last = takeNumber(text);
		if (!first || !last || *last < *first)
			return std::nullopt;
		for (unsigned cpu = *first; cpu <= *last; ++cpu)
			cpus.push_back(cpu);
	} while (takeMark(text, ','));
	if (!text.empty() && text != "\n")
		return std::nullopt;
	return cpus;
}

Result<std::vector<unsigned>> onlineCpus()
{
	auto text = readFile(kOnline, kLongestList);

	if (!text)
		return text.error();
	auto cpus = parseCpuList(*text);
	if (!cpus)
		return Error(std::string(kOnline) + " is no list of CPUs");
	return *std::move(cpus);
}

} // namespace cloak
