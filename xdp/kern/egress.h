/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What may go out, from whatever made it: the stack's answers, errors and
 * resets, its own ARP, DAD, MLD, router solicitations, and programs. Each
 * function returns the reason of its verdict.
 *
 * Nothing that is cloaked leaves in a broadcast or multicast frame. The one
 * such frame a host cannot live without is the question for a peer's MAC; it
 * goes to that peer alone, at the MAC that its entry is bound to or that the
 * host used last (neighbour.h). If neither is known the question is dropped:
 * a forged packet "from" a peer could have provoked it. The peer that really
 * exists asks for the host first, or within seconds when its own entry grows
 * stale, and is known from then on. CLOAK_IFACE_RESOLVE_BROADCAST changes
 * that for those who prefer it: everybody is asked if nothing is known, or if
 * three questions had no answer, as somebody with another MAC is the peer now.
 * A router solicitation goes to the router that is known alike (router.h).
 *
 * Where single addresses are cloaked, all this is for frames about one of
 * them. On top of that MLD reports, which name the group of every address,
 * leave such an interface only to a group that the policy lists, and well-known
 * self-advertisements never, from a visible address to peers at most. What
 * routers tell each other is for such groups alone, too.
 */
#ifndef CLOAK_KERN_EGRESS_H
#define CLOAK_KERN_EGRESS_H

#include "flow.h"
#include "neighbour.h"
#include "parse.h"
#include "policy.h"
#include "quote.h"
#include "router.h"
#include "sctp.h"

/* As much of a packet as the parser may want to see. */
#define EGRESS_HEADERS	256

#define PORT_NETBIOS_NS	137
#define PORT_NETBIOS_DGM 138
#define PORT_SSDP	1900
#define PORT_WSD	3702
#define PORT_MDNS	5353
#define PORT_LLMNR	5355
#define PORT_RIP	520
#define PORT_RIPNG	521
#define PORT_BABEL	6696

#define IPPROTO_OSPF	89
#define IPPROTO_VRRP	112	/* CARP as well */

/* Where the discovery protocols CDP, FDP, EDP and SONMP go, as SNAP. */
#define MAC_CDP		{ 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc }
#define MAC_FDP		{ 0x01, 0xe0, 0x52, 0xcc, 0xcc, 0xcc }
#define MAC_EDP		{ 0x00, 0xe0, 0x2b, 0x00, 0x00, 0x00 }
#define MAC_SONMP	{ 0x01, 0x00, 0x81, 0x00, 0x01, 0x00 }
#define MAC_SONMP_NEAR	{ 0x01, 0x00, 0x81, 0x00, 0x01, 0x01 }

/* What has to be done to a packet before it leaves. */
struct rewrite {
	__u8 dmac[ETH_ALEN];
	bool needed;
};

static __always_inline struct span skb_span(const struct __sk_buff *skb)
{
	struct span s = {
		.start = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};

	return s;
}

/* parse_deep() for tc. */
global_fn int egress_deepen(struct __sk_buff *skb, struct packet *p)
{
	struct span s = skb_span(skb);

	if (p)
		parse_deep(p, &s);
	return 0;
}

/* The question of the host for the MAC of peer @who, sent to everybody. */
static __always_inline int
egress_resolve(const struct packet *p, const struct cloak_prefix *who,
	       const struct cloak_peer *peer, struct rewrite *rewrite)
{
	bool everybody = p->iface.flags & CLOAK_IFACE_RESOLVE_BROADCAST;
	const __u8 *mac = neighbour_mac(who, p->ifindex, everybody);
	const __u8 nobody[ETH_ALEN] = {};

	if (peer->flags & CLOAK_PEER_BOUND_MAC)
		mac = peer->mac;
	if (mac) {
		rewrite->needed = true;
		__builtin_memcpy(rewrite->dmac, mac, ETH_ALEN);
		neighbour_ask(p, who, peer, rewrite->dmac);
		return CLOAK_PASS_RESOLVE;
	}
	if (!everybody)
		return CLOAK_DROP_EGRESS_UNSEEN;
	neighbour_write(who, p->ifindex, nobody, bpf_ktime_get_coarse_ns());
	return CLOAK_PASS_RESOLVE_GROUP;
}

/* ARP or ND about @who: to @who itself, or a question for its MAC. */
global_fn int egress_resolver(const struct packet *p,
			      const struct cloak_prefix *who, bool question,
			      struct rewrite *rewrite)
{
	const struct cloak_peer *peer;
	const __u8 *mac;
	bool group;
	int refused;

	if (!p || !who || !rewrite)
		return CLOAK_DROP_INTERNAL;
	peer = peer_find(p, who);
	group = to_group_mac(p);
	if (!peer || !(peer->flags & PEER_ANY)) {
		if (!group && station_may_ask(p, true))
			return CLOAK_PASS_STATION;
		return CLOAK_DROP_EGRESS_RESOLVE;
	}
	if (group && !question)
		return CLOAK_DROP_EGRESS_ANNOUNCE;
	mac = group ? peer->mac : p->dmac;
	refused = peer_refuse(peer, p->ifindex, mac);
	if (refused)
		return refused;
	if (group)
		return egress_resolve(p, who, peer, rewrite);
	/* An outbound peer is answered only while the host talks to it. */
	if (!(peer->flags & (CLOAK_PEER_INBOUND | CLOAK_PEER_GATEWAY)) &&
	    !question && !neighbour_was_asked(who, p->ifindex, p->dmac))
		return CLOAK_DROP_EGRESS_RESOLVE;
	neighbour_learn(p, who, peer, p->dmac);
	return peer->flags & CLOAK_PEER_INBOUND ? CLOAK_PASS_AUTHORISED :
						  CLOAK_PASS_GATEWAY;
}

static __always_inline int egress_arp(const struct packet *p,
				      struct rewrite *rewrite)
{
	if (addr_is_unspecified(&p->src.addr))
		return CLOAK_DROP_EGRESS_DAD;
	if (addr_equal(&p->src.addr, &p->dst.addr))
		return CLOAK_DROP_EGRESS_ANNOUNCE;
	if (is_cloaked(p, &p->dst))
		return CLOAK_DROP_EGRESS_ANNOUNCE;
	return egress_resolver(p, &p->dst, p->arp_op == 1, rewrite);
}

/* For all routers, so it is told to the one that is known, or to none. */
global_fn int egress_rs(const struct packet *p, struct rewrite *rewrite)
{
	const __u8 *mac;

	if (!p || !rewrite)
		return CLOAK_DROP_INTERNAL;
	mac = router_mac(p);
	if (!mac || !addr_is_group(&p->dst.addr))
		return CLOAK_DROP_EGRESS_RS;
	rewrite->needed = true;
	__builtin_memcpy(rewrite->dmac, mac, ETH_ALEN);
	return CLOAK_PASS_RESOLVE;
}

static __always_inline int egress_nd(const struct packet *p,
				     struct rewrite *rewrite)
{
	if (p->icmp_type == ICMPV6_RS)
		return egress_rs(p, rewrite);
	if (p->icmp_type == ICMPV6_NS && addr_is_unspecified(&p->src.addr))
		return CLOAK_DROP_EGRESS_DAD;
	if (p->icmp_type == ICMPV6_NS) {
		if (!p->has_target)
			return CLOAK_DROP_EGRESS_MALFORMED;
		return egress_resolver(p, &p->target, true, rewrite);
	}
	/* NA, RA and redirect go to whom they are addressed to. */
	if (addr_is_group(&p->dst.addr))
		return CLOAK_DROP_EGRESS_ANNOUNCE;
	return egress_resolver(p, &p->dst, false, rewrite);
}

/* Reports of membership, too, if the policy lists where they are sent to. */
global_fn int egress_group(const struct packet *p)
{
	const struct cloak_peer *peer;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	peer = peer_find(p, &p->dst);
	if (peer && (peer->flags & CLOAK_PEER_GROUP) &&
	    !peer_refuse(peer, p->ifindex, peer->mac))
		return CLOAK_PASS_GROUP;
	return p->protocol == IPPROTO_IGMP || is_mld(p) ?
		       CLOAK_DROP_EGRESS_MLD :
		       CLOAK_DROP_EGRESS_GROUP;
}

global_fn int egress_ip(struct packet *p)
{
	const struct cloak_peer *peer;
	int refused;

	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (to_group_mac(p) || addr_is_group(&p->dst.addr))
		return egress_group(p);
	peer = peer_recall(p, &p->dst);
	if (!peer || !(peer->flags & PEER_ANY))
		return CLOAK_DROP_EGRESS;
	refused = peer_refuse(peer, p->ifindex, p->dmac);
	if (refused)
		return refused;
	if (peer->flags & CLOAK_PEER_INBOUND) {
		neighbour_learn(p, &p->dst, peer, p->dmac);
		return CLOAK_PASS_AUTHORISED;
	}
	return peer->flags & CLOAK_PEER_OUTBOUND ? CLOAK_PASS_OUTBOUND :
						   CLOAK_DROP_GATEWAY_ONLY;
}

/*
 * Of what goes to a peer that may begin itself, pings alone are noted: routers
 * tell what does not fit, and that of an echo may be forged.
 */
static __always_inline bool egress_opens(const struct packet *p, int reason)
{
	return reason == CLOAK_PASS_OUTBOUND ||
	       (reason == CLOAK_PASS_AUTHORISED && may_be_icmp(p));
}

/*
 * Does a program of this host take connections where @p, a segment, is from?
 * The question is for a connection from port 0, so that it finds none that is.
 */
static __always_inline bool egress_is_served(struct __sk_buff *skb,
					     const struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sock;
	bool listens;

	if (p->network == NET_IPV4) {
		tuple.ipv4.saddr = addr_word(&p->dst.addr, 3);
		tuple.ipv4.daddr = addr_word(&p->src.addr, 3);
		tuple.ipv4.dport = bpf_htons(p->sport);
		sock = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4),
					  BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &p->dst.addr,
				 sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, &p->src.addr,
				 sizeof(tuple.ipv6.daddr));
		tuple.ipv6.dport = bpf_htons(p->sport);
		sock = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6),
					  BPF_F_CURRENT_NETNS, 0);
	}
	if (!sock)
		return false;
	listens = sock->state == BPF_TCP_LISTEN;
	bpf_sk_release(sock);
	return listens;
}

/*
 * Who begins an association sends INIT and COOKIE ECHO; an SCTP stack goes on
 * with others for as long as there is one, whoever has begun it (RFC 9260, 5.1
 * and 8.3).
 */
static __always_inline bool egress_goes_on(struct __sk_buff *skb,
					   const struct packet *p)
{
	__u8 chunk;

	return bpf_skb_load_bytes(skb, p->transport_at + SCTP_HEADER, &chunk,
				  sizeof(chunk)) ||
	       (chunk != SCTP_INIT && chunk != SCTP_COOKIE_ECHO);
}

/* Has the other end begun what @p goes on with, as far as can be known? */
global_fn int egress_is_answer(struct __sk_buff *skb, const struct packet *p)
{
	if (p && p->protocol == IPPROTO_SCTP)
		return egress_goes_on(skb, p);
	if (!p || p->protocol != IPPROTO_TCP)
		return false;
	if (p->tcp_flags & TCP_FLAG_SYN)
		return p->tcp_flags & TCP_FLAG_ACK;
	return egress_is_served(skb, p);
}

/*
 * An association is one between the same ports, of as many addresses as both
 * ends have: heartbeats go to those that INIT was not for.
 */
static __always_inline void sctp_key(struct cloak_flow_key *key)
{
	__builtin_memset(&key->remote_addr, 0, sizeof(key->remote_addr));
	__builtin_memset(&key->local_addr, 0, sizeof(key->local_addr));
}

/* @key: of @p. Returns false if another end has begun the association. */
static __always_inline bool sctp_is_ours(struct cloak_flow_key *key,
					 const struct packet *p, bool begins)
{
	bool ours = begins;

	sctp_key(key);
	if (begins)
		flow_begins(key);
	else
		ours = flow_goes_on(key);
	key->remote_addr = p->dst.addr;
	key->local_addr = p->src.addr;
	return ours;
}

static __always_inline void egress_flow(struct __sk_buff *skb,
					const struct packet *p)
{
	struct cloak_flow_key key = {};
	bool begins;

	if (!flow_sent(&key, p) || flow_goes_on(&key))
		return;
	begins = !egress_is_answer(skb, p);
	if (p->protocol == IPPROTO_SCTP)
		begins = sctp_is_ours(&key, p, begins);
	if (begins)
		flow_begins(&key);
}

/* @p leaves for a peer, whose answer may come in from now on. */
global_fn int egress_opened(struct __sk_buff *skb, struct packet *p)
{
	const struct cloak_peer *peer;

	if (!p)
		return 0;
	peer = peer_recall(p, &p->dst);
	if (peer)
		neighbour_learn(p, &p->dst, peer, p->dmac);
	egress_deepen(skb, p);
	egress_flow(skb, p);
	return 0;
}

/*
 * Is it from a socket that talks to this other end alone, as clients' do? What
 * a tunnel carries brings the socket of that along.
 */
static __always_inline bool egress_is_connected(const struct __sk_buff *skb,
						const struct packet *p)
{
	const struct bpf_sock *sock = skb->sk;
	__be16 port = sock ? sock->dst_port : 0;

	return port && (!p->has_ports || port == bpf_htons(p->dport));
}

static __always_inline int egress_whole(struct __sk_buff *skb, struct packet *p,
					struct rewrite *rewrite)
{
	if (p->network == NET_ARP)
		return egress_arp(p, rewrite);
	if (p->network == NET_OTHER)
		return CLOAK_DROP_EGRESS_NON_IP;
	if (may_be_icmpv6(p)) {
		egress_deepen(skb, p);
		if (is_mld(p))
			return egress_group(p);
		if (is_nd(p))
			return egress_nd(p, rewrite);
	}
	return egress_ip(p);
}

static __always_inline bool is_discovery_port(__u16 port)
{
	switch (port) {
	case PORT_NETBIOS_NS:
	case PORT_NETBIOS_DGM:
	case PORT_SSDP:
	case PORT_WSD:
	case PORT_MDNS:
	case PORT_LLMNR:
		return true;
	}
	return false;
}

/* Before parse_deep(), as far as the IP header shows. */
static __always_inline bool may_tell(const struct packet *p)
{
	return p->protocol == IPPROTO_UDP || p->protocol == IPPROTO_TCP ||
	       p->protocol == IPPROTO_SCTP ||
	       (p->network == NET_IPV6 && is_extension(p->protocol));
}

static __always_inline bool is_discovery_mac(const struct packet *p)
{
	const __u8 cdp[ETH_ALEN] = MAC_CDP;
	const __u8 fdp[ETH_ALEN] = MAC_FDP;
	const __u8 edp[ETH_ALEN] = MAC_EDP;
	const __u8 sonmp[ETH_ALEN] = MAC_SONMP;
	const __u8 near[ETH_ALEN] = MAC_SONMP_NEAR;

	return mac_equal(p->dmac, cdp) || mac_equal(p->dmac, fdp) ||
	       mac_equal(p->dmac, edp) || mac_equal(p->dmac, sonmp) ||
	       mac_equal(p->dmac, near);
}

/* Things that carry the addresses of the host in their payload. */
static __always_inline bool is_advertisement(struct __sk_buff *skb,
					     struct packet *p)
{
	if (p->network == NET_OTHER)
		return p->ethertype == ETHERTYPE_LLDP || is_discovery_mac(p);
	if (!to_group_mac(p) || !may_tell(p))
		return false;
	egress_deepen(skb, p);
	return p->protocol == IPPROTO_UDP && p->has_ports &&
	       is_discovery_port(p->dport);
}

/* Things that do so and are for one other end. */
static __always_inline bool tells_addresses(struct __sk_buff *skb,
					    struct packet *p)
{
	struct sctp_walk walk = {};

	if (!may_tell(p))
		return false;
	egress_deepen(skb, p);
	if (!p->has_ports)
		return false;
	if (p->protocol == IPPROTO_SCTP)
		return sctp_tells(skb, p, &walk);
	return is_discovery_port(p->sport);
}

/*
 * Routers' protocols, to those of the link: virtual addresses and routes, which
 * are what the host has.
 */
static __always_inline bool announces_routes(struct __sk_buff *skb,
					     struct packet *p)
{
	if (p->network < NET_IPV4 ||
	    !(to_group_mac(p) || addr_is_group(&p->dst.addr)))
		return false;
	egress_deepen(skb, p);
	if (p->protocol == IPPROTO_VRRP || p->protocol == IPPROTO_OSPF ||
	    p->protocol == IPPROTO_PIM)
		return true;
	return p->protocol == IPPROTO_UDP && p->has_ports &&
	       (p->dport == PORT_RIP || p->dport == PORT_RIPNG ||
		p->dport == PORT_BABEL);
}

/* What such a datagram goes on with, of which only the first piece shows it. */
global_fn int told_piece(const struct packet *p)
{
	struct cloak_flow_key key = {};

	if (!p || p->frag == FRAG_NONE)
		return false;
	piece_key(&key, p, CLOAK_EGRESS, CLOAK_FLOW_PIECE_TOLD);
	if (p->frag == FRAG_LATER)
		return piece_follows(&key);
	piece_leads(&key);
	return true;
}

/* Is a frame of this host about one of the cloaked addresses? */
static __always_inline bool egress_is_cloaked(struct __sk_buff *skb,
					      struct packet *p)
{
	if (p->network == NET_OTHER)
		return false;
	if (is_cloaked(p, &p->src))
		return true;
	if (p->network == NET_ARP)
		return is_cloaked(p, &p->dst);
	if (!may_be_icmpv6(p))
		return false;
	egress_deepen(skb, p);
	return p->has_target && is_cloaked(p, &p->target);
}

/*
 * Is it an error about what was for somebody else? A stranger who sends to one
 * address after the other, in frames to this host, gets one for each that is
 * not cloaked, and so finds those that are.
 */
global_fn int egress_tells_by_error(struct __sk_buff *skb, struct packet *p)
{
	struct span s = skb_span(skb);
	struct quote q = {};

	if (!p)
		return true;
	egress_deepen(skb, p);
	if (!is_about_options(p))
		return false;
	return !quote_read(&q, p, &s) || !addr_equal(&q.dst.addr, &p->src.addr);
}

/* About no cloaked address, unless it names one where that may not be known. */
global_fn int egress_visible(struct __sk_buff *skb, struct packet *p)
{
	if (!p)
		return CLOAK_DROP_INTERNAL;
	if (is_mld(p) || announces_routes(skb, p))
		return egress_group(p);
	if (p->frag == FRAG_LATER)
		return told_piece(p) ? CLOAK_DROP_EGRESS_ADVERT :
				       CLOAK_PASS_VISIBLE;
	if ((!tells_addresses(skb, p) &&
	     !(may_be_icmp(p) && egress_tells_by_error(skb, p))) ||
	    peer_may(p, &p->dst, p->dmac, CLOAK_PEER_INBOUND))
		return CLOAK_PASS_VISIBLE;
	told_piece(p);
	return CLOAK_DROP_EGRESS_ADVERT;
}

static __always_inline int egress_addresses(struct __sk_buff *skb,
					    struct packet *p,
					    struct rewrite *rewrite)
{
	if (is_advertisement(skb, p)) {
		told_piece(p);
		return CLOAK_DROP_EGRESS_ADVERT;
	}
	if (egress_is_cloaked(skb, p))
		return egress_whole(skb, p, rewrite);
	return egress_visible(skb, p);
}

/* Returns 0, or the reason why the packet cannot be read. */
global_fn int egress_parse(struct __sk_buff *skb, struct packet *p)
{
	struct span s = skb_span(skb);

	if (!p)
		return CLOAK_DROP_INTERNAL;
	return parse_frame(p, &s, false) ? CLOAK_DROP_EGRESS_MALFORMED : 0;
}

/* Where the header of plain TCP is, or 0 if it is anything else. */
static __always_inline __u32 tcp_at(const struct span *s, __u16 ethertype,
				    __u32 at)
{
	const struct ipv6hdr *v6;
	const struct iphdr *v4;

	if (ethertype == ETHERTYPE_IPV4) {
		v4 = bytes_at(s, at, sizeof(*v4));
		if (!v4 || v4->ihl != 5 || v4->protocol != IPPROTO_TCP)
			return 0;
		return at + sizeof(*v4);
	}
	if (ethertype == ETHERTYPE_IPV6) {
		v6 = bytes_at(s, at, sizeof(*v6));
		if (!v6 || v6->nexthdr != IPPROTO_TCP)
			return 0;
		return at + sizeof(*v6);
	}
	return 0;
}

/*
 * True if all headers of a segment of TCP are in the linear part. They are
 * there and nothing else is, in what the stack sends; more of it would have to
 * be copied, with a new head as the stack has a clone of this one.
 */
global_fn int egress_has_headers(struct __sk_buff *skb)
{
	struct span s = skb_span(skb);
	const struct mac_header *mac = bytes_at(&s, 0, sizeof(*mac));
	const struct tag_header *tag;
	const struct tcphdr *tcp;
	__u32 at = sizeof(*mac);
	__u16 ethertype;

	if (!mac)
		return false;
	ethertype = bpf_ntohs(mac->ethertype);
	if (is_tag(ethertype)) {
		tag = bytes_at(&s, at, sizeof(*tag));
		if (!tag)
			return false;
		ethertype = bpf_ntohs(tag->ethertype);
		at += sizeof(*tag);
	}
	at = tcp_at(&s, ethertype, at);
	if (!at)
		return false;
	tcp = bytes_at(&s, at, sizeof(*tcp));
	return tcp && at + tcp->doff * 4 <= s.end - s.start;
}

/* Headers may lie in page fragments: get them into the linear part first. */
static __always_inline void egress_pull(struct __sk_buff *skb)
{
	__u32 wanted = skb->len;

	if (wanted > EGRESS_HEADERS)
		wanted = EGRESS_HEADERS;
	if ((__u64)skb->data_end - skb->data < wanted &&
	    !egress_has_headers(skb))
		bpf_skb_pull_data(skb, wanted);
}

static __always_inline int
egress_verdict(struct __sk_buff *skb, struct packet *p, struct rewrite *rewrite)
{
	int reason;

	egress_pull(skb);
	reason = egress_parse(skb, p);
	if (reason)
		return reason;
	if (is_whole(p))
		return egress_whole(skb, p, rewrite);
	return egress_addresses(skb, p, rewrite);
}

#endif /* CLOAK_KERN_EGRESS_H */
