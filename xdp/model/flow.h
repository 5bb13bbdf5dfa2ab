// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A flow that was accounted, as a value.
 */
#ifndef CLOAKLAKE_MODEL_FLOW_H
#define CLOAKLAKE_MODEL_FLOW_H

#include <cstdint>
#include <string>

#include "cloak_abi.h"
#include "model/address.h"
#include "util/clock.h"

namespace cloak
{

/** Why a record was closed: the numbers of IPFIX element 136. */
enum class FlowEnd : std::uint8_t {
	Going = 0,  //!< it was not, this is how it stands
	Idle = 1,   //!< nothing came for a while
	Active = 2, //!< it goes on, and so far was told of
	Ended = 3,  //!< both ends of TCP have closed, or one has reset it
	Forced = 4, //!< the cloak was lifted, or somebody asked for it
	NoRoom = 5, //!< others needed the room
};

/** "idle", "active" and so on; "" for one that goes on. */
[[nodiscard]] std::string_view endName(FlowEnd end);

/** A record of the data plane and what user space knows of it. */
struct Flow {
	cloak_record_key key{};
	cloak_record record{};
	std::string interface;
	FlowEnd end = FlowEnd::Going;

	[[nodiscard]] IpAddress remote() const
	{
		return fromAbi(key.remote_addr);
	}
	[[nodiscard]] IpAddress local() const
	{
		return fromAbi(key.local_addr);
	}
	[[nodiscard]] BootTime first() const
	{
		return BootClock::fromNanoseconds(record.first_ns);
	}
	[[nodiscard]] BootTime last() const
	{
		return BootClock::fromNanoseconds(record.last_ns);
	}
	[[nodiscard]] bool has(cloak_record_flags flag) const
	{
		return (record.flags & flag) != 0;
	}
	/** The other end has begun it. */
	[[nodiscard]] bool isInbound() const
	{
		return record.first == CLOAK_INGRESS;
	}
	[[nodiscard]] bool isIp() const;
	[[nodiscard]] bool isV6() const;
	[[nodiscard]] bool isIcmp() const;
	[[nodiscard]] bool hasPorts() const;
	/** All packets of @p way were dropped. */
	[[nodiscard]] bool isDropped(cloak_direction way) const;
	/** "pass", "drop", or "mixed" if some packets were dropped. */
	[[nodiscard]] std::string_view verdict() const;
	[[nodiscard]] std::uint64_t packets() const
	{
		return record.packets[CLOAK_INGRESS] +
		       record.packets[CLOAK_EGRESS];
	}
	[[nodiscard]] std::uint64_t bytes() const
	{
		return record.bytes[CLOAK_INGRESS] + record.bytes[CLOAK_EGRESS];
	}
};

/** "tcp", "arp", "ipv6-icmp" and so on, or a number. */
[[nodiscard]] std::string protocolName(const Flow &flow);

/** "SA" for SYN and ACK: the letters of those flags that are set. */
[[nodiscard]] std::string tcpFlagLetters(std::uint8_t flags);

} // namespace cloak

#endif // CLOAKLAKE_MODEL_FLOW_H
