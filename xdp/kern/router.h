/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The router of each link, for router solicitations: they are for all routers,
 * so all hosts would hear them. The one that has advertised itself last gets
 * them alone, in a unicast frame (RFC 6085).
 *
 * Only what ingress lets in is noted, and the entry is looked up in the policy
 * again each time: a router that is bound to a MAC is not asked elsewhere, and
 * one that is no longer a peer or a gateway is not asked.
 */
#ifndef CLOAK_KERN_ROUTER_H
#define CLOAK_KERN_ROUTER_H

#include "parse.h"
#include "policy.h"

#define ROUTER_RIGHTS	(CLOAK_PEER_INBOUND | CLOAK_PEER_GATEWAY)

/* Up to the timers, which are of no interest. */
struct router_advertisement {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__u8 hops;
	__u8 flags;
	__be16 lifetime;
};

static __always_inline bool is_router_advertisement(const struct packet *p)
{
	return is_nd(p) && p->icmp_type == ICMPV6_RA;
}

/* @p, a router advertisement, is let in. Who says goodbye is not noted. */
static __always_inline void router_learn(const struct packet *p,
					 const struct span *s)
{
	const struct router_advertisement *ra = header_at(p, s, sizeof(*ra));
	struct cloak_router router = {};
	__u32 ifindex = p->ifindex;

	if (!ra || !ra->lifetime || !addr_is_link_local(&p->src.addr))
		return;
	router.addr = p->src.addr;
	__builtin_memcpy(router.mac, p->smac, ETH_ALEN);
	bpf_map_update_elem(&routers, &ifindex, &router, BPF_ANY);
}

/* The MAC of the router of this link, or NULL if none is known. */
static __always_inline const __u8 *router_mac(const struct packet *p)
{
	struct cloak_prefix who = { .bits = 128 };
	const struct cloak_router *router;
	__u32 ifindex = p->ifindex;

	router = bpf_map_lookup_elem(&routers, &ifindex);
	if (!router)
		return NULL;
	who.addr = router->addr;
	return peer_may(p, &who, router->mac, ROUTER_RIGHTS) ? router->mac :
								NULL;
}

#endif /* CLOAK_KERN_ROUTER_H */
