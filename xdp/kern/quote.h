/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors and the packets that they quote. Redirects and source quenches,
 * which nobody should obey, are not among them.
 */
#ifndef CLOAK_KERN_QUOTE_H
#define CLOAK_KERN_QUOTE_H

#include "flow.h"
#include "parse.h"

#define ICMP_UNREACHABLE	3
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER		12
#define ICMPV6_UNREACHABLE	1
#define ICMPV6_PARAMETER	4

#define ICMP_FRAG_NEEDED	4	/* a code */
#define ICMPV6_TOO_BIG		2
#define ICMPV6_NO_ROUTE		0	/* a code */

/* What all errors begin with; the quoted packet follows. */
#define ICMP_ERROR_SIZE		8

static __always_inline bool is_icmp_error(const struct packet *p)
{
	if (!p->has_icmp)
		return false;
	if (p->protocol == IPPROTO_ICMPV6)
		return p->icmp_type >= ICMPV6_UNREACHABLE &&
		       p->icmp_type <= ICMPV6_PARAMETER;
	return p->icmp_type == ICMP_UNREACHABLE ||
	       p->icmp_type == ICMP_TIME_EXCEEDED ||
	       p->icmp_type == ICMP_PARAMETER;
}

/* Queries and their replies; what is not known may be an error. */
static __always_inline bool is_icmp_query(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMPV6)
		return p->icmp_type >= ICMPV6_ECHO &&
		       p->icmp_type != ICMPV6_REDIRECT;
	return p->icmp_type == ICMP_REPLY ||
	       p->icmp_type == ICMP_ECHO_REQUEST ||
	       (p->icmp_type >= 13 && p->icmp_type <= 18);
}

static __always_inline bool is_redirect(const struct packet *p)
{
	if (!p->has_icmp)
		return false;
	return p->icmp_type == (p->protocol == IPPROTO_ICMPV6 ?
					ICMPV6_REDIRECT :
					ICMP_REDIR);
}

/* Fragmentation needed, packet too big. */
static __always_inline bool lowers_mtu(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMPV6)
		return p->icmp_type == ICMPV6_TOO_BIG;
	return p->icmp_type == ICMP_UNREACHABLE &&
	       p->icmp_code == ICMP_FRAG_NEEDED;
}

/*
 * What a host sends about packets that were not for it, also one that forwards
 * none: it looks at options and routes before it knows whose a packet is.
 */
static __always_inline bool is_about_options(const struct packet *p)
{
	if (!p->has_icmp)
		return false;
	if (p->protocol == IPPROTO_ICMPV6)
		return p->icmp_type == ICMPV6_PARAMETER ||
		       (p->icmp_type == ICMPV6_UNREACHABLE &&
			p->icmp_code == ICMPV6_NO_ROUTE);
	return p->icmp_type == ICMP_PARAMETER;
}

/* Addresses of a quoted packet, and what comes behind its IP header. */
struct quote {
	struct cloak_prefix src;
	struct cloak_prefix dst;
	__u32 transport_at;
	__u8 protocol;
	bool later;		/* a fragment but the first */
};

static __always_inline bool quote_ipv4(struct quote *q, const struct span *s,
				       __u32 at)
{
	const struct iphdr *ip = bytes_at(s, at, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	prefix_set_v4(&q->src, ip->saddr);
	prefix_set_v4(&q->dst, ip->daddr);
	q->transport_at = at + ip->ihl * 4;
	q->protocol = ip->protocol;
	q->later = ip->frag_off & bpf_htons(0x1fff);
	return true;
}

/* What the host has cut itself is what routers may find too big. */
static __always_inline void quote_fragment(struct quote *q,
					   const struct span *s)
{
	const struct fragment_header *frag =
		bytes_at(s, q->transport_at, sizeof(*frag));

	if (!frag)
		return;
	q->later = frag->offset & bpf_htons(0xfff8);
	q->protocol = frag->next;
	q->transport_at += sizeof(*frag);
}

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
	if (q->protocol == IPPROTO_FRAGMENT)
		quote_fragment(q, s);
	return true;
}

/* A stack does not look at an error where the quoted header is not all there.
 */
static __always_inline bool quote_is_there(const struct packet *p)
{
	__u32 size = p->network == NET_IPV4 ? sizeof(struct iphdr) :
					      sizeof(struct ipv6hdr);

	return p->transport_at + ICMP_ERROR_SIZE + size <= p->ip_end;
}

/*
 * What the error @p quotes. Returns false if its IP header is not all there, or
 * is none, or cannot be read here.
 */
static __always_inline bool quote_read(struct quote *q, const struct packet *p,
				       const struct span *s)
{
	bool v4 = p->network == NET_IPV4;
	__u32 at = p->transport_at + ICMP_ERROR_SIZE;

	if (!quote_is_there(p))
		return false;
	return v4 ? quote_ipv4(q, s, at) : quote_ipv6(q, s, at);
}

/*
 * True if the kernel looks for a socket with these numbers, or an association,
 * before it believes the error. It does not with ICMP, with GRE and other
 * tunnels, nor with what a raw socket has sent, nor behind the extension
 * headers of IPv6, which it skips.
 */
static __always_inline bool quote_is_proof(const struct quote *q)
{
	switch (q->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_ESP:
		return true;
	case IPPROTO_AH:
		return addr_is_v4(&q->dst.addr);
	}
	return false;
}

/* The eight octets behind the quoted IP header that there always are. */
static __always_inline bool quote_has_more(const struct quote *q,
					   const struct packet *p)
{
	return q->transport_at + sizeof(struct icmp_header) <= p->ip_end;
}

/*
 * @in: the quoted packet came in, and the error goes out. One with extension
 * headers is not looked into.
 */
static __always_inline bool quote_key(struct cloak_flow_key *key,
				      const struct quote *q,
				      const struct span *s, bool in)
{
	const struct icmp_header *icmp =
		bytes_at(s, q->transport_at, sizeof(*icmp));
	const __be16 *port = (const __be16 *)icmp;

	if (!icmp || q->later || is_extension(q->protocol))
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

#endif /* CLOAK_KERN_QUOTE_H */
