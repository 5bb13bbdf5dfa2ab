/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is shadowed. An entry is made for a source that was caught, renewed
 * whenever it is caught again, and counts until its time is over; user space
 * takes out those whose time is over.
 *
 * The table holds 65,536 and is no LRU: a flood cannot push anybody out. Who
 * is new is budgeted, probes before they come here (limit.h) and what rules
 * find here. So there is always room for one more, as user space makes room
 * once in a second where three quarters are taken, of who was silent for
 * longest; who has touched a decoy goes behind all others.
 */
#ifndef CLOAK_KERN_SHADOW_H
#define CLOAK_KERN_SHADOW_H

#include "limit.h"
#include "maps.h"
#include "packet.h"
#include "policy.h"

#define ERROR_EXISTS	(-17)

/* Sources that rules may shadow anew: in a second, and at once. */
#define SHADOWS_PER_SECOND	1024
#define SHADOWS_AT_ONCE		4096

static __always_inline struct cloak_account_stats *account_stats_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&account_stats, &zero);
}

static __always_inline void account_stat(enum cloak_account_stat which)
{
	struct cloak_account_stats *stats = account_stats_find();

	if (stats)
		stats->count[which]++;
}

static __always_inline __u32 gate_read(enum cloak_gate which)
{
	__u32 key = which;
	const __u32 *gate = bpf_map_lookup_elem(&gates, &key);

	return gate ? *(const volatile __u32 *)gate : 0;
}

/* Behind the entry: who sees the gate closed afterwards sees the entry. */
static __always_inline void gate_open(void)
{
	__u32 key = CLOAK_GATE_SHADOWS;
	__u32 *gate = bpf_map_lookup_elem(&gates, &key);

	if (gate)
		*(volatile __u32 *)gate = 1;
}

static __always_inline const struct cloak_account_config *
account_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&account_config, &zero);
}

static __always_inline struct cloak_shadow *
shadow_find(const struct cloak_prefix *who)
{
	struct cloak_addr key = who->addr;

	return bpf_map_lookup_elem(&shadows, &key);
}

static __always_inline struct account_scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&account_scratch, &zero);
}

static __always_inline void shadow_add(const struct cloak_prefix *who,
				       __u32 cause, __u64 now, __u64 until)
{
	struct account_scratch *scratch = scratch_get();
	struct cloak_addr key = who->addr;
	struct cloak_shadow *fresh;
	long err;

	if (!scratch)
		return;
	fresh = &scratch->shadow;
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->since_ns = now;
	fresh->until_ns = until;
	fresh->causes = cause;
	fresh->home_cpu = bpf_get_smp_processor_id();
	err = bpf_map_update_elem(&shadows, &key, fresh, BPF_NOEXIST);
	if (!err) {
		gate_open();
		account_stat(CLOAK_ACCOUNT_SHADOWS);
	} else if (err != ERROR_EXISTS) {
		account_stat(CLOAK_ACCOUNT_NO_ROOM);
	}
}

/* What a rule finds has no other budget. */
static __always_inline bool shadow_is_due(int cause, __u64 now)
{
	__u32 key = BUCKET_SHADOWS;
	__u64 *bucket;

	if (cause != CLOAK_SHADOW_RULE)
		return true;
	bucket = bpf_map_lookup_elem(&buckets, &key);
	if (bucket && limit_take(bucket, now, interval_of(SHADOWS_PER_SECOND),
				 SHADOWS_AT_ONCE))
		return true;
	account_stat(CLOAK_ACCOUNT_NO_ROOM);
	return false;
}

/*
 * Shadows the source of @p from now (CLOCK_BOOTTIME) on, or for longer, for
 * @cause of enum cloak_shadow_cause. Nothing happens if the policy wants no
 * shadows, or if the packet names no single host as its source.
 */
global_fn int shadow_source(const struct packet *p, int cause, __u64 now)
{
	const struct cloak_account_config *c = account_settings();
	struct cloak_shadow *shadow;
	__u32 bit = 1u << (cause & 31);

	if (!p || !c || !c->shadow_ns)
		return 0;
	if (addr_is_unspecified(&p->src.addr) || addr_is_group(&p->src.addr))
		return 0;
	shadow = shadow_find(&p->src);
	if (!shadow) {
		if (shadow_is_due(cause, now))
			shadow_add(&p->src, bit, now, now + c->shadow_ns);
		return 0;
	}
	if (shadow->until_ns < now + c->shadow_ns)
		shadow->until_ns = now + c->shadow_ns;
	__sync_fetch_and_or(&shadow->causes, bit);
	return 0;
}

/* True if somebody else's address was used, who is not to be shadowed. */
static __always_inline bool is_forged(int reason)
{
	return reason == CLOAK_DROP_WRONG_MAC ||
	       reason == CLOAK_DROP_WRONG_IFACE || reason == CLOAK_DROP_SELF;
}

/* What comes without anybody probing: routers' queries, stray answers. */
static __always_inline bool is_stray(__u8 kind)
{
	return kind == CLOAK_KIND_BACKSCATTER || kind == CLOAK_KIND_MLD ||
	       kind == CLOAK_KIND_RS;
}

/* True if shadow_prober() shadows as most probes do: again and again. */
static __always_inline bool shadows_usually(int reason, __u8 kind)
{
	return reason != CLOAK_PASS_DECOY && !is_forged(reason) &&
	       !is_stray(kind);
}

/* Not this host, because somebody has used an address of it. */
static __always_inline void shadow_prober(const struct packet *p, int reason,
					  __u8 kind, __u64 now)
{
	if (reason == CLOAK_PASS_DECOY)
		shadow_source(p, CLOAK_SHADOW_DECOY, now);
	else if (shadows_usually(reason, kind) && !is_cloaked(p, &p->src))
		shadow_source(p, CLOAK_SHADOW_PROBE, now);
}

#endif /* CLOAK_KERN_SHADOW_H */
