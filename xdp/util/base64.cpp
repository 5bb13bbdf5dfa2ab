// SPDX-License-Identifier: Apache-2.0
#include "util/base64.h"

#include <string_view>

namespace cloak
{

std::string base64(std::span<const std::uint8_t> octets)
{
	constexpr std::string_view digits =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	std::string text;

	for (std::size_t i = 0; i < octets.size(); i += 3) {
		const auto group = octets.subspan(
		    i, std::min<std::size_t>(3, octets.size() - i));
		std::uint32_t bits = 0;

		for (std::size_t k = 0; k < 3; ++k)
			bits = bits << 8U | (k < group.size() ? group[k] : 0U);
		for (std::size_t k = 0; k < 4; ++k) {
			const bool used = k <= group.size();
			text +=
			    used ? digits[bits >> (18 - 6 * k) & 0x3fU] : '=';
		}
	}
	return text;
}

} // namespace cloak
