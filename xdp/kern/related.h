/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about connections that rules know: such an error quotes a
 * packet that went the other way, and counts as established. Redirects and
 * source quenches, which nobody should obey, are not among them.
 */
#ifndef CLOAK_KERN_RELATED_H
#define CLOAK_KERN_RELATED_H

#include "answer.h"
#include "connection.h"
#include "egress.h"
#include "ingress.h"

#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER		12
#define ICMPV6_PARAMETER	4

/* What all errors begin with; the quoted packet follows. */
#define ICMP_ERROR_SIZE		8

static __always_inline bool is_icmp_error(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMPV6)
		return p->icmp_type >= ICMPV6_UNREACHABLE &&
		       p->icmp_type <= ICMPV6_PARAMETER;
	return p->icmp_type == ICMP_UNREACHABLE ||
	       p->icmp_type == ICMP_TIME_EXCEEDED ||
	       p->icmp_type == ICMP_PARAMETER;
}

/* All that the other packets pay for this. After parse_deep(). */
static __always_inline bool may_be_related(const struct packet *p)
{
	return p->has_icmp && (p->iface.flags & CLOAK_IFACE_STATE);
}

/* Addresses of a quoted packet, and what comes behind its IP header. */
struct quote {
	struct cloak_prefix src;
	struct cloak_prefix dst;
	__u32 transport_at;
	__u8 protocol;
};

static __always_inline bool quote_ipv4(struct quote *q, const struct span *s,
				       __u32 at)
{
	const struct iphdr *ip = bytes_at(s, at, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5 ||
	    (ip->frag_off & bpf_htons(0x1fff)))
		return false;
	prefix_set_v4(&q->src, ip->saddr);
	prefix_set_v4(&q->dst, ip->daddr);
	q->transport_at = at + ip->ihl * 4;
	q->protocol = ip->protocol;
	return true;
}

/* One with extension headers is not looked into. */
static __always_inline bool quote_ipv6(struct quote *q, const struct span *s,
				       __u32 at)
{
	const struct ipv6hdr *ip = bytes_at(s, at, sizeof(*ip));

	if (!ip || ip->version != 6)
		return false;
	prefix_set_v6(&q->src, &ip->saddr);
	prefix_set_v6(&q->dst, &ip->daddr);
	q->transport_at = at + sizeof(*ip);
	q->protocol = ip->nexthdr;
	return true;
}

/* @in: the quoted packet came in, and the error goes out. */
static __always_inline bool quote_key(struct cloak_flow_key *key,
				      const struct quote *q,
				      const struct span *s, bool in)
{
	const struct icmp_header *icmp =
		bytes_at(s, q->transport_at, sizeof(*icmp));
	const __be16 *port = (const __be16 *)icmp;

	if (!icmp || is_extension(q->protocol))
		return false;
	key->remote_addr = in ? q->src.addr : q->dst.addr;
	key->local_addr = in ? q->dst.addr : q->src.addr;
	key->protocol = q->protocol;
	switch (q->protocol) {
	case IPPROTO_ICMP:
		key_echo(key, in, bpf_ntohs(icmp->id));
		return icmp->type == ICMP_ECHO_REQUEST;
	case IPPROTO_ICMPV6:
		key_echo(key, in, bpf_ntohs(icmp->id));
		return icmp->type == ICMPV6_ECHO;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		key_ports(key, in, bpf_ntohs(port[0]), bpf_ntohs(port[1]));
	}
	return true;
}

/* Does the error @p quote its addressee, in a connection that is known? */
static __always_inline bool is_related(const struct packet *p,
				       const struct span *s, int direction)
{
	__u32 at = p->transport_at + ICMP_ERROR_SIZE;
	struct cloak_flow_key key = {};
	struct quote q = {};

	if (!is_icmp_error(p) || p->frag == FRAG_LATER)
		return false;
	if (!(p->network == NET_IPV4 ? quote_ipv4(&q, s, at) :
				       quote_ipv6(&q, s, at)))
		return false;
	return addr_equal(&q.src.addr, &p->dst.addr) &&
	       quote_key(&key, &q, s, direction == CLOAK_EGRESS) &&
	       connection_find(&key, bpf_ktime_get_coarse_ns());
}

/* Sets p->related. */
global_fn int ingress_relate(struct xdp_md *ctx, struct packet *p)
{
	struct span s = xdp_span(ctx);

	if (p)
		p->related = is_related(p, &s, CLOAK_INGRESS);
	return 0;
}

/* The same for tc. */
global_fn int egress_relate(struct __sk_buff *skb, struct packet *p)
{
	struct span s = skb_span(skb);

	if (p)
		p->related = is_related(p, &s, CLOAK_EGRESS);
	return 0;
}

#endif /* CLOAK_KERN_RELATED_H */
