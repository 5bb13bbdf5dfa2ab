/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet that a rule rejects is answered. Off the path of those
 * that pass or are dropped.
 *
 * Never from or to a cloaked address, whatever the policy compiler has let
 * through; never to what RFC 1122 (3.2.2), RFC 4443 (2.4) and RFC 9293
 * (3.10.7.1) want left without an answer, nor to a source that cannot be one
 * host; and never to more than the budgets allow, so that a flood of forged
 * sources makes no flood of answers.
 */
#ifndef CLOAK_KERN_REJECT_H
#define CLOAK_KERN_REJECT_H

#include "checksum.h"
#include "flow.h"
#include "ingress.h"
#include "limit.h"
#include "policy.h"
#include "quote.h"

/* Answers to one source, and to all of them: a second, and at once. */
#define ANSWERS_TO_SOURCE	50
#define ANSWERS_TO_ALL		1000

#define TCP_WORDS_LEAST		5
#define ANSWERABLE_LEN		0xffff	/* lengths beyond it are not said */

/* Would an answer tell of something that is cloaked? */
static __always_inline bool reject_shows(const struct packet *p)
{
	return !(p->iface.flags & CLOAK_IFACE_ANSWERS) || is_whole(p) ||
	       is_cloaked(p, &p->dst) || is_cloaked(p, &p->src);
}

/* An address that one host on the network can have, RFC 1122 3.2.1.3. */
static __always_inline bool is_host(const struct cloak_addr *a)
{
	if (addr_is_v4(a))
		return a->bytes[12] && a->bytes[12] != 127 &&
		       a->bytes[12] < 0xe0;
	return !addr_is_group(a) && !addr_is_unspecified(a) &&
	       (addr_word(a, 0) || addr_word(a, 1) || addr_word(a, 2));
}

/* From one station to this one, and no forgery of a packet to oneself. */
static __always_inline bool is_from_somebody(const struct packet *p)
{
	return !to_group_mac(p) && !(p->smac[0] & 1) &&
	       !mac_is_zero(p->smac) &&
	       (mac_is_zero(p->iface.mac) ||
		mac_equal(p->iface.mac, p->dmac)) &&
	       is_host(&p->src.addr) && is_host(&p->dst.addr) &&
	       !addr_equal(&p->src.addr, &p->dst.addr);
}

/* May a packet of this kind be answered at all? After parse_deep(). */
static __always_inline bool is_answerable(const struct packet *p)
{
	if (p->frag == FRAG_LATER || p->truncated || p->endless ||
	    p->source_routed || p->len > ANSWERABLE_LEN)
		return false;
	if (p->has_icmp)
		return is_icmp_query(p);
	if (p->protocol == IPPROTO_TCP)
		return p->frag == FRAG_NONE && p->has_ports &&
		       p->tcp_words >= TCP_WORDS_LEAST &&
		       !(p->tcp_flags & TCP_FLAG_RST);
	return true;
}

static __always_inline __u64 *answer_bucket(const struct cloak_addr *source)
{
	struct cloak_addr key = *source;
	__u64 full = 0, *bucket;

	/* A host of IPv6 has a whole network of 64 bits to itself. */
	if (!addr_is_v4(source))
		__builtin_memset(&key.bytes[8], 0, 8);
	bucket = bpf_map_lookup_elem(&answer_buckets, &key);
	if (bucket)
		return bucket;
	bpf_map_update_elem(&answer_buckets, &key, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&answer_buckets, &key);
}

static __always_inline bool limit_answer(const struct packet *p)
{
	__u64 *own = answer_bucket(&p->src.addr);
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 key = BUCKET_ANSWERS;
	__u64 *all = bpf_map_lookup_elem(&buckets, &key);

	return own && all &&
	       limit_take(own, now, interval_of(ANSWERS_TO_SOURCE),
			  ANSWERS_TO_SOURCE) &&
	       limit_take(all, now, interval_of(ANSWERS_TO_ALL),
			  ANSWERS_TO_ALL);
}

/*
 * CLOAK_DROP_REJECT if @p is answered, else the reason why it is not. One in
 * several buffers is not: in generic mode, kernels that make such of pages of
 * a pool do not free them as they must when the answer is cut short. Its
 * sender will be answered when he sends it again in smaller pieces.
 */
global_fn int reject_settle(struct xdp_md *ctx, const struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (reject_shows(p))
		return CLOAK_DROP_REJECT_CLOAKED;
	if (s.end - s.start != p->len || !is_from_somebody(p) ||
	    !is_answerable(p))
		return CLOAK_DROP_REJECT_MUTE;
	/* No stack answers what it cannot trust to be what was sent. */
	if (!is_intact(ctx, p))
		return CLOAK_DROP_REJECT_CHECKSUM;
	return limit_answer(p) ? CLOAK_DROP_REJECT : CLOAK_DROP_REJECT_LIMITED;
}

#endif /* CLOAK_KERN_REJECT_H */
