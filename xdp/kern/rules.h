/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of rules of a local address, asked about IP packets that the
 * cloak itself would let pass. Neighbour discovery and MLD are the cloak's
 * own affair: a table that shuts an address would else shut it up for good.
 * The state of its connection is a fact like others, for tables that ask.
 *
 * Later fragments have no ports for a rule to look at. Those of a datagram
 * whose first fragment has passed here pass as well (flow.h remembers it). What
 * keeps its ports or flags where no rule can see them is dropped.
 */
#ifndef CLOAK_KERN_RULES_H
#define CLOAK_KERN_RULES_H

#include "connection.h"
#include "facts.h"
#include "flow.h"
#include "policy.h"
#include "shadow.h"

/*
 * A rule found: its order above, its place in "entries" below, so that the
 * least number is the rule that goes first.
 */
#define FOUND_NONE		(~0ull)
#define FOUND(order, place)	(((__u64)(order) << 32) | (place))
#define FOUND_ORDER(found)	((__u32)((found) >> 32))

/* Are there rules to ask about a packet with this verdict? */
static __always_inline bool has_rules(const struct packet *p, int reason)
{
	return (p->iface.flags & CLOAK_IFACE_TABLES) &&
	       reason < CLOAK_DROP_FIRST && p->network >= NET_IPV4 &&
	       !is_nd(p) && !is_mld(p);
}

/* The tag that the driver will put on, outside of those in the frame. */
static __always_inline void egress_tag(const struct __sk_buff *skb,
				       struct packet *p)
{
	if (skb->vlan_present)
		p->vlans[0] = skb->vlan_tci & 0xfff;
}

static __always_inline void rule_count(__u32 id, __u32 len)
{
	__u32 chunk = id / CLOAK_COUNTER_CHUNK;
	__u32 at = CLOAK_COUNTER_AT(bpf_get_smp_processor_id(), id);
	void *counters = bpf_map_lookup_elem(&rule_counters, &chunk);
	struct cloak_counter *counter;

	if (!counters)
		return;
	counter = bpf_map_lookup_elem(counters, &at);
	if (counter) {
		counter->packets++;
		counter->bytes += len;
	}
}

static __always_inline const struct cloak_table *
table_find(const struct packet *p, int direction)
{
	struct cloak_addr key = direction == CLOAK_INGRESS ? p->dst.addr :
							     p->src.addr;
	__u32 slot = p->slot;
	void *tables = bpf_map_lookup_elem(&table_slots, &slot);

	return tables ? bpf_map_lookup_elem(tables, &key) : NULL;
}

/*
 * The bucket of @tuple in which rules that fit would be, if there is one.
 * The walks through it are functions of their own for the verifier's sake.
 */
static __always_inline const struct cloak_bucket *
bucket_find(void *buckets, const struct cloak_tuple *tuple,
	    const struct facts *f)
{
	__u64 hash = cloak_tuple_hash(f->word, tuple->mask);
	__u32 at = tuple->first + (CLOAK_TUPLE_BUCKET(hash) & tuple->buckets);
	const struct cloak_bucket *bucket = bpf_map_lookup_elem(buckets, &at);

	if (!bucket || !(bucket->filter >> CLOAK_TUPLE_FILTER(hash) & 1))
		return NULL;
	return bucket;
}

/* The first of @count rules that fits and stands before @before. */
global_fn __u64 bucket_decide(const struct facts *f, __u32 slot, __u32 first,
			      __u32 count, __u32 before)
{
	void *entries = bpf_map_lookup_elem(&entry_slots, &slot);
	const struct cloak_entry *entry;
	__u32 i, at;

	if (!f || !entries)
		return FOUND_NONE;
	for (i = 0; i < CLOAK_MAX_CANDIDATES; i++) {
		if (i >= count)
			break;
		at = first + i;
		entry = bpf_map_lookup_elem(entries, &at);
		if (!entry || entry->order >= before)
			break;
		if (facts_fit(f, entry))
			return FOUND(entry->order, at);
	}
	return FOUND_NONE;
}

/*
 * The first rule of a stage that fits. Tuples are in the order of their best
 * rule: once that stands behind what was found, nothing better can follow.
 */
global_fn __u64 stage_decide(const struct facts *f, __u32 slot, __u32 first,
			     __u32 count)
{
	void *tuples = bpf_map_lookup_elem(&tuple_slots, &slot);
	void *buckets = bpf_map_lookup_elem(&bucket_slots, &slot);
	const struct cloak_bucket *bucket;
	const struct cloak_tuple *tuple;
	__u64 found = FOUND_NONE;
	__u64 other;
	__u32 i, at;

	if (!f || !tuples || !buckets)
		return FOUND_NONE;
	for (i = 0; i < CLOAK_MAX_TUPLES; i++) {
		if (i >= count)
			break;
		at = first + i;
		tuple = bpf_map_lookup_elem(tuples, &at);
		if (!tuple || tuple->best >= FOUND_ORDER(found))
			break;
		bucket = bucket_find(buckets, tuple, f);
		if (!bucket)
			continue;
		other = bucket_decide(f, slot, bucket->first, bucket->count,
				      FOUND_ORDER(found));
		if (other < found)
			found = other;
	}
	return found;
}

static __always_inline const struct cloak_entry *
entry_at(const struct packet *p, __u64 found)
{
	__u32 slot = p->slot;
	void *entries = bpf_map_lookup_elem(&entry_slots, &slot);
	__u32 at = found;

	if (found == FOUND_NONE || !entries)
		return NULL;
	return bpf_map_lookup_elem(entries, &at);
}

static __always_inline void entry_count(const struct cloak_entry *entry,
					__u32 len)
{
	rule_count(entry->counter, len);
	if (entry->shared)
		rule_count(entry->shared, len);
}

/* Carries out a rule that only notes something. */
global_fn int entry_note(struct packet *p, __u32 place)
{
	const struct cloak_entry *entry;

	if (!p)
		return 0;
	entry = entry_at(p, place);
	if (!entry)
		return 0;
	entry_count(entry, p->len);
	if (entry->verdict == CLOAK_RULE_LOG && !p->log_rule)
		p->log_rule = entry->counter;
	if (entry->verdict == CLOAK_RULE_SHADOW)
		shadow_source(p, CLOAK_SHADOW_RULE, bpf_ktime_get_boot_ns());
	return 0;
}

/* Carries out those of @count rules that fit and stand before @before. */
global_fn int bucket_note(struct packet *p, const struct facts *f, __u32 first,
			  __u32 count, __u32 before)
{
	const struct cloak_entry *entry;
	__u32 i, at;

	if (!p || !f)
		return 0;
	for (i = 0; i < CLOAK_MAX_CANDIDATES; i++) {
		if (i >= count)
			break;
		at = first + i;
		entry = entry_at(p, at);
		if (!entry || entry->order >= before)
			break;
		if (facts_fit(f, entry))
			entry_note(p, at);
	}
	return 0;
}

/* All rules of a stage that fit and stand before the one that decides. */
global_fn int stage_note(struct packet *p, const struct facts *f, __u32 first,
			 __u32 count, __u32 before)
{
	const struct cloak_bucket *bucket;
	const struct cloak_tuple *tuple;
	void *tuples, *buckets;
	__u32 i, at, slot;

	if (!p || !f)
		return 0;
	slot = p->slot;
	tuples = bpf_map_lookup_elem(&tuple_slots, &slot);
	buckets = bpf_map_lookup_elem(&bucket_slots, &slot);
	if (!tuples || !buckets)
		return 0;
	for (i = 0; i < CLOAK_MAX_TUPLES; i++) {
		if (i >= count)
			break;
		at = first + i;
		tuple = bpf_map_lookup_elem(tuples, &at);
		if (!tuple || tuple->best >= before)
			break;
		bucket = bucket_find(buckets, tuple, f);
		if (bucket)
			bucket_note(p, f, bucket->first, bucket->count,
				    before);
	}
	return 0;
}

/*
 * stage_decide() for those who ask often: each CPU remembers what the last
 * packets with the same words were told. There is nothing to be undone when
 * the policy changes, since the generation is part of the question.
 */
static __always_inline __u64 stage_recall(const struct packet *p,
					  const struct facts *f,
					  const struct cloak_stage *stage)
{
	const __u64 all[CLOAK_WORDS] = { ~0ull, ~0ull, ~0ull, ~0ull, ~0ull };
	__u32 at = CLOAK_TUPLE_BUCKET(cloak_tuple_hash(f->word, all)) %
		   CLOAK_CACHED_VERDICTS;
	struct cached_verdict *cached;
	__u64 differs;
	int i;

	/* It begins where another one does: "first" is a name of the others. */
	if (!stage->count)
		return FOUND_NONE;
	cached = bpf_map_lookup_elem(&verdicts, &at);
	if (!cached || !remember)
		return stage_decide(f, p->slot, stage->first, stage->count);
	differs = (cached->generation ^ p->generation) |
		  (cached->stage ^ stage->first);
#pragma unroll
	for (i = 0; i < CLOAK_WORDS; i++)
		differs |= cached->word[i] ^ f->word[i];
	if (!differs)
		return cached->found;
	cached->found = stage_decide(f, p->slot, stage->first, stage->count);
	cached->generation = p->generation;
	cached->stage = stage->first;
	__builtin_memcpy(cached->word, f->word, sizeof(cached->word));
	return cached->found;
}

static __always_inline void fragment_key(struct cloak_flow_key *key,
					 const struct packet *p, int direction)
{
	piece_key(key, p, direction,
		  direction == CLOAK_INGRESS ? CLOAK_FLOW_PIECE_IN :
					       CLOAK_FLOW_PIECE_OUT);
}

static __always_inline bool fragment_follows(const struct packet *p,
					     int direction)
{
	struct cloak_flow_key key = {};

	fragment_key(&key, p, direction);
	return piece_follows(&key);
}

static __always_inline void fragment_leads(const struct packet *p,
					   int direction)
{
	struct cloak_flow_key key = {};

	fragment_key(&key, p, direction);
	piece_leads(&key);
}

/* What the table says. Returns 0, or the reason for a drop. */
static __always_inline int table_decide(const struct cloak_table *table,
					struct packet *p, int direction)
{
	const struct cloak_stage *stages =
		table->stages[direction == CLOAK_EGRESS];
	const struct cloak_stage *note = &stages[CLOAK_STAGE_NOTE];
	const struct cloak_entry *entry;
	struct facts f;
	__u8 verdict, mode;

	facts_read(&f, p, direction);
	if ((table->flags & CLOAK_TABLE_STATE) &&
	    connection_established(p, direction))
		f.word[CLOAK_WORD_KIND] |= CLOAK_FACT_ESTABLISHED;
	entry = entry_at(p, stage_recall(p, &f, &stages[CLOAK_STAGE_DECIDE]));
	if (note->count)
		stage_note(p, &f, note->first, note->count,
			   entry ? entry->order : 0xffffffff);
	if (entry) {
		entry_count(entry, p->len);
		verdict = entry->verdict;
		mode = entry->mode;
	} else {
		rule_count(table->counter[direction == CLOAK_EGRESS], p->len);
		verdict = table->verdict[direction == CLOAK_EGRESS];
		mode = table->mode;
	}
	if (verdict == CLOAK_RULE_ALLOW)
		return 0;
	p->monitored = mode == CLOAK_MODE_MONITOR ||
		       table->mode == CLOAK_MODE_MONITOR;
	if (verdict == CLOAK_RULE_REJECT && direction == CLOAK_INGRESS)
		return CLOAK_DROP_REJECT;
	return entry ? CLOAK_DROP_RULE : CLOAK_DROP_TABLE;
}

/* A later fragment that says what the header in the first one should say. */
static __always_inline bool is_piece_of_header(const struct packet *p)
{
	return p->frag == FRAG_LATER && p->protocol == IPPROTO_TCP &&
	       p->frag_offset * 8 < sizeof(struct tcphdr);
}

/* True if no rule can tell what the packet is: RFC 1858, RFC 3128, RFC 7112. */
static __always_inline bool is_evasive(const struct packet *p)
{
	return p->truncated || p->endless || is_piece_of_header(p);
}

/*
 * Asks the table of the local address about a packet that passes for
 * @reason. Returns that, or the reason for which it is dropped after all.
 * After parse_deep().
 */
global_fn int rules_apply(struct packet *p, int direction, int reason)
{
	const struct cloak_table *table;
	int refused;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	table = table_find(p, direction);
	if (!table) {
		if (may_ask(p, direction))
			asker_note(p);
		return reason;
	}
	if (is_evasive(p)) {
		p->monitored = table->mode == CLOAK_MODE_MONITOR;
		return direction == CLOAK_INGRESS ?
			       CLOAK_DROP_BAD_HEADERS :
			       CLOAK_DROP_EGRESS_MALFORMED;
	}
	if (p->frag == FRAG_LATER && fragment_follows(p, direction))
		return reason;
	refused = table_decide(table, p, direction);
	/* What a rule only watches goes on as if it were not there. */
	if (refused &&
	    (!p->monitored || table->mode == CLOAK_MODE_MONITOR))
		return refused;
	if (!p->settled && may_ask(p, direction))
		asker_note(p);
	if ((table->flags & CLOAK_TABLE_STATE) && !p->settled)
		connection_note(p, direction);
	if (p->frag == FRAG_FIRST)
		fragment_leads(p, direction);
	return refused ? refused : reason;
}

#endif /* CLOAK_KERN_RULES_H */
