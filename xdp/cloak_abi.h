/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one description of what the data plane (kern/) and user space (bpf/)
 * say to each other: map keys and values, verdict numbers, events. Both sides
 * include this file; nothing in it is declared a second time anywhere.
 *
 * Rules of the house:
 *  - numbers are stable: a retired one keeps its place in the enum,
 *  - every structure is free of implicit padding and its size is asserted,
 *  - an incompatible change raises CLOAK_ABI_VERSION, which is part of the
 *    pinned configuration, so that an old pin is refused and not misread.
 *
 * Addresses are 16 bytes in network order; an IPv4 address is written as
 * IPv4-mapped IPv6 (::ffff:a.b.c.d), and an IPv4 prefix /n as /(96 + n).
 * Ports and other numbers are in host order unless their type says __be.
 * Times are nanoseconds of CLOCK_BOOTTIME unless a field says otherwise.
 */
#ifndef CLOAK_ABI_H
#define CLOAK_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define CLOAK_ASSERT(cond, text) static_assert(cond, text)
#else
#define CLOAK_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define CLOAK_ABI_VERSION	1

/* Limits. Maps are created with these sizes, kern/maps.h. */
#define CLOAK_MAX_IFACES	1024	/* interfaces in one policy */
#define CLOAK_MAX_ADDRESSES	16384	/* cloaked addresses in one policy */
#define CLOAK_MAX_PEERS		65536	/* peer prefixes in one policy */
#define CLOAK_MAX_FLOWS		65536	/* connections opened by the host */
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

/* The address of an IPv4 prefix of length 0, see above. */
#define CLOAK_V4_PREFIX_BITS	96

struct cloak_addr {
	__u8 bytes[16];
};

/* Key of the peers trie, as BPF_MAP_TYPE_LPM_TRIE wants it. */
struct cloak_prefix {
	__u32 bits;		/* 0 to 128 */
	struct cloak_addr addr;
};

/* ------------------------------------------------------------------ */
/* Policy                                                             */
/* ------------------------------------------------------------------ */

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

enum cloak_address_flags {
	/* An address of this host, else a group that stands for one. */
	CLOAK_ADDRESS_UNICAST = 1 << 0,
	/*
	 * A solicited-node group or a directed broadcast address which only
	 * cloaked addresses of this host belong to.
	 */
	CLOAK_ADDRESS_GROUP = 1 << 1,
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
	__u32 events_per_second; /* all sources together; 0: the default */
	__u32 sources_per_second; /* new sources accounted; 0: the default */
	__u32 sources_burst;	/* at most that many at once; 0: the default */
};

#define CLOAK_DEFAULT_EVENTS_PER_SECOND		1000
#define CLOAK_DEFAULT_SOURCES_PER_SECOND	8
#define CLOAK_DEFAULT_SOURCES_BURST		4096

/* ------------------------------------------------------------------ */
/* Rules                                                              */
/* ------------------------------------------------------------------ */

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

/* ------------------------------------------------------------------ */
/* Verdicts                                                           */
/* ------------------------------------------------------------------ */

enum cloak_direction {
	CLOAK_INGRESS = 0,
	CLOAK_EGRESS = 1,
	CLOAK_DIRECTIONS = 2,
};

/*
 * Why a packet passed or was dropped. Numbers below CLOAK_DROP_FIRST pass.
 * bpf/names.cpp has the names for people; a test holds the two together.
 */
enum cloak_reason {
	CLOAK_NO_REASON = 0,		/* never counted: a bug if it is */

	CLOAK_PASS_UNMANAGED = 1,	/* no policy for this interface */
	CLOAK_PASS_AUTHORISED = 2,	/* peer, either direction */
	CLOAK_PASS_GATEWAY = 3,		/* address resolution by a gateway */
	CLOAK_PASS_STATION = 4,		/* ARP or ND with a known peer's MAC */
	CLOAK_PASS_FLOW = 5,		/* answer to what the host opened */
	CLOAK_PASS_OUTBOUND = 6,	/* the host talks to an outbound peer */
	CLOAK_PASS_VISIBLE = 7,		/* not about a cloaked address */
	CLOAK_PASS_RESOLVE = 8,		/* own ARP or NS, made unicast */
	CLOAK_PASS_RESOLVE_GROUP = 9,	/* own ARP or NS, sent to everybody */
	CLOAK_PASS_GROUP = 10,		/* own group traffic, listed in peers */
	CLOAK_PASS_DECOY = 11,		/* to or from a decoy */
	CLOAK_PASS_ANSWER = 12,		/* own answer to what was rejected */

	CLOAK_DROP_FIRST = 16,
	CLOAK_DROP_UNAUTHORISED = 16,	/* source in no peer entry */
	CLOAK_DROP_EXPIRED = 17,	/* peer entry ran out */
	CLOAK_DROP_WRONG_MAC = 18,	/* peer entry is bound to another MAC */
	CLOAK_DROP_WRONG_IFACE = 19,	/* bound to another interface */
	CLOAK_DROP_GATEWAY_ONLY = 20,	/* gateway that wants more than ARP */
	CLOAK_DROP_NO_FLOW = 21,	/* outbound peer, nothing was asked */
	CLOAK_DROP_NON_IP = 22,		/* neither ARP nor IPv4 nor IPv6 */
	CLOAK_DROP_TRUNCATED = 23,	/* ends inside Ethernet or VLAN tag */
	CLOAK_DROP_TAGS = 24,		/* more than CLOAK_MAX_VLANS tags */
	CLOAK_DROP_BAD_ARP = 25,	/* not ARP for IPv4 on Ethernet */
	CLOAK_DROP_BAD_IPV4 = 26,	/* short, or its lengths lie */
	CLOAK_DROP_BAD_IPV6 = 27,	/* short, or its lengths lie */
	CLOAK_DROP_BAD_HEADERS = 28,	/* extension headers without end */
	CLOAK_DROP_FRAGMENTED_ND = 29,	/* ICMPv6 to a group in fragments */
	CLOAK_DROP_SOURCE_ROUTED = 30,	/* could lead to a cloaked address */
	CLOAK_DROP_NOT_LINEAR = 31,	/* headers beyond the first buffer */
	CLOAK_DROP_ARP = 32,		/* ARP, sender is no peer */
	CLOAK_DROP_ND = 33,		/* neighbour discovery, the same */
	CLOAK_DROP_FOREIGN_TARGET = 34,	/* NA for somebody who is no peer */
	CLOAK_DROP_SELF = 35,		/* sender claims one of our addresses */
	CLOAK_DROP_CLOAKED_GROUP = 36,	/* to a group of cloaked addresses */
	CLOAK_DROP_RULE = 37,		/* a rule says so, either direction */
	CLOAK_DROP_TABLE = 38,		/* no rule decides, nor lets it pass */
	CLOAK_DROP_REJECT = 39,		/* a rule says so; an answer is due */

	CLOAK_DROP_EGRESS = 40,		/* destination in no peer entry */
	CLOAK_DROP_EGRESS_GROUP = 41,	/* own broadcast or multicast */
	CLOAK_DROP_EGRESS_DAD = 42,	/* own ARP probe, own DAD */
	CLOAK_DROP_EGRESS_ANNOUNCE = 43, /* gratuitous ARP, unsolicited NA */
	CLOAK_DROP_EGRESS_MLD = 44,	/* own MLD or IGMP report */
	CLOAK_DROP_EGRESS_RS = 45,	/* own router solicitation */
	CLOAK_DROP_EGRESS_RESOLVE = 46,	/* ARP or ND about or to no peer */
	CLOAK_DROP_EGRESS_UNSEEN = 47,	/* peer without a known MAC */
	CLOAK_DROP_EGRESS_NON_IP = 48,	/* neither ARP nor IPv4 nor IPv6 */
	CLOAK_DROP_EGRESS_ADVERT = 49,	/* LLDP, mDNS and such name addresses */
	CLOAK_DROP_EGRESS_MALFORMED = 50, /* cannot be parsed */

	/* As CLOAK_DROP_REJECT, but without an answer. */
	CLOAK_DROP_REJECT_LIMITED = 52,	/* too many were answered already */
	CLOAK_DROP_REJECT_MUTE = 53,	/* such packets are never answered */
	CLOAK_DROP_REJECT_CLOAKED = 54,	/* it would show a cloaked address */
	CLOAK_DROP_REJECT_CHECKSUM = 55, /* a checksum is wrong */

	CLOAK_DROP_INTERNAL = 60,	/* a map failed that cannot fail */

	CLOAK_REASONS = 64,
};

/* Value of "counters" (per CPU), key: CLOAK_COUNTER(). */
struct cloak_counter {
	__u64 packets;
	__u64 bytes;		/* whole frames, a GSO packet counts once */
};

/*
 * Every packet is counted under exactly one key: the sum over all keys is
 * what the two programs have seen. @monitored: the packet passed although
 * the reason is one for a drop.
 */
#define CLOAK_COUNTER(direction, monitored, reason) \
	((((direction) * 2u) + ((monitored) ? 1u : 0u)) * CLOAK_REASONS + \
	 (reason))
#define CLOAK_COUNTERS	(CLOAK_DIRECTIONS * 2u * CLOAK_REASONS)

/* ------------------------------------------------------------------ */
/* Probes and events                                                  */
/* ------------------------------------------------------------------ */

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
	CLOAK_KIND_OS = 21,		/* flags of stack fingerprinting */
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
 */
struct cloak_source {
	__u64 first_ns;
	__u64 last_ns;
	__u64 probes;		/* dropped, or in monitor mode: would be */
	__u64 bytes;
	__u64 events;		/* reported to user space */
	__u64 suppressed;	/* not reported: probes - events */
	__u64 ports[CLOAK_PORT_WORDS];	/* sketch of destination ports */
	__u64 targets[CLOAK_ADDR_WORDS]; /* sketch of target addresses */
	__u32 kinds;		/* 1 << enum cloak_kind */
	__u32 ifindex;		/* where it was seen last */
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
 * Value of "event_stats" (per CPU) is a __u64, key one of these. Of all
 * packets that were dropped or touched a decoy:
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

/* ------------------------------------------------------------------ */
/* State the programs keep for themselves                             */
/* ------------------------------------------------------------------ */

enum cloak_flow_kind {
	CLOAK_FLOW_PORTS = 0,		/* local and remote are ports */
	CLOAK_FLOW_FRAGMENT = 1,	/* the two halves of a fragment id */
	CLOAK_FLOW_PIECE_IN = 2,	/* the same, rules let it in */
	CLOAK_FLOW_PIECE_OUT = 3,	/* and out */
	CLOAK_FLOW_ECHO_IN = 4,		/* remote pings, and chose remote */
};

/*
 * Key of "flows", where the value is time_ns, and of "connections" and
 * "openings"; from the host's point of view.
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
 * "openings" (all others), for tables with CLOAK_TABLE_STATE.
 */
struct cloak_connection {
	__u64 seen_ns;		/* CLOCK_MONOTONIC_COARSE */
	__u32 flags;		/* enum cloak_connection_flags */
	__u8 opener;		/* enum cloak_direction of the first packet */
	__u8 reserved[3];	/* zero */
};

/* Key of "neighbours" is a struct cloak_addr. */
struct cloak_neighbour {
	__u64 seen_ns;		/* CLOCK_MONOTONIC_COARSE; 0: seeded */
	__u32 ifindex;
	__u8 mac[6];
	__u8 reserved[6];	/* zero */
};

/* Key of "stations". */
struct cloak_station_key {
	__u32 ifindex;
	__u8 mac[6];
	__u16 reserved;		/* zero */
};

/* Value of "stations": the peer address that was last sent to this MAC. */
struct cloak_station {
	struct cloak_addr addr;
};

/* ------------------------------------------------------------------ */
/* Shadows, flow records, evidence                                    */
/* ------------------------------------------------------------------ */

/*
 * Value of "account_config", key: __u32 0. User space may change it at any
 * time. All zero: nobody is shadowed, no packet is copied.
 */
struct cloak_account_config {
	__u64 shadow_ns;	/* a source is shadowed for so long; 0: never */
	__u32 snaplen;		/* bytes of evidence; 0: no evidence */
	__u32 copies_per_second; /* of each shadowed source */
	__u32 all_copies_per_second; /* of all of them together */
	__u32 reserved;		/* zero */
};

/*
 * Value of "gates" is a __u32, key one of these. While all are zero a packet
 * pays for reading them and no more.
 */
enum cloak_gate {
	/*
	 * Not zero: "shadows" may have entries. The data plane sets it behind
	 * each new entry; user space clears it when it has found the map
	 * empty, and must look again then.
	 */
	CLOAK_GATE_SHADOWS = 0,
	CLOAK_GATE_POLICY = 1,		/* enum cloak_gate_policy */
	CLOAK_GATES = 2,
};

enum cloak_gate_policy {
	CLOAK_ACCOUNT_ALL = 1 << 0,	/* every flow, shadowed or not */
	CLOAK_ACCOUNT_DECOYS = 1 << 1,	/* "decoys" has entries */
};

/* Why a source is shadowed. One bit each in cloak_shadow.causes. */
enum cloak_shadow_cause {
	CLOAK_SHADOW_PROBE = 0,		/* it has probed */
	CLOAK_SHADOW_DECOY = 1,		/* it has touched a decoy */
	CLOAK_SHADOW_RULE = 2,		/* a rule says so */
	CLOAK_SHADOW_MANUAL = 3,	/* the administrator says so */
};

/*
 * Value of "shadows", key: struct cloak_addr. Every packet of the source is
 * counted here, whether or not there is room for a record of its flow:
 * packets of both directions = those in records + unfiled.
 */
struct cloak_shadow {
	__u64 since_ns;
	__u64 until_ns;		/* no shadow from this time on */
	__u64 packets[CLOAK_DIRECTIONS];
	__u64 bytes[CLOAK_DIRECTIONS];	/* of ARP and IP, without Ethernet */
	__u64 unfiled;		/* packets without a record */
	__u64 copied;		/* packets given out as evidence */
	__u64 uncopied;		/* packets over the budget for that */
	__u64 copy_budget;	/* the data plane's own */
	__u64 record_budget;	/* the data plane's own */
	__u32 causes;		/* 1 << enum cloak_shadow_cause */
	__u32 reserved;		/* zero */
};

/*
 * Key of "records": a flow as the host sees it, both directions in one. The
 * ports of an ICMP echo are its identifier and 0, of other ICMP 0 and
 * type << 8 | code; of ARP and of later fragments both are 0.
 */
struct cloak_record_key {
	struct cloak_addr remote_addr;
	struct cloak_addr local_addr;
	__u32 ifindex;
	__u16 remote_port;
	__u16 local_port;
	__u16 vlan;		/* identifier of the outermost tag, or 0 */
	__u16 ethertype;	/* after the tags */
	__u8 protocol;
	__u8 reserved[3];	/* zero */
};

enum cloak_record_flags {
	CLOAK_RECORD_SHADOWED = 1 << 0,	/* of a shadowed source */
	CLOAK_RECORD_DECOY = 1 << 1,	/* with a decoy */
	CLOAK_RECORD_MONITOR = 1 << 2,	/* passed, but would be dropped */
};

/* Value of "records". Fields are updated atomically one by one. */
struct cloak_record {
	__u64 first_ns;
	__u64 last_ns;
	__u64 packets[CLOAK_DIRECTIONS]; /* a GSO packet: its segments */
	__u64 bytes[CLOAK_DIRECTIONS];	/* of ARP and IP, without Ethernet */
	__u64 dropped[CLOAK_DIRECTIONS]; /* packets, of those above */
	__u32 flags;		/* enum cloak_record_flags */
	__u8 tcp_flags[CLOAK_DIRECTIONS]; /* all that were seen */
	__u8 reason[CLOAK_DIRECTIONS];	/* of the last packet, or 0 */
	__u8 icmp_type;		/* of the first packet */
	__u8 icmp_code;
	__u8 mac[6];		/* of the other end, first packet */
	__u8 first;		/* enum cloak_direction of the first packet */
	__u8 reserved[7];	/* zero */
};

/*
 * Value of "decoys", key: struct cloak_addr. Who sends to it is let in and
 * shadowed. Of slots as "cloaked" and the others.
 */
struct cloak_decoy {
	__u32 id;		/* user space's own number, not read here */
	__u16 count;		/* of ports; 0: whatever is sent to it */
	__u16 ports[CLOAK_DECOY_PORTS];
	__u16 reserved;		/* zero */
};

/*
 * One record of the perf buffer "evidence". The first bytes of the packet,
 * from its Ethernet header on, follow the structure in the record.
 */
struct cloak_evidence {
	__u64 time_ns;
	struct cloak_addr source; /* the shadowed one */
	__u32 ifindex;
	__u32 packet_len;	/* length of the whole frame */
	__u32 causes;		/* of the shadow */
	__u16 copied;		/* bytes that follow */
	__u16 vlan_tci;		/* a tag that is not in the bytes, or 0 */
	__u8 direction;		/* enum cloak_direction */
	__u8 reason;		/* enum cloak_reason */
	__u8 monitored;		/* not 0: it passed whatever the reason */
	__u8 reserved[5];	/* zero */
};

/*
 * Value of "account_stats" (per CPU) is a __u64, key one of these.
 *   PACKETS = FILED + FULL + OVER_BUDGET
 *   SHADOWED = COPIED + UNWANTED + LIMITED + FAILED
 */
enum cloak_account_stat {
	CLOAK_ACCOUNT_PACKETS = 0,	/* that had to be accounted */
	CLOAK_ACCOUNT_FILED = 1,	/* in a record */
	CLOAK_ACCOUNT_FULL = 2,		/* no room for another record */
	CLOAK_ACCOUNT_OVER_BUDGET = 3,	/* new flows of one source */
	CLOAK_ACCOUNT_RECORDS = 4,	/* records made */
	CLOAK_ACCOUNT_SHADOWED = 5,	/* packets of shadowed sources */
	CLOAK_ACCOUNT_COPIED = 6,	/* records in the perf buffer */
	CLOAK_ACCOUNT_UNWANTED = 7,	/* evidence is switched off */
	CLOAK_ACCOUNT_LIMITED = 8,	/* over a budget for copies */
	CLOAK_ACCOUNT_FAILED = 9,	/* no reader, or its buffer is full */
	CLOAK_ACCOUNT_SHADOWS = 10,	/* entries made in "shadows" */
	CLOAK_ACCOUNT_NO_ROOM = 11,	/* "shadows" was full */
	CLOAK_ACCOUNT_STATS = 16,
};

CLOAK_ASSERT(sizeof(struct cloak_addr) == 16, "cloak_addr");
CLOAK_ASSERT(sizeof(struct cloak_prefix) == 20, "cloak_prefix");
CLOAK_ASSERT(sizeof(struct cloak_iface) == 16, "cloak_iface");
CLOAK_ASSERT(sizeof(struct cloak_address) == 8, "cloak_address");
CLOAK_ASSERT(sizeof(struct cloak_peer) == 24, "cloak_peer");
CLOAK_ASSERT(sizeof(struct cloak_config) == 16, "cloak_config");
CLOAK_ASSERT(sizeof(struct cloak_table) == 48, "cloak_table");
CLOAK_ASSERT(sizeof(struct cloak_tuple) == 56, "cloak_tuple");
CLOAK_ASSERT(sizeof(struct cloak_bucket) == 8, "cloak_bucket");
CLOAK_ASSERT(sizeof(struct cloak_entry) == 88, "cloak_entry");
CLOAK_ASSERT(sizeof(struct cloak_counter) == 16, "cloak_counter");
CLOAK_ASSERT(sizeof(struct cloak_source_key) == 24, "cloak_source_key");
CLOAK_ASSERT(sizeof(struct cloak_source) == 104, "cloak_source");
CLOAK_ASSERT(sizeof(struct cloak_event) == 200, "cloak_event");
CLOAK_ASSERT(sizeof(struct cloak_flow_key) == 40, "cloak_flow_key");
CLOAK_ASSERT(sizeof(struct cloak_connection) == 16, "cloak_connection");
CLOAK_ASSERT(sizeof(struct cloak_neighbour) == 24, "cloak_neighbour");
CLOAK_ASSERT(sizeof(struct cloak_station_key) == 12, "cloak_station_key");
CLOAK_ASSERT(sizeof(struct cloak_station) == 16, "cloak_station");
CLOAK_ASSERT(sizeof(struct cloak_account_config) == 24, "cloak_account_config");
CLOAK_ASSERT(sizeof(struct cloak_shadow) == 96, "cloak_shadow");
CLOAK_ASSERT(sizeof(struct cloak_record_key) == 48, "cloak_record_key");
CLOAK_ASSERT(sizeof(struct cloak_record) == 88, "cloak_record");
CLOAK_ASSERT(sizeof(struct cloak_decoy) == 40, "cloak_decoy");
CLOAK_ASSERT(sizeof(struct cloak_evidence) == 48, "cloak_evidence");

#endif /* CLOAK_ABI_H */
