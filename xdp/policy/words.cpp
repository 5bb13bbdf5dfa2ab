// SPDX-License-Identifier: Apache-2.0
#include "policy/words.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

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
