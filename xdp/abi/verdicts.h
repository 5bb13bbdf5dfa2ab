/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Directions, the reasons of verdicts, and what is counted by them.
 */
#ifndef CLOAK_ABI_VERDICTS_H
#define CLOAK_ABI_VERDICTS_H

#include "abi/base.h"

enum cloak_direction {
	CLOAK_INGRESS = 0,
	CLOAK_EGRESS = 1,
	CLOAK_DIRECTIONS = 2,
};

/*
 * Why a packet passed or was dropped. Numbers below CLOAK_DROP_FIRST pass.
 * bpf/names.cpp has the names for people; a test holds the two together.
 */
enum cloak_reason {
	CLOAK_NO_REASON = 0,		/* never counted: a bug if it is */

	CLOAK_PASS_UNMANAGED = 1,	/* no policy for this interface */
	CLOAK_PASS_AUTHORISED = 2,	/* peer, either direction */
	CLOAK_PASS_GATEWAY = 3,		/* address resolution by a gateway */
	CLOAK_PASS_STATION = 4,		/* ARP or ND with a known peer's MAC */
	CLOAK_PASS_FLOW = 5,		/* answer to what the host opened */
	CLOAK_PASS_OUTBOUND = 6,	/* the host talks to an outbound peer */
	CLOAK_PASS_VISIBLE = 7,		/* not about a cloaked address */
	CLOAK_PASS_RESOLVE = 8,		/* own ARP, NS or RS, made unicast */
	CLOAK_PASS_RESOLVE_GROUP = 9,	/* own ARP or NS, sent to everybody */
	CLOAK_PASS_GROUP = 10,		/* own group traffic, listed in peers */
	CLOAK_PASS_DECOY = 11,		/* to or from a decoy */
	CLOAK_PASS_ANSWER = 12,		/* own answer to what was rejected */
	CLOAK_PASS_RELATED = 13,	/* ICMP error: what a peer was sent */

	CLOAK_DROP_FIRST = 16,
	CLOAK_DROP_UNAUTHORISED = 16,	/* source in no peer entry */
	CLOAK_DROP_EXPIRED = 17,	/* peer entry ran out */
	CLOAK_DROP_WRONG_MAC = 18,	/* peer entry is bound to another MAC */
	CLOAK_DROP_WRONG_IFACE = 19,	/* bound to another interface */
	CLOAK_DROP_GATEWAY_ONLY = 20,	/* gateway that wants more than ARP */
	CLOAK_DROP_NO_FLOW = 21,	/* outbound peer, nothing was asked */
	CLOAK_DROP_NON_IP = 22,		/* neither ARP nor IPv4 nor IPv6 */
	CLOAK_DROP_TRUNCATED = 23,	/* ends inside Ethernet or VLAN tag */
	CLOAK_DROP_TAGS = 24,		/* more than CLOAK_MAX_VLANS tags */
	CLOAK_DROP_BAD_ARP = 25,	/* not ARP for IPv4 on Ethernet */
	CLOAK_DROP_BAD_IPV4 = 26,	/* short, or its lengths lie */
	CLOAK_DROP_BAD_IPV6 = 27,	/* short, or its lengths lie */
	CLOAK_DROP_BAD_HEADERS = 28,	/* without end, or not all there */
	CLOAK_DROP_FRAGMENTED_ND = 29,	/* ICMPv6 to a group in fragments */
	CLOAK_DROP_SOURCE_ROUTED = 30,	/* to, or naming, a cloaked address */
	CLOAK_DROP_NOT_LINEAR = 31,	/* headers beyond the first buffer */
	CLOAK_DROP_ARP = 32,		/* ARP, sender is no peer */
	CLOAK_DROP_ND = 33,		/* neighbour discovery, the same */
	CLOAK_DROP_FOREIGN_TARGET = 34,	/* NA for somebody who is no peer */
	CLOAK_DROP_SELF = 35,		/* sender claims one of our addresses */
	CLOAK_DROP_CLOAKED_GROUP = 36,	/* to a group of cloaked addresses */
	CLOAK_DROP_RULE = 37,		/* a rule says so, either direction */
	CLOAK_DROP_TABLE = 38,		/* no rule decides, nor lets it pass */
	CLOAK_DROP_REJECT = 39,		/* a rule says so; an answer is due */

	CLOAK_DROP_EGRESS = 40,		/* destination in no peer entry */
	CLOAK_DROP_EGRESS_GROUP = 41,	/* own broadcast or multicast */
	CLOAK_DROP_EGRESS_DAD = 42,	/* own ARP probe, own DAD */
	CLOAK_DROP_EGRESS_ANNOUNCE = 43, /* gratuitous ARP, unsolicited NA */
	CLOAK_DROP_EGRESS_MLD = 44,	/* own MLD or IGMP report */
	CLOAK_DROP_EGRESS_RS = 45,	/* own router solicitation */
	CLOAK_DROP_EGRESS_RESOLVE = 46,	/* ARP or ND about or to no peer */
	CLOAK_DROP_EGRESS_UNSEEN = 47,	/* peer without a known MAC */
	CLOAK_DROP_EGRESS_NON_IP = 48,	/* neither ARP nor IPv4 nor IPv6 */
	CLOAK_DROP_EGRESS_ADVERT = 49,	/* LLDP, mDNS, SCTP name addresses */
	CLOAK_DROP_EGRESS_MALFORMED = 50, /* cannot be parsed */

	/* As CLOAK_DROP_REJECT, but without an answer. */
	CLOAK_DROP_REJECT_LIMITED = 52,	/* too many were answered already */
	CLOAK_DROP_REJECT_MUTE = 53,	/* such packets are never answered */
	CLOAK_DROP_REJECT_CLOAKED = 54,	/* it would show a cloaked address */
	CLOAK_DROP_REJECT_CHECKSUM = 55, /* a checksum is wrong */

	CLOAK_DROP_INTERNAL = 60,	/* a map failed that cannot fail */

	CLOAK_REASONS = 64,
};

/* Value of "counters" (per CPU), key: CLOAK_COUNTER(). */
struct cloak_counter {
	__u64 packets;
	__u64 bytes;		/* whole frames, a GSO packet counts once */
};

/*
 * Every packet is counted under exactly one key: the sum over all keys is
 * what the two programs have seen. @monitored: the packet passed although
 * the reason is one for a drop.
 */
#define CLOAK_COUNTER(direction, monitored, reason) \
	((((direction) * 2u) + ((monitored) ? 1u : 0u)) * CLOAK_REASONS + \
	 (reason))
#define CLOAK_COUNTERS	(CLOAK_DIRECTIONS * 2u * CLOAK_REASONS)

CLOAK_ASSERT(sizeof(struct cloak_counter) == 16, "cloak_counter");

#endif /* CLOAK_ABI_VERDICTS_H */
