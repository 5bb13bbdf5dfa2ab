// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking through the data of a command, bio by bio, from any position and as
 * far as there is room.
 */
#include "nvme_tcp.h"
#include "nvme_tcp_copy.h"

static void cursor_enter_bio(struct nvme_tcp_cursor *cursor, struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	int segs = 0;

	bio_for_each_bvec(bv, bio, iter)
		segs++;
	iov_iter_bvec(&cursor->iter, bio_data_dir(bio) == WRITE ?
		      ITER_SOURCE : ITER_DEST,
		      __bvec_iter_bvec(bio->bi_io_vec, bio->bi_iter), segs,
		      bio->bi_iter.bi_size);
	cursor->iter.iov_offset = bio->bi_iter.bi_bvec_done;
	cursor->bio = bio;
}

/**
 * nvme_tcp_cursor_init() - go to the start of a request's data
 * @cursor: owned by the caller
 * @rq: request with data
 */
void nvme_tcp_cursor_init(struct nvme_tcp_cursor *cursor, struct request *rq)
{
	cursor->pos = 0;
	cursor->first = NULL;
	cursor->bio = NULL;
	if (rq->rq_flags & RQF_SPECIAL_PAYLOAD) {
		iov_iter_bvec(&cursor->iter, rq_data_dir(rq) == WRITE ?
			      ITER_SOURCE : ITER_DEST, &rq->special_vec, 1,
			      rq->special_vec.bv_len);
	} else if (rq->bio) {
		cursor->first = rq->bio;
		cursor_enter_bio(cursor, rq->bio);
	} else {
		iov_iter_bvec(&cursor->iter, ITER_SOURCE, NULL, 0, 0);
	}
}

/* Step over bytes of the current bio, and into the next one at its end. */
static void cursor_step(struct nvme_tcp_cursor *cursor, u32 len)
{
	cursor->pos += len;
	while (!iov_iter_count(&cursor->iter) && cursor->bio &&
	       cursor->bio->bi_next)
		cursor_enter_bio(cursor, cursor->bio->bi_next);
}

static void cursor_forward(struct nvme_tcp_cursor *cursor, u32 len)
{
	while (len) {
		u32 n = min_t(size_t, len, iov_iter_count(&cursor->iter));

		if (WARN_ON_ONCE(!n))
			return;
		iov_iter_advance(&cursor->iter, n);
		cursor_step(cursor, n);
		len -= n;
	}
}

/**
 * nvme_tcp_cursor_seek() - go to a position in the data
 * @cursor: owned by the caller
 * @pos: bytes from the start of the data, at most their number
 *
 * Going on or ahead is cheap, going back starts again from the front.
 */
void nvme_tcp_cursor_seek(struct nvme_tcp_cursor *cursor, u32 pos)
{
	if (pos < cursor->pos) {
		if (cursor->first) {
			cursor_enter_bio(cursor, cursor->first);
			cursor->pos = 0;
		} else {
			iov_iter_revert(&cursor->iter, cursor->pos - pos);
			cursor->pos = pos;
		}
	}
	if (pos > cursor->pos)
		cursor_forward(cursor, pos - cursor->pos);
}

/**
 * nvme_tcp_cursor_gather() - take data for sending
 * @cursor: owned by the caller, moves on by what was taken
 * @gather: owned by the caller
 * @len: bytes to take
 * @crc: running digest of them, NULL if none is wanted
 *
 * Return: bytes taken; fewer than @len where @gather is full.
 */
u32 nvme_tcp_cursor_gather(struct nvme_tcp_cursor *cursor,
			   struct nvme_tcp_gather *gather, u32 len, u32 *crc)
{
	u32 done = 0;

	while (done < len && iov_iter_count(&cursor->iter)) {
		const struct bio_vec *bv = cursor->iter.bvec;
		u32 skip = cursor->iter.iov_offset;
		u32 n = min_t(size_t, len - done,
			      min_t(size_t, bv->bv_len - skip,
				    iov_iter_count(&cursor->iter)));

		if (n && !nvme_tcp_gather_add(gather, bv->bv_page,
					      bv->bv_offset + skip, n))
			break;
		if (n && crc)
			*crc = nvme_tcp_digest_add_page(*crc, bv->bv_page,
							bv->bv_offset + skip,
							n);
		iov_iter_advance(&cursor->iter, n);
		cursor_step(cursor, n);
		done += n;
	}
	return done;
}

/**
 * nvme_tcp_cursor_fill() - put received data where it belongs
 * @cursor: owned by the caller, moves on by @len
 * @skb: source
 * @offset: where to start in @skb
 * @len: bytes, present in @skb
 * @crc: running digest of them, NULL if none is wanted
 *
 * Process context, socket locked.
 *
 * Return: 0, or -EFAULT where the command has no memory for them.
 */
int nvme_tcp_cursor_fill(struct nvme_tcp_cursor *cursor, struct sk_buff *skb,
			 int offset, u32 len, u32 *crc)
{
	while (len) {
		u32 n = min_t(size_t, len, iov_iter_count(&cursor->iter));
		int ret;

		if (!n)
			return -EFAULT;
		ret = nvme_tcp_copy_skb(skb, offset, &cursor->iter, n, crc);
		if (ret)
			return ret;
		cursor_step(cursor, n);
		offset += n;
		len -= n;
	}
	return 0;
}
