// SPDX-License-Identifier: Apache-2.0
#include "bpf/names.h"

#include <array>

namespace cloak
{

namespace
{

struct Name {
	unsigned number;
	std::string_view name;
	std::string_view text;
};

constexpr Name kReasons[] = {
    {CLOAK_PASS_UNMANAGED, "unmanaged", "no policy for this interface"},
    {CLOAK_PASS_AUTHORISED, "authorised", "to or from an authorised peer"},
    {CLOAK_PASS_GATEWAY, "gateway", "address resolution by a gateway"},
    {CLOAK_PASS_STATION, "station", "ARP or ND with the MAC of a known peer"},
    {CLOAK_PASS_FLOW, "flow", "answer to what the host began"},
    {CLOAK_PASS_OUTBOUND, "outbound", "the host talks to an outbound peer"},
    {CLOAK_PASS_VISIBLE, "visible", "not about a cloaked address"},
    {CLOAK_PASS_RESOLVE, "resolve",
     "own ARP, neighbour or router solicitation, made unicast"},
    {CLOAK_PASS_RESOLVE_GROUP, "resolve-group",
     "own ARP or neighbour solicitation, sent to everybody"},
    {CLOAK_PASS_GROUP, "group", "own group traffic that the policy lists"},
    {CLOAK_PASS_DECOY, "decoy", "to or from a decoy"},
    {CLOAK_PASS_ANSWER, "answer", "own answer to what a rule rejects"},
    {CLOAK_PASS_RELATED, "related", "ICMP error about what a peer was sent"},
    {CLOAK_DROP_UNAUTHORISED, "unauthorised", "the source is no peer"},
    {CLOAK_DROP_EXPIRED, "expired", "the peer's time has run out"},
    {CLOAK_DROP_WRONG_MAC, "wrong-mac", "the peer is bound to another MAC"},
    {CLOAK_DROP_WRONG_IFACE, "wrong-interface",
     "the peer is bound to another interface"},
    {CLOAK_DROP_GATEWAY_ONLY, "gateway-only",
     "a gateway that wants more than to resolve addresses"},
    {CLOAK_DROP_NO_FLOW, "no-flow",
     "an outbound peer that nothing was asked of"},
    {CLOAK_DROP_NON_IP, "non-ip", "neither ARP nor IPv4 nor IPv6"},
    {CLOAK_DROP_TRUNCATED, "truncated",
     "the frame ends in its Ethernet header or VLAN tag"},
    {CLOAK_DROP_TAGS, "vlan-tags", "too many VLAN tags"},
    {CLOAK_DROP_BAD_ARP, "bad-arp", "not ARP for IPv4 on Ethernet"},
    {CLOAK_DROP_BAD_IPV4, "bad-ipv4",
     "the IPv4 header is short or its lengths lie"},
    {CLOAK_DROP_BAD_IPV6, "bad-ipv6",
     "the IPv6 header is short or its lengths lie"},
    {CLOAK_DROP_BAD_HEADERS, "bad-headers",
     "headers without end, or not all there"},
    {CLOAK_DROP_FRAGMENTED_ND, "fragmented-nd",
     "ICMPv6 in fragments that could hide neighbour discovery"},
    {CLOAK_DROP_SOURCE_ROUTED, "source-routed",
     "a source route that could lead to a cloaked address, or an option that "
     "could name it"},
    {CLOAK_DROP_NOT_LINEAR, "not-linear",
     "the headers lie beyond the first buffer"},
    {CLOAK_DROP_ARP, "arp", "ARP whose sender is no peer"},
    {CLOAK_DROP_ND, "nd", "neighbour discovery whose sender is no peer"},
    {CLOAK_DROP_FOREIGN_TARGET, "foreign-target",
     "neighbour advertisement for somebody who is no peer"},
    {CLOAK_DROP_SELF, "self", "the sender claims an address of this host"},
    {CLOAK_DROP_CLOAKED_GROUP, "cloaked-group",
     "to a group that only cloaked addresses belong to"},
    {CLOAK_DROP_RULE, "rule", "a rule of the table of a local address"},
    {CLOAK_DROP_TABLE, "table", "no rule of the table lets it pass"},
    {CLOAK_DROP_REJECT, "reject", "a rule rejects it, and the sender is told"},
    {CLOAK_DROP_REJECT_LIMITED, "reject-limited",
     "a rule rejects it, too many were told already"},
    {CLOAK_DROP_REJECT_MUTE, "reject-mute",
     "a rule rejects it, such packets are not answered"},
    {CLOAK_DROP_REJECT_CLOAKED, "reject-cloaked",
     "a rule rejects it, an answer would show a cloaked address"},
    {CLOAK_DROP_REJECT_CHECKSUM, "reject-checksum",
     "a rule rejects it, but a checksum is wrong"},
    {CLOAK_DROP_EGRESS, "egress", "the destination is no peer"},
    {CLOAK_DROP_EGRESS_GROUP, "egress-group", "own broadcast or multicast"},
    {CLOAK_DROP_EGRESS_DAD, "egress-dad",
     "own duplicate address detection or ARP probe"},
    {CLOAK_DROP_EGRESS_ANNOUNCE, "egress-announce",
     "own gratuitous ARP or unsolicited advertisement"},
    {CLOAK_DROP_EGRESS_MLD, "egress-mld", "own MLD or IGMP report"},
    {CLOAK_DROP_EGRESS_RS, "egress-rs", "own router solicitation"},
    {CLOAK_DROP_EGRESS_RESOLVE, "egress-resolve",
     "own ARP or ND about or to somebody who is no peer"},
    {CLOAK_DROP_EGRESS_UNSEEN, "egress-unseen",
     "own question for a peer whose MAC is not known"},
    {CLOAK_DROP_EGRESS_NON_IP, "egress-non-ip",
     "own frame that is neither ARP nor IPv4 nor IPv6"},
    {CLOAK_DROP_EGRESS_ADVERT, "egress-advert",
     "own LLDP, CDP, mDNS, LLMNR, SSDP, WS-Discovery, or SCTP that names a "
     "cloaked address"},
    {CLOAK_DROP_EGRESS_MALFORMED, "egress-malformed",
     "own frame that cannot be parsed"},
    {CLOAK_DROP_INTERNAL, "internal", "the data plane failed"},
};

constexpr Name kKinds[] = {
    {CLOAK_KIND_ARP, "arp", "ARP request"},
    {CLOAK_KIND_ARP_PROBE, "arp-probe", "ARP probe"},
    {CLOAK_KIND_ARP_CLAIM, "arp-claim", "ARP reply or gratuitous ARP"},
    {CLOAK_KIND_NS, "ns", "neighbour solicitation"},
    {CLOAK_KIND_NS_DAD, "ns-dad", "duplicate address detection"},
    {CLOAK_KIND_NA, "na", "neighbour advertisement"},
    {CLOAK_KIND_RS, "rs", "router solicitation"},
    {CLOAK_KIND_RA, "ra", "router advertisement"},
    {CLOAK_KIND_REDIRECT, "redirect", "ICMP redirect"},
    {CLOAK_KIND_MLD, "mld", "MLD or IGMP"},
    {CLOAK_KIND_PING, "ping", "ping"},
    {CLOAK_KIND_ICMP, "icmp", "ICMP"},
    {CLOAK_KIND_SYN, "syn", "TCP SYN scan"},
    {CLOAK_KIND_CONNECT, "connect", "TCP connect"},
    {CLOAK_KIND_FIN, "fin", "TCP FIN scan"},
    {CLOAK_KIND_NULL, "null", "TCP NULL scan"},
    {CLOAK_KIND_XMAS, "xmas", "TCP Xmas scan"},
    {CLOAK_KIND_ACK, "ack", "TCP ACK scan"},
    {CLOAK_KIND_MAIMON, "maimon", "TCP Maimon scan"},
    {CLOAK_KIND_BACKSCATTER, "backscatter", "TCP SYN/ACK or RST"},
    {CLOAK_KIND_OS, "os", "stack fingerprinting"},
    {CLOAK_KIND_TCP, "tcp", "TCP"},
    {CLOAK_KIND_UDP, "udp", "UDP"},
    {CLOAK_KIND_SCTP, "sctp", "SCTP"},
    {CLOAK_KIND_IPPROTO, "ip-protocol", "another IP protocol"},
    {CLOAK_KIND_FRAGMENT, "fragment", "IP fragment"},
    {CLOAK_KIND_SOURCE_ROUTE, "source-route", "source-routed packet"},
    {CLOAK_KIND_ETHERTYPE, "ethertype", "frame that is not IP"},
    {CLOAK_KIND_MALFORMED, "malformed", "malformed packet"},
};

constexpr Name kUnused{0, {}, {}};

template <std::size_t Size, std::size_t Count>
constexpr std::array<Name, Size> tableOf(const Name (&names)[Count])
{
	std::array<Name, Size> table{};

	table.fill(kUnused);
	for (const Name &name : names)
		table.at(name.number) = name;
	return table;
}

constexpr auto kReasonTable = tableOf<CLOAK_REASONS>(kReasons);
constexpr auto kKindTable = tableOf<CLOAK_KINDS>(kKinds);

template <std::size_t Size>
const Name &find(const std::array<Name, Size> &table, unsigned number)
{
	return number < Size ? table.at(number) : kUnused;
}

} // namespace

std::string_view reasonName(unsigned reason)
{
	return find(kReasonTable, reason).name;
}

std::string_view reasonText(unsigned reason)
{
	return find(kReasonTable, reason).text;
}

std::string_view kindName(unsigned kind)
{
	return find(kKindTable, kind).name;
}

std::string_view kindText(unsigned kind)
{
	return find(kKindTable, kind).text;
}

} // namespace cloak
