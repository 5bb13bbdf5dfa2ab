// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * One event of the data plane, as a value that can be kept.
 */
#ifndef CLOAKLAKE_MODEL_PROBE_H
#define CLOAKLAKE_MODEL_PROBE_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cloak_abi.h"
#include "model/address.h"
#include "util/clock.h"

namespace cloak
{

/** A packet that was dropped (or would have been), and why it was told. */
struct Probe {
	cloak_event event{};
	std::vector<std::uint8_t> head; //!< from the Ethernet header on
	std::string interface;

	Probe() = default;
	/** @param bytes what the record had behind @p raw, copied. */
	Probe(const cloak_event &raw, std::span<const std::uint8_t> bytes,
	      std::string name)
	    : event(raw), head(bytes.begin(), bytes.end()),
	      interface(std::move(name))
	{
	}

	[[nodiscard]] bool has(cloak_event_flags flag) const
	{
		return (event.flags & flag) != 0;
	}
	[[nodiscard]] bool isIp() const
	{
		return has(CLOAK_EVENT_V4) || has(CLOAK_EVENT_V6);
	}
	[[nodiscard]] cloak_kind kind() const
	{
		return static_cast<cloak_kind>(event.kind);
	}
	[[nodiscard]] BootTime time() const
	{
		return BootClock::fromNanoseconds(event.time_ns);
	}
	[[nodiscard]] MacAddress sourceMac() const
	{
		return macFromAbi(event.source.mac);
	}
	[[nodiscard]] MacAddress targetMac() const
	{
		return macFromAbi(event.dmac);
	}

	/** Who asked; nothing if the frame does not say. */
	[[nodiscard]] std::optional<IpAddress> source() const;
	/** What was asked for: the destination, or the ARP or ND target. */
	[[nodiscard]] std::optional<IpAddress> target() const;
	/** The port that was probed. */
	[[nodiscard]] std::optional<std::uint16_t> port() const;
};

/** "tcp", "udp", "arp", "icmp" and so on; "" if it has no name. */
[[nodiscard]] std::string protocolName(const cloak_event &event);

} // namespace cloak

#endif // CLOAKLAKE_MODEL_PROBE_H
