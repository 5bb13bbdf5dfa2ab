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
 * over the budget is reported and counted, but has no entry of its own. Such
 * events and those of rules have one budget, sources with an entry another.
 *
 * The clock is dear, and somebody who sends much is seen often: when a source
 * was seen last, and that its shadow is as long as it should be, is looked
 * after once in a tick of the kernel (1 to 10 ms) and with whatever is told.
 */
#ifndef CLOAK_KERN_REPORT_H
#define CLOAK_KERN_REPORT_H

#include "classify.h"
#include "count.h"
#include "ingress.h"
#include "limit.h"
#include "shadow.h"

static __always_inline struct cloak_event_stats *stats_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&event_stats, &zero);
}

/* What one probe is, and where it is counted. */
struct probe {
	struct cloak_event_stats *stats;
	struct refusals *refused;
	__u64 now;	/* CLOCK_BOOTTIME; 0: not asked for yet */
	int reason;	/* enum cloak_reason */
	__u8 kind;	/* enum cloak_kind */
};

static __always_inline void source_key(struct cloak_source_key *key,
				       const struct packet *p)
{
	__builtin_memset(key, 0, sizeof(*key));
	/* Zeroed as well if the packet was too short to have one. */
	key->addr = p->src.addr;
	__builtin_memcpy(key->mac, p->smac, ETH_ALEN);
}

static __always_inline struct cloak_source *
source_add(const struct cloak_source_key *key, struct probe *probe)
{
	struct cloak_source fresh = {};
	__u64 mac = 0;

	__builtin_memcpy(&mac, key->mac, ETH_ALEN);
	if (source_is_refused(probe->refused, mac))
		return NULL;
	probe->now = bpf_ktime_get_boot_ns();
	if (!limit_source(probe->now, mac))
		return NULL;
	fresh.first_ns = probe->now;
	fresh.home_cpu = bpf_get_smp_processor_id();
	bpf_map_update_elem(&sources, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sources, key);
}

/*
 * Sets bits that are mostly set already: whoever sends much is no news, and
 * looking costs a fraction of a locked access.
 */
static __always_inline void bits_set(__u64 *word, __u64 bits)
{
	if ((*(volatile __u64 *)word & bits) != bits)
		__sync_fetch_and_or(word, bits);
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
	__u32 bit = sketch_hash(addr_hash(a));

	bits_set(&source->targets[(bit >> 6) & 1], 1ull << (bit & 63));
}

static __always_inline void sketch_ports(struct cloak_source *source,
					 __u16 port)
{
	__u32 bit = sketch_hash(port);

	bits_set(&source->ports[(bit >> 6) & 3], 1ull << (bit & 63));
}

/*
 * One more probe of @len bytes. Returns how many there are, or some less of
 * what other CPUs count at this very moment.
 */
static __always_inline __u64 source_count(struct cloak_source *source,
					  __u32 len)
{
	bool home = is_home(source->home_cpu);

	count_add(home, &source->probes, &source->away_probes, 1);
	count_add(home, &source->bytes, &source->away_bytes, len);
	return *(volatile __u64 *)&source->probes +
	       *(volatile __u64 *)&source->away_probes;
}

/* The first number behind @probes that is told: see above. */
static __always_inline __u64 due_after(__u64 probes)
{
	if (probes < CLOAK_TOLD_SINGLY)
		return probes + 1;
	probes |= probes >> 1;
	probes |= probes >> 2;
	probes |= probes >> 4;
	probes |= probes >> 8;
	probes |= probes >> 16;
	probes |= probes >> 32;
	return probes + 1;
}

/* nmap -f cuts the header behind the first eight octets. */
static __always_inline bool shows_ports(const struct packet *p)
{
	return p->has_ports || p->cut_ports;
}

/* Adds the probe to its source. Returns enum cloak_event_flags: why to tell. */
static __always_inline __u16 source_account(struct cloak_source *source,
					    const struct packet *p, __u8 kind)
{
	__u64 probes = source_count(source, p->len);
	__u32 bit = 1u << (kind & 31);
	__u32 kinds = *(volatile __u32 *)&source->kinds;
	__u16 why = 0;

	if (!(kinds & bit))
		kinds = __sync_fetch_and_or(&source->kinds, bit);

	source->ifindex = p->ifindex;
	sketch_targets(source,
		       p->has_target ? &p->target.addr : &p->dst.addr);
	if (shows_ports(p))
		sketch_ports(source, p->dport);

	if (!source->events)
		why |= CLOAK_EVENT_FIRST;
	if (!(kinds & bit))
		why |= CLOAK_EVENT_NEW_KIND;
	if (probes >= source->due) {
		source->due = due_after(probes);
		why |= CLOAK_EVENT_COUNT;
	}
	return why;
}

static __always_inline void event_describe(struct cloak_event *event,
					   const struct packet *p)
{
	event->target = p->has_target ? p->target.addr : p->dst.addr;
	event->ifindex = p->ifindex;
	event->packet_len = p->len;
	event->ethertype = p->ethertype;
	event->sport = shows_ports(p) || p->has_icmp ? p->sport : 0;
	event->dport = shows_ports(p) ? p->dport : 0;
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
	if (shows_ports(p))
		event->flags |= CLOAK_EVENT_PORTS;
}

/* Gives @event out with the head of the packet. @ctx is of either program. */
static __always_inline bool event_output(void *ctx, struct cloak_event *event)
{
	__u64 head = event->packet_len;

	if (head > CLOAK_HEAD_LEN)
		head = CLOAK_HEAD_LEN;
	event->head_len = head;
	return !bpf_perf_event_output(ctx, &events,
				      BPF_F_CURRENT_CPU | (head << 32), event,
				      sizeof(*event));
}

/* True if one more event may be sent, of a source with an entry or without. */
static __always_inline bool event_afford(const struct cloak_source *source,
					 struct probe *probe)
{
	if (!source && others_are_refused(probe->refused))
		return false;
	if (!probe->now)
		probe->now = bpf_ktime_get_boot_ns();
	return limit_event(probe->now, !!source);
}

/*
 * Tells user space of the probe, for @why, with what is known of its source.
 * Counts what becomes of it.
 */
static __always_inline bool event_tell(struct xdp_md *ctx,
				       const struct packet *p,
				       const struct cloak_source_key *who,
				       const struct cloak_source *source,
				       struct probe *probe, __u16 why)
{
	__u32 zero = 0;
	struct cloak_event *event;
	bool sent;

	if (!event_afford(source, probe)) {
		probe->stats->count[CLOAK_STAT_RATE_LIMITED]++;
		return false;
	}
	event = bpf_map_lookup_elem(&event_scratch, &zero);
	if (!event)
		return false;
	__builtin_memset(event, 0, sizeof(*event));
	event->source = *who;
	event->time_ns = probe->now;
	event->flags = why | (is_monitored(p) ? CLOAK_EVENT_MONITOR : 0);
	if (probe->reason == CLOAK_PASS_DECOY)
		event->flags |= CLOAK_EVENT_DECOY;
	event->kind = probe->kind;
	event->reason = probe->reason;
	event_describe(event, p);
	if (source) {
		event->totals = *source;
		cloak_source_sum(&event->totals);
		event->totals.events++;
	}
	sent = event_output(ctx, event);
	if (sent)
		probe->stats->count[CLOAK_STAT_SENT]++;
	else
		probe->stats->count[CLOAK_STAT_FAILED]++;
	return sent;
}

/*
 * Notes that the source was seen, and shadows it. Nothing to do if that was
 * done in this very tick. Never so for who is not to be shadowed by such a
 * probe: another one of the same tick may have to.
 */
static __always_inline void source_seen(struct cloak_source *source,
					const struct packet *p,
					struct probe *probe, bool told)
{
	__u64 tick = bpf_jiffies64();
	bool usual = shadows_usually(probe->reason, probe->kind);

	if (!told && usual && source->tick == tick)
		return;
	if (!probe->now)
		probe->now = bpf_ktime_get_boot_ns();
	source->last_ns = probe->now;
	shadow_prober(p, probe->reason, probe->kind, probe->now);
	if (usual)
		source->tick = tick;
}

static __always_inline void report(struct xdp_md *ctx, const struct packet *p,
				   struct cloak_event_stats *stats, int reason)
{
	struct probe probe = {
		.stats = stats,
		.refused = refusals_find(),
		.reason = reason,
		.kind = *(volatile const __u8 *)&p->kind,
	};
	__u16 why = CLOAK_EVENT_FIRST | CLOAK_EVENT_NO_SOURCE;
	struct cloak_source_key who;
	struct cloak_source *source;

	stats->count[CLOAK_STAT_PROBES]++;
	source_key(&who, p);
	source = bpf_map_lookup_elem(&sources, &who);
	if (!source)
		source = source_add(&who, &probe);
	if (source) {
		why = source_account(source, p, probe.kind);
		source_seen(source, p, &probe, why);
	} else {
		stats->count[CLOAK_STAT_UNRECORDED]++;
	}
	if (!why)
		stats->count[CLOAK_STAT_SUPPRESSED]++;
	else if (event_tell(ctx, p, &who, source, &probe, why) && source)
		__sync_fetch_and_add(&source->events, 1);
}

/*
 * ingress_deepen(), without a call for what is usual. To have all of it here
 * would cost the verifier ten times as much.
 */
static __always_inline void look_closer(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (p->deep || p->network < NET_IPV4)
		return;
	if (!is_plain(p)) {
		ingress_deepen(ctx, p);
		return;
	}
	p->deep = true;
	parse_transport(p, &s);
}

/*
 * A packet was dropped, or would have been, or touched a decoy: look closer,
 * tell who must know.
 */
global_fn int report_drop(struct xdp_md *ctx, struct packet *p, int reason)
{
	struct cloak_event_stats *stats = stats_find();

	if (!p || !stats)
		return 0;
	if (!is_broken(reason))
		look_closer(ctx, p);
	/* By way of memory, where all kinds are the same to the verifier. */
	*(volatile __u8 *)&p->kind = classify(p, reason);
	if (reason == CLOAK_PASS_DECOY || is_aimed_at_us(p))
		report(ctx, p, stats, reason);
	else
		stats->count[CLOAK_STAT_BACKGROUND]++;
	return 0;
}

#endif /* CLOAK_KERN_REPORT_H */
