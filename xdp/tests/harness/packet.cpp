// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace cloak::test
{

namespace
{

[[noreturn]] void unreadable(const std::string &text)
{
	std::cerr << "not an address: " << text << '\n';
	std::abort();
}

void put16(Bytes &out, unsigned value)
{
	out.push_back(static_cast<std::uint8_t>(value >> 8U));
	out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes &out, std::uint32_t value)
{
	put16(out, value >> 16U);
	put16(out, value & 0xffffU);
}

void set16(Bytes &out, std::size_t at, unsigned value)
{
	out.at(at) = static_cast<std::uint8_t>(value >> 8U);
	out.at(at + 1) = static_cast<std::uint8_t>(value);
}

/** The Internet checksum (RFC 1071). */
std::uint16_t inetSum(const Bytes &bytes)
{
	std::uint32_t sum = 0;

	for (std::size_t at = 0; at < bytes.size(); at++)
		sum += std::uint32_t{bytes[at]} << (at % 2 == 0 ? 8U : 0U);
	while (sum > 0xffff)
		sum = (sum & 0xffffU) + (sum >> 16U);
	return static_cast<std::uint16_t>(~sum);
}

template <typename Range> void putAll(Bytes &out, const Range &range)
{
	out.insert(out.end(), range.begin(), range.end());
}

/** What the header before a layer calls it. */
struct TypeOf {
	[[nodiscard]] unsigned ethertype(const Layer &layer) const
	{
		if (const auto *vlan = std::get_if<Vlan>(&layer))
			return vlan->tpid;
		if (std::holds_alternative<Arp>(layer))
			return 0x0806;
		if (std::holds_alternative<Ipv4>(layer))
			return 0x0800;
		if (std::holds_alternative<Ipv6>(layer))
			return 0x86dd;
		return 0x88b5; // for local experiments
	}

	[[nodiscard]] std::uint8_t protocol(const Layer &layer) const
	{
		return std::visit(*this, layer);
	}

	std::uint8_t operator()(const Tcp & /*l*/) const { return 6; }
	std::uint8_t operator()(const Udp & /*l*/) const { return 17; }
	std::uint8_t operator()(const Sctp & /*l*/) const { return 132; }
	std::uint8_t operator()(const Icmp & /*l*/) const { return 1; }
	std::uint8_t operator()(const Icmp6 & /*l*/) const { return 58; }
	std::uint8_t operator()(const Nd & /*l*/) const { return 58; }
	std::uint8_t operator()(const Extension &l) const { return l.type; }
	std::uint8_t operator()(const Fragment6 & /*l*/) const { return 44; }
	std::uint8_t operator()(const Ipv4 & /*l*/) const { return 4; }
	std::uint8_t operator()(const Ipv6 & /*l*/) const { return 41; }
	template <typename Other> std::uint8_t operator()(const Other &) const
	{
		return 59; // no next header
	}
};

/** Puts one header before @p inner, the bytes of all that follows it. */
class Encoder
{
public:
	Encoder(const Layer *next, const Bytes &inner)
	    : next_(next), inner_(inner)
	{
	}

	Bytes operator()(const Ethernet &l) const
	{
		Bytes out;
		putAll(out, l.dst);
		putAll(out, l.src);
		put16(out, l.type.value_or(nextEthertype()));
		return out;
	}

	Bytes operator()(const Vlan &l) const
	{
		Bytes out;
		put16(out, l.id);
		put16(out, nextEthertype());
		return out;
	}

	Bytes operator()(const Arp &l) const
	{
		Bytes out;
		put16(out, l.hardware);
		put16(out, 0x0800);
		out.push_back(6);
		out.push_back(4);
		put16(out, l.op);
		putAll(out, l.sha);
		putAll(out, l.spa);
		putAll(out, l.tha);
		putAll(out, l.tpa);
		return out;
	}

	Bytes operator()(const Ipv4 &l) const
	{
		const std::size_t header = 20 + l.options.size();
		Bytes out;
		out.push_back(static_cast<std::uint8_t>(0x40 + header / 4));
		out.push_back(l.service);
		put16(out, l.length.value_or(static_cast<std::uint16_t>(
			       header + inner_.size())));
		put16(out, l.id);
		put16(out, (l.more ? 0x2000U : 0U) | l.offset);
		out.push_back(l.ttl);
		out.push_back(l.protocol.value_or(nextProtocol()));
		put16(out, 0);
		putAll(out, l.src);
		putAll(out, l.dst);
		putAll(out, l.options);
		set16(out, 10, inetSum(out));
		return out;
	}

	Bytes operator()(const Ipv6 &l) const
	{
		Bytes out;
		put32(out, 0x60000000U);
		put16(out, l.length.value_or(
			       static_cast<std::uint16_t>(inner_.size())));
		out.push_back(l.next.value_or(nextProtocol()));
		out.push_back(l.hops);
		putAll(out, l.src);
		putAll(out, l.dst);
		return out;
	}

	Bytes operator()(const Extension &l) const
	{
		const std::size_t units = (2 + l.body.size() + 7) / 8;
		Bytes out;
		out.push_back(nextProtocol());
		out.push_back(static_cast<std::uint8_t>(units - 1));
		putAll(out, l.body);
		out.resize(units * 8);
		return out;
	}

	Bytes operator()(const Fragment6 &l) const
	{
		Bytes out;
		out.push_back(l.next.value_or(nextProtocol()));
		out.push_back(0);
		put16(out, (static_cast<unsigned>(l.offset) << 3U) |
		               (l.more ? 1U : 0U));
		put32(out, l.id);
		return out;
	}

	Bytes operator()(const Tcp &l) const
	{
		const std::size_t words = 5 + l.options.size() / 4;
		Bytes out;
		put16(out, l.sport);
		put16(out, l.dport);
		put32(out, l.sequence);
		put32(out, l.acknowledged);
		out.push_back(
		    static_cast<std::uint8_t>(words << 4U | l.reserved));
		out.push_back(l.flags);
		put16(out, l.window);
		put32(out, 0);
		putAll(out, l.options);
		return out;
	}

	Bytes operator()(const Udp &l) const
	{
		Bytes out;
		put16(out, l.sport);
		put16(out, l.dport);
		put16(out, static_cast<unsigned>(8 + inner_.size()));
		put16(out, 0);
		return out;
	}

	Bytes operator()(const Sctp &l) const
	{
		Bytes out;
		put16(out, l.sport);
		put16(out, l.dport);
		put32(out, 0);
		put32(out, 0);
		return out;
	}

	Bytes operator()(const Icmp &l) const
	{
		return echo(l.type, l.code, l.id, l.sequence);
	}

	Bytes operator()(const Icmp6 &l) const
	{
		return echo(l.type, l.code, l.id, l.sequence);
	}

	Bytes operator()(const Nd &l) const
	{
		Bytes out = {l.type, 0, 0, 0, 0, 0, 0, 0};
		putAll(out, l.target);
		if (l.linkAddress) {
			// source of a solicitation, target of the others
			out.push_back(l.type == 135 ? 1 : 2);
			out.push_back(1);
			putAll(out, *l.linkAddress);
		}
		return out;
	}

	Bytes operator()(const Raw &l) const { return l.bytes; }

private:
	static Bytes echo(std::uint8_t type, std::uint8_t code,
	                  std::uint16_t id, std::uint16_t sequence)
	{
		Bytes out = {type, code};
		put16(out, 0);
		put16(out, id);
		put16(out, sequence);
		return out;
	}

	[[nodiscard]] std::uint16_t nextEthertype() const
	{
		return static_cast<std::uint16_t>(
		    next_ ? TypeOf().ethertype(*next_) : 0x88b5);
	}

	[[nodiscard]] std::uint8_t nextProtocol() const
	{
		return next_ ? TypeOf().protocol(*next_) : std::uint8_t{59};
	}

	const Layer *next_;
	const Bytes &inner_;
};

/** Where a transport header has its checksum, if it has one. */
struct ChecksumAt {
	std::optional<std::size_t> operator()(const Tcp & /*l*/) const
	{
		return 16;
	}
	std::optional<std::size_t> operator()(const Udp & /*l*/) const
	{
		return 6;
	}
	std::optional<std::size_t> operator()(const Icmp & /*l*/) const
	{
		return 2;
	}
	std::optional<std::size_t> operator()(const Icmp6 & /*l*/) const
	{
		return 2;
	}
	std::optional<std::size_t> operator()(const Nd & /*l*/) const
	{
		return 2;
	}
	template <typename Other>
	std::optional<std::size_t> operator()(const Other & /*l*/) const
	{
		return std::nullopt;
	}
};

/** What TCP, UDP and ICMPv6 sum up before their own bytes. */
Bytes pseudoHeader(const Layer &ip, std::uint8_t protocol, std::size_t size)
{
	Bytes out;

	if (const auto *v4 = std::get_if<Ipv4>(&ip)) {
		putAll(out, v4->src);
		putAll(out, v4->dst);
	} else if (const auto *v6 = std::get_if<Ipv6>(&ip)) {
		putAll(out, v6->src);
		putAll(out, v6->dst);
	}
	put32(out, static_cast<std::uint32_t>(size));
	put32(out, protocol);
	return out;
}

/** Writes the checksum of @p layer, which is all of @p segment, under @p ip. */
void seal(Bytes &segment, const Layer &layer, const Layer &ip)
{
	const auto at = std::visit(ChecksumAt(), layer);
	Bytes summed;

	if (!at)
		return;
	if (!std::holds_alternative<Icmp>(layer))
		summed =
		    pseudoHeader(ip, TypeOf().protocol(layer), segment.size());
	putAll(summed, segment);
	set16(segment, *at, inetSum(summed));
}

bool isIp(const Layer &layer)
{
	return std::holds_alternative<Ipv4>(layer) ||
	       std::holds_alternative<Ipv6>(layer);
}

} // namespace

Addr4 v4(const std::string &text)
{
	Addr4 addr{};

	if (inet_pton(AF_INET, text.c_str(), addr.data()) != 1)
		unreadable(text);
	return addr;
}

Addr6 v6(const std::string &text)
{
	Addr6 addr{};

	if (inet_pton(AF_INET6, text.c_str(), addr.data()) != 1)
		unreadable(text);
	return addr;
}

cloak_addr addrOf(const std::string &text)
{
	const bool isV6 = text.find(':') != std::string::npos;
	const Addr6 bytes = v6(isV6 ? text : "::ffff:" + text);
	cloak_addr addr{};

	std::copy(bytes.begin(), bytes.end(), addr.bytes);
	return addr;
}

cloak_prefix prefixOf(const std::string &text)
{
	const auto slash = text.find('/');
	const std::string addr = text.substr(0, slash);
	const bool isV6 = addr.find(':') != std::string::npos;
	cloak_prefix prefix{128, addrOf(addr)};

	if (slash != std::string::npos)
		prefix.bits =
		    static_cast<__u32>(std::stoul(text.substr(slash + 1)) +
		                       (isV6 ? 0 : CLOAK_V4_PREFIX_BITS));
	return prefix;
}

Addr6 solicitedNode(const Addr6 &addr)
{
	Addr6 group = v6("ff02::1:ff00:0");

	std::copy(addr.begin() + 13, addr.end(), group.begin() + 13);
	return group;
}

Mac groupMac(const Addr6 &group)
{
	return {0x33, 0x33, group[12], group[13], group[14], group[15]};
}

Bytes Packet::bytes() const
{
	Bytes frame;
	const Layer *next = nullptr;

	for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
		const Bytes header = std::visit(Encoder(next, frame), *layer);

		frame.insert(frame.begin(), header.begin(), header.end());
		const auto ip = std::find_if(layer, layers_.rend(), isIp);
		if (ip != layers_.rend())
			seal(frame, *layer, *ip);
		next = &*layer;
	}
	return frame;
}

} // namespace cloak::test
