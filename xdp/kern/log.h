/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules with the verdict "log": their packets go to user space in the perf
 * buffer of events, within the budget for these, and count as no probes.
 */
#ifndef CLOAK_KERN_LOG_H
#define CLOAK_KERN_LOG_H

#include "report.h"

/* Works for both kinds of context. */
static __always_inline void log_packet(void *ctx, const struct packet *p,
				       int reason)
{
	__u32 zero = 0;
	struct cloak_event *event = bpf_map_lookup_elem(&event_scratch, &zero);
	__u64 head = p->len;

	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_boot_ns();
	if (!limit_event(event->time_ns))
		return;
	source_key(&event->source, p);
	event_describe(event, p);
	event->flags |= CLOAK_EVENT_RULE |
			(is_monitored(p) ? CLOAK_EVENT_MONITOR : 0);
	event->reason = reason;
	event->rule = p->log_rule;
	if (head > CLOAK_HEAD_LEN)
		head = CLOAK_HEAD_LEN;
	event->head_len = head;
	if (!bpf_perf_event_output(ctx, &events,
				   BPF_F_CURRENT_CPU | (head << 32), event,
				   sizeof(*event)))
		stat_add(CLOAK_STAT_LOGGED);
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
