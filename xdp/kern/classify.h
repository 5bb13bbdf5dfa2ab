/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a dropped packet was after, and whether it was after us.
 */
#ifndef CLOAK_KERN_CLASSIFY_H
#define CLOAK_KERN_CLASSIFY_H

#include "flow.h"
#include "parse.h"
#include "policy.h"

#define TCP_FLAGS_KNOWN		0x3f	/* without ECE and CWR */

/*
 * Real stacks offer window scaling, timestamps or selective ACK: 28 bytes of
 * header and more. Scanners that make their own SYN send 20 or 24.
 */
#define TCP_WORDS_OF_A_STACK	7

static __always_inline __u8 classify_syn(const struct packet *p)
{
	if (p->tcp_reserved)
		return CLOAK_KIND_OS;
	return p->tcp_words >= TCP_WORDS_OF_A_STACK ? CLOAK_KIND_CONNECT :
						      CLOAK_KIND_SYN;
}

static __always_inline __u8 classify_tcp(const struct packet *p)
{
	__u8 flags = p->tcp_flags & TCP_FLAGS_KNOWN;

	switch (flags) {
	case 0:
		return CLOAK_KIND_NULL;
	case TCP_FLAG_SYN:
		return classify_syn(p);
	case TCP_FLAG_FIN:
		return CLOAK_KIND_FIN;
	case TCP_FLAG_ACK:
		return CLOAK_KIND_ACK;
	case TCP_FLAG_FIN | TCP_FLAG_ACK:
		return CLOAK_KIND_MAIMON;
	case TCP_FLAG_FIN | TCP_FLAG_PSH | TCP_FLAG_URG:
		return CLOAK_KIND_XMAS;
	case TCP_FLAG_SYN | TCP_FLAG_ACK:
	case TCP_FLAG_RST:
	case TCP_FLAG_RST | TCP_FLAG_ACK:
		return CLOAK_KIND_BACKSCATTER;
	}
	return flags & TCP_FLAG_SYN ? CLOAK_KIND_OS : CLOAK_KIND_TCP;
}

/* Who only asks whether a host is there sends code 0; its answer's code tells
 * nmap -O and xprobe2 one stack from another.
 */
static __always_inline __u8 classify_echo(const struct packet *p)
{
	return p->icmp_code ? CLOAK_KIND_OS : CLOAK_KIND_PING;
}

static __always_inline __u8 classify_icmpv4(const struct packet *p)
{
	if (p->icmp_type == ICMP_ECHO_REQUEST)
		return classify_echo(p);
	return p->icmp_type == ICMP_REDIR ? CLOAK_KIND_REDIRECT :
					    CLOAK_KIND_ICMP;
}

static __always_inline __u8 classify_icmpv6(const struct packet *p)
{
	if (is_mld(p))
		return CLOAK_KIND_MLD;
	switch (p->icmp_type) {
	case ICMPV6_ECHO:
		return classify_echo(p);
	case ICMPV6_NS:
		return addr_is_unspecified(&p->src.addr) ? CLOAK_KIND_NS_DAD :
							   CLOAK_KIND_NS;
	case ICMPV6_NA:
		return CLOAK_KIND_NA;
	case ICMPV6_RS:
		return CLOAK_KIND_RS;
	case ICMPV6_RA:
		return CLOAK_KIND_RA;
	case ICMPV6_REDIRECT:
		return CLOAK_KIND_REDIRECT;
	}
	return CLOAK_KIND_ICMP;
}

static __always_inline __u8 classify_arp(const struct packet *p)
{
	if (p->arp_op != 1 || addr_equal(&p->src.addr, &p->dst.addr))
		return CLOAK_KIND_ARP_CLAIM;
	return addr_is_unspecified(&p->src.addr) ? CLOAK_KIND_ARP_PROBE :
						   CLOAK_KIND_ARP;
}

static __always_inline __u8 classify_transport(const struct packet *p)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		return classify_tcp(p);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return CLOAK_KIND_UDP;
	case IPPROTO_SCTP:
		return CLOAK_KIND_SCTP;
	case IPPROTO_IGMP:
		return CLOAK_KIND_MLD;
	case IPPROTO_ICMP:
		return p->network == NET_IPV4 ? classify_icmpv4(p) :
						CLOAK_KIND_IPPROTO;
	case IPPROTO_ICMPV6:
		return p->network == NET_IPV6 ? classify_icmpv6(p) :
						CLOAK_KIND_IPPROTO;
	}
	return CLOAK_KIND_IPPROTO;
}

static __always_inline bool is_broken(int reason)
{
	switch (reason) {
	case CLOAK_DROP_TRUNCATED:
	case CLOAK_DROP_TAGS:
	case CLOAK_DROP_BAD_ARP:
	case CLOAK_DROP_BAD_IPV4:
	case CLOAK_DROP_BAD_IPV6:
	case CLOAK_DROP_BAD_HEADERS:
	case CLOAK_DROP_NOT_LINEAR:
		return true;
	}
	return false;
}

/* The enum cloak_kind of a packet. After parse_deep(). */
static __always_inline int classify(const struct packet *p, int reason)
{
	if (is_broken(reason))
		return CLOAK_KIND_MALFORMED;
	if (p->network == NET_OTHER)
		return CLOAK_KIND_ETHERTYPE;
	if (p->network == NET_ARP)
		return classify_arp(p);
	if (p->frag == FRAG_LATER || (p->frag == FRAG_FIRST && p->cut_ports))
		return CLOAK_KIND_FRAGMENT;
	if (p->endless || p->truncated)
		return CLOAK_KIND_MALFORMED;
	if (p->source_routed)
		return CLOAK_KIND_SOURCE_ROUTE;
	return classify_transport(p);
}

/*
 * Whether the packet was for this host, as far as user space lets us know
 * its addresses. Neighbours ask for each other with broadcasts all day long;
 * that is background and no probe of ours.
 */
static __always_inline bool is_aimed_at_us(const struct packet *p)
{
	const struct cloak_iface *iface = &p->iface;

	if (!(iface->flags & CLOAK_IFACE_ATTRIBUTE))
		return true;
	/* A device above this one may have a MAC of its own. */
	if (!to_group_mac(p))
		return mac_is_zero(iface->mac) ||
		       mac_equal(iface->mac, p->dmac) ||
		       is_cloaked(p, &p->dst);
	if (p->network == NET_OTHER)
		return false;
	if (is_cloaked(p, p->has_target ? &p->target : &p->dst))
		return true;
	return p->kind == CLOAK_KIND_PING;
}

#endif /* CLOAK_KERN_CLASSIFY_H */
