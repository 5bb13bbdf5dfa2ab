// SPDX-License-Identifier: Apache-2.0
#include "export/syslog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "util/version.h"

namespace cloak
{
namespace
{

constexpr unsigned kAuthPriv = 10;
constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kLongestKind = 32;

/** Says that what follows is UTF-8. */
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string hostName()
{
	std::array<char, kLongestHost + 1> name{};

	if (gethostname(name.data(), kLongestHost) != 0 || name[0] == '\0')
		return "-";
	return name.data();
}

/** RFC 3339 with microseconds, in UTC. */
std::string syslogTime(WallTime time)
{
	const auto whole = std::chrono::floor<std::chrono::seconds>(time);
	const auto micro =
	    std::chrono::floor<std::chrono::microseconds>(time - whole);
	const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
	std::tm parts{};
	std::array<char, 32> text{};

	gmtime_r(&seconds, &parts);
	std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
	return fmt::format("{}.{:06}Z", text.data(), micro.count());
}

/** No octet that could end a record for a reader who goes by lines. */
std::string withoutControls(std::string_view text)
{
	std::string clean(text);

	std::ranges::replace_if(
	    clean,
	    [](unsigned char octet) { return octet < ' ' || octet == 0x7f; },
	    ' ');
	return clean;
}

std::string messageId(std::string_view kind)
{
	std::string id(kind.substr(0, kLongestKind));

	std::ranges::replace_if(
	    id, [](unsigned char octet) { return octet <= ' ' || octet > '~'; },
	    '-');
	return id.empty() ? "-" : id;
}

} // namespace

std::string syslogMessage(SyslogSeverity severity, WallTime time,
                          std::string_view kind, std::string_view text)
{
	return fmt::format(
	    "<{}>1 {} {} cloakd {} {} [origin software=\"cloakd\" "
	    "swVersion=\"{}\"] {}{}",
	    kAuthPriv * 8 + static_cast<unsigned>(severity), syslogTime(time),
	    hostName(), getpid(), messageId(kind), kVersion, kByteOrderMark,
	    withoutControls(text));
}

Result<std::vector<std::string>>
SyslogEncoder::encode(const std::vector<std::string> &items)
{
	std::string frames;

	for (const std::string &item : items)
		frames += fmt::format("{} {}", item.size(), item);
	return std::vector<std::string>{std::move(frames)};
}

} // namespace cloak
