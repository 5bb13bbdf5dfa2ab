// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Any text is a policy on trial or none; what is one is the same again after it
 * was written out.
 */
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/trial.h"

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const auto trial = cloak::parseTrial(text);

	if (!trial)
		return 0;
	const std::string written = toLine(*trial);
	const auto again = cloak::parseTrial(written);
	if (!again || toLine(*again) != written ||
	    again->former != trial->former || again->source != trial->source ||
	    again->granted.size() != trial->granted.size() ||
	    written.find('\n') != std::string::npos)
		std::abort();
	return 0;
}
