/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections, for the tables with rules that ask whether a packet is part of
 * one. A packet that its table lets pass begins or goes on with one, in
 * either direction; what is not known here is new.
 *
 * Two LRU maps, so that nobody out there can make the host forget what it has
 * begun itself: "connections" has that, and TCP which has proven by a
 * handshake that its source is no forgery; "openings" has all the others. When
 * one is full, who was silent for longest is forgotten there, and new again:
 * being full lets nothing in. What the host sends to one who may have asked for
 * it, at an address of which no connections are known, is among the others.
 *
 * A handshake is one whose end names the number that this host has begun with,
 * which nobody knows who has not seen the answer (RFC 793, 3.4). No other
 * sequence numbers are looked at. So what comes in never ends a connection,
 * for it may be forged: a reset of this host does, or FINs of both ends, or
 * silence.
 */
#ifndef CLOAK_KERN_CONNECTION_H
#define CLOAK_KERN_CONNECTION_H

#include "flow.h"
#include "maps.h"
#include "packet.h"

/* Octets that the other end may have seen or not. */
#define MOST_UNSEEN	65535

#define BOTH_FINS	(CLOAK_CONNECTION_FIN_IN | CLOAK_CONNECTION_FIN_OUT)

/* Returns false if @p can be part of none. After parse_deep(). */
static __always_inline bool connection_key(struct cloak_flow_key *key,
					   const struct packet *p,
					   int direction)
{
	bool in = direction == CLOAK_INGRESS;
	bool asks = is_echo(p, ICMP_ECHO_REQUEST, ICMPV6_ECHO);

	if (p->frag == FRAG_LATER || p->truncated || p->endless)
		return false;
	if (p->has_icmp && !asks && !is_echo(p, ICMP_REPLY, ICMPV6_ECHO_REPLY))
		return false;
	__builtin_memset(key, 0, sizeof(*key));
	key->remote_addr = in ? p->src.addr : p->dst.addr;
	key->local_addr = in ? p->dst.addr : p->src.addr;
	key->protocol = p->protocol;
	if (p->has_icmp)
		key_echo(key, asks == in, p->sport);
	else if (p->has_ports)
		key_ports(key, in, p->sport, p->dport);
	return true;
}

/* TCP that begins, as far as is known, or has ended. */
static __always_inline bool is_brief(const struct cloak_connection *c)
{
	return !(c->flags & CLOAK_CONNECTION_PROVEN) ||
	       (c->flags & BOTH_FINS) == BOTH_FINS;
}

static __always_inline __u64 connection_lasts(const struct cloak_connection *c,
					      __u8 protocol)
{
	if (protocol == IPPROTO_TCP && is_brief(c))
		return TCP_LASTS_BRIEF * SECOND;
	return flow_lasts(protocol);
}

static __always_inline bool was_silent(const struct cloak_connection *c,
				       __u64 now, __u64 time)
{
	return is_over(c->seen_ns, now, time);
}

/* The one under @key, unless it was silent for too long. */
static __always_inline struct cloak_connection *
connection_find(const struct cloak_flow_key *key, __u64 now)
{
	struct cloak_connection *c = bpf_map_lookup_elem(&connections, key);

	if (!c)
		c = bpf_map_lookup_elem(&openings, key);
	if (!c || was_silent(c, now, connection_lasts(c, key->protocol)))
		return NULL;
	return c;
}

static __always_inline bool is_tcp_with(const struct packet *p, __u8 flags)
{
	return p->protocol == IPPROTO_TCP && (p->tcp_flags & flags);
}

/* The first segment of a connection, whatever else it says. */
static __always_inline bool is_first_segment(const struct packet *p)
{
	return is_tcp_with(p, TCP_FLAG_SYN) && !is_tcp_with(p, TCP_FLAG_ACK);
}

/* Would connection_note() change anything but the time? */
static __always_inline bool is_settled(const struct cloak_connection *c,
				       const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return (c->flags & CLOAK_CONNECTION_PROVEN) &&
		       !is_tcp_with(p,
				    TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST);
	return c->flags & CLOAK_CONNECTION_ANSWERED;
}

/*
 * Is @p part of a connection in which both ends have spoken, or the answer of
 * the second one, or an error about one? Sets p->settled if connection_note()
 * need not see it: the time of a connection is written once a second.
 */
global_fn bool connection_established(struct packet *p, int direction)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	const struct cloak_connection *c;
	struct cloak_flow_key key;

	if (!p)
		return false;
	if (p->related)
		return true;
	if (!connection_key(&key, p, direction))
		return false;
	c = connection_find(&key, now);
	if (!c || is_first_segment(p))
		return false;
	p->settled = is_settled(c, p) && !was_silent(c, now, SECOND);
	return c->opener != direction || (c->flags & CLOAK_CONNECTION_ANSWERED);
}

static __always_inline __u32 answered_by(const struct packet *p)
{
	return p->tcp.seq + is_tcp_with(p, TCP_FLAG_SYN);
}

/* By which one is known who asks, whatever the host answers from. */
static __always_inline void asker_key(struct cloak_flow_key *key,
				      const struct packet *p, int direction)
{
	bool in = direction == CLOAK_INGRESS;

	__builtin_memset(key, 0, sizeof(*key));
	key->remote_addr = in ? p->src.addr : p->dst.addr;
	key->protocol = p->protocol;
	key->kind = CLOAK_FLOW_ASKER;
	if (p->has_ports)
		key->remote = in ? p->sport : p->dport;
}

/*
 * May @p be answered by what begins a connection? A program that answers what
 * has come to a broadcast, a group, or another address of this host may do so
 * from where it likes. Of TCP it is seen who begins, pings begin none with
 * their replies.
 */
static __always_inline bool may_ask(const struct packet *p, int direction)
{
	return direction == CLOAK_INGRESS &&
	       (p->iface.flags & CLOAK_IFACE_STATE) &&
	       p->frag != FRAG_LATER && p->protocol != IPPROTO_TCP &&
	       !p->has_icmp;
}

/* Is @p, which comes in, what this host has asked for? */
static __always_inline bool was_asked_for(const struct packet *p)
{
	const struct cloak_connection *c;
	struct cloak_flow_key key;

	if (!connection_key(&key, p, CLOAK_INGRESS))
		return false;
	c = bpf_map_lookup_elem(&connections, &key);
	return c && c->opener == CLOAK_EGRESS;
}

/* Remembers who has sent @p. After may_ask(). */
global_fn int asker_note(const struct packet *p)
{
	struct cloak_connection fresh = {
		.seen_ns = bpf_ktime_get_coarse_ns(),
		.opener = CLOAK_INGRESS,
	};
	struct cloak_connection *known;
	struct cloak_flow_key key;

	if (!p || was_asked_for(p))
		return 0;
	asker_key(&key, p, CLOAK_INGRESS);
	known = bpf_map_lookup_elem(&openings, &key);
	if (!known)
		bpf_map_update_elem(&openings, &key, &fresh, BPF_ANY);
	else if (was_silent(known, fresh.seen_ns, SECOND))
		known->seen_ns = fresh.seen_ns;
	return 0;
}

/*
 * Has the addressee of @p, which goes out, asked for something before? A
 * program that talks to one alone has not waited for that.
 */
static __always_inline bool has_asked(const struct packet *p, __u64 now)
{
	const struct cloak_connection *c;
	struct cloak_flow_key key;

	if (p->connected)
		return false;
	asker_key(&key, p, CLOAK_EGRESS);
	c = bpf_map_lookup_elem(&openings, &key);
	return c && !was_silent(c, now, flow_lasts(p->protocol));
}

/* Is one that begins with @p the host's own idea? */
static __always_inline bool opens_by_itself(const struct packet *p,
					    int direction, __u64 now)
{
	if (direction != CLOAK_EGRESS)
		return false;
	if (p->protocol == IPPROTO_TCP)
		return is_first_segment(p);
	return !has_asked(p, now);
}

/*
 * A connection that begins with @p. What goes out begins one of this host's
 * own, but for TCP in the middle: an answer to what was forgotten here, or was
 * never seen, and so it is one that somebody else has begun.
 */
static __always_inline void connection_open(const struct cloak_flow_key *key,
					    const struct packet *p,
					    int direction, __u64 now)
{
	struct cloak_connection fresh = {
		.seen_ns = now,
		.opener = direction,
		.middle = !is_first_segment(p),
	};

	if (is_echo(p, ICMP_REPLY, ICMPV6_ECHO_REPLY))
		return;
	if (opens_by_itself(p, direction, now)) {
		bpf_map_update_elem(&connections, key, &fresh, BPF_ANY);
		bpf_map_delete_elem(&openings, key);
		return;
	}
	if (direction == CLOAK_EGRESS && p->protocol == IPPROTO_TCP) {
		fresh.opener = CLOAK_INGRESS;
		fresh.flags = CLOAK_CONNECTION_ANSWERED;
		fresh.answered = answered_by(p);
	}
	bpf_map_update_elem(&openings, key, &fresh, BPF_ANY);
	bpf_map_delete_elem(&connections, key);
}

/*
 * Does @p come from one who has seen what this host has sent? In the middle
 * what it has sent last may be on its way.
 */
static __always_inline bool is_acknowledged(const struct cloak_connection *c,
					    const struct packet *p,
					    int direction)
{
	__u32 behind = c->answered - p->tcp.ack;

	return direction == CLOAK_EGRESS || -behind <= MOST_UNSEEN ||
	       (c->middle && behind <= MOST_UNSEEN);
}

/* All that the host says counts: what answers a second SYN may be no SYN. */
static __always_inline void connection_answer(struct cloak_connection *c,
					      const struct packet *p,
					      int direction)
{
	if (direction == CLOAK_EGRESS && c->opener == CLOAK_INGRESS &&
	    p->protocol == IPPROTO_TCP &&
	    !(c->flags & CLOAK_CONNECTION_PROVEN))
		c->answered = answered_by(p);
}

static __always_inline __u32 connection_learn(const struct cloak_connection *c,
					      const struct packet *p,
					      int direction)
{
	__u32 learnt = 0;

	if (c->opener != direction)
		learnt |= CLOAK_CONNECTION_ANSWERED;
	else if (p->protocol == IPPROTO_TCP &&
		 (c->flags & CLOAK_CONNECTION_ANSWERED) &&
		 is_acknowledged(c, p, direction))
		learnt |= CLOAK_CONNECTION_PROVEN;
	if (is_tcp_with(p, TCP_FLAG_FIN))
		learnt |= direction == CLOAK_INGRESS ?
				  CLOAK_CONNECTION_FIN_IN :
				  CLOAK_CONNECTION_FIN_OUT;
	return learnt & ~c->flags;
}

/* The connection goes on with @p. */
static __always_inline void connection_goes_on(const struct cloak_flow_key *key,
					       struct cloak_connection *c,
					       const struct packet *p,
					       int direction, __u64 now)
{
	__u32 learnt = connection_learn(c, p, direction);

	c->seen_ns = now;
	connection_answer(c, p, direction);
	if (learnt)
		__sync_fetch_and_or(&c->flags, learnt);
	/* From then on among those that no flood pushes out. */
	if (!(learnt & CLOAK_CONNECTION_PROVEN))
		return;
	bpf_map_update_elem(&connections, key, c, BPF_ANY);
	bpf_map_delete_elem(&openings, key);
}

/*
 * Remembers @p, which its table has let pass. A first segment in a connection
 * that goes on is forged, or its sender has forgotten the connection: then
 * the host will tell him.
 */
global_fn int connection_note(const struct packet *p, int direction)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct cloak_connection *c;
	struct cloak_flow_key key;

	if (!p || p->related || !connection_key(&key, p, direction))
		return 0;
	if (is_tcp_with(p, TCP_FLAG_RST)) {
		if (direction == CLOAK_EGRESS) {
			bpf_map_delete_elem(&connections, &key);
			bpf_map_delete_elem(&openings, &key);
		}
		return 0;
	}
	c = connection_find(&key, now);
	if (!c)
		connection_open(&key, p, direction, now);
	else if (!is_first_segment(p))
		connection_goes_on(&key, c, p, direction, now);
	else if (is_brief(c))
		connection_open(&key, p, direction, now);
	return 0;
}

#endif /* CLOAK_KERN_CONNECTION_H */
