// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From the data plane's copies to files.
 */
#ifndef CLOAKLAKE_EVIDENCE_RECORDER_H
#define CLOAKLAKE_EVIDENCE_RECORDER_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bpf/maps.h"
#include "bpf/perf_buffer.h"
#include "evidence/ring.h"
#include "policy/seeing.h"

namespace cloak
{

/**
 * Reads copies of packets and writes them down, in a thread of its own: a
 * slow disk makes the perf buffer fill up, whose losses the data plane
 * counts, and holds up nobody. A disk that is full is said once.
 */
class Recorder
{
public:
	struct Stats {
		std::uint64_t written = 0;   //!< packets in files
		std::uint64_t failed = 0;    //!< that could not be written
		std::uint64_t lost = 0;      //!< the kernel's buffer was full
		std::uint64_t malformed = 0; //!< records without sense
		std::string lastError;
	};

	/** The perf buffer for it, before there is a policy. */
	[[nodiscard]] static Result<PerfBuffer> openBuffer();

	/**
	 * The maps may go away after this. @param buffer is used by nobody
	 * else as long as there is this recorder.
	 */
	[[nodiscard]] static Result<std::unique_ptr<Recorder>>
	open(const CloakMaps &maps, const EvidencePolicy &policy,
	     PerfBuffer &buffer);

	Recorder(const Recorder &) = delete;
	Recorder &operator=(const Recorder &) = delete;

	/** Writes down what is there, then ends. */
	~Recorder();

	[[nodiscard]] Stats stats() const;

private:
	Recorder(const EvidencePolicy &policy, PerfBuffer &buffer);

	void run();
	bool take(std::span<const std::uint8_t> bytes);
	void record(const cloak_evidence &evidence,
	            std::span<const std::uint8_t> packet);
	std::uint32_t interfaceOf(unsigned ifindex, std::string &blocks);
	void note(const Status &status);
	void count(bool written);

	EvidencePolicy policy_;
	// The thread's own:
	FileRing ring_;
	std::vector<unsigned> interfaces_; //!< those that the file describes
	bool complained_ = false;
	std::chrono::steady_clock::time_point retry_;
	PerfBuffer &buffer_;

	mutable std::mutex mutex_; //!< protects stats_
	Stats stats_;
	std::atomic<bool> stopping_ = false;
	std::thread thread_; //!< last: starts when all else is there
};

/** Why the packet met with what it did, and why it was kept. */
[[nodiscard]] std::string commentOf(const cloak_evidence &evidence);

} // namespace cloak

#endif // CLOAKLAKE_EVIDENCE_RECORDER_H
