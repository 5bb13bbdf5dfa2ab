// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Packets by composition:
 *
 *     Ethernet{.dst = lake.mac} / Vlan{.id = 0} / Ipv4{.src = peer.v4} / Tcp{}
 *
 * Types, lengths, next headers and checksums follow from what comes next
 * unless a field says otherwise; only that of SCTP stays 0.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_PACKET_H
#define CLOAKLAKE_TESTS_HARNESS_PACKET_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cloak_abi.h"

namespace cloak::test
{

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;
using Addr4 = std::array<std::uint8_t, 4>;
using Addr6 = std::array<std::uint8_t, 16>;

/** "192.0.2.1"; anything else ends the test program. */
[[nodiscard]] Addr4 v4(const std::string &text);
/** "2001:db8::1"; anything else ends the test program. */
[[nodiscard]] Addr6 v6(const std::string &text);
/** Either kind, as the maps want it. */
[[nodiscard]] cloak_addr addrOf(const std::string &text);
/** "192.0.2.0/24", "2001:db8::/32", or an address. */
[[nodiscard]] cloak_prefix prefixOf(const std::string &text);
/** The solicited-node group of an address. */
[[nodiscard]] Addr6 solicitedNode(const Addr6 &addr);
/** The MAC of an IPv6 group. */
[[nodiscard]] Mac groupMac(const Addr6 &group);

inline constexpr Mac kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct Ethernet {
	Mac src{};
	Mac dst{};
	std::optional<std::uint16_t> type{};
};

struct Vlan {
	std::uint16_t id = 0;
	std::uint16_t tpid = 0x8100;
};

struct Arp {
	std::uint16_t op = 1;
	Mac sha{};
	Addr4 spa{};
	Mac tha{};
	Addr4 tpa{};
	std::uint16_t hardware = 1;
};

struct Ipv4 {
	Addr4 src{};
	Addr4 dst{};
	std::optional<std::uint8_t> protocol{};
	std::optional<std::uint16_t> length{};
	Bytes options{};
	std::uint16_t id = 1;
	std::uint16_t offset = 0; //!< in units of 8 bytes
	bool more = false;
	std::uint8_t ttl = 64;
	std::uint8_t service = 0;
};

struct Ipv6 {
	Addr6 src{};
	Addr6 dst{};
	std::optional<std::uint8_t> next{};
	std::optional<std::uint16_t> length{};
	std::uint8_t hops = 64;
};

/** An extension header; the body is padded to a multiple of 8 bytes. */
struct Extension {
	std::uint8_t type = 60; //!< 0 hop-by-hop, 43 routing, 60 destination
	Bytes body{};
};

struct Fragment6 {
	std::uint16_t offset = 0;
	bool more = true;
	std::uint32_t id = 1;
	std::optional<std::uint8_t> next{};
};

enum TcpFlags : std::uint8_t {
	kFin = 1,
	kSyn = 2,
	kRst = 4,
	kPsh = 8,
	kAck = 16,
	kUrg = 32,
};

struct Tcp {
	std::uint16_t sport = 40000;
	std::uint16_t dport = 4420;
	std::uint8_t flags = kSyn;
	Bytes options{};
	std::uint8_t reserved = 0;
	std::uint32_t sequence = 1;
	std::uint32_t acknowledged = 0;
	std::uint16_t window = 1024;
};

struct Udp {
	std::uint16_t sport = 40000;
	std::uint16_t dport = 53;
};

struct Sctp {
	std::uint16_t sport = 40000;
	std::uint16_t dport = 4420;
};

struct Icmp {
	std::uint8_t type = 8;
	std::uint8_t code = 0;
	std::uint16_t id = 7;
	std::uint16_t sequence = 1;
};

struct Icmp6 {
	std::uint8_t type = 128;
	std::uint8_t code = 0;
	std::uint16_t id = 7;
	std::uint16_t sequence = 1;
};

/** NS, NA and redirect: an ICMPv6 header and a target. */
struct Nd {
	std::uint8_t type = 135;
	Addr6 target{};
	std::optional<Mac> linkAddress{};
};

struct Raw {
	Bytes bytes{};
};

using Layer = std::variant<Ethernet, Vlan, Arp, Ipv4, Ipv6, Extension,
                           Fragment6, Tcp, Udp, Sctp, Icmp, Icmp6, Nd, Raw>;

/** Layers, outermost first. */
class Packet
{
public:
	Packet() = default;
	explicit Packet(Layer layer) { layers_.push_back(std::move(layer)); }

	Packet &append(Layer layer)
	{
		layers_.push_back(std::move(layer));
		return *this;
	}

	/** The frame as it goes over the wire, without padding or FCS. */
	[[nodiscard]] Bytes bytes() const;

private:
	std::vector<Layer> layers_;
};

template <typename T>
concept IsLayer = requires(Layer layer)
{
	std::get<T>(layer);
};

template <IsLayer Outer, IsLayer Inner>
[[nodiscard]] Packet operator/(Outer outer, Inner inner)
{
	Packet packet{Layer(std::move(outer))};

	return packet.append(Layer(std::move(inner)));
}

template <IsLayer Inner>
[[nodiscard]] Packet operator/(Packet packet, Inner inner)
{
	return packet.append(Layer(std::move(inner)));
}

/** @p count bytes that are no header. */
[[nodiscard]] inline Raw payload(std::size_t count)
{
	return Raw{Bytes(count, 0x5a)};
}

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_PACKET_H
