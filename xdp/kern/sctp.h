/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does SCTP tell of a cloaked address? An end with several addresses names them
 * all when an association begins (INIT, INIT ACK: RFC 9260) and when they
 * change (ASCONF: RFC 5061), whichever it speaks from. What cannot be read, or
 * has no end, is taken to do so.
 *
 * Lengths add up in memory, as in parse_options(), and in that of the caller,
 * since the verifier knows what is in the memory of a function itself.
 */
#ifndef CLOAK_KERN_SCTP_H
#define CLOAK_KERN_SCTP_H

#include "policy.h"

#define SCTP_HEADER		12

#define SCTP_DATA		0
#define SCTP_INIT		1
#define SCTP_INIT_ACK		2
#define SCTP_COOKIE_ECHO	10
#define SCTP_I_DATA		64
#define SCTP_ASCONF		0xc1

#define SCTP_PARAM_IPV4		5
#define SCTP_PARAM_IPV6		6
#define SCTP_PARAM_ADD		0xc001
#define SCTP_PARAM_DELETE	0xc002
#define SCTP_PARAM_PRIMARY	0xc004

#define SCTP_MAX_CHUNKS		16	/* before those with data */
#define SCTP_MAX_PARAMS		16

struct sctp_chunk {
	__u8 type;
	__u8 flags;
	__be16 length;
};

struct sctp_param {
	__be16 type;
	__be16 length;
};

/* Offsets in the frame. */
struct sctp_walk {
	__u32 chunk;
	__u32 param;
	__u32 end;		/* of the chunk */
};

enum sctp_step {
	SCTP_GO_ON = 0,
	SCTP_SILENT,		/* nothing more, and nothing told */
	SCTP_TELLS,
};

/* Lengths are without the padding that makes them multiples of 4. */
static __always_inline __u32 sctp_padded(__be16 length)
{
	return (bpf_ntohs(length) + 3u) & ~3u;
}

/* Where the parameters of a chunk begin; 0 if it names no address. */
static __always_inline __u32 sctp_params_at(__u8 type)
{
	switch (type) {
	case SCTP_INIT:
	case SCTP_INIT_ACK:
		return sizeof(struct sctp_chunk) + 16;
	case SCTP_ASCONF:
		return sizeof(struct sctp_chunk) + 4;
	}
	return 0;
}

/* The address behind the head of a parameter. */
static __always_inline bool sctp_is_cloaked(struct __sk_buff *skb,
					    const struct packet *p, __u32 at,
					    bool v4)
{
	struct cloak_prefix who = {};
	struct in6_addr sixteen;
	__be32 four;

	if (v4) {
		if (bpf_skb_load_bytes(skb, at, &four, sizeof(four)))
			return true;
		prefix_set_v4(&who, four);
	} else {
		if (bpf_skb_load_bytes(skb, at, &sixteen, sizeof(sixteen)))
			return true;
		prefix_set_v6(&who, &sixteen);
	}
	return is_cloaked(p, &who);
}

/* One parameter. Some of ASCONF have another one, an address, within them. */
static __always_inline enum sctp_step sctp_param_step(struct __sk_buff *skb,
						      const struct packet *p,
						      struct sctp_walk *walk)
{
	struct sctp_param param;
	__u32 at = walk->param;
	__u16 type;

	if (at + sizeof(param) > walk->end)
		return SCTP_SILENT;
	if (bpf_skb_load_bytes(skb, at, &param, sizeof(param)) ||
	    bpf_ntohs(param.length) < sizeof(param))
		return SCTP_TELLS;
	type = bpf_ntohs(param.type);
	switch (type) {
	case SCTP_PARAM_ADD:
	case SCTP_PARAM_DELETE:
	case SCTP_PARAM_PRIMARY:
		walk->param = at + 8;
		return SCTP_GO_ON;
	case SCTP_PARAM_IPV4:
	case SCTP_PARAM_IPV6:
		if (sctp_is_cloaked(skb, p, at + sizeof(param),
				    type == SCTP_PARAM_IPV4))
			return SCTP_TELLS;
	}
	walk->param = at + sctp_padded(param.length);
	return SCTP_GO_ON;
}

global_fn int sctp_params(struct __sk_buff *skb, const struct packet *p,
			  struct sctp_walk *walk)
{
	enum sctp_step step;
	int i;

	if (!p || !walk)
		return SCTP_TELLS;
	for (i = 0; i <= SCTP_MAX_PARAMS; i++) {
		step = sctp_param_step(skb, p, walk);
		if (step != SCTP_GO_ON)
			return step;
	}
	return SCTP_TELLS;
}

static __always_inline enum sctp_step sctp_chunk_step(struct __sk_buff *skb,
						      const struct packet *p,
						      struct sctp_walk *walk)
{
	struct sctp_chunk chunk;
	__u32 at = walk->chunk;
	__u32 params;

	if (at + sizeof(chunk) > p->ip_end)
		return SCTP_SILENT;
	if (bpf_skb_load_bytes(skb, at, &chunk, sizeof(chunk)) ||
	    bpf_ntohs(chunk.length) < sizeof(chunk))
		return SCTP_TELLS;
	/* What controls the association stands before all data. */
	if (chunk.type == SCTP_DATA || chunk.type == SCTP_I_DATA)
		return SCTP_SILENT;
	walk->chunk = at + sctp_padded(chunk.length);
	params = sctp_params_at(chunk.type);
	if (!params)
		return SCTP_GO_ON;
	walk->param = at + params;
	walk->end = at + bpf_ntohs(chunk.length);
	return sctp_params(skb, p, walk) == SCTP_TELLS ? SCTP_TELLS :
							 SCTP_GO_ON;
}

/* After parse_deep(), of a packet with the header of SCTP. */
global_fn int sctp_tells(struct __sk_buff *skb, const struct packet *p,
			 struct sctp_walk *walk)
{
	enum sctp_step step;
	int i;

	if (!p || !walk)
		return true;
	walk->chunk = p->transport_at + SCTP_HEADER;
	for (i = 0; i <= SCTP_MAX_CHUNKS; i++) {
		step = sctp_chunk_step(skb, p, walk);
		if (step != SCTP_GO_ON)
			return step == SCTP_TELLS;
	}
	return true;
}

#endif /* CLOAK_KERN_SCTP_H */
