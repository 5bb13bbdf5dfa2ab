/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as the rules ask about it: the words of enum cloak_word.
 */
#ifndef CLOAK_KERN_FACTS_H
#define CLOAK_KERN_FACTS_H

#include "packet.h"
#include "parse.h"

struct facts {
	__u64 word[CLOAK_WORDS];
};

static __always_inline __u64 facts_kind(const struct packet *p)
{
	__u64 kind = CLOAK_FACT_PROTOCOL(p->protocol) |
		     CLOAK_FACT_VLAN(p->vlans[0]) |
		     CLOAK_FACT_IFACE(p->iface.number);

	if (p->has_icmp)
		kind |= CLOAK_FACT_HAS_ICMP |
			CLOAK_FACT_ICMP_TYPE(p->icmp_type);
	if (p->has_ports)
		kind |= CLOAK_FACT_HAS_PORTS;
	if (p->has_ports && p->protocol == IPPROTO_TCP)
		kind |= CLOAK_FACT_HAS_TCP |
			CLOAK_FACT_TCP_FLAGS(p->tcp_flags);
	return kind;
}

/* After parse_deep(). What a packet has not got is zero. */
static __always_inline void facts_read(struct facts *f, const struct packet *p,
				       int direction)
{
	bool in = direction == CLOAK_INGRESS;
	const struct cloak_addr *remote = in ? &p->src.addr : &p->dst.addr;

	__builtin_memcpy(f->word, remote, sizeof(*remote));
	f->word[CLOAK_WORD_KIND] = facts_kind(p);
	f->word[CLOAK_WORD_STATION] = 0;
	__builtin_memcpy(&f->word[CLOAK_WORD_STATION], in ? p->smac : p->dmac,
			 ETH_ALEN);
	f->word[CLOAK_WORD_PORTS] = 0;
	if (p->has_ports)
		f->word[CLOAK_WORD_PORTS] =
			in ? CLOAK_FACT_PORTS(p->sport, p->dport) :
			     CLOAK_FACT_PORTS(p->dport, p->sport);
}

static __always_inline bool facts_fit(const struct facts *f,
				      const struct cloak_entry *e)
{
	__u16 remote = f->word[CLOAK_WORD_PORTS] >> 16;
	__u16 local = f->word[CLOAK_WORD_PORTS];
	__u64 differs = 0;
	int i;

#pragma unroll
	for (i = 0; i < CLOAK_TERNARY_WORDS; i++)
		differs |= (f->word[i] & e->mask[i]) ^ e->value[i];
	return !differs && remote >= e->remote_least &&
	       remote <= e->remote_most && local >= e->local_least &&
	       local <= e->local_most;
}

#endif /* CLOAK_KERN_FACTS_H */
