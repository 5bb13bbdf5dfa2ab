// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The two programs of the cloak. Each parses a packet, finds the verdict,
 * counts it in one place and acts on it. A third sends the answers that the
 * first has made.
 *
 * With empty maps both let everything pass: an interface is cloaked from the
 * moment it has an entry in the map of interfaces of the slot in force.
 */
#include "account.h"
#include "answer.h"
#include "decoy.h"
#include "egress.h"
#include "halves.h"
#include "log.h"
#include "related.h"
#include "rules.h"

#define TC_NEXT		-1	/* TC_ACT_UNSPEC: other filters go on */
#define TC_PASS		0	/* TC_ACT_OK */
#define TC_DROP		2	/* TC_ACT_SHOT */

SEC("xdp.frags")
int cloak_ingress(struct xdp_md *ctx)
{
	return ingress(ctx);
}

/*
 * At the ingress hook of tc: sends what answer_make() has left in place of a
 * packet that was rejected. By way of the egress half, which sees to it that
 * nothing leaves that must not.
 */
SEC("tc")
int cloak_answer(struct __sk_buff *skb)
{
	enum answer_kind kind = answer_kind(skb);

	if (kind == ANSWER_NONE)
		return TC_NEXT;
	if (kind == ANSWER_HEADLESS && !answer_mend(skb))
		return TC_DROP;
	/* One packet of many segments is rejected, a short one answers it. */
	if (skb->gso_segs && bpf_skb_change_tail(skb, skb->len, 0))
		return TC_DROP;
	return bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int cloak_egress(struct __sk_buff *skb)
{
	int reason = CLOAK_PASS_UNMANAGED;
	struct rewrite rewrite = {};
	bool monitored = false;
	bool opens;
	struct packet p;
	__u32 gates;

	packet_init(&p, skb->ifindex, skb->len);
	if (policy_open(&p)) {
		gates = gate_read(CLOAK_GATE_POLICY);
		reason = egress_verdict(skb, &p, &rewrite);
		opens = egress_opens(&p, reason) &&
			!(decoys_exist(gates) && decoy_sends(skb, &p));
		if (has_rules(&p, reason) && answer_kind(skb) != ANSWER_NONE) {
			reason = CLOAK_PASS_ANSWER;
		} else if (has_rules(&p, reason)) {
			egress_deepen(skb, &p);
			egress_tag(skb, &p);
			if (may_be_related(&p))
				egress_relate(skb, &p);
			p.connected = egress_is_connected(skb, &p);
			reason = rules_apply(&p, CLOAK_EGRESS, reason);
			if (p.log_rule)
				egress_log(skb, &p, reason);
		}
		if (reason >= CLOAK_DROP_FIRST && decoys_exist(gates))
			reason = decoy_egress(skb, &p, reason);
		monitored = is_monitored(&p);
		if (opens && (reason < CLOAK_DROP_FIRST || monitored))
			egress_opened(skb, &p);
		if (rewrite.needed && !monitored &&
		    bpf_skb_store_bytes(skb, 0, rewrite.dmac, ETH_ALEN, 0))
			reason = CLOAK_DROP_INTERNAL;
		if (account_wanted(gates))
			account_egress(skb, &p, reason, monitored);
	}
	return finish(CLOAK_EGRESS, reason, monitored, p.len) ? TC_PASS :
								TC_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
