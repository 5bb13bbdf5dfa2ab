/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What may come in. Each function returns the reason of its verdict.
 *
 * On a wholly cloaked interface the question is only who sends. Where single
 * addresses are cloaked, the first question is whether the packet is about
 * one of them. A unicast packet says so in its destination, ARP and ND in
 * their target. Group traffic is the hard part, because the visible
 * addresses share the groups:
 *  - to a solicited-node group (or directed broadcast) which user space has
 *    listed because only cloaked addresses belong to it: only from peers,
 *  - ND to any group: by its target; ND in fragments and headers without end
 *    could hide the target: dropped,
 *  - anything else to a group, such as a ping to ff02::1, passes: a visible
 *    address may answer, and what the kernel would answer from a cloaked
 *    address is stopped on egress, where the source address tells.
 * Source routes could name a cloaked address where it is not looked for, and so
 * could timestamps and what an ICMP error quotes; a recorded route could tell.
 * Redirects, routers that advertise themselves, and whoever speaks for a peer
 * that is bound to another MAC, change the way to peers from cloaked addresses
 * as well, whatever address they are sent to.
 */
#ifndef CLOAK_KERN_INGRESS_H
#define CLOAK_KERN_INGRESS_H

#include "flow.h"
#include "nd.h"
#include "neighbour.h"
#include "parse.h"
#include "policy.h"
#include "quote.h"
#include "router.h"

static __always_inline struct span xdp_span(const struct xdp_md *ctx)
{
	struct span s = {
		.start = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	return s;
}

/* parse_deep() for XDP. */
global_fn int ingress_deepen(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (p)
		parse_deep(p, &s);
	return 0;
}

/* May it come in as an answer? */
global_fn int ingress_answer(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return CLOAK_DROP_INTERNAL;
	ingress_deepen(ctx, p);
	return flow_answers(p) ? CLOAK_PASS_FLOW : CLOAK_DROP_NO_FLOW;
}

/* Does what is quoted go to a peer that may be told of it this way? */
static __always_inline bool quote_is_wanted(const struct packet *p,
					    const struct quote *q,
					    const struct span *s)
{
	const struct cloak_peer *peer = peer_find(p, &q->dst);
	struct cloak_flow_key key = {};

	if (!peer || !quote_has_more(q, p) ||
	    peer_refuse(peer, p->ifindex, p->smac))
		return false;
	if ((peer->flags & CLOAK_PEER_INBOUND) && quote_is_proof(q))
		return true;
	return (peer->flags & (CLOAK_PEER_INBOUND | CLOAK_PEER_OUTBOUND)) &&
	       quote_key(&key, q, s, false) && flow_known(&key);
}

/*
 * Is it an ICMP error, by a router on the way, about what this host has sent
 * to a peer? Without them no packet that is too big for the way would ever
 * arrive. Nobody learns of the host by them: no ICMP error is ever answered.
 */
global_fn int ingress_relates(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);
	struct quote q = {};

	if (!p)
		return false;
	ingress_deepen(ctx, p);
	if (!is_icmp_error(p) || p->frag != FRAG_NONE || p->source_routed ||
	    addr_is_unspecified(&p->src.addr) || addr_is_group(&p->src.addr) ||
	    to_group_mac(p) || addr_is_group(&p->dst.addr) ||
	    is_cloaked(p, &p->src) || !quote_read(&q, p, &s))
		return false;
	return addr_equal(&q.src.addr, &p->dst.addr) &&
	       quote_is_wanted(p, &q, &s);
}

/* Is this IP from a peer? */
static __always_inline int ingress_peer(struct xdp_md *ctx, struct packet *p)
{
	const struct cloak_peer *peer;
	int refused;

	if (addr_is_unspecified(&p->src.addr) || addr_is_group(&p->src.addr))
		return CLOAK_DROP_UNAUTHORISED;
	peer = peer_recall(p, &p->src);
	if (!peer || !(peer->flags & PEER_ANY))
		return CLOAK_DROP_UNAUTHORISED;
	refused = peer_refuse(peer, p->ifindex, p->smac);
	if (refused)
		return refused;
	/* What the host sends to itself goes by the loopback. */
	if (!(peer->flags & CLOAK_PEER_APART) && is_cloaked(p, &p->src))
		return CLOAK_DROP_SELF;
	if (peer->flags & CLOAK_PEER_INBOUND)
		return CLOAK_PASS_AUTHORISED;
	if (!(peer->flags & CLOAK_PEER_OUTBOUND))
		return CLOAK_DROP_GATEWAY_ONLY;
	return ingress_answer(ctx, p);
}

/* True if the source may not say such a thing, but is no evident forgery. */
static __always_inline bool is_stranger(int reason)
{
	return reason == CLOAK_DROP_UNAUTHORISED ||
	       reason == CLOAK_DROP_GATEWAY_ONLY ||
	       reason == CLOAK_DROP_NO_FLOW;
}

static __always_inline int ingress_ip(struct xdp_md *ctx, struct packet *p)
{
	int reason = ingress_peer(ctx, p);

	if (may_be_icmp(p) && is_stranger(reason) && ingress_relates(ctx, p))
		return CLOAK_PASS_RELATED;
	return reason;
}

/*
 * May @p->src resolve addresses here? @denied is the reason if it is simply
 * nobody. An entry that is there but does not fit is not mended by the MAC;
 * ARP names one of its own beside the frame's, which has to fit as well. For
 * what ND names see ingress_nd().
 */
static __always_inline int ingress_resolver(const struct packet *p, int denied)
{
	const struct cloak_peer *peer = peer_recall(p, &p->src);
	int refused;

	if (p->network == NET_ARP && is_bound(peer) &&
	    !mac_equal(peer->mac, p->sha))
		return CLOAK_DROP_WRONG_MAC;
	if (peer && (peer->flags & PEER_ANY)) {
		refused = peer_refuse(peer, p->ifindex, p->smac);
		if (refused)
			return refused;
		if (peer->flags & CLOAK_PEER_INBOUND)
			return CLOAK_PASS_AUTHORISED;
		if (peer->flags & CLOAK_PEER_GATEWAY)
			return CLOAK_PASS_GATEWAY;
		if (neighbour_was_asked(&p->src, p->ifindex, p->smac))
			return CLOAK_PASS_STATION;
		return CLOAK_DROP_NO_FLOW;
	}
	if (station_may_ask(p, false))
		return CLOAK_PASS_STATION;
	return denied;
}

/* Whether a stranger says that he is this host need not be looked for. */
global_fn int ingress_arp(const struct packet *p)
{
	int reason;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (addr_is_unspecified(&p->src.addr))
		return CLOAK_DROP_ARP;
	reason = ingress_resolver(p, CLOAK_DROP_ARP);
	if (reason != CLOAK_DROP_ARP && is_cloaked(p, &p->src))
		return CLOAK_DROP_SELF;
	return reason;
}

/* An advertisement may speak for its sender or for another peer. */
static __always_inline bool na_target_is_peer(const struct packet *p)
{
	return addr_equal(&p->src.addr, &p->target.addr) ||
	       peer_may(p, &p->target, p->smac, PEER_ANY);
}

/* Whoever advertised one of this host's own would take it away (RFC 4862). */
static __always_inline bool claims_own(const struct packet *p)
{
	return p->icmp_type == ICMPV6_NA && p->has_target &&
	       is_cloaked(p, &p->target);
}

/* RS, RA, redirect, MLD: in its own name or not at all. */
static __always_inline int ingress_nd_own(const struct packet *p)
{
	if (peer_may(p, &p->src, p->smac, CLOAK_PEER_INBOUND))
		return CLOAK_PASS_AUTHORISED;
	if (peer_may(p, &p->src, p->smac, CLOAK_PEER_GATEWAY))
		return CLOAK_PASS_GATEWAY;
	return CLOAK_DROP_ND;
}

global_fn int ingress_nd_sender(const struct packet *p)
{
	int reason;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (addr_is_unspecified(&p->src.addr))
		return CLOAK_DROP_ND;
	if (is_cloaked(p, &p->src))
		return CLOAK_DROP_SELF;
	if (!has_nd_target(p->icmp_type))
		return ingress_nd_own(p);
	reason = ingress_resolver(p, CLOAK_DROP_ND);
	if (reason != CLOAK_DROP_ND && claims_own(p))
		return CLOAK_DROP_SELF;
	if (reason < CLOAK_DROP_FIRST && p->icmp_type == ICMPV6_NA &&
	    (!p->has_target || !na_target_is_peer(p)))
		return CLOAK_DROP_FOREIGN_TARGET;
	return reason;
}

/* A redirect names the MAC of somebody else, and MLD none. */
static __always_inline bool names_sender(const struct packet *p)
{
	return p->icmp_type >= ICMPV6_RS && p->icmp_type <= ICMPV6_NA;
}

/* Does a router advertise itself that is one for this host? */
global_fn bool ingress_router(struct xdp_md *ctx, const struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (!p || !peer_may(p, &p->src, p->smac, ROUTER_RIGHTS))
		return false;
	router_learn(p, &s);
	return true;
}

global_fn int ingress_nd(struct xdp_md *ctx, const struct packet *p)
{
	struct span s = xdp_span(ctx);
	int reason;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	reason = ingress_nd_sender(p);
	if (reason >= CLOAK_DROP_FIRST)
		return reason;
	if (names_sender(p) && nd_is_bound(p) && nd_names_other(p, &s))
		return CLOAK_DROP_WRONG_MAC;
	if (is_router_advertisement(p))
		ingress_router(ctx, p);
	return reason;
}

/*
 * A header that does not fit may be broken, or it may lie beyond the first
 * buffer of a packet in several: tell the two apart.
 */
static __always_inline int ingress_broken(const struct packet *p,
					  const struct span *s, int reason)
{
	__u32 linear = s->end - s->start;

	if (linear < p->len && linear < p->network_at + 60)
		return CLOAK_DROP_NOT_LINEAR;
	return reason;
}

/* Returns 0, or the reason why the packet cannot be read. */
static __always_inline int ingress_parse(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);
	int reason;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	reason = parse_frame(p, &s, true);
	return reason ? ingress_broken(p, &s, reason) : 0;
}

global_fn int ingress_whole(struct xdp_md *ctx, struct packet *p)
{
	int reason = ingress_parse(ctx, p);

	if (reason)
		return reason;
	if (p->network == NET_ARP)
		return ingress_arp(p);
	if (p->network == NET_OTHER)
		return CLOAK_DROP_NON_IP;
	if (may_be_icmpv6(p)) {
		ingress_deepen(ctx, p);
		if (is_nd(p) || is_mld(p))
			return ingress_nd(ctx, p);
	}
	return ingress_ip(ctx, p);
}

/* True if ND could be in it whose target cannot be seen. */
static __always_inline bool hides_nd(const struct packet *p)
{
	if (p->endless || p->truncated)
		return true;
	return p->frag != FRAG_NONE && p->protocol == IPPROTO_ICMPV6;
}

/*
 * Is it an ICMP error about what a cloaked address has sent? The error is for
 * the socket that has sent it, whatever address the error itself is to. What
 * the quote of a fragment lacks could be in the next one, and one that cannot
 * be read here the kernel may read. The same if it would make all packets to a
 * peer small and proves nothing: the addresses have that in common.
 */
global_fn int ingress_quotes_cloaked(struct xdp_md *ctx,
				     const struct packet *p)
{
	struct span s = xdp_span(ctx);
	struct quote q = {};

	if (!p)
		return true;
	if (!quote_read(&q, p, &s))
		return p->frag != FRAG_NONE || quote_is_there(p);
	return is_cloaked(p, &q.src) ||
	       (lowers_mtu(p) && !quote_is_proof(&q) &&
		is_somebody(peer_find(p, &q.dst)));
}

/* For a visible address, which has its neighbours in common with the others. */
static __always_inline int ingress_visible_arp(const struct packet *p)
{
	const struct cloak_peer *peer;

	if (is_cloaked(p, &p->src))
		return CLOAK_DROP_SELF;
	peer = peer_recall(p, &p->src);
	if (is_bound(peer) && !(mac_equal(peer->mac, p->sha) &&
				mac_equal(peer->mac, p->smac)))
		return CLOAK_DROP_WRONG_MAC;
	return CLOAK_PASS_VISIBLE;
}

/* Does @p speak for one who is bound to another MAC, to a visible address? */
global_fn int ingress_nd_forged(struct xdp_md *ctx, const struct packet *p)
{
	struct span s = xdp_span(ctx);
	const struct cloak_peer *peer;

	if (!p)
		return true;
	peer = peer_find(p, &p->src);
	if (is_bound(peer) && !mac_equal(peer->mac, p->smac))
		return true;
	if (p->icmp_type == ICMPV6_NA && p->has_target) {
		peer = peer_find(p, &p->target);
		if (is_bound(peer) && !mac_equal(peer->mac, p->smac))
			return true;
	}
	return names_sender(p) && nd_is_bound(p) && nd_names_other(p, &s);
}

/* Does @p ask who has an address that the host may answer for? */
static __always_inline bool asks_for_cloaked(const struct packet *p)
{
	return p->has_icmp && p->icmp_type == ICMPV6_NS &&
	       address_find(p, &p->target);
}

/* To a visible address or to a group. */
global_fn int ingress_not_cloaked(struct xdp_md *ctx, struct packet *p)
{
	int reason;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	/* Stacks do not always mind a packet from an address of their own. */
	if (is_cloaked(p, &p->src))
		return CLOAK_DROP_SELF;
	if (!may_be_icmp(p) && !p->options)
		return CLOAK_PASS_VISIBLE;
	ingress_deepen(ctx, p);
	if (p->has_target &&
	    (is_cloaked(p, &p->target) || asks_for_cloaked(p)))
		return ingress_nd(ctx, p);
	if (is_nd(p) && ingress_nd_forged(ctx, p))
		return CLOAK_DROP_WRONG_MAC;
	/* It is for all addresses of the host, and so is where they send to. */
	if (is_router_advertisement(p))
		return ingress_router(ctx, p) ? CLOAK_PASS_VISIBLE :
						CLOAK_DROP_ND;
	reason = CLOAK_PASS_VISIBLE;
	if (p->source_routed || p->records)
		reason = CLOAK_DROP_SOURCE_ROUTED;
	else if (is_redirect(p) &&
		 !peer_may(p, &p->src, p->smac, CLOAK_PEER_GATEWAY))
		reason = CLOAK_DROP_UNAUTHORISED;
	else if (p->network == NET_IPV6 && hides_nd(p))
		reason = p->endless || p->truncated ?
				 CLOAK_DROP_BAD_HEADERS :
				 CLOAK_DROP_FRAGMENTED_ND;
	else if (is_icmp_error(p) && ingress_quotes_cloaked(ctx, p))
		reason = CLOAK_DROP_UNAUTHORISED;
	if (reason >= CLOAK_DROP_FIRST &&
	    peer_may(p, &p->src, p->smac, CLOAK_PEER_INBOUND))
		return CLOAK_PASS_AUTHORISED;
	return reason;
}

/* To a cloaked address, or to a group that only such belong to. */
static __always_inline int ingress_cloaked(struct xdp_md *ctx, struct packet *p,
					   bool group)
{
	int reason;

	if (may_be_icmpv6(p)) {
		ingress_deepen(ctx, p);
		if (is_nd(p) || is_mld(p))
			return ingress_nd(ctx, p);
	}
	reason = ingress_ip(ctx, p);
	if (group && reason == CLOAK_DROP_UNAUTHORISED)
		return CLOAK_DROP_CLOAKED_GROUP;
	return reason;
}

global_fn int ingress_addresses(struct xdp_md *ctx, struct packet *p)
{
	const struct cloak_address *to;
	int reason = ingress_parse(ctx, p);

	if (reason)
		return reason;
	if (p->network == NET_OTHER)
		return CLOAK_PASS_VISIBLE;
	to = address_find(p, &p->dst);
	if (p->network == NET_ARP) {
		if (to)
			return ingress_arp(p);
		return ingress_visible_arp(p);
	}
	if (to)
		return ingress_cloaked(ctx, p,
				       !(to->flags & CLOAK_ADDRESS_UNICAST));
	return ingress_not_cloaked(ctx, p);
}

/*
 * Is it in the frame of a solicited-node group, and for none? A host answers
 * hop-by-hop options before it asks who is in the group. Peers know what there
 * is, and theirs may be any group whose frames go there.
 */
global_fn int ingress_misgrouped(const struct packet *p)
{
	if (!p || !fits_group(p))
		return true;
	return !is_solicited_node(&p->dst.addr) &&
	       !peer_may(p, &p->src, p->smac, CLOAK_PEER_INBOUND);
}

static __always_inline bool is_misgrouped(const struct packet *p)
{
	return to_solicited_mac(p) && ingress_misgrouped(p);
}

static __always_inline int ingress_verdict(struct xdp_md *ctx, struct packet *p)
{
	int reason = is_whole(p) ? ingress_whole(ctx, p) :
				   ingress_addresses(ctx, p);

	if (reason < CLOAK_DROP_FIRST && is_misgrouped(p))
		return CLOAK_DROP_CLOAKED_GROUP;
	return reason;
}

#endif /* CLOAK_KERN_INGRESS_H */
