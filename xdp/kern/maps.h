/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All maps. Those with LIBBPF_PIN_BY_NAME live on in the pin folder; user
 * space finds them there by the names below. Types: cloak_abi.h.
 */
#ifndef CLOAK_KERN_MAPS_H
#define CLOAK_KERN_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "cloak_abi.h"

/*
 * The policy. The inner maps of slot 0 are made with the object, so that it
 * works with bpftool alone; user space hangs in new ones at each commit.
 */
struct iface_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_IFACES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct cloak_iface);
} interfaces_0 SEC(".maps");

struct address_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_addr);
	__type(value, struct cloak_address);
} addresses_0 SEC(".maps");

struct peer_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, CLOAK_MAX_PEERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_prefix);
	__type(value, struct cloak_peer);
} peers_0 SEC(".maps");

struct decoy_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_DECOYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_addr);
	__type(value, struct cloak_decoy);
} decoys_0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct iface_map);
} iface_slots SEC(".maps") = {
	.values = { [0] = &interfaces_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct address_map);
} address_slots SEC(".maps") = {
	.values = { [0] = &addresses_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct peer_map);
} peer_slots SEC(".maps") = {
	.values = { [0] = &peers_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__type(value, struct cloak_peer_filter);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peer_filters SEC(".maps");

/*
 * The rules, see cloak_abi.h. The arrays are as long as the policy needs
 * them, which BPF_F_INNER_MAP allows.
 */
struct table_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_TABLES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_addr);
	__type(value, struct cloak_table);
} tables_0 SEC(".maps");

struct tuple_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct cloak_tuple);
} tuples_0 SEC(".maps");

struct bucket_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct cloak_bucket);
} buckets_0 SEC(".maps");

struct entry_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct cloak_entry);
} entries_0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct table_map);
} table_slots SEC(".maps") = {
	.values = { [0] = &tables_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct tuple_map);
} tuple_slots SEC(".maps") = {
	.values = { [0] = &tuples_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct bucket_map);
} bucket_slots SEC(".maps") = {
	.values = { [0] = &buckets_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct entry_map);
} entry_slots SEC(".maps") = {
	.values = { [0] = &entries_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct decoy_map);
} decoy_slots SEC(".maps") = {
	.values = { [0] = &decoys_0 },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} generation SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOAK_SLOTS * CLOAK_CACHED_IFACES);
	__type(key, __u32);
	__type(value, struct cloak_cached_iface);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} iface_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cloak_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

/* What was counted and who probed. */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLOAK_COUNTERS);
	__type(key, __u32);
	__type(value, struct cloak_counter);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/*
 * Counters of rules belong to no slot, so they outlive the policy. User
 * space makes each inner map as large as there are CPUs.
 */
struct chunk_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct cloak_counter);
} chunk_0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_COUNTER_CHUNKS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct chunk_map);
} rule_counters SEC(".maps") = {
	.values = { [0] = &chunk_0 },
};

struct key_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOAK_COUNTER_CHUNK);
	__type(key, __u32);
	__type(value, struct cloak_counter_key);
} keys_0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CLOAK_COUNTER_CHUNKS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct key_map);
} counter_keys SEC(".maps") = {
	.values = { [0] = &keys_0 },
};

/* What a stage has decided about the packets seen last, see rules.h. */
struct cached_verdict {
	__u64 generation;
	__u64 found;		/* as rules.h has it */
	__u64 word[CLOAK_WORDS];
	__u64 stage;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLOAK_CACHED_VERDICTS);
	__type(key, __u32);
	__type(value, struct cached_verdict);
} verdicts SEC(".maps");

/* What the policy says of the addresses asked about last, see policy.h. */
struct cached_peer {
	__u64 generation;	/* 0: nothing */
	struct cloak_addr addr;
	__u64 is_peer;
	struct cloak_peer peer;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLOAK_CACHED_PEERS);
	__type(key, __u32);
	__type(value, struct cached_peer);
} recent_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cloak_event_stats);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} event_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_SOURCES);
	__type(key, struct cloak_source_key);
	__type(value, struct cloak_source);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sources SEC(".maps");

/*
 * Who is shadowed, and the flows that are accounted. No LRU: what would be
 * pushed out unseen is refused and counted instead, and user space makes
 * room, telling of what it takes out.
 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_SHADOWS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_addr);
	__type(value, struct cloak_shadow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shadows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOAK_MAX_RECORDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_record_key);
	__type(value, struct cloak_split_record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOAK_GATES);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} gates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cloak_account_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} account_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cloak_account_stats);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} account_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} evidence SEC(".maps");

/* Budgets: buckets of tokens, see limit.h. */

enum bucket {
	BUCKET_EVENTS = 0,
	BUCKET_SOURCES = 1,
	BUCKET_COPIES = 2,
	BUCKET_ANSWERS = 3,
	BUCKET_OTHERS = 4,
	BUCKET_SHADOWS = 5,
	BUCKETS = 6,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} buckets SEC(".maps");

/* See limit.h. In ticks of the kernel. */
struct refusals {
	__u64 source_mac;	/* or ANY_MAC */
	__u64 source_tick;
	__u64 others_tick;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct refusals);
} refusals SEC(".maps");

/* New sources of each MAC. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_STATIONS);
	__type(key, __u64);
	__type(value, __u64);
} mac_buckets SEC(".maps");

/* Answers to each source. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_ANSWERED);
	__type(key, struct cloak_addr);
	__type(value, __u64);
} answer_buckets SEC(".maps");

/* State. */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_FLOWS);
	__type(key, struct cloak_flow_key);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

/* Datagrams whose first fragment has passed. Brief: no pin keeps them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_PIECES);
	__type(key, struct cloak_flow_key);
	__type(value, __u64);
} pieces SEC(".maps");

/* What rules know of connections, see connection.h. */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_CONNECTIONS);
	__type(key, struct cloak_flow_key);
	__type(value, struct cloak_connection);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_OPENINGS);
	__type(key, struct cloak_flow_key);
	__type(value, struct cloak_connection);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} openings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_NEIGHBOURS);
	__type(key, struct cloak_neighbour_key);
	__type(value, struct cloak_neighbour);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_NEIGHBOURS);
	__type(key, struct cloak_station_key);
	__type(value, struct cloak_station);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stations SEC(".maps");

/* A bit for each that ever was in "stations", and for others: neighbour.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOAK_STATION_WORDS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} station_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOAK_MAX_IFACES);
	__type(key, __u32);
	__type(value, struct cloak_router);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} routers SEC(".maps");

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cloak_event);
} event_scratch SEC(".maps");

struct account_scratch {
	struct cloak_shadow shadow;
	struct cloak_split_record record;
	struct cloak_evidence evidence;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct account_scratch);
} account_scratch SEC(".maps");

/* A piece of a frame that is summed up, see checksum.h. */
#define CLOAK_SUM_CHUNK	512	/* the most that bpf_csum_diff() takes */

struct sum_chunk {
	__u64 words[CLOAK_SUM_CHUNK / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sum_chunk);
} sum_scratch SEC(".maps");

#endif /* CLOAK_KERN_MAPS_H */
