/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Received data: from a socket buffer to the memory of a command, with its
 * digest where one is wanted.
 *
 * Where the peer is on this machine, the fragments of a socket buffer are the
 * peer's own pages, in the shape in which it sent them. A fragment may go on
 * from one allocation into the next, which follows it by chance: the in-tree
 * initiator of 6.1 sends what the block layer merged. Usercopy hardening takes
 * that for an overrun, stops the kernel, and is asked by
 * skb_copy_datagram_iter(). Nothing here goes to user space, so here it is not
 * asked.
 */
#ifndef NVME_TCP_COPY_H
#define NVME_TCP_COPY_H

#include <linux/highmem.h>
#include <linux/skbuff.h>
#include <linux/uio.h>

#include "nvme_tcp_digest.h"
#include "nvme_tcp_wire.h"

/* Copied and digested in one piece, so that it is digested in the cache. */
#define NVME_TCP_COPY_PIECE	4096u

/* Where @len bytes of @skb lie together; NULL where they do not. */
static inline const u8 *nvme_tcp_skb_block(struct sk_buff *skb, u32 offset,
					   u32 len)
{
	u32 size = skb_headlen(skb);
	int i;

	if (offset < size)
		return len <= size - offset ? skb->data + offset : NULL;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		offset -= size;
		size = skb_frag_size(frag);
		if (offset >= size)
			continue;
		if (len > size - offset || !skb_frag_page(frag) ||
		    PageHighMem(skb_frag_page(frag)))
			return NULL;
		return (const u8 *)skb_frag_address(frag) + offset;
	}
	return NULL;
}

/**
 * nvme_tcp_copy_header() - copy a PDU header, or a part of one
 * @skb: source
 * @offset: where to start in @skb, in bytes
 * @to: destination
 * @len: number of bytes, present in @skb
 *
 * Nearly always a header lies in one piece and is taken whole, which is a few
 * moves. Context as for nvme_tcp_copy_skb().
 *
 * Return: 0, or -EFAULT where @skb does not have @len bytes.
 */
static inline int nvme_tcp_copy_header(struct sk_buff *skb, u32 offset,
				       u8 *to, u32 len)
{
	const u8 *from = nvme_tcp_skb_block(skb, offset, len);

	if (!from)
		return skb_copy_bits(skb, offset, to, len);
	switch (len) {
	case NVME_TCP_CH_LEN:
		memcpy(to, from, NVME_TCP_CH_LEN);
		break;
	case sizeof(struct nvme_tcp_data_pdu):
		memcpy(to, from, sizeof(struct nvme_tcp_data_pdu));
		break;
	case sizeof(struct nvme_command):
		memcpy(to, from, sizeof(struct nvme_command));
		break;
	default:
		memcpy(to, from, len);
	}
	return 0;
}

/* Bytes that lie together. Return: false where @to has no room for them. */
static inline bool nvme_tcp_copy_block(const u8 *from, size_t len,
				       struct iov_iter *to, u32 *crc)
{
	if (!crc)
		return _copy_to_iter(from, len, to) == len;
	while (len) {
		size_t n = min_t(size_t, len, NVME_TCP_COPY_PIECE);

		if (_copy_to_iter(from, n, to) != n)
			return false;
		*crc = nvme_tcp_digest_add(*crc, from, n);
		from += n;
		len -= n;
	}
	return true;
}

/**
 * nvme_tcp_copy_skb() - copy from a socket buffer, with its digest
 * @skb: source
 * @offset: where to start in @skb, in bytes
 * @to: destination in the kernel, advanced by what was copied
 * @len: number of bytes, present in @skb
 * @crc: running digest to continue, or NULL where none is wanted
 *
 * The digest is taken of each piece right after it was copied, while it is in
 * the cache: one pass over memory. Process context with the socket locked.
 *
 * Return: 0, or -EFAULT where @to has no room for @len bytes; @to and @crc
 * are then undefined and the connection has to be given up.
 */
static inline int nvme_tcp_copy_skb(struct sk_buff *skb, unsigned int offset,
				    struct iov_iter *to, size_t len, u32 *crc)
{
	struct skb_seq_state seq;
	size_t done = 0;

	skb_prepare_seq_read(skb, offset, offset + len, &seq);
	while (done < len) {
		const u8 *block;
		size_t n = skb_seq_read(done, &block, &seq);

		if (!n)
			return -EFAULT;
		n = min(n, len - done);
		if (!nvme_tcp_copy_block(block, n, to, crc)) {
			skb_abort_seq_read(&seq);
			return -EFAULT;
		}
		done += n;
	}
	skb_abort_seq_read(&seq);
	return 0;
}

#endif /* NVME_TCP_COPY_H */
