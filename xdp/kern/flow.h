/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the host itself has begun with outbound peers: noted on egress, asked
 * for on ingress. The table is an LRU: when it is full the flow that was
 * quiet for longest is forgotten, and its next answer is dropped until the
 * host speaks in it again. It never lets anything in by being full. One in
 * which neither end has spoken for long is forgotten as well. What the host
 * says in a connection that the other end has begun, as before it lost the
 * right to, begins none.
 *
 * Later fragments carry no ports. The first one, once let in, opens the way
 * for those with its identification; one that overtakes it is dropped. They
 * have a table of their own: it is others who say how many of them there are.
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

/* Seconds of silence after which what is known of two ends is forgotten. */
#define TCP_LASTS	7440	/* RFC 5382, REQ-5 */
#define TCP_LASTS_BRIEF	240	/* the same, while it begins or ends */
#define ECHO_LASTS	60	/* RFC 5508, REQ-2 */
#define OTHERS_LAST	300	/* RFC 4787, REQ-5 */
#define PIECES_LAST	60	/* RFC 8200, 4.5 */

#define SECOND		1000000000ull

static __always_inline bool is_echo(const struct packet *p, __u8 v4, __u8 v6)
{
	return p->has_icmp &&
	       ((p->protocol == IPPROTO_ICMP && p->icmp_type == v4) ||
		(p->protocol == IPPROTO_ICMPV6 && p->icmp_type == v6));
}

/* A packet in direction @in of the connection between both ports. */
static __always_inline void key_ports(struct cloak_flow_key *key, bool in,
				      __u16 sport, __u16 dport)
{
	key->remote = in ? sport : dport;
	key->local = in ? dport : sport;
}

/* Pings go by the identifier of the end that sends them. */
static __always_inline void key_echo(struct cloak_flow_key *key,
				     bool remote_asks, __u16 id)
{
	if (remote_asks) {
		key->kind = CLOAK_FLOW_ECHO_IN;
		key->remote = id;
	} else {
		key->local = id;
	}
}

/*
 * Is more than @time over since @seen? Another CPU may have written that later
 * than @now was read.
 */
static __always_inline bool is_over(__u64 seen, __u64 now, __u64 time)
{
	return (__s64)(now - seen) >= (__s64)time;
}

static __always_inline __u64 flow_lasts(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return TCP_LASTS * SECOND;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ECHO_LASTS * SECOND;
	}
	return OTHERS_LAST * SECOND;
}

static __always_inline void flow_begins(const struct cloak_flow_key *key)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	bpf_map_update_elem(&flows, key, &now, BPF_ANY);
}

/* True if the host has begun it: then it goes on with the answer, too. */
static __always_inline bool flow_goes_on(const struct cloak_flow_key *key)
{
	__u64 *seen = bpf_map_lookup_elem(&flows, key);
	__u64 now;

	if (!seen)
		return false;
	now = bpf_ktime_get_coarse_ns();
	if (is_over(*seen, now, flow_lasts(key->protocol)))
		return false;
	if (is_over(*seen, now, SECOND))
		*seen = now;
	return true;
}

/* The same for what is quoted, which is no sign of life. */
static __always_inline bool flow_known(const struct cloak_flow_key *key)
{
	const __u64 *seen = bpf_map_lookup_elem(&flows, key);

	return seen && !is_over(*seen, bpf_ktime_get_coarse_ns(),
				flow_lasts(key->protocol));
}

/* A first fragment has passed. */
static __always_inline void piece_leads(const struct cloak_flow_key *key)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	bpf_map_update_elem(&pieces, key, &now, BPF_ANY);
}

static __always_inline bool piece_follows(const struct cloak_flow_key *key)
{
	const __u64 *seen = bpf_map_lookup_elem(&pieces, key);

	return seen && !is_over(*seen, bpf_ktime_get_coarse_ns(),
				PIECES_LAST * SECOND);
}

/* By which later fragments are known. */
static __always_inline void piece_key(struct cloak_flow_key *key,
				      const struct packet *p, int direction,
				      __u8 kind)
{
	bool in = direction == CLOAK_INGRESS;

	key->remote_addr = in ? p->src.addr : p->dst.addr;
	key->local_addr = in ? p->dst.addr : p->src.addr;
	key->protocol = p->network == NET_IPV4 ? p->protocol : 0;
	key->kind = kind;
	key->remote = p->frag_id >> 16;
	key->local = p->frag_id & 0xffff;
}

/*
 * Which flow @p is part of, that the host sends to an outbound peer. False if
 * it is one of none. After parse_deep().
 */
static __always_inline bool flow_sent(struct cloak_flow_key *key,
				      const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP && (p->tcp_flags & TCP_FLAG_RST))
		return false;
	if (is_echo(p, ICMP_ECHO_REQUEST, ICMPV6_ECHO)) {
		key->local = p->sport;
	} else if (p->has_ports) {
		key->local = p->sport;
		key->remote = p->dport;
	} else {
		return false;
	}
	key->protocol = p->protocol;
	key->remote_addr = p->dst.addr;
	key->local_addr = p->src.addr;
	return true;
}

/* True if @p, from an outbound peer, answers the host. After parse_deep(). */
static __always_inline bool flow_answers(const struct packet *p)
{
	struct cloak_flow_key key = { .protocol = p->protocol };
	struct cloak_flow_key piece = {};

	if (p->frag != FRAG_NONE)
		piece_key(&piece, p, CLOAK_INGRESS, CLOAK_FLOW_FRAGMENT);
	if (p->frag == FRAG_LATER)
		return piece_follows(&piece);

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
	if (!flow_goes_on(&key))
		return false;
	if (p->frag == FRAG_FIRST)
		piece_leads(&piece);
	return true;
}

#endif /* CLOAK_KERN_FLOW_H */
