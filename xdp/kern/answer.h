/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The answer to a packet that was rejected, made of the packet itself: a
 * reset for TCP (RFC 9293 3.10.7.1), for anything else "destination
 * unreachable, administratively prohibited" (RFC 1812 5.2.7.1, RFC 4443 3.1).
 * MAC addresses change places, tags stay as they are.
 *
 * It is not sent by XDP_TX. Veth loses such frames unless its other end has
 * NAPI, some drivers cannot do it, and a tag that the hardware has taken off
 * would be gone. The answer goes up instead of the packet, with a mark in the
 * metadata that nothing from the wire can carry; cloak_answer() at the ingress
 * hook of tc sends it back. If that is missing it goes nowhere: it is to the
 * MAC of the other end, which the stack takes for somebody else's.
 */
#ifndef CLOAK_KERN_ANSWER_H
#define CLOAK_KERN_ANSWER_H

#include "answer_write.h"
#include "flow.h"
#include "quote.h"

#define ANSWER_MARK	0xc10a4e01

#define ICMP_PROHIBITED		13
#define ICMPV6_PROHIBITED	1

struct reset {
	__be16 sport;
	__be16 dport;
	__be32 seq;
	__be32 ack;
	__u8 words;		/* shifted to where they belong */
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

/*
 * The metadata of an answer. In generic mode, kernels from 6.9 on show a copied
 * packet to tc without its Ethernet header, as if that were the end of the
 * metadata: there is enough of it for the mark to be seen then as well.
 */
struct answer_note {
	__u32 unused[4];
	__u32 mark;
};

enum answer_kind {
	ANSWER_NONE = 0,
	ANSWER_WHOLE,
	ANSWER_HEADLESS,	/* the Ethernet header ends the metadata */
};

static __always_inline bool is_mark(const __u8 *at)
{
	__u32 mark;

	__builtin_memcpy(&mark, at, sizeof(mark));
	return mark == ANSWER_MARK;
}

static __always_inline enum answer_kind
answer_kind(const struct __sk_buff *skb)
{
	const __u8 *end = (const __u8 *)(long)skb->data;
	const __u8 *note = (const __u8 *)(long)skb->data_meta;
	const __u32 at = offsetof(struct answer_note, mark);

	if (note + sizeof(struct answer_note) > end)
		return ANSWER_NONE;
	if (is_mark(note + at))
		return ANSWER_WHOLE;
	return is_mark(note + at - sizeof(struct mac_header)) ?
		       ANSWER_HEADLESS :
		       ANSWER_NONE;
}

/* Puts the Ethernet header back where it belongs. */
static __always_inline bool answer_mend(struct __sk_buff *skb)
{
	const __u8 *end = (const __u8 *)(long)skb->data;
	const __u8 *note = (const __u8 *)(long)skb->data_meta;
	struct mac_header mac;

	if (note + sizeof(struct answer_note) > end)
		return false;
	__builtin_memcpy(&mac,
			 note + sizeof(struct answer_note) - sizeof(mac),
			 sizeof(mac));
	return !bpf_skb_change_head(skb, sizeof(mac), 0) &&
	       !bpf_skb_store_bytes(skb, 0, &mac, sizeof(mac), 0);
}

/*
 * The reset for the segment at @tcp, which has @length octets of data. Who
 * acknowledges something is told that this was wrong; else what he has sent
 * is acknowledged, so that he believes it.
 */
static __always_inline void reset_fill(struct reset *reset,
				       const struct packet *p,
				       const struct tcphdr *tcp, __u32 length)
{
	__u64 sum;

	reset->sport = tcp->dest;
	reset->dport = tcp->source;
	reset->words = sizeof(*reset) / 4 << 4;
	reset->flags = TCP_FLAG_RST;
	if (p->tcp_flags & TCP_FLAG_ACK) {
		reset->seq = tcp->ack_seq;
	} else {
		length += !!(p->tcp_flags & TCP_FLAG_SYN);
		length += !!(p->tcp_flags & TCP_FLAG_FIN);
		reset->ack = bpf_htonl(bpf_ntohl(tcp->seq) + length);
		reset->flags |= TCP_FLAG_ACK;
	}
	sum = bpf_csum_diff(NULL, 0, (__be32 *)reset, sizeof(*reset), 0);
	sum += sum_pseudo(p, IPPROTO_TCP, sizeof(*reset));
	reset->checksum = sum_fold(sum);
}

/* Turns the segment into a reset where it is. */
global_fn int answer_reset(struct xdp_md *ctx, const struct packet *p,
			   __u32 end)
{
	struct span s = xdp_span(ctx);
	const struct tcphdr *tcp;
	struct reset reset = {};
	struct reset *to;
	__u32 data, at;

	if (!p)
		return false;
	tcp = bytes_at(&s, p->transport_at, sizeof(*tcp));
	data = p->transport_at + p->tcp_words * 4;
	if (!tcp || data > end)
		return false;
	reset_fill(&reset, p, tcp, end - data);
	at = p->network_at + ip_size(p);
	to = bytes_at(&s, at, sizeof(*to));
	if (!to)
		return false;
	*to = reset;
	return write_ip(&s, p, IPPROTO_TCP, sizeof(reset)) &&
	       write_macs(&s, p) && cut(ctx, p->len, at + sizeof(reset));
}

/* The ICMP header and its checksum, over @length octets from @at on. */
static __always_inline bool write_icmp(struct xdp_md *ctx,
				       const struct packet *p, __u32 at,
				       __u32 length)
{
	bool v4 = p->network == NET_IPV4;
	struct icmp_header made = {
		.type = v4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE,
		.code = v4 ? ICMP_PROHIBITED : ICMPV6_PROHIBITED,
	};
	struct span s = xdp_span(ctx);
	struct icmp_header *icmp = bytes_at(&s, at, sizeof(*icmp));
	__u64 sum;

	if (!icmp)
		return false;
	*icmp = made;
	sum = sum_frame(ctx, at, length);
	if (!v4)
		sum += sum_pseudo(p, IPPROTO_ICMPV6, length);
	made.checksum = sum_fold(sum);
	s = xdp_span(ctx);
	icmp = bytes_at(&s, at, sizeof(*icmp));
	if (!icmp)
		return false;
	*icmp = made;
	return true;
}

/* As much of the packet as may be quoted, of what XDP can see. */
static __always_inline __u32 quote_length(struct xdp_md *ctx,
					  const struct packet *p, __u32 end)
{
	struct span s = xdp_span(ctx);
	__u32 most = p->network == NET_IPV4 ? MOST_IPV4 : MOST_IPV6;
	__u32 linear = s.end - s.start;
	__u32 length;

	if (end > linear)
		end = linear;
	length = end - p->network_at;
	most -= ip_size(p) + sizeof(struct icmp_header);
	return length > most ? most : length;
}

/* Puts the headers of an ICMP error before the packet. */
global_fn int answer_error(struct xdp_md *ctx, const struct packet *p,
			   __u32 end)
{
	__u32 room, quote, length;
	struct span s;
	__u8 protocol;

	if (!p || end <= p->network_at)
		return false;
	room = ip_size(p) + sizeof(struct icmp_header);
	quote = quote_length(ctx, p, end);
	length = sizeof(struct icmp_header) + quote;
	if (bpf_xdp_adjust_head(ctx, -(int)room) ||
	    !cut(ctx, p->len + room, p->network_at + room + quote))
		return false;
	s = xdp_span(ctx);
	protocol = p->network == NET_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return move_link(&s, p, room) && write_ip(&s, p, protocol, length) &&
	       write_icmp(ctx, p, p->network_at + ip_size(p), length);
}

static __always_inline bool answer_mark(struct xdp_md *ctx)
{
	struct answer_note *note;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note)))
		return false;
	note = (void *)(long)ctx->data_meta;
	if ((void *)(note + 1) > (void *)(long)ctx->data)
		return false;
	__builtin_memset(note, 0, sizeof(*note));
	note->mark = ANSWER_MARK;
	return true;
}

/*
 * Makes the answer to @p in its place, after reject_settle(). Returns what
 * the program is to return.
 */
global_fn int answer_make(struct xdp_md *ctx, const struct packet *p)
{
	__u32 end;
	int made;

	if (!p)
		return XDP_DROP;
	end = ip_end(ctx, p);
	if (!end)
		return XDP_DROP;
	made = p->protocol == IPPROTO_TCP ? answer_reset(ctx, p, end) :
					    answer_error(ctx, p, end);
	return made && answer_mark(ctx) ? XDP_PASS : XDP_DROP;
}

#endif /* CLOAK_KERN_ANSWER_H */
