/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Buckets of tokens in one word each (the generic cell rate algorithm): the
 * word is the time at which the bucket would be full again. Taking a token
 * moves it one interval on, and there is none left if that would lead
 * further into the future than the whole bucket is worth.
 */
#ifndef CLOAK_KERN_LIMIT_H
#define CLOAK_KERN_LIMIT_H

#include "maps.h"
#include "packet.h"

#define NSEC_PER_SEC		1000000000ull
#define LIMIT_ATTEMPTS		4

/* Share of the budget for new sources that one MAC alone can use up. */
#define MAC_SHARE		4
#define ANY_MAC			(~0ull)

/*
 * The word of a bucket that says @full once a token has been taken from it at
 * @now, or 0 if it has none. @interval: time until one comes back, @burst:
 * size.
 */
static __always_inline __u64 limit_next(__u64 full, __u64 now, __u64 interval,
					__u64 burst)
{
	__u64 next = (full > now ? full : now) + interval;

	return next - now > burst * interval ? 0 : next;
}

/* True if there is a token in @bucket, see limit_next(). */
static __always_inline bool limit_has(const __u64 *bucket, __u64 now,
				      __u64 interval, __u64 burst)
{
	return limit_next(*(const volatile __u64 *)bucket, now, interval,
			  burst);
}

/*
 * Takes a token from @bucket, see limit_next(). A CPU that loses every attempt
 * to the others goes without.
 */
static __always_inline bool limit_take(__u64 *bucket, __u64 now, __u64 interval,
				       __u64 burst)
{
	int i;

	for (i = 0; i < LIMIT_ATTEMPTS; i++) {
		__u64 full = *(volatile __u64 *)bucket;
		__u64 next = limit_next(full, now, interval, burst);

		if (!next)
			return false;
		if (__sync_val_compare_and_swap(bucket, full, next) == full)
			return true;
	}
	return false;
}

static __always_inline __u64 interval_of(__u32 per_second)
{
	return NSEC_PER_SEC / (per_second ? per_second : 1);
}

static __always_inline const struct cloak_config *config_read(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&config, &zero);
}

/*
 * What a budget has refused it refuses for the rest of that tick of the kernel
 * (1 to 10 ms), so that a flood costs neither a look at the clock nor at the
 * bucket. Each CPU remembers by itself.
 */
static __always_inline struct refusals *refusals_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&refusals, &zero);
}

static __always_inline bool source_is_refused(const struct refusals *last,
					      __u64 mac)
{
	return last && last->source_tick == bpf_jiffies64() &&
	       (last->source_mac == mac || last->source_mac == ANY_MAC);
}

/* Always false. */
static __always_inline bool source_refuse(__u64 mac)
{
	struct refusals *last = refusals_find();

	if (last) {
		last->source_mac = mac;
		last->source_tick = bpf_jiffies64();
	}
	return false;
}

static __always_inline bool others_are_refused(const struct refusals *last)
{
	return last && last->others_tick == bpf_jiffies64();
}

/* Always false. */
static __always_inline bool others_refuse(void)
{
	struct refusals *last = refusals_find();

	if (last)
		last->others_tick = bpf_jiffies64();
	return false;
}

/*
 * True if one more event may be sent now. Those of sources that are recorded
 * have a budget that no flood of others can use up: these are limited before.
 */
global_fn int limit_event(__u64 now, bool recorded)
{
	const struct cloak_config *c = config_read();
	__u32 key = recorded ? BUCKET_EVENTS : BUCKET_OTHERS;
	__u64 *bucket = bpf_map_lookup_elem(&buckets, &key);
	__u32 rate = CLOAK_DEFAULT_EVENTS_PER_SECOND;

	if (!c || !bucket)
		return false;
	if (c->events_per_second)
		rate = c->events_per_second;
	return limit_take(bucket, now, interval_of(rate), rate) ||
	       (!recorded && others_refuse());
}

static __always_inline __u64 *mac_bucket(__u64 key)
{
	__u64 full = 0, *bucket;

	bucket = bpf_map_lookup_elem(&mac_buckets, &key);
	if (bucket)
		return bucket;
	bpf_map_update_elem(&mac_buckets, &key, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&mac_buckets, &key);
}

/*
 * True if a new source may be recorded now. One MAC has a share of the
 * budget, so that a flood of forged addresses from one machine leaves room
 * for the sources behind other MACs. Where MACs are forged as well, that of
 * all is used up soon, and then nobody's is looked for.
 */
global_fn int limit_source(__u64 now, __u64 mac)
{
	const struct cloak_config *c = config_read();
	__u32 key = BUCKET_SOURCES;
	__u64 *all = bpf_map_lookup_elem(&buckets, &key);
	__u32 rate = CLOAK_DEFAULT_SOURCES_PER_SECOND;
	__u32 burst = CLOAK_DEFAULT_SOURCES_BURST;
	__u64 interval, *own;

	if (!c || !all)
		return false;
	if (c->sources_per_second)
		rate = c->sources_per_second;
	if (c->sources_burst)
		burst = c->sources_burst;
	interval = interval_of(rate);
	if (!limit_has(all, now, interval, burst))
		return source_refuse(ANY_MAC);
	own = mac_bucket(mac);
	if (!own || !limit_take(own, now, interval * MAC_SHARE,
				burst / MAC_SHARE + 1))
		return source_refuse(mac);
	return limit_take(all, now, interval, burst) || source_refuse(ANY_MAC);
}

#endif /* CLOAK_KERN_LIMIT_H */
