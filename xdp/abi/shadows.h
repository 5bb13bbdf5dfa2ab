/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shadows, flow records, decoys, evidence.
 */
#ifndef CLOAK_ABI_SHADOWS_H
#define CLOAK_ABI_SHADOWS_H

#include "abi/base.h"
#include "abi/verdicts.h"

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
 * packets of both directions = those in records + unfiled, if these records
 * have had no packets before this entry was made or when its time was over.
 */
struct cloak_shadow {
	__u64 since_ns;
	__u64 until_ns;		/* no shadow from this time on */
	__u64 packets[CLOAK_DIRECTIONS];
	__u64 bytes[CLOAK_DIRECTIONS];	/* of ARP and IP, without Ethernet */
	__u64 unfiled;		/* packets without a record */
	__u64 copied;		/* packets given out as evidence */
	__u64 uncopied;		/* packets over the budget for that */
	/* What other CPUs than home_cpu have counted, see cloak_source. */
	__u64 away_packets[CLOAK_DIRECTIONS];
	__u64 away_bytes[CLOAK_DIRECTIONS];
	__u64 away_uncopied;
	__u64 copy_budget;	/* these four are the data plane's own */
	__u64 record_budget;
	__u64 tick;		/* jiffies when until_ns was looked at last */
	__u64 uncopied_tick;	/* jiffies when a copy was refused last */
	__u32 causes;		/* 1 << enum cloak_shadow_cause */
	__u32 home_cpu;
};

/* Makes what a copy of an entry counts that of all CPUs. */
static inline void cloak_shadow_sum(struct cloak_shadow *copy)
{
	for (int way = 0; way < CLOAK_DIRECTIONS; way++) {
		copy->packets[way] += copy->away_packets[way];
		copy->bytes[way] += copy->away_bytes[way];
		copy->away_packets[way] = 0;
		copy->away_bytes[way] = 0;
	}
	copy->uncopied += copy->away_uncopied;
	copy->away_uncopied = 0;
}

/*
 * Key of "records": a flow as the host sees it, both directions in one. The
 * ports of an ICMP echo are its identifier and 0, of other ICMP 0 and
 * type << 8 | code; of ARP and of later fragments both are 0. A tag is no part
 * of it: coming in the network card may have taken it off, going out it may yet
 * have to put it on, so both directions of one flow do not show it alike.
 */
struct cloak_record_key {
	struct cloak_addr remote_addr;
	struct cloak_addr local_addr;
	__u32 ifindex;
	__u16 remote_port;
	__u16 local_port;
	__u16 ethertype;	/* after the tags */
	__u8 protocol;
	__u8 reserved;		/* zero */
};

enum cloak_record_flags {
	CLOAK_RECORD_SHADOWED = 1 << 0,	/* of a shadowed source */
	CLOAK_RECORD_DECOY = 1 << 1,	/* with a decoy */
	CLOAK_RECORD_MONITOR = 1 << 2,	/* passed, but would be dropped */
};

/* A flow. Fields are updated atomically one by one. */
struct cloak_record {
	__u64 first_ns;
	__u64 last_ns;		/* or less, by no more than a tick */
	__u64 packets[CLOAK_DIRECTIONS]; /* a GSO packet: its segments */
	__u64 bytes[CLOAK_DIRECTIONS];	/* of ARP and IP, without Ethernet */
	__u64 dropped[CLOAK_DIRECTIONS]; /* packets, of those above */
	__u32 flags;		/* enum cloak_record_flags */
	__u8 tcp_flags[CLOAK_DIRECTIONS]; /* all that were seen */
	__u8 reason[CLOAK_DIRECTIONS];	/* of the last packet, or 0 */
	__u8 icmp_type;		/* of the first packet */
	__u8 icmp_code;
	__u8 mac[6];		/* of the other end, first packet */
	__u16 vlan;		/* of the first outermost tag seen, or 0 */
	__u8 first;		/* enum cloak_direction of the first packet */
	__u8 reserved[5];	/* zero */
};

/* Value of "records": a flow, as far as home_cpu has counted it. */
struct cloak_split_record {
	struct cloak_record record;
	/* What other CPUs have counted, see cloak_source. */
	__u64 away_packets[CLOAK_DIRECTIONS];
	__u64 away_bytes[CLOAK_DIRECTIONS];
	__u64 away_dropped[CLOAK_DIRECTIONS];
	__u64 tick;		/* jiffies at last_ns, for the kernel alone */
	__u32 home_cpu;
	__u32 reserved;		/* zero */
};

/* The flow as all CPUs have counted it. */
static inline struct cloak_record
cloak_record_sum(const struct cloak_split_record *split)
{
	struct cloak_record sum = split->record;

	for (int way = 0; way < CLOAK_DIRECTIONS; way++) {
		sum.packets[way] += split->away_packets[way];
		sum.bytes[way] += split->away_bytes[way];
		sum.dropped[way] += split->away_dropped[way];
	}
	return sum;
}

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
 * Places in cloak_account_stats.
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

/* Value of "account_stats" (per CPU), in one piece, as cloak_event_stats. */
struct cloak_account_stats {
	__u64 count[CLOAK_ACCOUNT_STATS]; /* enum cloak_account_stat */
};

CLOAK_ASSERT(sizeof(struct cloak_account_config) == 24, "cloak_account_config");
CLOAK_ASSERT(sizeof(struct cloak_shadow) == 152, "cloak_shadow");
CLOAK_ASSERT(sizeof(struct cloak_record_key) == 44, "cloak_record_key");
CLOAK_ASSERT(sizeof(struct cloak_record) == 88, "cloak_record");
CLOAK_ASSERT(sizeof(struct cloak_split_record) == 152,
	     "cloak_split_record");
CLOAK_ASSERT(sizeof(struct cloak_decoy) == 40, "cloak_decoy");
CLOAK_ASSERT(sizeof(struct cloak_evidence) == 48, "cloak_evidence");

#endif /* CLOAK_ABI_SHADOWS_H */
