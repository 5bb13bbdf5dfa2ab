// SPDX-License-Identifier: Apache-2.0
#include "policy/words.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "policy/interfaces.h"

namespace cloak
{
namespace
{

constexpr std::size_t kLongestName = 64;

bool isInterfaceCharacter(char character)
{
	const auto octet = static_cast<unsigned char>(character);

	return octet > ' ' && octet != 0x7f && octet != '/' && octet != ':';
}

/** The first character of a list may be its end, too: "[]x]", "[!]x]". */
bool closesBrackets(std::string_view text)
{
	for (std::size_t at = text.find('['); at != text.npos;
	     at = text.find('[', at)) {
		std::size_t first = at + 1;
		if (first < text.size() &&
		    (text[first] == '!' || text[first] == '^'))
			first++;
		const std::size_t end = text.find(']', first + 1);
		if (end == text.npos)
			return false;
		at = end + 1;
	}
	return true;
}

bool isNameCharacter(char character)
{
	return (character >= 'a' && character <= 'z') ||
	       (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || character == '-' ||
	       character == '_' || character == '.';
}

} // namespace

std::string listedPorts(const std::vector<Located<std::uint16_t>> &ports)
{
	std::string listed;

	for (const auto &port : ports)
		listed +=
		    fmt::format("{}{}", listed.empty() ? "" : ", ", port.value);
	return "[" + listed + "]";
}

std::optional<std::string> parseInterface(std::string_view text)
{
	if (text.empty() || text.size() >= IFNAMSIZ || text == "." ||
	    text == ".." || !std::ranges::all_of(text, isInterfaceCharacter))
		return std::nullopt;
	return std::string(text);
}

std::optional<std::string> parseInterfacePattern(std::string_view text)
{
	if (!isPattern(text))
		return parseInterface(text);
	if (text.size() > kLongestName || !closesBrackets(text) ||
	    !std::ranges::all_of(text, isInterfaceCharacter))
		return std::nullopt;
	return std::string(text);
}

std::optional<std::string> parseName(std::string_view text)
{
	if (text.empty() || text.size() > kLongestName ||
	    !std::ranges::all_of(text, isNameCharacter))
		return std::nullopt;
	return std::string(text);
}

std::optional<std::string> parsePath(std::string_view text)
{
	if (text.find('\0') != std::string_view::npos ||
	    (!text.empty() && text.front() != '/'))
		return std::nullopt;
	return std::string(text);
}

} // namespace cloak
