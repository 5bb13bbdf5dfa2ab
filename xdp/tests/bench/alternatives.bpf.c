// SPDX-License-Identifier: Apache-2.0
/*
 * Other ways to find the first rule that matches, for comparison: a plain
 * list, a hash table of the kernel for all tuples together, and bit vectors.
 * All see the same words of the packet as the cloak's own rules
 * (kern/facts.h).
 */
#include "facts.h"
#include "vector.h"

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

/* How many rules there are, how many masks, and words of a vector. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
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

/* A bit for each rule, the first rule first. */
struct vector {
	__u64 word[VECTOR_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MOST_VECTORS);
	__type(key, __u32);
	__type(value, struct vector);
} vectors SEC(".maps");

/* For a field each: where the vector of the rules is that take its value. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MOST_VECTORS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cloak_prefix);
	__type(value, __u32);
} by_source SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32);
} by_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} by_protocol SEC(".maps");

static __always_inline const struct vector *vector_at(const __u32 *number)
{
	return number ? bpf_map_lookup_elem(&vectors, number) : NULL;
}

/* BPF has no instruction for it. @bits is not 0. */
static __always_inline __u32 lowest_bit(__u64 bits)
{
	__u32 at = 0, half;

#pragma unroll
	for (half = 32; half; half /= 2) {
		if (bits & ((1ull << half) - 1))
			continue;
		bits >>= half;
		at += half;
	}
	return at;
}

/* Word @i of @v, checked where it is read: for the verifier. */
static __always_inline __u64 word_at(const struct vector *v, __u64 i)
{
	asm volatile("" : "+r"(i));
	return i < VECTOR_WORDS ? v->word[i] : 0;
}

struct meeting {
	const struct vector *source, *port, *protocol;
	struct facts facts;
	bool found;
};

/* The fields that have no vector decide among the few that are left. */
static long meet(__u32 i, struct meeting *m)
{
	__u64 left;
	__u32 k;

	left = word_at(m->source, i) & word_at(m->port, i) &
	       word_at(m->protocol, i);
	for (k = 0; left && k < MOST_HITS; k++) {
		__u32 number = i * VECTOR_BITS + lowest_bit(left);
		const struct cloak_entry *rule =
			bpf_map_lookup_elem(&list, &number);

		m->found = rule && facts_fit(&m->facts, rule);
		if (m->found)
			return 1;
		left &= left - 1;
	}
	return 0;
}

SEC("xdp")
int bit_vectors(struct xdp_md *ctx)
{
	struct cloak_prefix who = { .bits = 128 };
	struct meeting m = {};
	__u32 key;

	if (!words_of(ctx, &m.facts))
		return XDP_DROP;
	__builtin_memcpy(&who.addr, m.facts.word, sizeof(who.addr));
	m.source = vector_at(bpf_map_lookup_elem(&by_source, &who));
	key = m.facts.word[CLOAK_WORD_PORTS] & 0xffff;
	m.port = vector_at(bpf_map_lookup_elem(&by_port, &key));
	key = m.facts.word[CLOAK_WORD_KIND] >> 56;
	m.protocol = vector_at(bpf_map_lookup_elem(&by_protocol, &key));
	if (!m.source || !m.port || !m.protocol)
		return XDP_DROP;
	bpf_loop(size_of(2), meet, &m, 0);
	return m.found ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Apache-2.0";
