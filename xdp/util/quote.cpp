// SPDX-License-Identifier: Apache-2.0
#include "util/quote.h"

#include <fmt/format.h>
#include <iterator>

namespace cloak
{
namespace
{

constexpr std::size_t kLongestShown = 80;

bool isPlain(unsigned char octet)
{
	return octet >= 0x20 && octet != 0x7f && octet != '"' && octet != '\\';
}

/** Never cuts inside a UTF-8 sequence. */
std::size_t cut(std::string_view text)
{
	std::size_t end = std::min(text.size(), kLongestShown);

	while (end > 0 && end < text.size() &&
	       (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
		--end;
	return end;
}

/** Escapes quotes and, in the form of @p control, control characters. */
std::string escaped(std::string_view text, std::string_view control)
{
	std::string result;

	for (const char character : text) {
		const auto octet = static_cast<unsigned char>(character);

		if (isPlain(octet))
			result += character;
		else if (character == '"' || character == '\\')
			result += {'\\', character};
		else
			fmt::format_to(std::back_inserter(result),
			               fmt::runtime(control), octet);
	}
	return result;
}

} // namespace

std::string quote(std::string_view text)
{
	const std::size_t end = cut(text);

	return '"' + escaped(text.substr(0, end), R"(\x{:02x})") +
	       (end < text.size() ? "...\"" : "\"");
}

std::string quoteToml(std::string_view text)
{
	return '"' + escaped(text, R"(\u{:04x})") + '"';
}

std::string printable(std::string_view sentence)
{
	std::string escaped;

	for (const char character : sentence) {
		const auto octet = static_cast<unsigned char>(character);

		if (octet >= 0x20 && octet != 0x7f) {
			escaped += character;
		} else {
			fmt::format_to(std::back_inserter(escaped), "\\x{:02x}",
			               octet);
		}
	}
	return escaped;
}

} // namespace cloak
