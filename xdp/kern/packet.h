/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known about a packet while its verdict is found: the one carrier
 * between parse, decision and report. Lives on the stack of the program.
 */
#ifndef CLOAK_KERN_PACKET_H
#define CLOAK_KERN_PACKET_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/in6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "cloak_abi.h"

/*
 * Two kinds of function. An inline one is looked at by the verifier at every
 * call, with all that is known there; a global_fn once and by itself, with
 * nothing known about its arguments, and its caller forgets in turn what it
 * knew. So the decisions with many outcomes are global: else the number of
 * paths would be the product of theirs, which kernels before 6.4 (they track
 * each constant wherever there are functions at all) cannot get through.
 * But a call is dear, most of all where the processor's returns are guarded,
 * and what is stored in a packet that came as an argument is not tracked: so
 * the way of most packets is few global_fns with all the rest inline in them.
 */
#define global_fn __noinline

#define ETH_ALEN		6
#define ETHERTYPE_IPV4		0x0800
#define ETHERTYPE_ARP		0x0806
#define ETHERTYPE_VLAN		0x8100
#define ETHERTYPE_IPV6		0x86dd
#define ETHERTYPE_QINQ		0x88a8
#define ETHERTYPE_LLDP		0x88cc
#define ETHERTYPE_QINQ_OLD	0x9100

enum network {
	NET_OTHER = 0,		/* not ARP, not IP */
	NET_ARP,
	NET_IPV4,
	NET_IPV6,
};

enum fragment {
	FRAG_NONE = 0,
	FRAG_FIRST,		/* transport header is here */
	FRAG_LATER,		/* it is not */
};

struct packet {
	__u64 generation;	/* of the policy in force */
	struct cloak_iface iface;	/* its entry in the policy */
	struct cloak_prefix src;	/* IP source or ARP sender */
	struct cloak_prefix dst;	/* IP destination; ARP: target */
	union {
		struct cloak_prefix target; /* ARP or ND target, has_target */
		struct {
			__u32 seq, ack;
		} tcp;		/* with has_ports and IPPROTO_TCP */
	};
	__u32 ifindex;
	__u32 slot;		/* of the policy in force */
	__u32 len;		/* of the whole frame */
	__u32 log_rule;		/* counter of a rule that logs; 0: none */
	__u32 wire_len;		/* the same, as segments; 0: one packet */
	__u32 frag_id;		/* with frag != FRAG_NONE */
	__u32 ip_end;		/* where the IP packet ends in the frame */
	__u16 ethertype;	/* after the tags */
	__u16 network_at;	/* offset of the network header */
	__u16 transport_at;	/* offset of what the IP header points to */
	__u16 sport;		/* with has_ports */
	__u16 dport;
	__u16 vlans[CLOAK_MAX_VLANS];
	__u16 segments;		/* that it will be cut into; 0: one packet */
	__u16 offloaded_tci;	/* of a tag that is not in the frame, or 0 */
	__u16 option_at;	/* where parse_options() is */
	__u16 frag_offset;	/* in units of 8, with FRAG_LATER */
	__u16 arp_op;
	__u8 smac[ETH_ALEN];
	__u8 dmac[ETH_ALEN];
	__u8 sha[ETH_ALEN];	/* ARP sender hardware address */
	__u8 vlan_count;
	__u8 network;		/* enum network */
	__u8 frag;		/* enum fragment */
	__u8 protocol;		/* next header; after deepening: transport */
	__u8 kind;		/* enum cloak_kind; of what is reported */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tcp_flags;
	__u8 tcp_words;		/* data offset */
	bool tcp_reserved;	/* one of the reserved bits is set */
	bool has_ports;
	bool cut_ports;		/* sport and dport of a header that is cut */
	bool has_icmp;
	bool has_target;
	bool deep;		/* parse_deep() was here */
	bool options;		/* IPv4 header longer than 20 bytes */
	bool source_routed;
	bool records;		/* hosts on its way write addresses into it */
	bool truncated;		/* transport header is not all there */
	bool endless;		/* extension headers beyond the limit */
	bool monitored;		/* the rule that says drop only watches */
	bool related;		/* ICMP error about a connection */
	bool settled;		/* nothing new about its connection */
	bool connected;		/* egress: of a socket with one other end */
};

/* The padding, too: a global_fn wants every byte initialised. */
static __always_inline void packet_init(struct packet *p, __u32 ifindex,
					__u32 len)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->ifindex = ifindex;
	p->len = len;
}

/* The linear part of a packet. */
struct span {
	void *start;
	void *end;
};

/* In every structure a MAC begins at an even offset. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

static __always_inline bool mac_is_zero(const __u8 *a)
{
	const __u16 *x = (const __u16 *)a;

	return !(x[0] | x[1] | x[2]);
}

static __always_inline bool to_group_mac(const struct packet *p)
{
	return p->dmac[0] & 1;
}

static __always_inline __u32 addr_word(const struct cloak_addr *a, int word)
{
	return a->words[word];
}

static __always_inline bool addr_equal(const struct cloak_addr *a,
				       const struct cloak_addr *b)
{
	return !((addr_word(a, 0) ^ addr_word(b, 0)) |
		 (addr_word(a, 1) ^ addr_word(b, 1)) |
		 (addr_word(a, 2) ^ addr_word(b, 2)) |
		 (addr_word(a, 3) ^ addr_word(b, 3)));
}

static __always_inline __u32 addr_hash(const struct cloak_addr *a)
{
	const struct cloak_addr all = { .words = { ~0u, ~0u, ~0u, ~0u } };

	return cloak_addr_hash(a, &all);
}

/* The last word of :: and ::ffff:0.0.0.0 is zero, so is that of few others. */
static __always_inline bool addr_is_unspecified(const struct cloak_addr *a)
{
	return !addr_word(a, 0) && !addr_word(a, 1) && !addr_word(a, 3) &&
	       (!addr_word(a, 2) || addr_word(a, 2) == bpf_htonl(0xffff));
}

static __always_inline bool addr_is_v4(const struct cloak_addr *a)
{
	return !addr_word(a, 0) && !addr_word(a, 1) &&
	       addr_word(a, 2) == bpf_htonl(0xffff);
}

/* Multicast of either family and 255.255.255.255. */
static __always_inline bool addr_is_group(const struct cloak_addr *a)
{
	if (addr_is_v4(a))
		return (a->bytes[12] & 0xf0) == 0xe0 ||
		       addr_word(a, 3) == 0xffffffff;
	return a->bytes[0] == 0xff;
}

static __always_inline bool addr_is_link_local(const struct cloak_addr *a)
{
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static __always_inline void prefix_set_v4(struct cloak_prefix *to,
					  __be32 four)
{
	to->bits = 128;
	to->addr.words[0] = 0;
	to->addr.words[1] = 0;
	to->addr.words[2] = bpf_htonl(0xffff);
	to->addr.words[3] = four;
}

static __always_inline void prefix_set_v6(struct cloak_prefix *to,
					  const struct in6_addr *sixteen)
{
	to->bits = 128;
	__builtin_memcpy(&to->addr, sixteen, sizeof(*sixteen));
}

#endif /* CLOAK_KERN_PACKET_H */
