// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Reads records of any kind from a perf buffer.
 */
#ifndef CLOAKLAKE_BPF_PERF_BUFFER_H
#define CLOAKLAKE_BPF_PERF_BUFFER_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "util/result.h"

namespace cloak
{

/**
 * The one reader of a perf buffer. Opening it may take CAP_SYS_ADMIN (where
 * kernel.perf_event_paranoid is 3); to bind it to one map and then to another
 * takes no more than a map does. Not for several threads.
 */
class PerfBuffer
{
public:
	/**
	 * Called for each record, which is valid during the call only and
	 * aligned to 4 bytes. @returns whether it was a sound one.
	 */
	using Handler = std::function<bool(std::span<const std::uint8_t>)>;

	/**
	 * A ring for each CPU that is online.
	 * @param name of the map that it is for, for messages.
	 * @param pagesPerCpu size of each ring, a power of two.
	 */
	[[nodiscard]] static Result<PerfBuffer> open(const std::string &name,
	                                             unsigned pagesPerCpu);

	/**
	 * What the data plane writes to the map comes here, to @p handler.
	 * @param map its descriptor, which is duplicated.
	 */
	[[nodiscard]] Status bind(int map, Handler handler);

	/** No more records from the map, and no more calls of the handler. */
	void unbind();

	/**
	 * Rings for CPUs that have come since. Call it now and then; it costs
	 * little if none has.
	 */
	[[nodiscard]] Status followCpus();

	/** Readable when there are records: for an event loop of one's own. */
	[[nodiscard]] int pollFd() const;

	/** Waits up to @p timeout, handles what is there. @returns how many. */
	Result<unsigned> poll(std::chrono::milliseconds timeout);

	/** Handles what is there without waiting. @returns how many. */
	Result<unsigned> consume();

	/** Records that the kernel could not put into a full buffer. */
	[[nodiscard]] std::uint64_t lost() const;

	/** Records that the handler found unsound. */
	[[nodiscard]] std::uint64_t malformed() const;

	PerfBuffer(PerfBuffer &&) noexcept;
	PerfBuffer &operator=(PerfBuffer &&) noexcept;
	~PerfBuffer();

private:
	struct State;

	explicit PerfBuffer(std::unique_ptr<State> state);

	std::unique_ptr<State> state_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_PERF_BUFFER_H
