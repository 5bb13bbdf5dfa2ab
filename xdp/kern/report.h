/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probes: who has sent how many of which kind, and when user space is told.
 *
 * A source is reported with each of its first eight probes, with the first of
 * each kind, and when its count reaches a power of two: at most 32 + 68 events
 * for ever.
 * Its first probe counts as reported only when the record is in the perf
 * buffer, so a daemon that comes back hears of every source that goes on.
 *
 * The table of sources holds 65,536. New entries are budgeted (limit.h):
 * with the defaults 4,096 at once and 8 a second, 32,896 in an hour, so that
 * within an hour no flood of forged sources can push anybody out. What comes
 * over the budget is reported (within events_per_second) and counted, but
 * has no entry of its own.
 */
#ifndef CLOAK_KERN_REPORT_H
#define CLOAK_KERN_REPORT_H

#include "classify.h"
#include "ingress.h"
#include "limit.h"
#include "shadow.h"

static __always_inline void stat_add(enum cloak_event_stat which)
{
	__u32 key = which;
	__u64 *stat = bpf_map_lookup_elem(&event_stats, &key);

	if (stat)
		(*stat)++;
}

static __always_inline void source_key(struct cloak_source_key *key,
				       const struct packet *p)
{
	__builtin_memset(key, 0, sizeof(*key));
	/* Zeroed as well if the packet was too short to have one. */
	key->addr = p->src.addr;
	__builtin_memcpy(key->mac, p->smac, ETH_ALEN);
}

static __always_inline struct cloak_source *
source_get(const struct cloak_source_key *key, __u64 now)
{
	struct cloak_source *found = bpf_map_lookup_elem(&sources, key);
	struct cloak_source fresh = { .first_ns = now };
	__u64 mac = 0;

	if (found)
		return found;
	__builtin_memcpy(&mac, key->mac, ETH_ALEN);
	if (!limit_source(now, mac))
		return NULL;
	bpf_map_update_elem(&sources, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sources, key);
}

/* Linear counting wants bits as if by chance, also for 1, 2, 3. */
static __always_inline __u32 sketch_hash(__u32 value)
{
	value ^= value >> 16;
	value *= 0x85ebca6b;
	value ^= value >> 13;
	value *= 0xc2b2ae35;
	return value ^ (value >> 16);
}

static __always_inline void sketch_targets(struct cloak_source *source,
					   const struct cloak_addr *a)
{
	__u32 bit = sketch_hash(addr_word(a, 0) ^
				sketch_hash(addr_word(a, 1) ^
				sketch_hash(addr_word(a, 2) ^
				sketch_hash(addr_word(a, 3)))));

	__sync_fetch_and_or(&source->targets[(bit >> 6) & 1],
			    1ull << (bit & 63));
}

static __always_inline void sketch_ports(struct cloak_source *source,
					 __u16 port)
{
	__u32 bit = sketch_hash(port);

	__sync_fetch_and_or(&source->ports[(bit >> 6) & 3],
			    1ull << (bit & 63));
}

/* Adds the probe to its source. Returns enum cloak_event_flags: why to tell. */
static __always_inline __u16 source_account(struct cloak_source *source,
					    const struct packet *p, __u8 kind,
					    __u64 now)
{
	__u64 probes = __sync_fetch_and_add(&source->probes, 1) + 1;
	__u32 bit = 1u << (kind & 31);
	__u32 kinds = __sync_fetch_and_or(&source->kinds, bit);
	__u16 why = 0;

	__sync_fetch_and_add(&source->bytes, p->len);
	source->last_ns = now;
	source->ifindex = p->ifindex;
	sketch_targets(source,
		       p->has_target ? &p->target.addr : &p->dst.addr);
	if (p->has_ports)
		sketch_ports(source, p->dport);

	if (!source->events)
		why |= CLOAK_EVENT_FIRST;
	if (!(kinds & bit))
		why |= CLOAK_EVENT_NEW_KIND;
	if (probes <= CLOAK_TOLD_SINGLY || !(probes & (probes - 1)))
		why |= CLOAK_EVENT_COUNT;
	return why;
}

static __always_inline void event_describe(struct cloak_event *event,
					   const struct packet *p)
{
	event->target = p->has_target ? p->target.addr : p->dst.addr;
	event->ifindex = p->ifindex;
	event->packet_len = p->len;
	event->ethertype = p->ethertype;
	event->sport = p->has_ports || p->has_icmp ? p->sport : 0;
	event->dport = p->has_ports ? p->dport : 0;
	__builtin_memcpy(event->vlans, p->vlans, sizeof(event->vlans));
	event->vlan_count = p->vlan_count;
	event->protocol = p->protocol;
	event->icmp_type = p->icmp_type;
	event->icmp_code = p->icmp_code;
	event->tcp_flags = p->tcp_flags;
	__builtin_memcpy(event->dmac, p->dmac, ETH_ALEN);
	if (p->network == NET_IPV4 || p->network == NET_ARP)
		event->flags |= CLOAK_EVENT_V4;
	if (p->network == NET_IPV6)
		event->flags |= CLOAK_EVENT_V6;
	if (p->frag != FRAG_NONE)
		event->flags |= CLOAK_EVENT_FRAGMENT;
	if (p->has_ports)
		event->flags |= CLOAK_EVENT_PORTS;
}

/* Sends @event with the head of the packet. Counts what becomes of it. */
static __always_inline bool event_send(struct xdp_md *ctx,
				       struct cloak_event *event)
{
	__u64 head = event->packet_len;

	if (head > CLOAK_HEAD_LEN)
		head = CLOAK_HEAD_LEN;
	event->head_len = head;
	if (!limit_event(event->time_ns)) {
		stat_add(CLOAK_STAT_RATE_LIMITED);
		return false;
	}
	if (bpf_perf_event_output(ctx, &events,
				  BPF_F_CURRENT_CPU | (head << 32), event,
				  sizeof(*event))) {
		stat_add(CLOAK_STAT_FAILED);
		return false;
	}
	stat_add(CLOAK_STAT_SENT);
	return true;
}

static __always_inline void report(struct xdp_md *ctx, const struct packet *p,
				   int reason, __u8 kind)
{
	__u32 zero = 0;
	struct cloak_event *event = bpf_map_lookup_elem(&event_scratch, &zero);
	__u64 now = bpf_ktime_get_boot_ns();
	struct cloak_source *source;
	__u16 why = CLOAK_EVENT_FIRST | CLOAK_EVENT_NO_SOURCE;

	stat_add(CLOAK_STAT_PROBES);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	source_key(&event->source, p);
	source = source_get(&event->source, now);
	if (source) {
		why = source_account(source, p, kind, now);
		shadow_prober(p, reason, kind, now);
	} else {
		stat_add(CLOAK_STAT_UNRECORDED);
	}
	if (!why) {
		stat_add(CLOAK_STAT_SUPPRESSED);
		__sync_fetch_and_add(&source->suppressed, 1);
		return;
	}

	event->time_ns = now;
	event->flags = why | (is_monitored(p) ? CLOAK_EVENT_MONITOR : 0) |
		       (reason == CLOAK_PASS_DECOY ? CLOAK_EVENT_DECOY : 0);
	event->kind = kind;
	event->reason = reason;
	event_describe(event, p);
	if (source) {
		event->totals = *source;
		event->totals.events++;
	}
	if (!event_send(ctx, event)) {
		if (source)
			__sync_fetch_and_add(&source->suppressed, 1);
	} else if (source) {
		__sync_fetch_and_add(&source->events, 1);
	}
}

/*
 * A packet was dropped, or would have been, or touched a decoy: look closer,
 * tell who must know.
 */
global_fn int report_drop(struct xdp_md *ctx, struct packet *p, int reason)
{
	int kind;

	if (!p)
		return 0;
	if (!is_broken(reason))
		ingress_deepen(ctx, p);
	kind = classify(p, reason);
	if (reason == CLOAK_PASS_DECOY || is_aimed_at_us(p, kind))
		report(ctx, p, reason, kind);
	else
		stat_add(CLOAK_STAT_BACKGROUND);
	return 0;
}

#endif /* CLOAK_KERN_REPORT_H */
