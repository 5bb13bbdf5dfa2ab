// SPDX-License-Identifier: Apache-2.0
#include "evidence/recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "bpf/names.h"
#include "evidence/pcapng.h"
#include "flows/shadows.h"
#include "util/version.h"

namespace cloak
{
namespace
{

/** 1 MiB on each CPU: a second of the usual budget, copied whole. */
constexpr unsigned kPagesPerCpu = 256;

/** What could not be written is not tried for each packet. */
constexpr std::chrono::seconds kRetry(1);

/** How soon the destructor is heard. */
constexpr std::chrono::milliseconds kPatience(200);

std::string head()
{
	utsname system{};

	uname(&system);
	return sectionHeaderBlock(
	    system.machine,
	    fmt::format("{} {}", system.sysname, system.release),
	    fmt::format("cloakd {}", kVersion));
}

/** The interface may be gone: then its number has to do. */
std::string nameOf(unsigned ifindex)
{
	std::array<char, IF_NAMESIZE> name{};

	if (if_indextoname(ifindex, name.data()) == nullptr)
		return fmt::format("interface {}", ifindex);
	return name.data();
}

} // namespace

std::string commentOf(const cloak_evidence &evidence)
{
	const bool drop = evidence.reason >= CLOAK_DROP_FIRST;
	std::string text = fmt::format(
	    "{}: {} ({}); {} is shadowed: {}", drop ? "drop" : "pass",
	    reasonName(evidence.reason), reasonText(evidence.reason),
	    toString(fromAbi(evidence.source)),
	    fmt::join(causeNames(evidence.causes), ", "));

	if (drop && evidence.monitored != 0)
		text += "; monitor mode, it was not dropped";
	if (evidence.vlan_tci != 0)
		text += fmt::format("; VLAN {}", evidence.vlan_tci & 0xfffU);
	return text;
}

Recorder::Recorder(const EvidencePolicy &policy, PerfBuffer &buffer)
    : policy_(policy),
      ring_({policy.folder, policy.fileSize.octets, policy.files}),
      buffer_(buffer)
{
}

Result<PerfBuffer> Recorder::openBuffer()
{
	return PerfBuffer::open("evidence", kPagesPerCpu);
}

Result<std::unique_ptr<Recorder>> Recorder::open(const CloakMaps &maps,
                                                 const EvidencePolicy &policy,
                                                 PerfBuffer &buffer)
{
	std::unique_ptr<Recorder> recorder(new Recorder(policy, buffer));
	Recorder *self = recorder.get();

	Status bound = buffer.bind(maps.evidence.get(),
	                           [self](std::span<const std::uint8_t> bytes) {
					   return self->take(bytes);
				   });
	if (!bound)
		return bound.error();
	recorder->thread_ = std::thread([self] { self->run(); });
	return recorder;
}

Recorder::~Recorder()
{
	stopping_ = true;
	if (thread_.joinable())
		thread_.join();
	buffer_.unbind();
}

void Recorder::run()
{
	while (!stopping_) {
		auto polled = buffer_.poll(kPatience);
		Status followed = buffer_.followCpus();
		const std::lock_guard<std::mutex> lock(mutex_);

		stats_.lost = buffer_.lost();
		stats_.malformed = buffer_.malformed();
		if (!followed)
			stats_.lastError = followed.error().message();
		if (!polled) {
			stats_.lastError = polled.error().message();
			return;
		}
	}
	buffer_.consume().ignore();
}

bool Recorder::take(std::span<const std::uint8_t> bytes)
{
	cloak_evidence evidence{};

	if (bytes.size() < sizeof(evidence))
		return false;
	std::memcpy(&evidence, bytes.data(), sizeof(evidence));
	bytes = bytes.subspan(sizeof(evidence));
	if (evidence.copied > bytes.size())
		return false;
	record(evidence, bytes.first(evidence.copied));
	return true;
}

void Recorder::record(const cloak_evidence &evidence,
                      std::span<const std::uint8_t> packet)
{
	CapturedPacket captured;
	std::string blocks;

	if (complained_ && std::chrono::steady_clock::now() < retry_) {
		count(false);
		return;
	}
	captured.time = toWall(BootClock::fromNanoseconds(evidence.time_ns));
	captured.length = evidence.packet_len;
	captured.bytes = packet;
	captured.comment = commentOf(evidence);
	captured.outbound = evidence.direction == CLOAK_EGRESS;
	std::size_t described = interfaces_.size();
	captured.interface = interfaceOf(evidence.ifindex, blocks);
	// Room for the packet and an interface block before it.
	if (!ring_.fits(blocks.size() + packetBlock(captured).size())) {
		interfaces_.clear();
		Status made = ring_.next(head());
		if (!made) {
			note(made);
			return;
		}
		blocks.clear();
		described = 0;
		captured.interface = interfaceOf(evidence.ifindex, blocks);
	}
	Status written = ring_.append(blocks + packetBlock(captured));
	// The file may go on, without the block of a new one.
	if (!written)
		interfaces_.resize(described);
	note(written);
}

/** The number of the interface in the file; its block, if it has none yet. */
std::uint32_t Recorder::interfaceOf(unsigned ifindex, std::string &blocks)
{
	auto known = std::ranges::find(interfaces_, ifindex);

	if (known == interfaces_.end()) {
		blocks += interfaceBlock(nameOf(ifindex), policy_.snaplen);
		interfaces_.push_back(ifindex);
		known = std::prev(interfaces_.end());
	}
	return static_cast<std::uint32_t>(known - interfaces_.begin());
}

void Recorder::count(bool written)
{
	const std::lock_guard<std::mutex> lock(mutex_);

	++(written ? stats_.written : stats_.failed);
}

/** Counts; complains once, until it works again. */
void Recorder::note(const Status &status)
{
	if (status && complained_)
		spdlog::info("evidence is written again");
	if (!status) {
		const std::string message = status.error().message();
		if (!complained_)
			spdlog::warn("{}", message);
		const std::lock_guard<std::mutex> lock(mutex_);
		stats_.lastError = message;
	}
	// Last: whoever sees a failure counted finds out why.
	count(status.ok());
	complained_ = !status;
	retry_ = std::chrono::steady_clock::now() + kRetry;
}

Recorder::Stats Recorder::stats() const
{
	const std::lock_guard<std::mutex> lock(mutex_);

	return stats_;
}

} // namespace cloak
