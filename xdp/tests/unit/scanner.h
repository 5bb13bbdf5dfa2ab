// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_TESTS_UNIT_SCANNER_H
#define CLOAKLAKE_TESTS_UNIT_SCANNER_H

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "alerts/tracker.h"
#include "model/address.h"

namespace cloak
{

inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeV4 = 0x0800;

inline BootTime at(std::chrono::nanoseconds since)
{
	return BootTime(since);
}

/** Builds the events that the data plane would send of one source. */
class Scanner
{
public:
	explicit Scanner(const char *address)
	{
		event_.source.addr = toAbi(*parseIp(address));
		const MacAddress mac = *parseMac("52:54:00:aa:bb:cc");
		std::copy(mac.octets.begin(), mac.octets.end(),
		          event_.source.mac);
		event_.flags = CLOAK_EVENT_V4;
		event_.ethertype = kEthertypeV4;
		event_.packet_len = 60;
		event_.reason = CLOAK_DROP_UNAUTHORISED;
	}

	Probe arp(const char *target, std::chrono::nanoseconds when)
	{
		event_.ethertype = kEthertypeArp;
		event_.flags = CLOAK_EVENT_V4;
		return probe(CLOAK_KIND_ARP, target, when);
	}

	Probe ping(const char *target, std::chrono::nanoseconds when)
	{
		event_.protocol = 1;
		event_.icmp_type = 8;
		event_.flags = CLOAK_EVENT_V4;
		return probe(CLOAK_KIND_PING, target, when);
	}

	Probe tcp(const char *target, std::uint16_t port,
	          std::chrono::nanoseconds when,
	          cloak_kind kind = CLOAK_KIND_SYN)
	{
		event_.protocol = 6;
		event_.ethertype = kEthertypeV4;
		event_.sport = 40000;
		event_.dport = port;
		event_.flags = CLOAK_EVENT_V4 | CLOAK_EVENT_PORTS;
		event_.totals.ports[port / 64 % CLOAK_PORT_WORDS] |=
		    1ULL << (port % 64U);
		return probe(kind, target, when);
	}

	/** Probes that the data plane counts but does not report. */
	void quietly(unsigned probes, std::chrono::nanoseconds when)
	{
		event_.totals.probes += probes;
		event_.totals.last_ns =
		    static_cast<std::uint64_t>(when.count());
	}

	[[nodiscard]] const cloak_source &totals() const
	{
		return event_.totals;
	}

private:
	Probe probe(cloak_kind kind, const char *target,
	            std::chrono::nanoseconds when)
	{
		const auto bit = static_cast<std::uint32_t>(1U << kind);
		const IpAddress ip = *parseIp(target);
		cloak_source &totals = event_.totals;

		event_.kind = static_cast<std::uint8_t>(kind);
		event_.target = toAbi(ip);
		event_.time_ns = static_cast<std::uint64_t>(when.count());
		if (totals.probes == 0) {
			totals.first_ns = event_.time_ns;
			event_.flags |= CLOAK_EVENT_FIRST;
		}
		if ((totals.kinds & bit) == 0)
			event_.flags |= CLOAK_EVENT_NEW_KIND;
		totals.kinds |= bit;
		totals.last_ns = event_.time_ns;
		totals.targets[0] |= 1ULL << (ip.octets[15] % 64U);
		++totals.probes;
		return {event_, std::vector<std::uint8_t>{1, 2, 3}, "eth1"};
	}

	cloak_event event_{};
};

} // namespace cloak

#endif // CLOAKLAKE_TESTS_UNIT_SCANNER_H
