/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The headers that all answers have. See answer.h.
 */
#ifndef CLOAK_KERN_ANSWER_WRITE_H
#define CLOAK_KERN_ANSWER_WRITE_H

#include "checksum.h"
#include "ingress.h"

#define ANSWER_HOPS	64
#define ANSWER_TOS	0xc0	/* internetwork control, RFC 1812 4.3.2.5 */
#define DONT_FRAGMENT	0x4000
#define LINK_WORDS	16	/* Ethernet and CLOAK_MAX_VLANS tags */
#define MOST_IPV4	576	/* octets of an ICMP error, RFC 1812 */
#define MOST_IPV6	1280	/* the same, RFC 4443 */

static __always_inline __u32 ip_size(const struct packet *p)
{
	return p->network == NET_IPV4 ? sizeof(struct iphdr) :
					sizeof(struct ipv6hdr);
}

/* The IP header of the answer, with @length octets behind it. */
static __always_inline bool write_ipv4(const struct span *s,
				       const struct packet *p, __u8 protocol,
				       __u32 length)
{
	struct iphdr *ip = bytes_at(s, p->network_at, sizeof(*ip));
	struct iphdr made = {
		.version = 4,
		.ihl = sizeof(made) / 4,
		.tos = protocol == IPPROTO_ICMP ? ANSWER_TOS : 0,
		.tot_len = bpf_htons(sizeof(made) + length),
		.frag_off = bpf_htons(DONT_FRAGMENT),
		.ttl = ANSWER_HOPS,
		.protocol = protocol,
		.saddr = addr_word(&p->dst.addr, 3),
		.daddr = addr_word(&p->src.addr, 3),
	};

	if (!ip)
		return false;
	made.check = sum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&made,
					    sizeof(made), 0));
	*ip = made;
	return true;
}

static __always_inline bool write_ipv6(const struct span *s,
				       const struct packet *p, __u8 protocol,
				       __u32 length)
{
	struct ipv6hdr *ip = bytes_at(s, p->network_at, sizeof(*ip));

	if (!ip)
		return false;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(length);
	ip->nexthdr = protocol;
	ip->hop_limit = ANSWER_HOPS;
	__builtin_memcpy(&ip->saddr, &p->dst.addr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &p->src.addr, sizeof(ip->daddr));
	return true;
}

static __always_inline bool write_ip(const struct span *s,
				     const struct packet *p, __u8 protocol,
				     __u32 length)
{
	return p->network == NET_IPV4 ? write_ipv4(s, p, protocol, length) :
					write_ipv6(s, p, protocol, length);
}

static __always_inline bool write_macs(const struct span *s,
				       const struct packet *p)
{
	struct mac_header *mac = bytes_at(s, 0, sizeof(*mac));

	if (!mac)
		return false;
	__builtin_memcpy(mac->dmac, p->smac, ETH_ALEN);
	__builtin_memcpy(mac->smac, p->dmac, ETH_ALEN);
	return true;
}

/* Cuts the frame, of @now octets, after @length of them. */
static __always_inline bool cut(struct xdp_md *ctx, __u32 now, __u32 length)
{
	return length <= now &&
	       !bpf_xdp_adjust_tail(ctx, -(int)(now - length));
}

/* The frame has grown by @room octets in front: moves the link header there. */
static __always_inline bool move_link(const struct span *s,
				      const struct packet *p, __u32 room)
{
	const __be16 *from;
	__be16 *to;
	__u32 i;

#pragma unroll
	for (i = 0; i < LINK_WORDS; i++) {
		if (2 * i >= p->network_at)
			break;
		from = bytes_at(s, room + 2 * i, sizeof(*from));
		to = bytes_at(s, 2 * i, sizeof(*to));
		if (!from || !to)
			return false;
		*to = *from;
	}
	return write_macs(s, p);
}

#endif /* CLOAK_KERN_ANSWER_WRITE_H */
