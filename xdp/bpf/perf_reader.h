// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Reads the events of the data plane.
 */
#ifndef CLOAKLAKE_BPF_PERF_READER_H
#define CLOAKLAKE_BPF_PERF_READER_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>

#include "bpf/maps.h"
#include "bpf/perf_buffer.h"
#include "util/result.h"

namespace cloak
{

/**
 * The one reader of the perf buffer "events". Not for several threads.
 */
class PerfReader
{
public:
	/**
	 * Called for each event with the head of the packet, which is valid
	 * during the call only.
	 */
	using Handler = std::function<void(const cloak_event &event,
	                                   std::span<const std::uint8_t> head)>;

	/** @param pagesPerCpu size of each CPU's buffer, a power of two. */
	[[nodiscard]] static Result<PerfReader> open(unsigned pagesPerCpu = 64);

	/**
	 * Events of this data plane come here from now on. The maps may go
	 * away after this; the descriptor is kept.
	 */
	[[nodiscard]] Status bind(const CloakMaps &maps, Handler handler);

	/** No more events. */
	void unbind() { buffer_.unbind(); }

	/** Reads from CPUs that have come since as well. */
	[[nodiscard]] Status followCpus() { return buffer_.followCpus(); }

	/** Readable when there are events: for an event loop of one's own. */
	[[nodiscard]] int pollFd() const { return buffer_.pollFd(); }

	/** Waits up to @p timeout, handles what is there. @returns how many. */
	Result<unsigned> poll(std::chrono::milliseconds timeout)
	{
		return buffer_.poll(timeout);
	}

	/** Handles what is there without waiting. @returns how many. */
	Result<unsigned> consume() { return buffer_.consume(); }

	/**
	 * Events that the kernel could not put into a full buffer. They are
	 * counted as CLOAK_STAT_FAILED too, these two are the same events.
	 */
	[[nodiscard]] std::uint64_t lost() const { return buffer_.lost(); }

	/** Records that were too short or lied about their length. */
	[[nodiscard]] std::uint64_t malformed() const
	{
		return buffer_.malformed();
	}

private:
	explicit PerfReader(PerfBuffer buffer) : buffer_(std::move(buffer)) {}

	PerfBuffer buffer_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_PERF_READER_H
