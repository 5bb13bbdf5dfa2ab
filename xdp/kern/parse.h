/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to struct packet. Nothing here looks at a map or decides.
 *
 * parse_frame() reads as far as the addresses, which is all that most
 * packets need. parse_deep() goes on through IPv6 extension headers to the
 * transport header; it never fails, it says what it could not read.
 */
#ifndef CLOAK_KERN_PARSE_H
#define CLOAK_KERN_PARSE_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "packet.h"

#define MAX_EXTENSIONS		8
#define MAX_OFFSET		0x7ff	/* of headers; a mask in bytes_at() */

#define ICMPV6_ECHO		128
#define ICMPV6_ECHO_REPLY	129
#define ICMPV6_MLD_QUERY	130
#define ICMPV6_MLD_DONE		132
#define ICMPV6_RS		133
#define ICMPV6_RA		134
#define ICMPV6_NS		135
#define ICMPV6_NA		136
#define ICMPV6_REDIRECT		137
#define ICMPV6_MLD2_REPORT	143

#define ICMP_REPLY		0
#define ICMP_REDIR		5
#define ICMP_ECHO_REQUEST	8

#define IPV4_OPT_RECORD		7	/* record route */
#define IPV4_OPT_TIMESTAMP	68
#define IPV4_OPT_LSRR		131
#define IPV4_OPT_SSRR		137

struct mac_header {
	__u8 dmac[ETH_ALEN];
	__u8 smac[ETH_ALEN];
	__be16 ethertype;
};

struct tag_header {
	__be16 tci;
	__be16 ethertype;
};

/* RFC 826 and the numbers of IANA. */
#define ARP_ETHERNET	1
#define ARP_IEEE802	6

struct arp_header {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
	__u8 sha[ETH_ALEN];
	__be16 spa[2];
	__u8 tha[ETH_ALEN];
	__be16 tpa[2];
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 id;
	__be16 sequence;
};

/* The first 16 bytes after the ICMPv6 header of NS, NA and redirect. */
struct nd_header {
	struct icmp_header icmp;
	struct in6_addr target;
};

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* @size bytes at @offset, or NULL if they are not all in the linear part. */
static __always_inline void *bytes_at(const struct span *s, __u64 offset,
				      __u32 size)
{
	void *at;

	if (offset > MAX_OFFSET)
		return NULL;
	/* The verifier wants the bound on the very register that is added. */
	barrier_var(offset);
	at = s->start + (offset & MAX_OFFSET);
	if (at + size > s->end)
		return NULL;
	return at;
}

/*
 * The same for a header of IP: the packet ends where its length says, not with
 * the frame, which may have been padded.
 */
static __always_inline void *header_at(const struct packet *p,
				       const struct span *s, __u32 size)
{
	if (p->transport_at + size > p->ip_end)
		return NULL;
	return bytes_at(s, p->transport_at, size);
}

static __always_inline bool is_tag(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
	       ethertype == ETHERTYPE_QINQ_OLD;
}

/* Ethernet and its tags. Returns 0 or the reason for a drop. */
static __always_inline int parse_link(struct packet *p, const struct span *s)
{
	const struct mac_header *mac = bytes_at(s, 0, sizeof(*mac));
	const struct tag_header *tag;
	__u32 at = sizeof(*mac);
	int i;

	if (!mac)
		return CLOAK_DROP_TRUNCATED;
	__builtin_memcpy(p->dmac, mac->dmac, ETH_ALEN);
	__builtin_memcpy(p->smac, mac->smac, ETH_ALEN);
	p->ethertype = bpf_ntohs(mac->ethertype);

#pragma unroll
	for (i = 0; i < CLOAK_MAX_VLANS; i++) {
		if (!is_tag(p->ethertype))
			break;
		tag = bytes_at(s, at, sizeof(*tag));
		if (!tag)
			return CLOAK_DROP_TRUNCATED;
		p->vlans[i] = bpf_ntohs(tag->tci) & 0xfff;
		p->vlan_count = i + 1;
		p->ethertype = bpf_ntohs(tag->ethertype);
		at += sizeof(*tag);
	}
	p->network_at = at;
	return is_tag(p->ethertype) ? CLOAK_DROP_TAGS : 0;
}

/* Of two halves: in its header no address is aligned better. */
static __always_inline __be32 arp_address(const __be16 *half)
{
	__be32 whole;

	__builtin_memcpy(&whole, half, sizeof(whole));
	return whole;
}

/* Linux answers both on Ethernet. */
static __always_inline bool is_ethernet(__be16 hardware)
{
	return hardware == bpf_htons(ARP_ETHERNET) ||
	       hardware == bpf_htons(ARP_IEEE802);
}

static __always_inline int parse_arp(struct packet *p, const struct span *s)
{
	const struct arp_header *arp =
		bytes_at(s, p->network_at, sizeof(*arp));

	p->network = NET_ARP;
	if (!arp || !is_ethernet(arp->hardware) ||
	    arp->protocol != bpf_htons(ETHERTYPE_IPV4) ||
	    arp->hardware_len != ETH_ALEN || arp->protocol_len != 4)
		return CLOAK_DROP_BAD_ARP;
	p->arp_op = bpf_ntohs(arp->operation);
	__builtin_memcpy(p->sha, arp->sha, ETH_ALEN);
	prefix_set_v4(&p->src, arp_address(arp->spa));
	prefix_set_v4(&p->dst, arp_address(arp->tpa));
	p->target = p->dst;
	p->has_target = true;
	return 0;
}

static __always_inline int parse_ipv4(struct packet *p, const struct span *s,
				      bool strict)
{
	const struct iphdr *ip = bytes_at(s, p->network_at, sizeof(*ip));
	__u32 header, total;
	__u16 offset;

	p->network = NET_IPV4;
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return CLOAK_DROP_BAD_IPV4;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	/* A packet that was merged beyond 64 KiB says 0. */
	if (!total && p->len > 0xffff)
		total = p->len - p->network_at;
	if (strict && (total < header || total > p->len - p->network_at))
		return CLOAK_DROP_BAD_IPV4;

	prefix_set_v4(&p->src, ip->saddr);
	prefix_set_v4(&p->dst, ip->daddr);
	p->protocol = ip->protocol;
	p->options = header > sizeof(*ip);
	p->transport_at = p->network_at + header;
	p->ip_end = strict ? p->network_at + total : p->len;

	offset = bpf_ntohs(ip->frag_off);
	p->frag_offset = offset & 0x1fff;
	if (p->frag_offset)
		p->frag = FRAG_LATER;
	else if (offset & 0x2000)
		p->frag = FRAG_FIRST;
	p->frag_id = bpf_ntohs(ip->id);
	return 0;
}

static __always_inline int parse_ipv6(struct packet *p, const struct span *s,
				      bool strict)
{
	const struct ipv6hdr *ip = bytes_at(s, p->network_at, sizeof(*ip));
	__u32 payload;

	p->network = NET_IPV6;
	if (!ip || ip->version != 6)
		return CLOAK_DROP_BAD_IPV6;
	payload = bpf_ntohs(ip->payload_len);
	/* So do jumbograms, and stacks do not ask whether it is one. */
	if (!payload && (p->len > 0xffff || ip->nexthdr == IPPROTO_HOPOPTS))
		payload = p->len - p->network_at - sizeof(*ip);
	if (strict && payload > p->len - p->network_at - sizeof(*ip))
		return CLOAK_DROP_BAD_IPV6;

	prefix_set_v6(&p->src, &ip->saddr);
	prefix_set_v6(&p->dst, &ip->daddr);
	/* Never on the wire (RFC 4291): here it would pass for IPv4. */
	if (addr_is_v4(&p->src.addr) || addr_is_v4(&p->dst.addr))
		return CLOAK_DROP_BAD_IPV6;
	p->protocol = ip->nexthdr;
	p->transport_at = p->network_at + sizeof(*ip);
	p->ip_end = strict ? p->transport_at + payload : p->len;
	return 0;
}

/*
 * As far as the addresses. @strict: lengths must fit the frame; not so on
 * egress, where a segment yet to be cut up may say what it likes.
 * Returns 0 or the reason for a drop.
 */
static __always_inline int parse_frame(struct packet *p, const struct span *s,
				       bool strict)
{
	int reason = parse_link(p, s);

	if (reason)
		return reason;
	switch (p->ethertype) {
	case ETHERTYPE_ARP:
		return parse_arp(p, s);
	case ETHERTYPE_IPV4:
		return parse_ipv4(p, s, strict);
	case ETHERTYPE_IPV6:
		return parse_ipv6(p, s, strict);
	}
	return 0;
}

/*
 * Those that a Linux host takes for one. Mobility (RFC 6275) and Shim6 (RFC
 * 5533) are protocols that it does not know, whatever they say comes next: it
 * answers them, even where an ICMP error seems to follow.
 */
static __always_inline bool is_extension(__u8 next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return true;
	}
	return false;
}

/* One extension header. Returns false if the walk ends here. */
static __always_inline bool skip_extension(struct packet *p,
					   const struct span *s)
{
	const struct fragment_header *h;
	__u32 size;

	if (!is_extension(p->protocol))
		return false;
	h = header_at(p, s, sizeof(*h));
	if (!h) {
		p->truncated = true;
		return false;
	}
	size = (h->reserved + 1) * 8;
	if (p->protocol == IPPROTO_AH) {
		size = (h->reserved + 2) * 4;
	} else if (p->protocol == IPPROTO_ROUTING) {
		/* type and segments left are where a fragment has its offset */
		p->source_routed |= bpf_ntohs(h->offset) & 0xff;
	} else if (p->protocol == IPPROTO_FRAGMENT) {
		size = sizeof(*h);
		p->frag_id = bpf_ntohl(h->id);
		p->frag_offset = bpf_ntohs(h->offset) >> 3;
		p->frag = p->frag_offset ? FRAG_LATER : FRAG_FIRST;
	}
	p->protocol = h->next;
	p->transport_at += size;
	return p->frag != FRAG_LATER;
}

static __always_inline void skip_extensions(struct packet *p,
					    const struct span *s)
{
	int i;

	for (i = 0; i < MAX_EXTENSIONS; i++) {
		if (!skip_extension(p, s))
			return;
	}
	p->endless = is_extension(p->protocol);
}

/* One IPv4 option. Returns false if there are no more. */
static __always_inline bool skip_option(struct packet *p, const struct span *s)
{
	const __u8 *option = bytes_at(s, p->option_at, 2);

	if (p->option_at >= p->transport_at || !option || !option[0])
		return false;
	if (option[0] == 1) {
		p->option_at++;
		return true;
	}
	p->source_routed |= option[0] == IPV4_OPT_LSRR ||
			    option[0] == IPV4_OPT_SSRR;
	/* A timestamp can even ask whether a certain address is there. */
	p->records |= option[0] == IPV4_OPT_RECORD ||
		      option[0] == IPV4_OPT_TIMESTAMP;
	p->option_at += option[1];
	return option[1] >= 2;
}

/*
 * Looks for the options of IPv4 that lead a packet elsewhere, or have others
 * write addresses into it. Where it is stands in memory and not in a register:
 * there each turn would have other bounds, and none would look to the verifier
 * like one before.
 */
static __always_inline void parse_options(struct packet *p,
					  const struct span *s)
{
	int i;

	p->option_at = p->network_at + sizeof(struct iphdr);
	for (i = 0; i < 40; i++) {
		if (!skip_option(p, s))
			return;
	}
}

/* For who is told of the packet; no rule believes what says no more. */
static __always_inline void parse_cut_ports(struct packet *p,
					    const struct span *s)
{
	const __be16 *port = header_at(p, s, 4);

	p->truncated = true;
	if (!port)
		return;
	p->sport = bpf_ntohs(port[0]);
	p->dport = bpf_ntohs(port[1]);
	p->cut_ports = true;
}

static __always_inline void parse_tcp(struct packet *p, const struct span *s)
{
	const struct tcphdr *tcp = header_at(p, s, sizeof(*tcp));
	const __u8 *bytes = (const __u8 *)tcp;

	if (!tcp) {
		parse_cut_ports(p, s);
		return;
	}
	p->sport = bpf_ntohs(tcp->source);
	p->dport = bpf_ntohs(tcp->dest);
	p->has_ports = true;
	p->tcp.seq = bpf_ntohl(tcp->seq);
	p->tcp.ack = bpf_ntohl(tcp->ack_seq);
	p->tcp_words = bytes[12] >> 4;
	p->tcp_reserved = bytes[12] & 0x0f;
	p->tcp_flags = bytes[13];
}

/* UDP, UDP-Lite, SCTP and DCCP all begin with the ports. */
static __always_inline void parse_ports(struct packet *p, const struct span *s)
{
	const __be16 *port = header_at(p, s, 8);

	if (!port) {
		p->truncated = true;
		return;
	}
	p->sport = bpf_ntohs(port[0]);
	p->dport = bpf_ntohs(port[1]);
	p->has_ports = true;
}

static __always_inline bool has_nd_target(__u8 type)
{
	return type == ICMPV6_NS || type == ICMPV6_NA;
}

static __always_inline void parse_icmp(struct packet *p, const struct span *s)
{
	const struct icmp_header *icmp = header_at(p, s, sizeof(*icmp));
	const struct nd_header *nd;

	if (!icmp) {
		p->truncated = true;
		return;
	}
	p->icmp_type = icmp->type;
	p->icmp_code = icmp->code;
	p->sport = bpf_ntohs(icmp->id);
	p->has_icmp = true;
	if (p->network != NET_IPV6 || p->protocol != IPPROTO_ICMPV6 ||
	    !has_nd_target(icmp->type))
		return;
	nd = header_at(p, s, sizeof(*nd));
	if (!nd) {
		p->truncated = true;
		return;
	}
	prefix_set_v6(&p->target, &nd->target);
	p->has_target = true;
}

/* The header behind those of IP, where it is to be expected. */
static __always_inline void parse_transport(struct packet *p,
					    const struct span *s)
{
	if (p->frag == FRAG_LATER || p->truncated || p->endless)
		return;

	switch (p->protocol) {
	case IPPROTO_TCP:
		parse_tcp(p, s);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		parse_ports(p, s);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		parse_icmp(p, s);
		break;
	}
}

/* From the addresses to the transport header; may be called twice. */
static __always_inline void parse_deep(struct packet *p, const struct span *s)
{
	if (p->deep || p->network < NET_IPV4)
		return;
	p->deep = true;
	if (p->network == NET_IPV6)
		skip_extensions(p, s);
	else if (p->options)
		parse_options(p, s);
	parse_transport(p, s);
}

/* True if nothing stands between the addresses and the transport header. */
static __always_inline bool is_plain(const struct packet *p)
{
	if (p->network == NET_IPV4)
		return !p->options;
	return p->network == NET_IPV6 && !is_extension(p->protocol);
}

/* Neighbour discovery proper: what a gateway, too, may speak. */
static __always_inline bool is_nd(const struct packet *p)
{
	return p->network == NET_IPV6 && p->has_icmp &&
	       p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= ICMPV6_RS &&
	       p->icmp_type <= ICMPV6_REDIRECT;
}

static __always_inline bool is_mld(const struct packet *p)
{
	return p->network == NET_IPV6 && p->has_icmp &&
	       p->protocol == IPPROTO_ICMPV6 &&
	       ((p->icmp_type >= ICMPV6_MLD_QUERY &&
		 p->icmp_type <= ICMPV6_MLD_DONE) ||
		p->icmp_type == ICMPV6_MLD2_REPORT);
}

/* False for what every storage packet is: then nothing deeper matters. */
static __always_inline bool may_be_icmpv6(const struct packet *p)
{
	return p->network == NET_IPV6 &&
	       (p->protocol == IPPROTO_ICMPV6 || is_extension(p->protocol));
}

static __always_inline bool may_be_icmp(const struct packet *p)
{
	return may_be_icmpv6(p) ||
	       (p->network == NET_IPV4 && p->protocol == IPPROTO_ICMP);
}

/*
 * Is it in a frame to the MAC of a solicited-node group (RFC 2464, 7)? A
 * network card hands that up where an address ends so, and any answer would
 * tell it of a cloaked one.
 */
static __always_inline bool to_solicited_mac(const struct packet *p)
{
	return p->dmac[0] == 0x33 && p->dmac[1] == 0x33 && p->dmac[2] == 0xff;
}

/* Is it for a group whose frames go to that MAC, as many more than one do? */
static __always_inline bool fits_group(const struct packet *p)
{
	const struct cloak_addr *dst = &p->dst.addr;
	__be32 last;

	__builtin_memcpy(&last, &p->dmac[2], sizeof(last));
	return p->network == NET_IPV6 && addr_is_group(dst) &&
	       addr_word(dst, 3) == last;
}

/* ff02::1:ff00:0/104 (RFC 4291, 2.7.1), but for its last octets. */
static __always_inline bool is_solicited_node(const struct cloak_addr *a)
{
	return addr_word(a, 0) == bpf_htonl(0xff020000) && !addr_word(a, 1) &&
	       addr_word(a, 2) == bpf_htonl(1);
}

#endif /* CLOAK_KERN_PARSE_H */
