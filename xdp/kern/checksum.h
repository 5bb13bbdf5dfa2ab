/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Internet checksums (RFC 1071): those of answers, and those of packets that
 * are to be answered. What nobody answers is not summed up.
 */
#ifndef CLOAK_KERN_CHECKSUM_H
#define CLOAK_KERN_CHECKSUM_H

#include <linux/udp.h>

#include "ingress.h"
#include "maps.h"

#define SUM_TURNS	(0x10000 / CLOAK_SUM_CHUNK)
#define UDP_LEAST	sizeof(struct udphdr)

/* The sum itself, in 16 bits; its complement is what packets carry. */
static __always_inline __be16 sum_reduce(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __be16 sum_fold(__u64 sum)
{
	return ~sum_reduce(sum);
}

/* That of @chunk, once @size octets of the frame are there; or -1. */
static __always_inline __s64 sum_chunk(struct xdp_md *ctx,
				       struct sum_chunk *chunk, __u32 from,
				       __u32 size)
{
	if (bpf_xdp_load_bytes(ctx, from, chunk, size))
		return -1;
	return (__u32)bpf_csum_diff(NULL, 0, (__be32 *)chunk->words,
				    sizeof(*chunk), 0);
}

/*
 * The sum of a part of the frame, as words in network order, as far as there
 * is a frame. A copy is summed up, in pieces: the verifier would not follow a
 * pointer through 64 KiB of a packet. Zeros behind the last piece add nothing.
 */
global_fn __u64 sum_frame(struct xdp_md *ctx, __u32 from, __u32 length)
{
	__u32 zero = 0;
	struct sum_chunk *chunk = bpf_map_lookup_elem(&sum_scratch, &zero);
	__u64 sum = 0;
	__s64 more;
	__u32 i;

	if (!chunk)
		return 0;
	for (i = 0; i < SUM_TURNS; i++) {
		if (length < sizeof(*chunk))
			break;
		more = sum_chunk(ctx, chunk, from, sizeof(*chunk));
		if (more < 0)
			return sum;
		sum += more;
		from += sizeof(*chunk);
		length -= sizeof(*chunk);
	}
	if (!length)
		return sum;
	__builtin_memset(chunk, 0, sizeof(*chunk));
	/* That this is from 1 to 512 is seen on 6.1 as well. */
	barrier_var(length);
	length = ((length - 1) & (sizeof(*chunk) - 1)) + 1;
	more = sum_chunk(ctx, chunk, from, length);
	return more < 0 ? sum : sum + more;
}

/*
 * What is summed up with a packet of @p's addresses, either way. The prefix of
 * IPv4-mapped addresses sums up to nothing, so both families have the same.
 */
static __always_inline __u64 sum_pseudo(const struct packet *p, __u8 protocol,
					__u32 length)
{
	__u64 sum = bpf_htons(protocol) + bpf_htons(length);
	int i;

#pragma unroll
	for (i = 0; i < 4; i++)
		sum += (__u64)addr_word(&p->src.addr, i) +
		       addr_word(&p->dst.addr, i);
	return sum;
}

/* Where in the frame the IP packet ends; 0 if its header is out of sight. */
static __always_inline __u32 ip_end(struct xdp_md *ctx, const struct packet *p)
{
	struct span s = xdp_span(ctx);
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (p->network == NET_IPV6) {
		ip6 = bytes_at(&s, p->network_at, sizeof(*ip6));
		return ip6 ? p->network_at + sizeof(*ip6) +
				     bpf_ntohs(ip6->payload_len) :
			     0;
	}
	ip = bytes_at(&s, p->network_at, sizeof(*ip));
	return ip ? p->network_at + bpf_ntohs(ip->tot_len) : 0;
}

/* IPv6 has none of its own. */
static __always_inline bool is_ip_intact(struct xdp_md *ctx,
					 const struct packet *p)
{
	return p->network == NET_IPV6 ||
	       !sum_fold(sum_frame(ctx, p->network_at,
				   p->transport_at - p->network_at));
}

/*
 * Of @length octets from the transport header on, with @field as their
 * checksum.
 *
 * A segment that never was on a wire, of a neighbour in another namespace or
 * in a guest, may have the sum of the pseudo header there and nothing else:
 * hardware would have done the rest (CHECKSUM_PARTIAL), and XDP cannot see that
 * it is so. The stack takes such a segment for intact, so this does as well.
 * A stranger could write that sum on purpose and be answered, which tells him
 * that a firewall answers and not a host; an error with "administratively
 * prohibited" in it says the same to everybody.
 */
static __always_inline bool is_sum_right(struct xdp_md *ctx,
					 const struct packet *p, __u32 length,
					 __be16 field)
{
	__u64 pseudo = sum_pseudo(p, p->protocol, length);

	return field == sum_reduce(pseudo) ||
	       !sum_fold(pseudo + sum_frame(ctx, p->transport_at, length));
}

/* One without a checksum is intact in IPv4, RFC 768, but RFC 8200 8.1. */
static __always_inline bool is_udp_intact(struct xdp_md *ctx,
					  const struct packet *p, __u32 most)
{
	struct span s = xdp_span(ctx);
	const struct udphdr *udp = bytes_at(&s, p->transport_at, sizeof(*udp));
	__u32 length;

	if (!udp)
		return false;
	length = bpf_ntohs(udp->len);
	if (length < UDP_LEAST || length > most)
		return false;
	if (!udp->check)
		return p->network == NET_IPV4;
	return is_sum_right(ctx, p, length, udp->check);
}

static __always_inline bool is_tcp_intact(struct xdp_md *ctx,
					  const struct packet *p, __u32 length)
{
	struct span s = xdp_span(ctx);
	const struct tcphdr *tcp = bytes_at(&s, p->transport_at, sizeof(*tcp));

	return tcp && is_sum_right(ctx, p, length, tcp->check);
}

/*
 * Are the checksums of a packet that is_answerable() right? That of a fragment
 * is over all of them; other protocols have their own, which routers do not
 * look at either when they send an error.
 */
global_fn bool is_intact(struct xdp_md *ctx, const struct packet *p)
{
	__u32 end, length;
	__u64 sum;

	if (!p)
		return false;
	end = ip_end(ctx, p);
	if (end < p->transport_at || !is_ip_intact(ctx, p))
		return false;
	length = end - p->transport_at;
	if (p->frag != FRAG_NONE)
		return true;
	switch (p->protocol) {
	case IPPROTO_TCP:
		return is_tcp_intact(ctx, p, length);
	case IPPROTO_UDP:
		return is_udp_intact(ctx, p, length);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		sum = sum_frame(ctx, p->transport_at, length);
		if (p->protocol == IPPROTO_ICMPV6)
			sum += sum_pseudo(p, p->protocol, length);
		return !sum_fold(sum);
	}
	return true;
}

#endif /* CLOAK_KERN_CHECKSUM_H */
