// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Any record of the perf buffer becomes alerts of one line each, and JSON that
 * can be read again.
 */
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "alerts/eve.h"
#include "alerts/text.h"
#include "alerts/tracker.h"
#include "util/json.h"

namespace
{

void publish(const cloak::Alert &alert)
{
	const std::string text = cloak::describe(alert);
	const std::string eve =
	    cloak::toLine(cloak::toEve(alert, cloak::WallTime()));

	if (text.find('\n') != std::string::npos ||
	    !nlohmann::json::accept(eve))
		std::abort();
}

} // namespace

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	cloak::Tracker tracker(
	    [](const cloak_source_key &) { return std::nullopt; }, publish);
	cloak::BootTime last;

	while (size >= sizeof(cloak_event)) {
		cloak_event event{};
		std::memcpy(&event, data, sizeof(event));
		data += sizeof(event);
		size -= sizeof(event);
		// The kernel's clock: no farther than some centuries away.
		event.time_ns %= 1ULL << 62U;
		event.totals.last_ns %= 1ULL << 62U;
		event.totals.first_ns %= 1ULL << 62U;
		const std::size_t head =
		    std::min<std::size_t>(size, event.head_len);
		const cloak::Probe probe(event, {data, head}, "eth0");
		tracker.probe(probe);
		last = std::max(last, probe.time());
		tracker.tick(last + std::chrono::seconds(2));
	}
	return 0;
}
