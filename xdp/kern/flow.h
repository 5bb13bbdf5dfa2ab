/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the host itself has begun with outbound peers: noted on egress, asked
 * for on ingress. The table is an LRU: when it is full the flow that was
 * quiet for longest is forgotten, and its next answer is dropped until the
 * host speaks in it again. It never lets anything in by being full.
 *
 * Later fragments carry no ports. The first one, once let in, opens the way
 * for those with its identification; one that overtakes it is dropped.
 */
#ifndef CLOAK_KERN_FLOW_H
#define CLOAK_KERN_FLOW_H

#include "maps.h"
#include "packet.h"
#include "parse.h"

#define TCP_FLAG_FIN	0x01
#define TCP_FLAG_SYN	0x02
#define TCP_FLAG_RST	0x04
#define TCP_FLAG_PSH	0x08
#define TCP_FLAG_ACK	0x10
#define TCP_FLAG_URG	0x20

static __always_inline bool is_echo(const struct packet *p, __u8 v4, __u8 v6)
{
	return p->has_icmp &&
	       ((p->protocol == IPPROTO_ICMP && p->icmp_type == v4) ||
		(p->protocol == IPPROTO_ICMPV6 && p->icmp_type == v6));
}

static __always_inline void flow_note(const struct cloak_flow_key *key)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	bpf_map_update_elem(&flows, key, &now, BPF_ANY);
}

static __always_inline bool flow_known(const struct cloak_flow_key *key)
{
	return bpf_map_lookup_elem(&flows, key);
}

static __always_inline void flow_fragment_key(struct cloak_flow_key *key,
					      const struct packet *p)
{
	key->remote_addr = p->src.addr;
	key->local_addr = p->dst.addr;
	key->protocol = p->network == NET_IPV4 ? p->protocol : 0;
	key->kind = CLOAK_FLOW_FRAGMENT;
	key->remote = p->frag_id >> 16;
	key->local = p->frag_id & 0xffff;
}

/* The host sends @p to an outbound peer. After parse_deep(). */
static __always_inline void flow_opened(const struct packet *p)
{
	struct cloak_flow_key key = { .protocol = p->protocol };

	if (p->protocol == IPPROTO_TCP && (p->tcp_flags & TCP_FLAG_RST))
		return;
	if (is_echo(p, ICMP_ECHO_REQUEST, ICMPV6_ECHO)) {
		key.local = p->sport;
	} else if (p->has_ports) {
		key.local = p->sport;
		key.remote = p->dport;
	} else {
		return;
	}
	key.remote_addr = p->dst.addr;
	key.local_addr = p->src.addr;
	flow_note(&key);
}

/* True if @p, from an outbound peer, answers the host. After parse_deep(). */
static __always_inline bool flow_answers(const struct packet *p)
{
	struct cloak_flow_key key = { .protocol = p->protocol };
	struct cloak_flow_key pieces = {};

	if (p->frag != FRAG_NONE)
		flow_fragment_key(&pieces, p);
	if (p->frag == FRAG_LATER)
		return flow_known(&pieces);

	if (p->protocol == IPPROTO_TCP &&
	    (p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
		return false;
	if (is_echo(p, ICMP_REPLY, ICMPV6_ECHO_REPLY)) {
		key.local = p->sport;
	} else if (p->has_ports) {
		key.local = p->dport;
		key.remote = p->sport;
	} else {
		return false;
	}
	key.remote_addr = p->src.addr;
	key.local_addr = p->dst.addr;
	if (!flow_known(&key))
		return false;
	if (p->frag == FRAG_FIRST)
		flow_note(&pieces);
	return true;
}

#endif /* CLOAK_KERN_FLOW_H */
