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

} // namespace

std::string quote(std::string_view text)
{
	const std::size_t end = cut(text);
	std::string quoted = "\"";

	for (const char character : text.substr(0, end)) {
		const auto octet = static_cast<unsigned char>(character);

		if (isPlain(octet)) {
			quoted += character;
		} else if (character == '"' || character == '\\') {
			quoted += {'\\', character};
		} else {
			fmt::format_to(std::back_inserter(quoted), "\\x{:02x}",
			               octet);
		}
	}
	return quoted + (end < text.size() ? "...\"" : "\"");
}

std::string quoteToml(std::string_view text)
{
	std::string quoted = "\"";

	for (const char character : text) {
		if (character == '"' || character == '\\')
			quoted += '\\';
		quoted += character;
	}
	return quoted + '"';
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
