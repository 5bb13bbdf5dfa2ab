// SPDX-License-Identifier: Apache-2.0
/*
 * An XDP program of somebody else, NAME, to live beside the cloak with PRIORITY:
 * it counts frames of IPv4 by the last octet of their source, and lets all pass.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} SEEN SEC(".maps");

struct {
	__uint(priority, PRIORITY);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(NAME);

SEC("xdp.frags")
int NAME(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 *seen;
	__u32 key;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	key = bpf_ntohl(ip->saddr) & 0xff;
	seen = bpf_map_lookup_elem(&SEEN, &key);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
