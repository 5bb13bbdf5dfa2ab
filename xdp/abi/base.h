/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every part of the ABI builds on: its version, its limits, addresses.
 */
#ifndef CLOAK_ABI_BASE_H
#define CLOAK_ABI_BASE_H

#include <linux/types.h>

#ifdef __cplusplus
#define CLOAK_ASSERT(cond, text) static_assert(cond, text)
#else
#define CLOAK_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define CLOAK_ABI_VERSION	5

/* Limits. Maps are created with these sizes, kern/maps.h. */
#define CLOAK_MAX_IFACES	1024	/* interfaces in one policy */
#define CLOAK_MAX_ADDRESSES	16384	/* cloaked addresses in one policy */
#define CLOAK_MAX_PEERS		65536	/* peer prefixes in one policy */
#define CLOAK_MAX_FLOWS		65536	/* connections opened by the host */
#define CLOAK_MAX_PIECES	16384	/* datagrams that come in fragments */
#define CLOAK_MAX_CONNECTIONS	65536	/* that rules know the state of */
#define CLOAK_MAX_OPENINGS	65536	/* begun elsewhere, not yet proven */
#define CLOAK_MAX_NEIGHBOURS	16384	/* addresses with a known MAC */
#define CLOAK_MAX_SOURCES	65536	/* sources of probes, each accounted */
#define CLOAK_MAX_STATIONS	4096	/* MACs, each with a budget */
#define CLOAK_MAX_ANSWERED	4096	/* sources, each with a budget */
#define CLOAK_MAX_SHADOWS	65536	/* sources that are shadowed */
#define CLOAK_MAX_RECORDS	65536	/* flows that are accounted */
#define CLOAK_MAX_DECOYS	4096	/* decoy addresses in one policy */
#define CLOAK_DECOY_PORTS	16	/* ports of one decoy address */
#define CLOAK_MAX_SNAPLEN	9216	/* bytes of a packet in evidence */
#define CLOAK_HEAD_LEN		128	/* bytes of evidence in an event */
#define CLOAK_MAX_VLANS		4	/* nested tags that are looked into */
#define CLOAK_MAX_TABLES	4096	/* local addresses with rules */
#define CLOAK_MAX_TUPLES	48	/* of one stage of a table */
#define CLOAK_MAX_CANDIDATES	32	/* rules in one bucket */
#define CLOAK_COUNTER_CHUNK	4096	/* counters in one inner map */
#define CLOAK_COUNTER_CHUNKS	256
#define CLOAK_CACHED_VERDICTS	4096	/* on each CPU, a power of two */
#define CLOAK_STATION_WORDS	1024	/* of 64 bits each, a power of two */
#define CLOAK_FILTER_LENGTHS	4	/* of prefixes, in each family */
#define CLOAK_FILTER_WORDS	2048	/* of 64 bits each, a power of two */
#define CLOAK_CACHED_PEERS	1024	/* on each CPU, a power of two */
#define CLOAK_CACHED_IFACES	256	/* of one slot, a power of two */

/* The address of an IPv4 prefix of length 0, see cloak_abi.h. */
#define CLOAK_V4_PREFIX_BITS	96

struct cloak_addr {
	union {
		__u8 bytes[16];
		__u32 words[4];	/* what programs compare; aligned for it */
	};
};

/*
 * @addr as far as @mask shows it, in one number whose upper bits differ where
 * one bit of it does.
 */
static inline __u32 cloak_addr_hash(const struct cloak_addr *addr,
				    const struct cloak_addr *mask)
{
	return (addr->words[0] & mask->words[0]) * 0x9e3779b1u +
	       (addr->words[1] & mask->words[1]) * 0x85ebca77u +
	       (addr->words[2] & mask->words[2]) * 0xc2b2ae3du +
	       (addr->words[3] & mask->words[3]) * 0x27d4eb2fu;
}

/* Key of the peers trie, as BPF_MAP_TYPE_LPM_TRIE wants it. */
struct cloak_prefix {
	__u32 bits;		/* 0 to 128 */
	struct cloak_addr addr;
};

CLOAK_ASSERT(sizeof(struct cloak_addr) == 16, "cloak_addr");
CLOAK_ASSERT(sizeof(struct cloak_prefix) == 20, "cloak_prefix");

#endif /* CLOAK_ABI_BASE_H */
