/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which MAC a peer has. Learnt on egress only, from what the host itself
 * sends: its neighbour table was filled by ARP and ND that ingress has let
 * in, so a stranger cannot plant an entry here.
 *
 * "neighbours" answers: to whom alone need the host send its ARP request?
 * "stations" answers: is this MAC that of a peer? An IPv6 host asks for us
 * from its link-local address, and a host with several addresses may use any
 * of them in ARP. The entry names the peer's address, which is looked up
 * again each time, so that a revoked peer has no station left.
 *
 * Most who ask are no stations, and the look-up is dear: "station_filter" says
 * so of nearly all of them. Its bits are only ever set, by the MACs of peers.
 */
#ifndef CLOAK_KERN_NEIGHBOUR_H
#define CLOAK_KERN_NEIGHBOUR_H

#include "flow.h"
#include "policy.h"

/* Seconds: so often it is noted that the host sends something to a peer... */
#define NEIGHBOUR_REFRESH	1
/* ...and for so long afterwards the peer may ask for the host. */
#define NEIGHBOUR_ASKED		300

/* Questions without an answer, until it may have another MAC by now. */
#define NEIGHBOUR_QUESTIONS	3

static __always_inline struct cloak_neighbour *
neighbour_find(const struct cloak_prefix *who, __u32 ifindex)
{
	struct cloak_neighbour_key key = { who->addr, ifindex };

	return bpf_map_lookup_elem(&neighbours, &key);
}

static __always_inline void neighbour_write(const struct cloak_prefix *who,
					    __u32 ifindex, const __u8 *mac,
					    __u64 now)
{
	struct cloak_neighbour_key key = { who->addr, ifindex };
	struct cloak_neighbour fresh = { .seen_ns = now };

	__builtin_memcpy(fresh.mac, mac, ETH_ALEN);
	bpf_map_update_elem(&neighbours, &key, &fresh, BPF_ANY);
}

/* The word and the bit of it that stand for @key. */
static __always_inline __u64 *station_word(const struct cloak_station_key *key,
					   __u64 *bit)
{
	__u32 hash = cloak_station_hash(key);
	__u32 at = CLOAK_STATION_WORD(hash);

	*bit = CLOAK_STATION_BIT(hash);
	return bpf_map_lookup_elem(&station_filter, &at);
}

static __always_inline bool
station_is_possible(const struct cloak_station_key *key)
{
	__u64 bit, *word = station_word(key, &bit);

	return !word || (*(volatile __u64 *)word & bit);
}

static __always_inline void station_write(const struct cloak_prefix *who,
					  __u32 ifindex, const __u8 *mac)
{
	struct cloak_station_key key = { .ifindex = ifindex };
	struct cloak_station station;
	__u64 bit, *word;

	__builtin_memcpy(key.mac, mac, ETH_ALEN);
	word = station_word(&key, &bit);
	if (word)
		__sync_fetch_and_or(word, bit);
	station.addr = who->addr;
	bpf_map_update_elem(&stations, &key, &station, BPF_ANY);
}

static __always_inline const struct cloak_station *
station_lookup(const struct packet *p, const __u8 *mac)
{
	struct cloak_station_key key = { .ifindex = p->ifindex };

	__builtin_memcpy(key.mac, mac, ETH_ALEN);
	if (!station_is_possible(&key))
		return NULL;
	return bpf_map_lookup_elem(&stations, &key);
}

/* What the policy says of the peer whose MAC is @mac, or NULL. */
static __always_inline const struct cloak_peer *
station_find(const struct packet *p, const __u8 *mac)
{
	const struct cloak_station *station = station_lookup(p, mac);
	struct cloak_prefix who = { .bits = 128 };

	if (!station)
		return NULL;
	who.addr = station->addr;
	return peer_find(p, &who);
}

#define ALWAYS_ASK	(CLOAK_PEER_INBOUND | CLOAK_PEER_GATEWAY)

static __always_inline bool may_always_ask(const struct cloak_peer *peer)
{
	return peer->flags & ALWAYS_ASK;
}

static __always_inline bool station_may_always_ask(const struct packet *p,
						   const __u8 *mac)
{
	return peer_is(station_find(p, mac), p->ifindex, mac, ALWAYS_ASK);
}

/*
 * The host sends to @peer, @who, at @mac: remember, at most once a second. One
 * who may not always ask for this host takes the place of nobody who may and
 * has the same MAC, as all have behind a router.
 */
static __always_inline void neighbour_learn(const struct packet *p,
					    const struct cloak_prefix *who,
					    const struct cloak_peer *peer,
					    const __u8 *mac)
{
	__u32 ifindex = p->ifindex;
	const struct cloak_neighbour *known = neighbour_find(who, ifindex);
	__u64 now = bpf_ktime_get_coarse_ns();

	if (known && mac_equal(known->mac, mac) && !known->questions &&
	    !is_over(known->seen_ns, now, NEIGHBOUR_REFRESH * SECOND))
		return;
	neighbour_write(who, ifindex, mac, now);
	if (may_always_ask(peer) || !station_may_always_ask(p, mac))
		station_write(who, ifindex, mac);
}

/*
 * The MAC last used for @who on this link, or NULL: also if that leaves
 * questions without an answer and @others may be asked.
 */
static __always_inline const __u8 *neighbour_mac(const struct cloak_prefix *who,
						 __u32 ifindex, bool others)
{
	const struct cloak_neighbour *known = neighbour_find(who, ifindex);

	if (!known || mac_is_zero(known->mac) ||
	    (others && known->questions >= NEIGHBOUR_QUESTIONS))
		return NULL;
	return known->mac;
}

/* The host asks for the MAC of @peer, @who, at @mac. */
static __always_inline void neighbour_ask(const struct packet *p,
					  const struct cloak_prefix *who,
					  const struct cloak_peer *peer,
					  const __u8 *mac)
{
	struct cloak_neighbour *known = neighbour_find(who, p->ifindex);

	if (!known || !mac_equal(known->mac, mac)) {
		neighbour_learn(p, who, peer, mac);
		return;
	}
	known->seen_ns = bpf_ktime_get_coarse_ns();
	if (known->questions < NEIGHBOUR_QUESTIONS)
		known->questions++;
}

/*
 * True if the host has asked for @who itself, or sent it something, a moment
 * ago: an outbound peer may then answer, and ask back to keep its own entry
 * fresh. A zero MAC in the entry means that the question went to everybody.
 */
static __always_inline bool neighbour_was_asked(const struct cloak_prefix *who,
						__u32 ifindex, const __u8 *mac)
{
	const struct cloak_neighbour *known = neighbour_find(who, ifindex);

	return known && known->seen_ns &&
	       !is_over(known->seen_ns, bpf_ktime_get_coarse_ns(),
			NEIGHBOUR_ASKED * SECOND) &&
	       (mac_is_zero(known->mac) || mac_equal(known->mac, mac));
}

/*
 * True if @p comes from the MAC of a peer or a gateway that is still one, or
 * goes there with @out. One who may not begin counts while the host talks to
 * it: its link-local address asks whether the host is still there.
 */
global_fn bool station_may_ask(const struct packet *p, bool out)
{
	const struct cloak_station *station;
	struct cloak_prefix who = { .bits = 128 };
	const struct cloak_peer *peer;
	const __u8 *mac;

	if (!p)
		return false;
	mac = out ? p->dmac : p->smac;
	station = station_lookup(p, mac);
	if (!station)
		return false;
	who.addr = station->addr;
	peer = peer_find(p, &who);
	if (!peer_is(peer, p->ifindex, mac, PEER_ANY))
		return false;
	return may_always_ask(peer) ||
	       neighbour_was_asked(&who, p->ifindex, mac);
}

#endif /* CLOAK_KERN_NEIGHBOUR_H */
