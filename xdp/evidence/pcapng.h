// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Blocks of a pcapng file, in the byte order of this machine.
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng
 */
#ifndef CLOAKLAKE_EVIDENCE_PCAPNG_H
#define CLOAKLAKE_EVIDENCE_PCAPNG_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/clock.h"

namespace cloak
{

/** A packet as a capture file has it. */
struct CapturedPacket {
	std::uint32_t interface =
	    0; //!< which block of the section describes it
	WallTime time;
	std::uint32_t length = 0; //!< on the wire
	std::span<const std::uint8_t> bytes;
	std::string comment;
	bool outbound = false;
};

/** What begins a section: a file has one. */
[[nodiscard]] std::string sectionHeaderBlock(std::string_view hardware,
                                             std::string_view system,
                                             std::string_view application);

/** An Ethernet interface whose times are nanoseconds. */
[[nodiscard]] std::string interfaceBlock(std::string_view name,
                                         std::uint32_t snaplen);

/** An enhanced packet block. */
[[nodiscard]] std::string packetBlock(const CapturedPacket &packet);

} // namespace cloak

#endif // CLOAKLAKE_EVIDENCE_PCAPNG_H
