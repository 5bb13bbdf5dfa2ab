/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules with the verdict "log": their packets go to user space in the perf
 * buffer of events, within a budget of these, and count as no probes.
 */
#ifndef CLOAK_KERN_LOG_H
#define CLOAK_KERN_LOG_H

#include "report.h"

/* Works for both kinds of context. */
static __always_inline void log_packet(void *ctx, const struct packet *p,
				       int reason)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct cloak_event_stats *stats = stats_find();
	struct cloak_event *event;
	__u32 zero = 0;

	if (!limit_event(now, false))
		return;
	event = bpf_map_lookup_elem(&event_scratch, &zero);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = now;
	source_key(&event->source, p);
	event_describe(event, p);
	event->flags |= CLOAK_EVENT_RULE |
			(is_monitored(p) ? CLOAK_EVENT_MONITOR : 0);
	event->reason = reason;
	event->rule = p->log_rule;
	if (event_output(ctx, event) && stats)
		stats->count[CLOAK_STAT_LOGGED]++;
}

global_fn int ingress_log(struct xdp_md *ctx, const struct packet *p,
			  int reason)
{
	if (p)
		log_packet(ctx, p, reason);
	return 0;
}

global_fn int egress_log(struct __sk_buff *skb, const struct packet *p,
			 int reason)
{
	if (p)
		log_packet(skb, p, reason);
	return 0;
}

#endif /* CLOAK_KERN_LOG_H */
