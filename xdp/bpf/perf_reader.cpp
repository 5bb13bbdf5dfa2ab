// SPDX-License-Identifier: Apache-2.0
#include "bpf/perf_reader.h"

#include <cstring>

namespace cloak
{

Result<PerfReader> PerfReader::open(unsigned pagesPerCpu)
{
	auto buffer = PerfBuffer::open("events", pagesPerCpu);

	if (!buffer)
		return buffer.error();
	return PerfReader(std::move(*buffer));
}

Status PerfReader::bind(const CloakMaps &maps, Handler handler)
{
	return buffer_.bind(
	    maps.events.get(),
	    [handler =
	         std::move(handler)](std::span<const std::uint8_t> bytes) {
		    cloak_event event{};

		    if (bytes.size() < sizeof(event))
			    return false;
		    // Records are aligned to 4 bytes, the event to 8: copy.
		    std::memcpy(&event, bytes.data(), sizeof(event));
		    bytes = bytes.subspan(sizeof(event));
		    if (event.head_len > bytes.size())
			    return false;
		    handler(event, bytes.first(event.head_len));
		    return true;
	    });
}

} // namespace cloak
