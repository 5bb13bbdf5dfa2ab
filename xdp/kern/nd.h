/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which link-layer address neighbour discovery names (RFC 4861, 4.6.1). The
 * kernel believes the option and not the frame: whoever is bound to a MAC
 * must not name another.
 */
#ifndef CLOAK_KERN_ND_H
#define CLOAK_KERN_ND_H

#include "neighbour.h"
#include "parse.h"

#define ND_OPTION_SOURCE	1
#define ND_OPTION_TARGET	2
#define ND_OPTION_UNIT		8	/* octets, of lengths */

/* Routers advertise several prefixes, routes and servers. */
#define ND_MAX_OPTIONS		32

struct nd_option {
	__u8 type;
	__u8 units;
	__u8 mac[ETH_ALEN];
};

/* Where the options begin, behind the ICMPv6 header and what is fixed. */
static __always_inline __u32 nd_options_at(const struct packet *p)
{
	switch (p->icmp_type) {
	case ICMPV6_RS:
		return p->transport_at + 8;
	case ICMPV6_RA:
		return p->transport_at + 16;
	}
	return p->transport_at + sizeof(struct nd_header);
}

/*
 * Does it name another MAC than the one it comes from? So it is taken to do if
 * its options cannot all be read.
 */
static __always_inline bool nd_names_other(const struct packet *p,
					   const struct span *s)
{
	const struct nd_option *option;
	__u32 at = nd_options_at(p);
	int i;

	for (i = 0; i <= ND_MAX_OPTIONS; i++) {
		if (at + sizeof(*option) > p->ip_end)
			return at != p->ip_end;
		option = bytes_at(s, at, sizeof(*option));
		if (!option || !option->units)
			return true;
		if ((option->type == ND_OPTION_SOURCE ||
		     option->type == ND_OPTION_TARGET) &&
		    !mac_equal(option->mac, p->smac))
			return true;
		at += option->units * ND_OPTION_UNIT;
	}
	return true;
}

/* True if somebody who is bound to a MAC speaks, or is spoken for. */
global_fn int nd_is_bound(const struct packet *p)
{
	if (!p)
		return true;
	return is_bound(peer_find(p, &p->src)) ||
	       (p->has_target && is_bound(peer_find(p, &p->target))) ||
	       is_bound(station_find(p, p->smac));
}

#endif /* CLOAK_KERN_ND_H */
