/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy as the data plane reads it: interfaces, cloaked addresses, peers.
 */
#ifndef CLOAK_ABI_POLICY_H
#define CLOAK_ABI_POLICY_H

#include "abi/base.h"

/*
 * A policy is three maps: interfaces, cloaked addresses and peers. There are
 * two slots for them. A packet reads the word in the map "generation" once;
 * its lowest bit names the slot, so every packet sees one whole policy. User
 * space fills the idle slot and then writes generation + 1.
 */
#define CLOAK_SLOTS		2
#define CLOAK_SLOT(generation)	((generation) & 1)

enum cloak_scope {
	CLOAK_SCOPE_WHOLE = 1,		/* every address of the interface */
	CLOAK_SCOPE_ADDRESSES = 2,	/* only those in the map "cloaked" */
};

enum cloak_mode {
	CLOAK_MODE_ENFORCE = 1,		/* what is not allowed is dropped */
	CLOAK_MODE_MONITOR = 2,		/* it passes, counted as "would drop" */
};

enum cloak_iface_flags {
	/*
	 * The host may broadcast an ARP request or multicast a neighbour
	 * solicitation for an allowed peer whose MAC is neither bound nor
	 * known. Everybody on the wire sees that frame: off by default.
	 */
	CLOAK_IFACE_RESOLVE_BROADCAST = 1 << 0,
	/*
	 * "cloaked" lists the addresses of this interface, also where the
	 * whole interface is cloaked. Group traffic about other addresses
	 * is then dropped as background and raises no alert. Without this
	 * flag every dropped packet is taken for a probe.
	 */
	CLOAK_IFACE_ATTRIBUTE = 1 << 1,
	/* There are tables of rules in this policy, see "tables". */
	CLOAK_IFACE_TABLES = 1 << 2,
	/*
	 * A rule of this policy rejects, and the filter that sends the answers
	 * is on this interface. Without this flag there are none.
	 */
	CLOAK_IFACE_ANSWERS = 1 << 3,
	/* A rule of this policy asks for the state of connections. */
	CLOAK_IFACE_STATE = 1 << 4,
};

/* Value of "interfaces", key: __u32 ifindex. No entry: everything passes. */
struct cloak_iface {
	__u8 scope;		/* enum cloak_scope; unknown: WHOLE */
	__u8 mode;		/* enum cloak_mode; unknown: ENFORCE */
	__u16 flags;		/* enum cloak_iface_flags */
	__u8 mac[6];		/* own MAC; zero: not known */
	__u16 number;		/* its name in rules; 0: none names it */
	__u8 reserved[4];	/* zero */
};

/*
 * Value of "iface_cache", an array: what "interfaces" says of an interface, for
 * packets that see this very policy. Nothing but quicker than the look-up:
 * another interface may have the place. Written before its policy is in force,
 * and not changed while it is, but for the generation, to 0.
 */
struct cloak_cached_iface {
	__u64 generation;	/* see CLOAK_SLOT */
	struct cloak_iface iface;
	__u32 ifindex;		/* 0: nobody has the place */
	__u32 reserved;		/* zero */
};

#define CLOAK_IFACE_PLACE(slot, ifindex) \
	((slot) * CLOAK_CACHED_IFACES + (ifindex) % CLOAK_CACHED_IFACES)

enum cloak_address_flags {
	/* An address of this host, else one that stands for such. */
	CLOAK_ADDRESS_UNICAST = 1 << 0,
	/*
	 * A solicited-node group or a directed broadcast address which only
	 * cloaked addresses of this host belong to.
	 */
	CLOAK_ADDRESS_GROUP = 1 << 1,
	/*
	 * A subnet-router anycast address (RFC 4291, 2.6.1) of a prefix in
	 * which all addresses of this host are cloaked. It may be a router's
	 * as well: so what comes from there is not the host's own.
	 */
	CLOAK_ADDRESS_ANYCAST = 1 << 2,
};

/* Value of "cloaked", key: struct cloak_addr. */
struct cloak_address {
	__u32 flags;		/* enum cloak_address_flags */
	__u32 id;		/* user space's own number, not read here */
};

enum cloak_peer_flags {
	/* May reach the cloaked addresses, and be reached. */
	CLOAK_PEER_INBOUND = 1 << 0,
	/*
	 * The host may open connections to it; what comes from it passes as
	 * an answer only.
	 */
	CLOAK_PEER_OUTBOUND = 1 << 1,
	/* May resolve cloaked addresses (ARP, ND) and send RAs, no more. */
	CLOAK_PEER_GATEWAY = 1 << 2,
	/*
	 * A multicast or broadcast address to which the host may send. Such
	 * an address is never allowed by a wider prefix without this flag.
	 */
	CLOAK_PEER_GROUP = 1 << 3,
	/* The field mac is set and must match, both ways. */
	CLOAK_PEER_BOUND_MAC = 1 << 4,
	/*
	 * No address in "cloaked" lies in this prefix: so whoever comes from it
	 * does not come from one of the host's own, which is not looked for.
	 */
	CLOAK_PEER_APART = 1 << 5,
};

/*
 * Value of "peers", key: struct cloak_prefix. The most specific entry
 * decides alone; one without flags takes an address out of a wider prefix.
 */
struct cloak_peer {
	__u64 expires_ns;	/* no peer from this time on; 0: for ever */
	__u32 ifindex;		/* only there; 0: on any interface */
	__u16 flags;		/* enum cloak_peer_flags */
	__u8 mac[6];		/* with CLOAK_PEER_BOUND_MAC */
	__u32 id;		/* user space's own number, not read here */
};

/* Value of "config", key: __u32 0. User space may change it at any time. */
struct cloak_config {
	__u32 abi_version;	/* CLOAK_ABI_VERSION */
	/*
	 * Of all sources with an entry, and as many of all the others and of
	 * rules that log. 0: the default.
	 */
	__u32 events_per_second;
	__u32 sources_per_second; /* new sources accounted; 0: the default */
	__u32 sources_burst;	/* at most that many at once; 0: the default */
};

#define CLOAK_DEFAULT_EVENTS_PER_SECOND		1000
#define CLOAK_DEFAULT_SOURCES_PER_SECOND	8
#define CLOAK_DEFAULT_SOURCES_BURST		4096

/* Where a family has its prefixes in cloak_peer_filter. */
enum cloak_filter_family {
	CLOAK_FILTER_V4 = 0,
	CLOAK_FILTER_V6 = 1,
	CLOAK_FILTER_FAMILIES = 2,
};

/*
 * Value of "peer_filters", one for each slot: a Bloom filter of the prefixes in
 * "peers", by which most strangers are told from peers without the trie. An
 * address may have an entry if for one of the masks its bit is set. It speaks
 * of the policy with that generation and of no other.
 */
struct cloak_peer_filter {
	__u64 generation;	/* see CLOAK_SLOT; 0: none */
	__u32 count[CLOAK_FILTER_FAMILIES]; /* of masks; more: no filter */
	struct cloak_addr mask[CLOAK_FILTER_FAMILIES][CLOAK_FILTER_LENGTHS];
	__u64 bits[CLOAK_FILTER_WORDS];
};

#define CLOAK_FILTER_WORD(hash) \
	((hash) / (~0u / CLOAK_FILTER_WORDS + 1) % CLOAK_FILTER_WORDS)
#define CLOAK_FILTER_BIT(hash)	(1ull << ((hash) >> 8 & 63))

CLOAK_ASSERT(sizeof(struct cloak_iface) == 16, "cloak_iface");
CLOAK_ASSERT(sizeof(struct cloak_cached_iface) == 32, "cloak_cached_iface");
CLOAK_ASSERT(sizeof(struct cloak_address) == 8, "cloak_address");
CLOAK_ASSERT(sizeof(struct cloak_peer) == 24, "cloak_peer");
CLOAK_ASSERT(sizeof(struct cloak_peer_filter) ==
	     16 + sizeof(struct cloak_addr) * CLOAK_FILTER_FAMILIES *
			     CLOAK_FILTER_LENGTHS +
		     8 * CLOAK_FILTER_WORDS,
	     "cloak_peer_filter");
CLOAK_ASSERT(sizeof(struct cloak_config) == 16, "cloak_config");

#endif /* CLOAK_ABI_POLICY_H */
