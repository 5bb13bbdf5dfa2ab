/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decoys: addresses, or ports of addresses, that nobody has business with.
 * They are let be seen, by ARP and neighbour discovery too, and whoever
 * touches them is reported and shadowed, peers as well. Only while the policy
 * has decoys (a bit of CLOAK_GATE_POLICY) does a packet pay for the question,
 * one look-up.
 */
#ifndef CLOAK_KERN_DECOY_H
#define CLOAK_KERN_DECOY_H

#include "classify.h"
#include "egress.h"
#include "ingress.h"
#include "shadow.h"

static __always_inline bool decoys_exist(__u32 policy)
{
	return policy & CLOAK_ACCOUNT_DECOYS;
}

static __always_inline const struct cloak_decoy *
decoy_find(const struct packet *p, const struct cloak_prefix *who)
{
	struct cloak_addr key = who->addr;
	__u32 slot = p->slot;
	void *decoys = bpf_map_lookup_elem(&decoy_slots, &slot);

	return decoys ? bpf_map_lookup_elem(decoys, &key) : NULL;
}

/* Does the decoy have @port of this host? After parse_deep(). */
static __always_inline bool decoy_has(const struct cloak_decoy *decoy,
				      const struct packet *p, __u16 port)
{
	int i;

	if (!decoy->count)
		return true;
	if (!p->has_ports)
		return false;
	for (i = 0; i < CLOAK_DECOY_PORTS; i++) {
		if (i < decoy->count && decoy->ports[i] == port)
			return true;
	}
	return false;
}

/* The question for a MAC. Others of ARP and ND are not about decoys. */
static __always_inline bool is_question(const struct packet *p)
{
	if (p->network == NET_ARP)
		return p->arp_op == 1;
	return is_nd(p) && p->icmp_type == ICMPV6_NS;
}

/*
 * Is the question sent to the address that it asks for, or to its
 * solicited-node group? To a cloaked one it would tell that this is here.
 */
static __always_inline bool asks_itself(const struct packet *p)
{
	const struct cloak_addr *dst = &p->dst.addr;
	__u32 last = addr_word(&p->target.addr, 3);

	if (p->network == NET_ARP || addr_equal(dst, &p->target.addr))
		return true;
	return is_solicited_node(dst) &&
	       addr_word(dst, 3) == (last | bpf_htonl(0xff000000));
}

/* Nothing that a decoy would mend. */
static __always_inline bool is_past_decoys(const struct packet *p, int reason)
{
	return p->network == NET_OTHER || is_broken(reason) ||
	       reason == CLOAK_DROP_RULE || reason == CLOAK_DROP_REJECT ||
	       is_forged(reason) ||
	       reason == CLOAK_DROP_SOURCE_ROUTED ||
	       reason == CLOAK_DROP_FRAGMENTED_ND || is_misgrouped(p) ||
	       addr_is_unspecified(&p->src.addr);
}

/*
 * The reason that counts for @p, for which the policy has @reason. Peers may
 * resolve a decoy like any other address, strangers are caught doing so.
 */
global_fn int decoy_ingress(struct xdp_md *ctx, struct packet *p, int reason)
{
	const struct cloak_decoy *decoy;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (is_past_decoys(p, reason))
		return reason;
	decoy = decoy_find(p, p->has_target ? &p->target : &p->dst);
	if (!decoy)
		return reason;
	ingress_deepen(ctx, p);
	if (p->network == NET_ARP || is_nd(p))
		return reason >= CLOAK_DROP_FIRST && is_question(p) &&
				       asks_itself(p) ?
			       CLOAK_PASS_DECOY :
			       reason;
	/* Errors and redirects are about what others do, also here. */
	if (p->source_routed || p->records ||
	    (p->has_icmp && !is_icmp_query(p)))
		return reason;
	return decoy_has(decoy, p, p->dport) ? CLOAK_PASS_DECOY : reason;
}

/* What the host says as a decoy, to one neighbour or to resolve one. */
global_fn int decoy_egress(struct __sk_buff *skb, struct packet *p, int reason)
{
	const struct cloak_decoy *decoy;
	bool solicited;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (p->network == NET_OTHER || reason == CLOAK_DROP_EGRESS_MALFORMED ||
	    reason == CLOAK_DROP_RULE || reason == CLOAK_DROP_EGRESS_DAD ||
	    reason == CLOAK_DROP_EGRESS_ADVERT ||
	    reason == CLOAK_DROP_EGRESS_UNSEEN)
		return reason;
	egress_deepen(skb, p);
	solicited = is_nd(p) && p->has_target && p->icmp_type == ICMPV6_NA;
	decoy = decoy_find(p, solicited ? &p->target : &p->src);
	if (!decoy || is_mld(p))
		return reason;
	if (is_question(p) && !addr_equal(&p->src.addr, &p->dst.addr))
		return CLOAK_PASS_DECOY;
	if (to_group_mac(p) || addr_is_group(&p->dst.addr))
		return reason;
	if (p->network == NET_ARP || solicited)
		return CLOAK_PASS_DECOY;
	return decoy_has(decoy, p, p->sport) ? CLOAK_PASS_DECOY : reason;
}

/*
 * Does the host send @p as a decoy? Then others have begun it, and what is
 * remembered of flows and neighbours is none of their business.
 */
global_fn int decoy_sends(struct __sk_buff *skb, struct packet *p)
{
	const struct cloak_decoy *decoy;

	if (!p)
		return false;
	decoy = decoy_find(p, &p->src);
	if (!decoy)
		return false;
	egress_deepen(skb, p);
	return decoy_has(decoy, p, p->sport);
}

#endif /* CLOAK_KERN_DECOY_H */
