/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the ingress half does from beginning to end, for the two programs that
 * are one, and where both halves count.
 */
#ifndef CLOAK_KERN_HALVES_H
#define CLOAK_KERN_HALVES_H

#include "account.h"
#include "answer.h"
#include "decoy.h"
#include "ingress.h"
#include "log.h"
#include "reject.h"
#include "related.h"
#include "report.h"
#include "rules.h"

/* The only place that counts. Returns whether the packet may go on. */
static __always_inline bool finish(enum cloak_direction direction,
				   int reason, bool monitored, __u32 len)
{
	bool drop = reason >= CLOAK_DROP_FIRST;
	__u32 key = CLOAK_COUNTER(direction, drop && monitored, reason);
	struct cloak_counter *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter) {
		counter->packets++;
		counter->bytes += len;
	}
	return !drop || monitored;
}

static __always_inline int ingress(struct xdp_md *ctx)
{
	int reason = CLOAK_PASS_UNMANAGED;
	bool monitored = false;
	struct packet p;
	__u32 gates;

	packet_init(&p, ctx->ingress_ifindex, bpf_xdp_get_buff_len(ctx));
	if (policy_open(&p)) {
		gates = gate_read(CLOAK_GATE_POLICY);
		reason = ingress_verdict(ctx, &p);
		if (has_rules(&p, reason)) {
			ingress_deepen(ctx, &p);
			if (may_be_related(&p))
				ingress_relate(ctx, &p);
			reason = rules_apply(&p, CLOAK_INGRESS, reason);
			if (p.log_rule)
				ingress_log(ctx, &p, reason);
		}
		if (decoys_exist(gates))
			reason = decoy_ingress(ctx, &p, reason);
		monitored = is_monitored(&p);
		if (reason >= CLOAK_DROP_FIRST || reason == CLOAK_PASS_DECOY) {
			if (reason == CLOAK_DROP_REJECT && !monitored)
				reason = reject_settle(ctx, &p);
			report_drop(ctx, &p, reason);
		}
		if (account_wanted(gates))
			account_ingress(ctx, &p, reason, monitored);
	}
	if (finish(CLOAK_INGRESS, reason, monitored, p.len))
		return XDP_PASS;
	return reason == CLOAK_DROP_REJECT ? answer_make(ctx, &p) : XDP_DROP;
}

#endif /* CLOAK_KERN_HALVES_H */
