/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * State that the programs keep for themselves: flows, neighbours, stations,
 * routers.
 */
#ifndef CLOAK_ABI_STATE_H
#define CLOAK_ABI_STATE_H

#include "abi/base.h"

enum cloak_flow_kind {
	CLOAK_FLOW_PORTS = 0,		/* local and remote are ports */
	CLOAK_FLOW_FRAGMENT = 1,	/* the two halves of a fragment id */
	CLOAK_FLOW_PIECE_IN = 2,	/* the same, rules let it in */
	CLOAK_FLOW_PIECE_OUT = 3,	/* and out */
	CLOAK_FLOW_ECHO_IN = 4,		/* remote pings, and chose remote */
	CLOAK_FLOW_PIECE_TOLD = 5,	/* what is told of addresses: dropped */
	CLOAK_FLOW_ASKER = 6,		/* remote may be answered by another */
};

/*
 * Key of "flows" and "pieces", where the value is the time when it was seen
 * (CLOCK_MONOTONIC_COARSE), and of "connections" and "openings"; from the
 * host's point of view.
 */
struct cloak_flow_key {
	struct cloak_addr remote_addr;
	struct cloak_addr local_addr;
	__u16 remote;		/* port; ICMP echo: see kind */
	__u16 local;		/* port; ICMP echo: identifier */
	__u8 protocol;
	__u8 kind;		/* enum cloak_flow_kind */
	__u16 reserved;		/* zero */
};

enum cloak_connection_flags {
	CLOAK_CONNECTION_ANSWERED = 1 << 0, /* the other end has spoken */
	/* TCP: who has opened it has spoken again behind the answer. */
	CLOAK_CONNECTION_PROVEN = 1 << 1,
	CLOAK_CONNECTION_FIN_IN = 1 << 2,
	CLOAK_CONNECTION_FIN_OUT = 1 << 3,
};

/*
 * Value of "connections" (begun by this host, or TCP that is proven) and of
 * "openings" (all others, and who may be answered by another address than he
 * has asked), for tables with CLOAK_TABLE_STATE.
 */
struct cloak_connection {
	__u64 seen_ns;		/* CLOCK_MONOTONIC_COARSE */
	__u32 flags;		/* enum cloak_connection_flags */
	__u32 answered;		/* TCP: what has to be acknowledged */
	__u8 opener;		/* enum cloak_direction of the first packet */
	__u8 middle;		/* TCP: its first segment was not seen */
	__u8 reserved[6];	/* zero */
};

/* Key of "neighbours": link-local addresses are others on each link. */
struct cloak_neighbour_key {
	struct cloak_addr addr;
	__u32 ifindex;
};

/* Value of "neighbours". */
struct cloak_neighbour {
	__u64 seen_ns;		/* CLOCK_MONOTONIC_COARSE; 0: seeded */
	__u8 mac[6];
	__u16 questions;	/* sent to it since it was sent anything else */
};

/* Key of "stations". */
struct cloak_station_key {
	__u32 ifindex;
	__u8 mac[6];
	__u16 reserved;		/* zero */
};

/*
 * Where "station_filter" has the bit of a station. Whoever writes to "stations"
 * sets it before.
 */
static inline __u32 cloak_station_hash(const struct cloak_station_key *key)
{
	__u32 low = key->mac[0] | key->mac[1] << 8 | key->mac[2] << 16 |
		    key->mac[3] * 0x1000000u;
	__u32 high = key->mac[4] | key->mac[5] << 8;

	return low * 0x9e3779b1u + high * 0x85ebca77u +
	       key->ifindex * 0xc2b2ae3du;
}

#define CLOAK_STATION_WORD(hash) \
	((hash) / (~0u / CLOAK_STATION_WORDS + 1) % CLOAK_STATION_WORDS)
#define CLOAK_STATION_BIT(hash)	(1ull << ((hash) >> 16 & 63))

/* Value of "stations": the peer address that was last sent to this MAC. */
struct cloak_station {
	struct cloak_addr addr;
};

/* Value of "routers", key: __u32 ifindex. Who has advertised itself last. */
struct cloak_router {
	struct cloak_addr addr;
	__u8 mac[6];
	__u16 reserved;		/* zero */
};

CLOAK_ASSERT(sizeof(struct cloak_flow_key) == 40, "cloak_flow_key");
CLOAK_ASSERT(sizeof(struct cloak_connection) == 24, "cloak_connection");
CLOAK_ASSERT(sizeof(struct cloak_neighbour_key) == 20, "cloak_neighbour_key");
CLOAK_ASSERT(sizeof(struct cloak_neighbour) == 16, "cloak_neighbour");
CLOAK_ASSERT(sizeof(struct cloak_station_key) == 12, "cloak_station_key");
CLOAK_ASSERT(sizeof(struct cloak_station) == 16, "cloak_station");
CLOAK_ASSERT(sizeof(struct cloak_router) == 24, "cloak_router");

#endif /* CLOAK_ABI_STATE_H */
