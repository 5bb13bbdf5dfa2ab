// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The place of the ingress half behind the dispatcher of libxdp: all that is
 * put there, and put there anew whenever another program joins or leaves. The
 * program itself is in a map, so that a newer one takes its place in one step
 * without the dispatcher.
 *
 * An array that was emptied, as happens when its last pin is removed, lets
 * nothing pass: whoever is to see the host again takes this program away.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ingress_entry SEC(".maps");

/* Before all that have no number (50): what it drops was never there. */
struct {
	__uint(priority, 1);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(cloak_entry);

SEC("xdp.frags")
int cloak_entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &ingress_entry, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
