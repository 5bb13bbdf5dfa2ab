// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ingress half once more, for entry.bpf.c to call; loaded on the maps of
 * cloak.bpf.c when it is wanted. Both ends of a tail call must have the flag of
 * xdp.frags or none, and libxdp loads its end with none. It says no more than
 * where XDP may be attached, and the dispatcher has it.
 */
#include "halves.h"

SEC("xdp")
int cloak_called(struct xdp_md *ctx)
{
	return ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
