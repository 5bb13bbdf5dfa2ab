// SPDX-License-Identifier: Apache-2.0
/*
 * Other ways to find the first rule that matches, for comparison: a plain
 * list, and a hash table of the kernel for all tuples together. Both see the
 * same words of the packet as the cloak's own rules (kern/facts.h).
 */
#include "facts.h"

#define MOST_RULES	65536
#define MOST_TUPLES	64

struct tuple_key {
	__u64 word[CLOAK_WORDS];
	__u64 tuple;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MOST_RULES);
	__type(key, __u32);
	__type(value, struct cloak_entry);
} list SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MOST_TUPLES);
	__type(key, __u32);
	__type(value, struct cloak_tuple);
} masks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_RULES * 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tuple_key);
	__type(value, __u32);
} hashed SEC(".maps");

/* How many rules, and how many masks, there are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} sizes SEC(".maps");

static __always_inline __u32 size_of(__u32 which)
{
	__u32 *size = bpf_map_lookup_elem(&sizes, &which);

	return size ? *size : 0;
}

static __always_inline struct span span_of(const struct xdp_md *ctx)
{
	struct span s = {
		.start = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	return s;
}

global_fn int read_frame(struct xdp_md *ctx, struct packet *p)
{
	struct span s = span_of(ctx);

	return !p || parse_frame(p, &s, true);
}

global_fn int read_deep(struct xdp_md *ctx, struct packet *p)
{
	struct span s = span_of(ctx);

	if (p)
		parse_deep(p, &s);
	return 0;
}

static __always_inline bool words_of(struct xdp_md *ctx, struct facts *f)
{
	struct packet p;

	packet_init(&p, ctx->ingress_ifindex, ctx->data_end - ctx->data);
	if (read_frame(ctx, &p) || p.network < NET_IPV4)
		return false;
	read_deep(ctx, &p);
	p.iface.number = 1;
	facts_read(f, &p, CLOAK_INGRESS);
	return true;
}

struct walk {
	struct facts facts;
	__u32 found;
};

static long visit(__u32 i, struct walk *walk)
{
	const struct cloak_entry *rule = bpf_map_lookup_elem(&list, &i);

	if (!rule)
		return 1;
	if (!facts_fit(&walk->facts, rule))
		return 0;
	walk->found = rule->order + 1;
	return 1;
}

SEC("xdp")
int linear(struct xdp_md *ctx)
{
	struct walk walk = {};

	if (!words_of(ctx, &walk.facts))
		return XDP_DROP;
	bpf_loop(size_of(0), visit, &walk, 0);
	return walk.found ? XDP_PASS : XDP_DROP;
}

struct search {
	struct facts facts;
	struct tuple_key key;
	__u32 best;
};

static long ask(__u32 i, struct search *search)
{
	const struct cloak_tuple *tuple = bpf_map_lookup_elem(&masks, &i);
	const __u32 *order;
	__u32 k;

	if (!tuple || tuple->best >= search->best)
		return 1;
#pragma unroll
	for (k = 0; k < CLOAK_WORDS; k++)
		search->key.word[k] = search->facts.word[k] & tuple->mask[k];
	search->key.tuple = i;
	order = bpf_map_lookup_elem(&hashed, &search->key);
	if (order && *order < search->best)
		search->best = *order;
	return 0;
}

SEC("xdp")
int kernel_hash(struct xdp_md *ctx)
{
	struct search search = { .best = 0xffffffff };

	if (!words_of(ctx, &search.facts))
		return XDP_DROP;
	bpf_loop(size_of(1), ask, &search, 0);
	return search.best != 0xffffffff ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Apache-2.0";
