/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probes: their kinds, the accounts of sources, the events that tell of them.
 */
#ifndef CLOAK_ABI_EVENTS_H
#define CLOAK_ABI_EVENTS_H

#include "abi/base.h"

/* What a dropped packet was after. One bit each in cloak_source.kinds. */
enum cloak_kind {
	CLOAK_KIND_NONE = 0,
	CLOAK_KIND_ARP = 1,		/* ARP request */
	CLOAK_KIND_ARP_PROBE = 2,	/* ARP request without a sender */
	CLOAK_KIND_ARP_CLAIM = 3,	/* ARP reply or gratuitous ARP */
	CLOAK_KIND_NS = 4,		/* neighbour solicitation */
	CLOAK_KIND_NS_DAD = 5,		/* the same without a source */
	CLOAK_KIND_NA = 6,		/* neighbour advertisement */
	CLOAK_KIND_RS = 7,		/* router solicitation */
	CLOAK_KIND_RA = 8,		/* router advertisement */
	CLOAK_KIND_REDIRECT = 9,	/* ICMP or ICMPv6 redirect */
	CLOAK_KIND_MLD = 10,		/* MLD or IGMP */
	CLOAK_KIND_PING = 11,		/* ICMP or ICMPv6 echo request */
	CLOAK_KIND_ICMP = 12,		/* any other ICMP or ICMPv6 */
	CLOAK_KIND_SYN = 13,		/* bare SYN as scanners make it */
	CLOAK_KIND_CONNECT = 14,	/* SYN with a real stack's options */
	CLOAK_KIND_FIN = 15,		/* FIN alone */
	CLOAK_KIND_NULL = 16,		/* no flag at all */
	CLOAK_KIND_XMAS = 17,		/* FIN, PSH, URG */
	CLOAK_KIND_ACK = 18,		/* ACK (and window) scan */
	CLOAK_KIND_MAIMON = 19,		/* FIN and ACK */
	CLOAK_KIND_BACKSCATTER = 20,	/* SYN/ACK or RST nobody asked for */
	CLOAK_KIND_OS = 21,		/* of stack fingerprinting */
	CLOAK_KIND_TCP = 22,		/* any other TCP */
	CLOAK_KIND_UDP = 23,
	CLOAK_KIND_SCTP = 24,
	CLOAK_KIND_IPPROTO = 25,	/* another IP protocol */
	CLOAK_KIND_FRAGMENT = 26,	/* a fragment but the first */
	CLOAK_KIND_SOURCE_ROUTE = 27,	/* LSRR, SSRR, routing header */
	CLOAK_KIND_ETHERTYPE = 28,	/* not IP at all */
	CLOAK_KIND_MALFORMED = 29,	/* lying lengths, truncated, absurd */
	CLOAK_KINDS = 32,
};

/* Key of "sources". */
struct cloak_source_key {
	struct cloak_addr addr;	/* zero if the frame names no sender */
	__u8 mac[6];
	__u16 reserved;		/* zero */
};

/*
 * Each of so many first probes of a source is reported, then those at powers
 * of two: who has sent five has shown his ports and targets, and nobody has to
 * estimate them. A power of two itself.
 */
#define CLOAK_TOLD_SINGLY	8

#define CLOAK_PORT_WORDS	4	/* 256 bits for distinct ports */
#define CLOAK_ADDR_WORDS	2	/* 128 bits for distinct targets */

/*
 * Value of "sources": what one source has done. The bit fields are sketches
 * for linear counting: with m bits of which z are zero, about -m ln(z / m)
 * distinct values were seen. Fields are updated atomically one by one.
 *
 * A locked addition is dear, so the CPU that has seen a source first counts it
 * without, and all the others beside it: see cloak_source_sum().
 */
struct cloak_source {
	__u64 first_ns;
	__u64 last_ns;
	__u64 probes;		/* dropped, or in monitor mode: would be */
	__u64 bytes;
	__u64 away_probes;	/* what other CPUs than home_cpu have counted */
	__u64 away_bytes;
	__u64 events;		/* reported to user space; the others not */
	__u64 due;		/* told when there are so many probes */
	__u64 tick;		/* jiffies at last_ns, for the kernel alone */
	__u64 ports[CLOAK_PORT_WORDS];	/* sketch of destination ports */
	__u64 targets[CLOAK_ADDR_WORDS]; /* sketch of target addresses */
	__u32 kinds;		/* 1 << enum cloak_kind */
	__u32 ifindex;		/* where it was seen last */
	__u32 home_cpu;
	__u32 reserved;		/* zero */
};

/* Makes probes and bytes in a copy of an account those of all CPUs. */
static inline void cloak_source_sum(struct cloak_source *copy)
{
	copy->probes += copy->away_probes;
	copy->bytes += copy->away_bytes;
	copy->away_probes = 0;
	copy->away_bytes = 0;
}

/*
 * Value of "told", which has the keys of "sources" and is of user space alone:
 * what alerts have told of a source. It is about the account that was begun at
 * first_ns, and about no other.
 */
struct cloak_told {
	__u64 first_ns;
	__u64 probes;		/* as many of its probes have been told of */
	__u64 time_ns;		/* of the first alert, or the last summary */
	__u32 classes;		/* 1 << enum AlertClass: it was called so */
	__u32 summarised;	/* not 0: there was a summary */
};

enum cloak_event_flags {
	CLOAK_EVENT_FIRST = 1 << 0,	/* first probe of this source */
	CLOAK_EVENT_NEW_KIND = 1 << 1,	/* first probe of this kind by it */
	CLOAK_EVENT_COUNT = 1 << 2,	/* an early one, or the 2^nth */
	CLOAK_EVENT_MONITOR = 1 << 3,	/* the packet passed all the same */
	CLOAK_EVENT_NO_SOURCE = 1 << 4,	/* over budget, source not recorded */
	CLOAK_EVENT_V4 = 1 << 5,	/* addresses are IPv4 (mapped) */
	CLOAK_EVENT_V6 = 1 << 6,	/* addresses are IPv6; none: no IP */
	CLOAK_EVENT_FRAGMENT = 1 << 7,	/* packet is a fragment */
	CLOAK_EVENT_PORTS = 1 << 8,	/* sport and dport were read */
	CLOAK_EVENT_DECOY = 1 << 9,	/* it touched a decoy, and passed */
	CLOAK_EVENT_RULE = 1 << 10,	/* a rule logs it; no probe */
};

/*
 * One record of the perf buffer "events". head_len bytes of the packet, from
 * its Ethernet header on, follow the structure in the record.
 */
struct cloak_event {
	__u64 time_ns;
	struct cloak_source_key source;
	struct cloak_addr target; /* destination, or ARP or ND target */
	struct cloak_source totals; /* of the source, this probe included */
	__u32 ifindex;
	__u32 packet_len;	/* length of the whole frame */
	__u16 flags;		/* enum cloak_event_flags */
	__u16 ethertype;	/* after the tags; < 1536: an LLC length */
	__u16 sport;		/* or ICMP identifier */
	__u16 dport;		/* ICMP: 0 */
	__u16 vlans[CLOAK_MAX_VLANS]; /* identifiers, outermost first */
	__u8 vlan_count;
	__u8 protocol;		/* of IP, after extension headers */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tcp_flags;		/* FIN SYN RST PSH ACK URG ECE CWR */
	__u8 kind;		/* enum cloak_kind */
	__u8 reason;		/* enum cloak_reason */
	__u8 dmac[6];
	__u8 reserved[1];	/* zero */
	__u16 head_len;		/* at most CLOAK_HEAD_LEN */
	__u32 rule;		/* its counter, with CLOAK_EVENT_RULE */
	__u32 reserved2;	/* zero */
};

/*
 * Places in cloak_event_stats. Of all packets that were dropped or touched a
 * decoy:
 *   drops and CLOAK_PASS_DECOY on ingress = BACKGROUND + PROBES
 *   PROBES = SENT + SUPPRESSED + RATE_LIMITED + FAILED
 */
enum cloak_event_stat {
	CLOAK_STAT_PROBES = 0,		/* packets taken for a probe */
	CLOAK_STAT_BACKGROUND = 1,	/* dropped, but not aimed at us */
	CLOAK_STAT_SENT = 2,		/* records in the perf buffer */
	CLOAK_STAT_SUPPRESSED = 3,	/* accounted in their source only */
	CLOAK_STAT_RATE_LIMITED = 4,	/* above events_per_second */
	CLOAK_STAT_FAILED = 5,		/* no reader, or its buffer is full */
	CLOAK_STAT_UNRECORDED = 6,	/* no budget for a new source */
	CLOAK_STAT_LOGGED = 7,		/* packets told because a rule logs */
	CLOAK_STATS = 8,
};

/* Value of "event_stats" (per CPU), in one piece: most packets count twice. */
struct cloak_event_stats {
	__u64 count[CLOAK_STATS];	/* enum cloak_event_stat */
};

CLOAK_ASSERT(sizeof(struct cloak_source_key) == 24, "cloak_source_key");
CLOAK_ASSERT(sizeof(struct cloak_source) == 136, "cloak_source");
CLOAK_ASSERT(sizeof(struct cloak_told) == 32, "cloak_told");
CLOAK_ASSERT(sizeof(struct cloak_event) == 232, "cloak_event");

#endif /* CLOAK_ABI_EVENTS_H */
