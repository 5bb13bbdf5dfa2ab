/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The policy as one packet sees it: which slot is in force is read once, in
 * policy_open(), and every later question goes to the maps of that slot. A
 * map that is missing in the slot has no entries: nobody is a peer.
 *
 * Keys are copied to the stack: 6.1 takes no others inside a global_fn.
 */
#ifndef CLOAK_KERN_POLICY_H
#define CLOAK_KERN_POLICY_H

#include "maps.h"
#include "packet.h"

#define PEER_ANY \
	(CLOAK_PEER_INBOUND | CLOAK_PEER_OUTBOUND | CLOAK_PEER_GATEWAY)

/* By words: values of maps are aligned, whatever their members need. */
static __always_inline void iface_copy(struct packet *p,
				       const struct cloak_iface *iface)
{
	__builtin_memcpy(&p->iface, __builtin_assume_aligned(iface, 8),
			 sizeof(p->iface));
}

/* A call into a hash map is dear, and every packet would pay for it. */
static __always_inline bool iface_find_cached(struct packet *p)
{
	__u32 place = CLOAK_IFACE_PLACE(p->slot, p->ifindex);
	const struct cloak_cached_iface *cached;

	cached = bpf_map_lookup_elem(&iface_cache, &place);
	if (!cached || cached->generation != p->generation ||
	    cached->ifindex != p->ifindex)
		return false;
	iface_copy(p, &cached->iface);
	return true;
}

/* Only where @p is the program's own, on its stack: its members are keys. */
static __always_inline bool iface_find(struct packet *p)
{
	const struct cloak_iface *iface;
	void *ifaces;

	if (iface_find_cached(p))
		return true;
	ifaces = bpf_map_lookup_elem(&iface_slots, &p->slot);
	if (!ifaces)
		return false;
	iface = bpf_map_lookup_elem(ifaces, &p->ifindex);
	if (!iface)
		return false;
	iface_copy(p, iface);
	return true;
}

/*
 * Finds the slot in force and the entry of the interface in it, once for
 * each packet. Returns false if nothing is said about this interface.
 */
static __always_inline bool policy_open(struct packet *p)
{
	__u32 zero = 0;
	__u64 *now = bpf_map_lookup_elem(&generation, &zero);

	if (!now)
		return false;
	p->generation = *(volatile __u64 *)now;
	p->slot = CLOAK_SLOT(p->generation);
	return iface_find(p);
}

/* What is not understood is the stricter of the two. */
static __always_inline bool is_whole(const struct packet *p)
{
	return p->iface.scope != CLOAK_SCOPE_ADDRESSES;
}

static __always_inline bool is_monitored(const struct packet *p)
{
	return p->monitored || p->iface.mode == CLOAK_MODE_MONITOR;
}

static __always_inline const struct cloak_address *
address_find(const struct packet *p, const struct cloak_prefix *who)
{
	struct cloak_addr key = who->addr;
	__u32 slot = p->slot;
	void *addresses = bpf_map_lookup_elem(&address_slots, &slot);

	return addresses ? bpf_map_lookup_elem(addresses, &key) : NULL;
}

static __always_inline bool is_cloaked(const struct packet *p,
				       const struct cloak_prefix *who)
{
	const struct cloak_address *address = address_find(p, who);

	return address && !(address->flags & CLOAK_ADDRESS_ANYCAST);
}

static __always_inline const struct cloak_peer *
peer_find(const struct packet *p, const struct cloak_prefix *who)
{
	struct cloak_prefix key = *who;
	__u32 slot = p->slot;
	void *peers = bpf_map_lookup_elem(&peer_slots, &slot);

	return peers ? bpf_map_lookup_elem(peers, &key) : NULL;
}

/* False for nearly all who have no entry in "peers". */
static __always_inline bool peer_is_possible(const struct packet *p,
					     const struct cloak_prefix *who)
{
	const struct cloak_peer_filter *filter;
	const struct cloak_addr *masks;
	__u32 slot = p->slot;
	__u32 hash, i, count;
	bool v4;

	filter = bpf_map_lookup_elem(&peer_filters, &slot);
	if (!filter || filter->generation != p->generation || !p->generation)
		return true;
	v4 = addr_is_v4(&who->addr);
	masks = filter->mask[v4 ? CLOAK_FILTER_V4 : CLOAK_FILTER_V6];
	count = filter->count[v4 ? CLOAK_FILTER_V4 : CLOAK_FILTER_V6];
	if (count > CLOAK_FILTER_LENGTHS)
		return true;
	for (i = 0; i < CLOAK_FILTER_LENGTHS; i++) {
		if (i >= count)
			break;
		hash = cloak_addr_hash(&who->addr, &masks[i]);
		if (filter->bits[CLOAK_FILTER_WORD(hash)] &
		    CLOAK_FILTER_BIT(hash))
			return true;
	}
	return false;
}

/* Off only to measure what a look-up costs. */
const volatile __u8 remember = 1;

/* A function of its own for its stack, which callers have little of. */
global_fn int peer_learn(const struct packet *p, const struct cloak_prefix *who,
			 struct cached_peer *cached)
{
	const struct cloak_peer *found = NULL;

	if (!p || !who || !cached)
		return 0;
	if (peer_is_possible(p, who))
		found = peer_find(p, who);
	if (found)
		cached->peer = *found;
	cached->is_peer = !!found;
	cached->addr = who->addr;
	cached->generation = p->generation;
	return 0;
}

/*
 * peer_find() for the one address that every packet asks about: a trie is
 * dear, and few addresses send most packets. Each CPU remembers what it found
 * last, for as long as that policy is in force: its peers never change. Only
 * those of generation 0, which no commit has made, may be written by hand.
 *
 * What it returns holds until the next call. So one call for each packet.
 */
static __always_inline const struct cloak_peer *
peer_recall(const struct packet *p, const struct cloak_prefix *who)
{
	__u32 at = addr_hash(&who->addr) / (~0u / CLOAK_CACHED_PEERS + 1);
	struct cached_peer *cached;

	cached = bpf_map_lookup_elem(&recent_peers, &at);
	if (!cached)
		return NULL;
	if (!remember || !p->generation ||
	    cached->generation != p->generation ||
	    !addr_equal(&cached->addr, &who->addr))
		peer_learn(p, who, cached);
	return cached->is_peer ? &cached->peer : NULL;
}

static __always_inline bool is_somebody(const struct cloak_peer *peer)
{
	return peer && (peer->flags & PEER_ANY);
}

static __always_inline bool is_bound(const struct cloak_peer *peer)
{
	return peer && (peer->flags & CLOAK_PEER_BOUND_MAC);
}

/* 0, or the reason why the entry does not count for this packet. */
static __always_inline int peer_refuse(const struct cloak_peer *peer,
				       __u32 ifindex, const __u8 *mac)
{
	if (peer->expires_ns && bpf_ktime_get_boot_ns() >= peer->expires_ns)
		return CLOAK_DROP_EXPIRED;
	if (peer->ifindex && peer->ifindex != ifindex)
		return CLOAK_DROP_WRONG_IFACE;
	if (is_bound(peer) && !mac_equal(peer->mac, mac))
		return CLOAK_DROP_WRONG_MAC;
	return 0;
}

/* True if the entry, if any, gives one of @rights here, with @mac. */
static __always_inline bool peer_is(const struct cloak_peer *peer,
				    __u32 ifindex, const __u8 *mac,
				    __u16 rights)
{
	return peer && (peer->flags & rights) &&
	       !peer_refuse(peer, ifindex, mac);
}

/* True if @who has one of @rights on this interface, with @mac. */
static __always_inline bool peer_may(const struct packet *p,
				     const struct cloak_prefix *who,
				     const __u8 *mac, __u16 rights)
{
	return peer_is(peer_find(p, who), p->ifindex, mac, rights);
}

#endif /* CLOAK_KERN_POLICY_H */
