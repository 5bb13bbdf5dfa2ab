/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of rules: the words of a packet, tuples, entries, counters.
 */
#ifndef CLOAK_ABI_RULES_H
#define CLOAK_ABI_RULES_H

#include "abi/base.h"

/*
 * Each local address can have a table of rules for what the cloak lets pass.
 * A table has two stages for each direction. The first finds the one rule
 * that decides, the first that matches in the order of the table. The second
 * has the rules that only note something, each of which is carried out if it
 * matches and stands before the one that has decided.
 *
 * What rules are asked about a packet are the words of enum cloak_word. A
 * stage is a list of tuples, each a hash table of the rules that agree in
 * which bits they look at, at least in those of the tuple's mask. Documentation
 * of the method: Documentation/xdp/rules.rst.
 */
enum cloak_word {
	CLOAK_WORD_HIGH = 0,	/* remote address, bytes 0 to 7 as they are */
	CLOAK_WORD_LOW = 1,	/* bytes 8 to 15 */
	CLOAK_WORD_KIND = 2,	/* CLOAK_FACT_* */
	CLOAK_WORD_STATION = 3,	/* remote MAC in the first six bytes */
	CLOAK_WORD_PORTS = 4,	/* CLOAK_FACT_PORTS() */
	CLOAK_WORDS = 5,
};

#define CLOAK_TERNARY_WORDS	4	/* those before the ports */

/* Fields of CLOAK_WORD_KIND. */
#define CLOAK_FACT(value, bit)		((value) * (1ull << (bit)))
#define CLOAK_FACT_PROTOCOL(value)	CLOAK_FACT(value, 56)
#define CLOAK_FACT_ICMP_TYPE(value)	CLOAK_FACT(value, 48)
#define CLOAK_FACT_TCP_FLAGS(value)	CLOAK_FACT(value, 40)
#define CLOAK_FACT_HAS_PORTS		CLOAK_FACT(1, 39)
#define CLOAK_FACT_HAS_ICMP		CLOAK_FACT(1, 38)
#define CLOAK_FACT_HAS_TCP		CLOAK_FACT(1, 37)
#define CLOAK_FACT_ESTABLISHED		CLOAK_FACT(1, 36) /* zero: new */
#define CLOAK_FACT_VLAN(value)		CLOAK_FACT(value, 16)
#define CLOAK_FACT_IFACE(value)		CLOAK_FACT(value, 0)

#define CLOAK_FACT_PORTS(remote, local)	(CLOAK_FACT(remote, 16) + (local))

/*
 * Where to look for the words of a packet as far as @mask shows them: some
 * bits of it choose the bucket, the highest four the bit of its filter.
 */
static inline __u64 cloak_tuple_hash(const __u64 *word, const __u64 *mask)
{
	__u64 sum = (word[0] & mask[0]) * 0x9e3779b97f4a7c15ull +
		    (word[1] & mask[1]) * 0xc2b2ae3d27d4eb4full +
		    (word[2] & mask[2]) * 0xd6e8feb86659fd93ull +
		    (word[3] & mask[3]) * 0xa0761d6478bd642full +
		    (word[4] & mask[4]) * 0xe7037ed1a0b428dbull;

	sum ^= sum >> 32;
	sum *= 0x9fb21c651e98df25ull;
	return sum ^ (sum >> 29);
}

#define CLOAK_TUPLE_BUCKET(hash)	((hash) >> 24 & 0xffffffff)
#define CLOAK_TUPLE_FILTER(hash)	((hash) >> 60)

enum cloak_rule_verdict {
	CLOAK_RULE_ALLOW = 1,
	CLOAK_RULE_DROP = 2,
	CLOAK_RULE_REJECT = 3,	/* drop, and say so to the sender; ingress */
	/* These go on with the next rule. */
	CLOAK_RULE_COUNT = 4,
	CLOAK_RULE_LOG = 5,
	CLOAK_RULE_SHADOW = 6,
};

enum cloak_stage_kind {
	CLOAK_STAGE_DECIDE = 0,
	CLOAK_STAGE_NOTE = 1,
	CLOAK_STAGES = 2,
};

/* Part of "tuples", in the order of @best. */
struct cloak_stage {
	__u32 first;
	__u32 count;		/* at most CLOAK_MAX_TUPLES */
};

enum cloak_table_flags {
	/* A rule asks for the state; else that is zero in its packets. */
	CLOAK_TABLE_STATE = 1 << 0,
};

/* Value of "tables", key: struct cloak_addr, an address of this host. */
struct cloak_table {
	struct cloak_stage stages[2][CLOAK_STAGES]; /* cloak_direction first */
	__u32 counter[2];	/* of what no rule decides, by direction */
	__u8 verdict[2];	/* the same: ALLOW or DROP */
	__u8 mode;		/* enum cloak_mode, of the whole table */
	__u8 flags;		/* enum cloak_table_flags */
	__u8 reserved[4];	/* zero */
};

/* Value of "tuples", an array. */
struct cloak_tuple {
	__u64 mask[CLOAK_WORDS];
	__u32 first;		/* in "buckets" */
	__u32 buckets;		/* how many, less one: a mask */
	__u32 best;		/* least order of all rules in it */
	__u32 reserved;		/* zero */
};

/* Value of "buckets", an array. */
struct cloak_bucket {
	__u32 first;		/* in "entries" */
	__u16 count;		/* at most CLOAK_MAX_CANDIDATES */
	__u16 filter;		/* a bit for each hash in it */
};

/*
 * Value of "entries", an array; those of a bucket in their order. It stands
 * for a rule: (word & mask) == value for the first words, ports in between.
 */
struct cloak_entry {
	__u64 value[CLOAK_TERNARY_WORDS];
	__u64 mask[CLOAK_TERNARY_WORDS];
	__u16 remote_least;
	__u16 remote_most;
	__u16 local_least;
	__u16 local_most;
	__u32 order;		/* the lower number goes first */
	__u32 counter;		/* of the rule */
	__u32 shared;		/* counter with a name; 0: none */
	__u8 verdict;		/* enum cloak_rule_verdict */
	__u8 mode;		/* enum cloak_mode */
	__u8 reserved[2];	/* zero */
};

/*
 * Counters of rules have numbers from 1, which they keep from one policy to
 * the next. Counter n is in the inner map n / CLOAK_COUNTER_CHUNK of
 * "rule_counters", there at CLOAK_COUNTER_AT(). What it belongs to is user
 * space's own affair, kept in "counter_keys" under n / CLOAK_COUNTER_CHUNK and
 * n % CLOAK_COUNTER_CHUNK; zero if it is free.
 */
#define CLOAK_COUNTER_AT(cpu, n) \
	((cpu) * CLOAK_COUNTER_CHUNK + (n) % CLOAK_COUNTER_CHUNK)

struct cloak_counter_key {
	__u64 digest[2];
};

CLOAK_ASSERT(sizeof(struct cloak_table) == 48, "cloak_table");
CLOAK_ASSERT(sizeof(struct cloak_tuple) == 56, "cloak_tuple");
CLOAK_ASSERT(sizeof(struct cloak_bucket) == 8, "cloak_bucket");
CLOAK_ASSERT(sizeof(struct cloak_entry) == 88, "cloak_entry");

#endif /* CLOAK_ABI_RULES_H */
