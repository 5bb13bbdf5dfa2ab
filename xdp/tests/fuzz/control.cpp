// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Any line is a request or an error; what is a request is the same again after
 * it was written out. The same for responses, which cloakctl reads.
 */
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/control.h"

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	const std::string_view line(reinterpret_cast<const char *>(data), size);

	auto request = cloak::parseRequest(line);
	if (request) {
		const std::string written = toLine(*request);
		auto again = cloak::parseRequest(written);
		if (!again || toLine(*again) != written ||
		    written.find('\n') != std::string::npos)
			std::abort();
	}
	auto response = cloak::parseResponse(line);
	if (response) {
		const std::string written = toLine(*response);
		auto again = cloak::parseResponse(written);
		if (!again || toLine(*again) != written)
			std::abort();
	}
	return 0;
}
