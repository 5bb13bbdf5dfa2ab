// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Addresses as plain values: Ethernet, IPv4 and IPv6, prefixes. In memory they
 * look as in cloak_abi.h; as text they look as administrators write them.
 */
#ifndef CLOAKLAKE_MODEL_ADDRESS_H
#define CLOAKLAKE_MODEL_ADDRESS_H

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cloak_abi.h"

namespace cloak
{

/** An Ethernet address in the order of the wire. */
struct MacAddress {
	std::array<std::uint8_t, 6> octets{};

	auto operator<=>(const MacAddress &) const = default;
};

/** An IPv4 or IPv6 address, IPv4 as IPv4-mapped IPv6. */
struct IpAddress {
	std::array<std::uint8_t, 16> octets{};

	auto operator<=>(const IpAddress &) const = default;

	[[nodiscard]] bool isV4() const;
	/** Multicast, or the IPv4 limited broadcast: never one host. */
	[[nodiscard]] bool isGroup() const;
	/** The address "::", which stands for none. */
	[[nodiscard]] bool isUnspecified() const;
};

/** A network: the first bits of an address, 0 to 128 of the mapped form. */
struct Prefix {
	IpAddress address;
	std::uint8_t bits = 0;

	auto operator<=>(const Prefix &) const = default;

	[[nodiscard]] bool isV4() const;
	/** The length as it is written: 0 to 32 for IPv4. */
	[[nodiscard]] unsigned length() const;
	/** The same prefix with every bit behind its length cleared. */
	[[nodiscard]] Prefix network() const;
	/** Never across families, as nobody means IPv4 by "::/0". */
	[[nodiscard]] bool contains(const IpAddress &ip) const;
	/** Whether every address of @p inner is one of this prefix too. */
	[[nodiscard]] bool contains(const Prefix &inner) const;

	/** The prefix that holds this address only. */
	[[nodiscard]] static Prefix host(const IpAddress &ip);
};

/** Reads "52:54:00:12:34:56", also with dashes. */
[[nodiscard]] std::optional<MacAddress> parseMac(std::string_view text);

/** Reads "10.0.9.5" or "2001:db8::5". */
[[nodiscard]] std::optional<IpAddress> parseIp(std::string_view text);

/**
 * Reads "10.0.9.0/24", "2001:db8::/64", or a lone address as a host prefix.
 * Host bits are kept as written: see Prefix::network().
 */
[[nodiscard]] std::optional<Prefix> parsePrefix(std::string_view text);

[[nodiscard]] std::string toString(const MacAddress &mac);
[[nodiscard]] std::string toString(const IpAddress &ip);

/** A host prefix is written as the address alone. */
[[nodiscard]] std::string toString(const Prefix &prefix);

/** An IPv4 address from four octets in the order of the wire. */
[[nodiscard]] IpAddress ipFromV4(const std::uint8_t *octets);

/** An address from four or sixteen octets; nothing from any other number. */
[[nodiscard]] std::optional<IpAddress>
ipFromOctets(std::span<const std::uint8_t> octets);

[[nodiscard]] IpAddress fromAbi(const cloak_addr &address);
[[nodiscard]] Prefix fromAbi(const cloak_prefix &prefix);
[[nodiscard]] MacAddress macFromAbi(const std::uint8_t (&mac)[6]);
[[nodiscard]] cloak_addr toAbi(const IpAddress &ip);
[[nodiscard]] cloak_prefix toAbi(const Prefix &prefix);

} // namespace cloak

#endif // CLOAKLAKE_MODEL_ADDRESS_H
