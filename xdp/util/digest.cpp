// SPDX-License-Identifier: Apache-2.0
#include "util/digest.h"

namespace cloak
{
namespace
{

/** FNV-1a from another start, with its bits well mixed at the end. */
std::uint64_t hash(std::string_view text, std::uint64_t state)
{
	for (const char character : text) {
		state ^= static_cast<unsigned char>(character);
		state *= 0x100000001b3ULL;
	}
	state ^= state >> 32U;
	state *= 0xd6e8feb86659fd93ULL;
	state ^= state >> 32U;
	state *= 0xd6e8feb86659fd93ULL;
	return state ^ (state >> 32U);
}

} // namespace

std::array<std::uint64_t, 2> digest(std::string_view text)
{
	return {hash(text, 0xcbf29ce484222325ULL),
	        hash(text, 0x9e3779b97f4a7c15ULL)};
}

} // namespace cloak
