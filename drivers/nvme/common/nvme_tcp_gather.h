/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gathered sends: many PDUs, headers and data pages, leave in one socket call.
 *
 * Headers are written into a txbuf, a page that is filled front to back and
 * never rewritten while the network stack may still refer to it: TCP holds
 * its own reference until the peer has acknowledged the bytes, and a full
 * page is reused only when no other reference is left and nothing of it waits
 * to be sent. A retransmission thus always sends what was sent first. Headers
 * that follow each other merge into one element of the vector.
 *
 * Neither structure locks: the owner of the queue's transmit side owns both.
 */
#ifndef NVME_TCP_GATHER_H
#define NVME_TCP_GATHER_H

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/uio.h>
#include <net/sock.h>
#ifdef NVME_TCP_HAVE_NET_RPS
#include <net/rps.h>
#endif

#define NVME_TCP_TXBUF_ORDER	1
#define NVME_TCP_TXBUF_SIZE	(PAGE_SIZE << NVME_TCP_TXBUF_ORDER)

/**
 * struct nvme_tcp_txbuf - memory for PDU headers on their way out
 * @page: compound page of NVME_TCP_TXBUF_SIZE bytes, NULL before first use
 * @used: bytes of it that are taken
 */
struct nvme_tcp_txbuf {
	struct page	*page;
	u32		used;
};

/**
 * nvme_tcp_txbuf_free() - give the memory back
 * @buf: owned by the caller; may be used again afterwards
 */
static inline void nvme_tcp_txbuf_free(struct nvme_tcp_txbuf *buf)
{
	if (buf->page)
		put_page(buf->page);
	buf->page = NULL;
	buf->used = 0;
}

/**
 * struct nvme_tcp_gather - a vector of what is to be sent next
 * @bvec: elements, owned by the caller of nvme_tcp_gather_init()
 * @max: number of elements in @bvec
 * @nr: elements in use
 * @first: first element that is not sent in full
 * @skip: bytes of that element that are sent
 * @len: bytes that are still to be sent
 * @copy: an element must not be spliced (slab memory): send by copying
 */
struct nvme_tcp_gather {
	struct bio_vec	*bvec;
	u16		max;
	u16		nr;
	u16		first;
	bool		copy;
	u32		skip;
	size_t		len;
};

/**
 * nvme_tcp_gather_init() - start with an empty vector
 * @g: owned by the caller
 * @bvec: memory for @max elements, kept by the caller while @g is in use
 * @max: number of elements
 */
static inline void nvme_tcp_gather_init(struct nvme_tcp_gather *g,
					struct bio_vec *bvec, u16 max)
{
	*g = (struct nvme_tcp_gather){ .bvec = bvec, .max = max };
}

/**
 * nvme_tcp_gather_room() - free elements
 * @g: owned by the caller
 *
 * Return: how many more elements fit.
 */
static inline u16 nvme_tcp_gather_room(const struct nvme_tcp_gather *g)
{
	return g->max - g->nr;
}

/**
 * nvme_tcp_gather_add() - append bytes of a page
 * @g: owned by the caller
 * @page: first page; must stay unchanged until the bytes are acknowledged
 * @offset: where the bytes start, from the start of @page
 * @len: number of bytes, not 0
 *
 * Bytes that follow the last element's directly are merged into it.
 *
 * Return: false where the vector is full.
 */
static inline bool nvme_tcp_gather_add(struct nvme_tcp_gather *g,
				       struct page *page, u32 offset, u32 len)
{
	struct bio_vec *last = g->nr > g->first ? &g->bvec[g->nr - 1] : NULL;

	if (last && last->bv_page == page &&
	    last->bv_offset + last->bv_len == offset) {
		last->bv_len += len;
		g->len += len;
		return true;
	}
	if (g->nr == g->max)
		return false;
	bvec_set_page(&g->bvec[g->nr++], page, len, offset);
	g->len += len;
	if (!sendpage_ok(page))
		g->copy = true;
	return true;
}

/* Start on an empty page; 0 or -ENOMEM. */
static inline int nvme_tcp_txbuf_refill(struct nvme_tcp_txbuf *buf, gfp_t gfp)
{
	if (buf->page && page_ref_count(buf->page) != 1)
		nvme_tcp_txbuf_free(buf);
	buf->used = 0;
	if (!buf->page)
		buf->page = alloc_pages(gfp | __GFP_COMP, NVME_TCP_TXBUF_ORDER);
	return buf->page ? 0 : -ENOMEM;
}

/**
 * nvme_tcp_gather_header() - append room for a PDU header
 * @g: owned by the caller
 * @buf: memory for headers; always the same one for a gather
 * @len: header with digest and padding, in bytes, at most NVME_TCP_TXBUF_SIZE
 * @gfp: how to allocate a new page where the current one is full
 *
 * The caller fills the memory in before it sends. A txbuf never moves on to
 * another page while @g still has something to send, for those bytes have no
 * reference but that of the txbuf.
 *
 * Return: address of @len bytes, 4 byte aligned; NULL where the vector or the
 * txbuf is full (send first, @g->len is not 0 then) or, with an empty vector,
 * without memory.
 */
static inline void *nvme_tcp_gather_header(struct nvme_tcp_gather *g,
					   struct nvme_tcp_txbuf *buf,
					   u32 len, gfp_t gfp)
{
	u32 at = ALIGN(buf->used, 4);

	if (!buf->page || at + len > NVME_TCP_TXBUF_SIZE) {
		if (g->len || nvme_tcp_txbuf_refill(buf, gfp))
			return NULL;
		at = 0;
	}
	if (!nvme_tcp_gather_add(g, buf->page, at, len))
		return NULL;
	buf->used = at + len;
	return page_address(buf->page) + at;
}

/**
 * nvme_tcp_gather_advance() - account for bytes that the socket took
 * @g: owned by the caller
 * @sent: bytes, at most @g->len
 *
 * An empty vector starts again from its first element.
 */
static inline void nvme_tcp_gather_advance(struct nvme_tcp_gather *g,
					   size_t sent)
{
	g->len -= sent;
	while (sent) {
		u32 left = g->bvec[g->first].bv_len - g->skip;

		if (sent < left) {
			g->skip += sent;
			return;
		}
		sent -= left;
		g->skip = 0;
		g->first++;
	}
	if (!g->len) {
		g->nr = 0;
		g->first = 0;
		g->copy = false;
	}
}

#ifdef NVME_TCP_HAVE_SPLICE_PAGES

/* By reference; the slab memory of others has to be copied. */
static inline int nvme_tcp_gather_xmit(struct nvme_tcp_gather *g,
				       struct socket *sock, struct msghdr *msg)
{
	if (!g->copy)
		msg->msg_flags |= MSG_SPLICE_PAGES;
	return sock->ops->sendmsg_locked(sock->sk, msg, msg_data_left(msg));
}

#else

/* Below this many bytes a copy is cheaper than a reference. */
#define NVME_TCP_GATHER_COPY_MAX	1024

/*
 * Bytes from @offset on that belong to one allocation: a fragment that goes
 * on into the next one refers to the first only, and usercopy hardening stops
 * the kernel when the peer is on this machine.
 */
static inline u32 nvme_tcp_gather_extent(struct page *page, u32 offset)
{
	struct page *head = compound_head(page);

	return page_size(head) - (page - head) * PAGE_SIZE - offset;
}

/*
 * Bytes of @bv from @skip on as a fragment of @skb: at most @max of them, and
 * no more than one allocation has. Return: how many; 0 where @skb is full.
 */
static inline u32 nvme_tcp_gather_frag(struct sk_buff *skb,
				       const struct bio_vec *bv, u32 skip,
				       size_t max)
{
	u32 start = bv->bv_offset + skip;
	struct page *page = bv->bv_page + start / PAGE_SIZE;
	int nr = skb_shinfo(skb)->nr_frags;
	u32 len;

	start %= PAGE_SIZE;
	len = min_t(size_t, max, bv->bv_len - skip);
	len = min(len, nvme_tcp_gather_extent(page, start));
	if (skb_can_coalesce(skb, nr, page, start)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[nr - 1], len);
	} else if (nr < MAX_SKB_FRAGS) {
		get_page(page);
		skb_fill_page_desc_noacc(skb, nr, page, start, len);
	} else {
		return 0;
	}
	return len;
}

/* TCP asks for up to @len bytes more in @skb: by reference. */
static inline int nvme_tcp_gather_fill(struct sock *sk, struct sk_buff *skb,
				       struct iov_iter *from, size_t len)
{
	const struct bio_vec *bv = from->bvec;
	u32 skip = from->iov_offset;
	size_t filled = 0;

	while (filled < len) {
		u32 n = nvme_tcp_gather_frag(skb, bv, skip, len - filled);

		if (!n)
			break;
		filled += n;
		skip += n;
		if (skip == bv->bv_len) {
			skip = 0;
			bv++;
		}
	}
	iov_iter_advance(from, filled);
	skb->len += filled;
	skb->data_len += filled;
	skb->truesize += filled;
	sk_wmem_queued_add(sk, filled);
	if (!skb_zcopy_pure(skb))
		sk_mem_charge(sk, filled);
	return filled ? 0 : -EMSGSIZE;
}

static inline void nvme_tcp_gather_sent(struct sk_buff *skb,
					struct ubuf_info *uarg, bool success)
{
}

/*
 * By reference, as for a sender who wants to know when his memory is no longer
 * in use, but each fragment has a reference of its own and nobody is told: as
 * no flag says so, no skb ever looks at @uarg.
 */
static inline int nvme_tcp_gather_xmit(struct nvme_tcp_gather *g,
				       struct socket *sock, struct msghdr *msg)
{
	struct ubuf_info uarg = {
		.callback = nvme_tcp_gather_sent,
		.refcnt = REFCOUNT_INIT(1),
		.flags = SKBFL_SHARED_FRAG,
	};

	if (!g->copy && g->len > NVME_TCP_GATHER_COPY_MAX) {
		msg->msg_flags |= MSG_ZEROCOPY;
		msg->msg_ubuf = &uarg;
		msg->sg_from_iter = nvme_tcp_gather_fill;
	}
	return sock->ops->sendmsg_locked(sock->sk, msg, msg_data_left(msg));
}

#endif

/**
 * nvme_tcp_gather_send() - send as much as the socket takes
 * @g: what to send; advanced by what was sent
 * @sock: connected socket
 * @more: more will follow at once, so do not push out a partial segment
 *
 * Process context, not with the socket locked. Never waits for room. TCP is
 * called below the hooks of security modules: what a process that reads a disk
 * may do with the network is another question, and sockets of the kernel are
 * exempt there.
 *
 * Return: bytes sent now, which may be fewer than asked for; -EAGAIN where
 * the socket has no room at all; another negative errno where the connection
 * is lost.
 */
static inline int nvme_tcp_gather_send(struct nvme_tcp_gather *g,
				       struct socket *sock, bool more)
{
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	int sent = 0;

	sock_rps_record_flow(sock->sk);
	while (g->len) {
		struct msghdr msg = { .msg_flags = flags };
		int n;

		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, g->bvec + g->first,
			      g->nr - g->first, g->len + g->skip);
		if (g->skip)
			iov_iter_advance(&msg.msg_iter, g->skip);
		/* What was acknowledged meanwhile makes room in between. */
		lock_sock(sock->sk);
		n = nvme_tcp_gather_xmit(g, sock, &msg);
		release_sock(sock->sk);
		if (n <= 0)
			return sent ? sent : n ? n : -EAGAIN;
		nvme_tcp_gather_advance(g, n);
		sent += n;
	}
	return sent;
}

#endif /* NVME_TCP_GATHER_H */
