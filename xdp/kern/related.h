/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about connections that rules know: such an error quotes a
 * packet that went the other way, and counts as established.
 */
#ifndef CLOAK_KERN_RELATED_H
#define CLOAK_KERN_RELATED_H

#include "answer.h"
#include "connection.h"
#include "egress.h"
#include "ingress.h"
#include "quote.h"

/* All that the other packets pay for this. After parse_deep(). */
static __always_inline bool may_be_related(const struct packet *p)
{
	return p->has_icmp && (p->iface.flags & CLOAK_IFACE_STATE);
}

/* Does the error @p quote its addressee, in a connection that is known? */
static __always_inline bool is_related(const struct packet *p,
				       const struct span *s, int direction)
{
	struct cloak_flow_key key = {};
	struct quote q = {};

	if (!is_icmp_error(p) || !quote_read(&q, p, s))
		return false;
	return addr_equal(&q.src.addr, &p->dst.addr) && quote_has_more(&q, p) &&
	       quote_key(&key, &q, s, direction == CLOAK_EGRESS) &&
	       connection_find(&key, bpf_ktime_get_coarse_ns());
}

/* Sets p->related. */
global_fn int ingress_relate(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (p)
		p->related = is_related(p, &s, CLOAK_INGRESS);
	return 0;
}

/* The same for tc. */
global_fn int egress_relate(struct __sk_buff *skb, struct packet *p)
{
	struct span s = skb_span(skb);

	if (p)
		p->related = is_related(p, &s, CLOAK_EGRESS);
	return 0;
}

#endif /* CLOAK_KERN_RELATED_H */
