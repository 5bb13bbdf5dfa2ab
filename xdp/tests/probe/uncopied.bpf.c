// SPDX-License-Identifier: Apache-2.0
/*
 * A tc program for where packets come in that a host on the same machine has
 * sent: it drops those of TCP whose payload was copied to their headers, into
 * the linear part, since the stack made them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define LONG	1000	/* octets; what is shorter may be linear */
#define HEADERS	100	/* octets that those of Ethernet to TCP may have */

SEC("tc")
int uncopied(struct __sk_buff *skb)
{
	__u64 linear = (__u64)skb->data_end - skb->data;

	return skb->len > LONG && linear > HEADERS ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
