/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow records and evidence. Behind the verdict, which it does not touch: a
 * packet of a shadowed source, or any if all flows are accounted, is added to
 * the record of its flow; of a shadowed source a copy goes to user space.
 *
 * Bounded at every turn: the table of records refuses when it is full, one
 * source makes new records within a budget, so that a port scan of its own
 * leaves room for others, and copies are budgeted for each source and for
 * all of them. What exceeds a bound is counted, for the source as well.
 *
 * Once in a tick of the kernel (1 to 10 ms) it is noted that a flow goes on,
 * and looked whether a shadow does; a copy that was refused is refused for the
 * rest of the tick.
 */
#ifndef CLOAK_KERN_ACCOUNT_H
#define CLOAK_KERN_ACCOUNT_H

#include "count.h"
#include "egress.h"
#include "ingress.h"
#include "limit.h"
#include "shadow.h"

/* New records of one source: so many a second, and so many at once. */
#define RECORDS_PER_SECOND	1024
#define RECORDS_BURST		16384

/*
 * Is there anything to account at all? All that most packets pay for.
 * @policy: CLOAK_GATE_POLICY, as read for this packet.
 */
static __always_inline bool account_wanted(__u32 policy)
{
	return gate_read(CLOAK_GATE_SHADOWS) | (policy & CLOAK_ACCOUNT_ALL);
}

static __always_inline bool all_are_accounted(void)
{
	return gate_read(CLOAK_GATE_POLICY) & CLOAK_ACCOUNT_ALL;
}

/* What there is to say about one packet beside struct packet. */
struct verdict {
	__u32 direction;	/* enum cloak_direction */
	int reason;
	bool monitored;
};

static __always_inline const struct cloak_prefix *
remote_of(const struct packet *p, __u32 direction)
{
	return direction == CLOAK_INGRESS ? &p->src : &p->dst;
}

static __always_inline __u16 vlan_of(const struct packet *p)
{
	return p->offloaded_tci ? p->offloaded_tci & 0xfff : p->vlans[0];
}

static __always_inline void record_ports(struct cloak_record_key *key,
					 const struct packet *p,
					 __u32 direction)
{
	if (p->has_icmp) {
		if (is_echo(p, ICMP_ECHO_REQUEST, ICMPV6_ECHO) ||
		    is_echo(p, ICMP_REPLY, ICMPV6_ECHO_REPLY))
			key->remote_port = p->sport;
		else
			key->local_port = p->icmp_type << 8 | p->icmp_code;
	} else if (p->has_ports) {
		bool in = direction == CLOAK_INGRESS;

		key->remote_port = in ? p->sport : p->dport;
		key->local_port = in ? p->dport : p->sport;
	}
}

static __always_inline void record_key(struct cloak_record_key *key,
				       const struct packet *p, __u32 direction)
{
	bool in = direction == CLOAK_INGRESS;

	__builtin_memset(key, 0, sizeof(*key));
	key->remote_addr = in ? p->src.addr : p->dst.addr;
	key->local_addr = in ? p->dst.addr : p->src.addr;
	key->ifindex = p->ifindex;
	key->ethertype = p->ethertype;
	key->protocol = p->protocol;
	record_ports(key, p, direction);
}

static __always_inline void record_describe(struct cloak_split_record *split,
					    const struct packet *p,
					    __u32 direction, struct moment *m)
{
	struct cloak_record *fresh = &split->record;

	__builtin_memset(split, 0, sizeof(*split));
	split->tick = m->tick;
	split->home_cpu = bpf_get_smp_processor_id();
	fresh->first_ns = moment_now(m);
	fresh->last_ns = fresh->first_ns;
	fresh->first = direction;
	fresh->icmp_type = p->icmp_type;
	fresh->icmp_code = p->icmp_code;
	__builtin_memcpy(fresh->mac,
			 direction == CLOAK_INGRESS ? p->smac : p->dmac,
			 ETH_ALEN);
}

/* May this source have one more record? */
static __always_inline bool record_afford(struct cloak_shadow *shadow,
					  struct moment *m)
{
	return !shadow ||
	       limit_take(&shadow->record_budget, moment_now(m),
			  interval_of(RECORDS_PER_SECOND), RECORDS_BURST);
}

/* The record of the packet's flow; NULL, and counted why, if there is none. */
static __always_inline struct cloak_split_record *
record_get(const struct packet *p, struct cloak_shadow *shadow,
	   __u32 direction, struct moment *m)
{
	struct account_scratch *scratch;
	struct cloak_split_record *found;
	struct cloak_record_key key;

	record_key(&key, p, direction);
	found = bpf_map_lookup_elem(&records, &key);
	if (found)
		return found;
	if (!record_afford(shadow, m)) {
		account_stat(CLOAK_ACCOUNT_OVER_BUDGET);
		return NULL;
	}
	scratch = scratch_get();
	if (scratch) {
		record_describe(&scratch->record, p, direction, m);
		if (!bpf_map_update_elem(&records, &key, &scratch->record,
					 BPF_NOEXIST))
			account_stat(CLOAK_ACCOUNT_RECORDS);
	}
	found = bpf_map_lookup_elem(&records, &key);
	if (!found)
		account_stat(CLOAK_ACCOUNT_FULL);
	return found;
}

/* Bytes of ARP or IP, as they go over the wire, and in how many packets. */
static __always_inline __u64 octets_of(const struct packet *p)
{
	__u64 headers = (__u64)p->segments * p->network_at;

	if (p->segments > 1 && p->wire_len > headers)
		return p->wire_len - headers;
	return p->len - p->network_at;
}

static __always_inline __u32 packets_of(const struct packet *p)
{
	return p->segments > 1 ? p->segments : 1;
}

static __always_inline void record_add(struct cloak_split_record *split,
				       const struct packet *p,
				       const struct verdict *v, __u32 flags,
				       struct moment *m)
{
	bool drop = v->reason >= CLOAK_DROP_FIRST;
	struct cloak_record *record = &split->record;
	bool home = is_home(split->home_cpu);
	__u32 way = v->direction & 1;

	count_add(home, &record->packets[way], &split->away_packets[way],
		  packets_of(p));
	count_add(home, &record->bytes[way], &split->away_bytes[way],
		  octets_of(p));
	if (drop && !v->monitored)
		count_add(home, &record->dropped[way],
			  &split->away_dropped[way], packets_of(p));
	else if (drop)
		flags |= CLOAK_RECORD_MONITOR;
	if (v->reason == CLOAK_PASS_DECOY)
		flags |= CLOAK_RECORD_DECOY;
	if ((record->flags & flags) != flags)
		__sync_fetch_and_or(&record->flags, flags);
	if (!record->vlan)
		record->vlan = vlan_of(p);
	record->tcp_flags[way] |= p->tcp_flags;
	record->reason[way] = v->reason;
	if (split->tick == m->tick)
		return;
	record->last_ns = moment_now(m);
	split->tick = m->tick;
}

/* True as long as the time of @shadow is not over. */
static __always_inline bool shadow_goes_on(struct cloak_shadow *shadow,
					   struct moment *m)
{
	if (shadow->tick == m->tick)
		return true;
	if (shadow->until_ns <= moment_now(m))
		return false;
	shadow->tick = m->tick;
	return true;
}

static __always_inline void shadow_count(struct cloak_shadow *shadow,
					 const struct packet *p, __u32 way,
					 bool filed)
{
	bool home = is_home(shadow->home_cpu);

	way &= 1;
	count_add(home, &shadow->packets[way], &shadow->away_packets[way],
		  packets_of(p));
	count_add(home, &shadow->bytes[way], &shadow->away_bytes[way],
		  octets_of(p));
	if (!filed)
		__sync_fetch_and_add(&shadow->unfiled, packets_of(p));
}

static __always_inline void shadow_miss_copy(struct cloak_shadow *shadow)
{
	count_add(is_home(shadow->home_cpu), &shadow->uncopied,
		  &shadow->away_uncopied, 1);
}

/* True if a copy of a packet of @shadow may be given out now. */
static __always_inline bool copy_afford(struct cloak_shadow *shadow,
					const struct cloak_account_config *c,
					struct moment *m)
{
	__u32 key = BUCKET_COPIES;
	__u64 *all;

	if (shadow->uncopied_tick == m->tick)
		return false;
	all = bpf_map_lookup_elem(&buckets, &key);
	if (all &&
	    limit_take(&shadow->copy_budget, moment_now(m),
		       interval_of(c->copies_per_second),
		       c->copies_per_second) &&
	    limit_take(all, moment_now(m),
		       interval_of(c->all_copies_per_second),
		       c->all_copies_per_second))
		return true;
	shadow->uncopied_tick = m->tick;
	return false;
}

/* How many bytes of the packet to copy; 0 and counted why if none. */
static __always_inline __u32 copy_length(struct cloak_shadow *shadow,
					 const struct packet *p,
					 struct cloak_account_stats *stats,
					 struct moment *m)
{
	const struct cloak_account_config *c = account_settings();
	__u32 length = p->len;

	stats->count[CLOAK_ACCOUNT_SHADOWED]++;
	if (!c || !c->snaplen) {
		stats->count[CLOAK_ACCOUNT_UNWANTED]++;
		return 0;
	}
	if (!copy_afford(shadow, c, m)) {
		shadow_miss_copy(shadow);
		stats->count[CLOAK_ACCOUNT_LIMITED]++;
		return 0;
	}
	if (length > c->snaplen)
		length = c->snaplen;
	return length > CLOAK_MAX_SNAPLEN ? CLOAK_MAX_SNAPLEN : length;
}

/*
 * Adds @p, parsed deeply, to its flow. @shadow: of its other end, or NULL.
 * Returns how many bytes of the packet are wanted as evidence.
 */
static __always_inline __u32 account(const struct packet *p,
				     const struct verdict *v,
				     struct cloak_shadow *shadow)
{
	struct cloak_account_stats *stats = account_stats_find();
	struct moment m = { .tick = bpf_jiffies64() };
	struct cloak_split_record *record;

	if (shadow && !shadow_goes_on(shadow, &m))
		shadow = NULL;
	if (!stats || (!shadow && !all_are_accounted()))
		return 0;

	stats->count[CLOAK_ACCOUNT_PACKETS]++;
	record = record_get(p, shadow, v->direction, &m);
	if (record) {
		record_add(record, p, v, shadow ? CLOAK_RECORD_SHADOWED : 0,
			   &m);
		stats->count[CLOAK_ACCOUNT_FILED]++;
	}
	if (!shadow)
		return 0;
	shadow_count(shadow, p, v->direction, record);
	return copy_length(shadow, p, stats, &m);
}

/* Whom and what the packet is about is known: it was read so far. */
static __always_inline bool is_accountable(const struct packet *p,
					   __u32 direction)
{
	const struct cloak_prefix *who = remote_of(p, direction);

	return p->network != NET_OTHER && who->bits &&
	       !addr_is_unspecified(&who->addr);
}

/* Gives out a copy. @ctx is of either program. */
static __always_inline void copy_send(void *ctx, const struct packet *p,
				      const struct verdict *v,
				      struct cloak_shadow *shadow, __u64 length)
{
	const struct cloak_prefix *who = remote_of(p, v->direction);
	struct account_scratch *scratch = scratch_get();
	struct cloak_evidence *e;

	if (!scratch)
		return;
	e = &scratch->evidence;
	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = bpf_ktime_get_boot_ns();
	e->source = who->addr;
	e->ifindex = p->ifindex;
	e->packet_len = p->len;
	e->causes = shadow->causes;
	e->copied = length;
	e->vlan_tci = p->offloaded_tci;
	e->direction = v->direction;
	e->reason = v->reason;
	e->monitored = v->monitored;
	if (bpf_perf_event_output(ctx, &evidence,
				  BPF_F_CURRENT_CPU | (length << 32), e,
				  sizeof(*e))) {
		account_stat(CLOAK_ACCOUNT_FAILED);
		shadow_miss_copy(shadow);
		return;
	}
	account_stat(CLOAK_ACCOUNT_COPIED);
	__sync_fetch_and_add(&shadow->copied, 1);
}

global_fn int account_ingress(struct xdp_md *ctx, struct packet *p, int reason,
			      bool monitored)
{
	const struct verdict v = { CLOAK_INGRESS, reason, monitored };
	struct cloak_shadow *shadow;
	__u32 length;

	if (!p || !is_accountable(p, CLOAK_INGRESS))
		return 0;
	/* The one look-up of those who are not shadowed. */
	shadow = shadow_find(&p->src);
	if (!shadow && !all_are_accounted())
		return 0;
	ingress_deepen(ctx, p);
	length = account(p, &v, shadow);
	if (shadow && length && length <= CLOAK_MAX_SNAPLEN)
		copy_send(ctx, p, &v, shadow, length);
	return 0;
}

global_fn int account_egress(struct __sk_buff *skb, struct packet *p,
			     int reason, bool monitored)
{
	const struct verdict v = { CLOAK_EGRESS, reason, monitored };
	struct cloak_shadow *shadow;
	__u32 length;

	if (!p || !is_accountable(p, CLOAK_EGRESS))
		return 0;
	shadow = shadow_find(&p->dst);
	if (!shadow && !all_are_accounted())
		return 0;
	egress_deepen(skb, p);
	p->segments = skb->gso_segs;
	p->wire_len = skb->wire_len;
	if (skb->vlan_present)
		p->offloaded_tci = skb->vlan_tci;
	length = account(p, &v, shadow);
	if (shadow && length && length <= CLOAK_MAX_SNAPLEN)
		copy_send(skb, p, &v, shadow, length);
	return 0;
}

#endif /* CLOAK_KERN_ACCOUNT_H */
