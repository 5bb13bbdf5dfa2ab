// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The words of the policy language: what may stand for a value, how it is
 * read and written, and how a message describes what was expected.
 */
#ifndef CLOAKLAKE_POLICY_WORDS_H
#define CLOAKLAKE_POLICY_WORDS_H

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace cloak
{

/** A word and the value that it stands for. */
template <typename T> struct Word {
	std::string_view word;
	T value;
};

inline constexpr std::array<Word<cloak_scope>, 2> kScopes = {{
    {"all", CLOAK_SCOPE_WHOLE},
    {"addresses", CLOAK_SCOPE_ADDRESSES},
}};

inline constexpr std::array<Word<XdpChoice>, 3> kAttachments = {{
    {"auto", XdpChoice::Auto},
    {"native", XdpChoice::Native},
    {"generic", XdpChoice::Generic},
}};

inline constexpr std::array<Word<cloak_mode>, 2> kActions = {{
    {"enforce", CLOAK_MODE_ENFORCE},
    {"monitor", CLOAK_MODE_MONITOR},
}};

inline constexpr std::array<Word<Access>, 2> kAccesses = {{
    {"full", Access::Full},
    {"outbound", Access::Outbound},
}};

/** The value that @p word stands for. */
template <typename Words>
auto valueOf(const Words &words, std::string_view word)
{
	std::optional<decltype(words[0].value)> value;

	for (const auto &entry : words)
		if (entry.word == word)
			value = entry.value;
	return value;
}

/** A parser for one of @p words, which have to outlive it. */
template <typename Words> auto oneOf(const Words &words)
{
	return [&words](std::string_view text) { return valueOf(words, text); };
}

/** The word for @p value; every value of the types above has one. */
template <typename Words, typename T>
std::string_view wordOf(const Words &words, T value)
{
	for (const auto &entry : words)
		if (entry.value == value)
			return entry.word;
	return {};
}

inline constexpr std::string_view kPrefixExpected =
    "an IPv4 or IPv6 address or network, such as \"10.0.9.0/24\" or "
    "\"2001:db8::5\"";
inline constexpr std::string_view kAddressExpected =
    "an IPv4 or IPv6 address, such as \"10.0.9.5\" or \"2001:db8::5\"";
inline constexpr std::string_view kMacExpected =
    "an Ethernet address, such as \"52:54:00:12:34:56\"";
inline constexpr std::string_view kDurationExpected =
    R"(a time such as "90s", "10m" or "1h")";
inline constexpr std::string_view kInterfaceExpected =
    "the name of an interface, 1 to 15 characters without / : or blank";
inline constexpr std::string_view kPatternExpected =
    "the name of an interface, 1 to 15 characters without / : or blank, or a "
    "shell pattern of up to 64 with each [ closed, such as \"enp*\"";
inline constexpr std::string_view kNameExpected =
    "a name of 1 to 64 letters, digits, or - _ .";
inline constexpr std::string_view kPathExpected =
    "an absolute path, or \"\" for no such output";

/** Port numbers as they stand in a list. */
[[nodiscard]] std::string
listedPorts(const std::vector<Located<std::uint16_t>> &ports);

/** Whether the kernel would take @p text as the name of an interface. */
[[nodiscard]] std::optional<std::string> parseInterface(std::string_view text);

/** The same, or a shell pattern that is matched against such names. */
[[nodiscard]] std::optional<std::string>
parseInterfacePattern(std::string_view text);

/** A name for a group of peers. */
[[nodiscard]] std::optional<std::string> parseName(std::string_view text);

/** An absolute path, or nothing at all. */
[[nodiscard]] std::optional<std::string> parsePath(std::string_view text);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_WORDS_H
