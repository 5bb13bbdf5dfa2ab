// SPDX-License-Identifier: Apache-2.0
#include "model/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cloak
{
namespace
{

constexpr std::size_t kMacTextSize = 17;
constexpr std::size_t kV4Offset = CLOAK_V4_PREFIX_BITS / 8;
constexpr std::uint8_t kAllBits = 128;
constexpr std::array<std::uint8_t, kV4Offset> kV4Marker = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename Number>
std::optional<Number> parseNumber(std::string_view digits, int base)
{
	Number number = 0;
	const char *end = digits.data() + digits.size();
	auto [stop, error] = std::from_chars(digits.data(), end, number, base);

	if (error != std::errc{} || stop != end)
		return std::nullopt;
	return number;
}

/** The bits of octet @p index that a prefix of @p bits bits covers. */
std::uint8_t maskOctet(std::size_t index, unsigned bits)
{
	const int covered =
	    static_cast<int>(bits) - static_cast<int>(index) * 8;

	return static_cast<std::uint8_t>(0xff00U >> std::clamp(covered, 0, 8));
}

} // namespace

bool IpAddress::isV4() const
{
	return std::equal(kV4Marker.begin(), kV4Marker.end(), octets.begin());
}

bool IpAddress::isGroup() const
{
	if (!isV4())
		return octets[0] == 0xff;
	const bool multicast = (octets[kV4Offset] & 0xf0U) == 0xe0U;
	const bool broadcast =
	    std::all_of(octets.begin() + kV4Offset, octets.end(),
	                [](std::uint8_t octet) { return octet == 0xff; });
	return multicast || broadcast;
}

bool IpAddress::isUnspecified() const
{
	return *this == IpAddress{};
}

bool Prefix::isV4() const
{
	return bits >= CLOAK_V4_PREFIX_BITS && address.isV4();
}

unsigned Prefix::length() const
{
	return isV4() ? bits - CLOAK_V4_PREFIX_BITS : bits;
}

Prefix Prefix::network() const
{
	Prefix cleared = *this;

	for (std::size_t i = 0; i < address.octets.size(); ++i)
		cleared.address.octets[i] &= maskOctet(i, bits);
	return cleared;
}

bool Prefix::contains(const IpAddress &ip) const
{
	return isV4() == ip.isV4() && Prefix{ip, bits}.network() == network();
}

bool Prefix::contains(const Prefix &inner) const
{
	return bits <= inner.bits && isV4() == inner.isV4() &&
	       Prefix{inner.address, bits}.network() == network();
}

Prefix Prefix::host(const IpAddress &ip)
{
	return {ip, kAllBits};
}

std::optional<MacAddress> parseMac(std::string_view text)
{
	MacAddress mac;

	if (text.size() != kMacTextSize || (text[2] != ':' && text[2] != '-'))
		return std::nullopt;
	for (std::size_t i = 0; i < mac.octets.size(); ++i) {
		const std::size_t at = i * 3;
		auto octet = parseNumber<std::uint8_t>(text.substr(at, 2), 16);

		if (!octet || (i > 0 && text[at - 1] != text[2]))
			return std::nullopt;
		mac.octets[i] = *octet;
	}
	return mac;
}

std::optional<IpAddress> parseIp(std::string_view text)
{
	std::array<char, INET6_ADDRSTRLEN> terminated{};
	std::array<std::uint8_t, 4> v4{};
	IpAddress ip;

	if (text.size() >= terminated.size() ||
	    text.find('\0') != std::string_view::npos)
		return std::nullopt;
	std::copy(text.begin(), text.end(), terminated.begin());
	if (inet_pton(AF_INET, terminated.data(), v4.data()) == 1)
		return ipFromV4(v4.data());
	if (inet_pton(AF_INET6, terminated.data(), ip.octets.data()) == 1)
		return ip;
	return std::nullopt;
}

std::optional<Prefix> parsePrefix(std::string_view text)
{
	const std::size_t slash = text.find('/');
	auto ip = parseIp(text.substr(0, slash));

	if (!ip)
		return std::nullopt;
	if (slash == std::string_view::npos)
		return Prefix::host(*ip);
	const unsigned base = ip->isV4() ? CLOAK_V4_PREFIX_BITS : 0;
	auto length = parseNumber<std::uint8_t>(text.substr(slash + 1), 10);
	if (!length || *length > kAllBits - base)
		return std::nullopt;
	return Prefix{*ip, static_cast<std::uint8_t>(base + *length)};
}

std::string toString(const MacAddress &mac)
{
	return fmt::format("{:02x}", fmt::join(mac.octets, ":"));
}

std::string toString(const IpAddress &ip)
{
	std::array<char, INET6_ADDRSTRLEN> text{};

	// A policy has hundreds of thousands of them; inet_ntop() is slow.
	if (ip.isV4())
		return fmt::to_string(fmt::join(ip.octets.begin() + kV4Offset,
		                                ip.octets.end(), "."));
	inet_ntop(AF_INET6, ip.octets.data(), text.data(), text.size());
	return text.data();
}

std::string toString(const Prefix &prefix)
{
	if (prefix.bits == kAllBits)
		return toString(prefix.address);
	return fmt::format("{}/{}", toString(prefix.address), prefix.length());
}

IpAddress ipFromV4(const std::uint8_t *octets)
{
	IpAddress ip;

	std::copy(kV4Marker.begin(), kV4Marker.end(), ip.octets.begin());
	std::copy_n(octets, 4, ip.octets.begin() + kV4Offset);
	return ip;
}

std::optional<IpAddress> ipFromOctets(std::span<const std::uint8_t> octets)
{
	IpAddress ip;

	if (octets.size() == ip.octets.size() - kV4Offset)
		return ipFromV4(octets.data());
	if (octets.size() != ip.octets.size())
		return std::nullopt;
	std::ranges::copy(octets, ip.octets.begin());
	return ip;
}

IpAddress fromAbi(const cloak_addr &address)
{
	IpAddress ip;

	std::copy(std::begin(address.bytes), std::end(address.bytes),
	          ip.octets.begin());
	return ip;
}

Prefix fromAbi(const cloak_prefix &prefix)
{
	return {fromAbi(prefix.addr), static_cast<std::uint8_t>(prefix.bits)};
}

MacAddress macFromAbi(const std::uint8_t (&mac)[6])
{
	MacAddress copy;

	std::copy(std::begin(mac), std::end(mac), copy.octets.begin());
	return copy;
}

cloak_addr toAbi(const IpAddress &ip)
{
	cloak_addr address{};

	std::copy(ip.octets.begin(), ip.octets.end(), address.bytes);
	return address;
}

cloak_prefix toAbi(const Prefix &prefix)
{
	return {prefix.bits, toAbi(prefix.address)};
}

} // namespace cloak
