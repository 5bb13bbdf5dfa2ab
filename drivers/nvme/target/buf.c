// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for the data of commands: single pages and pages of 32 KiB, kept by
 * the queue for their next use. TCP sends read data straight from them and
 * holds its own reference until the host has acknowledged it, so a page goes
 * to the end of a ring and is used again only when nobody else refers to it.
 * A queue never sees another queue's pages: what one host read cannot reach
 * another one.
 *
 * Nothing here locks: memory is taken, given back and dropped by io_work, or
 * by the teardown, which is after it.
 */
#include <linux/mm.h>

#include "nvmet_tcp.h"

/**
 * nvmet_tcp_cache_init() - start with no pages
 * @cache: part of a new queue
 */
void nvmet_tcp_cache_init(struct nvmet_tcp_cache *cache)
{
	cache->small.page = cache->small_page;
	cache->small.size = ARRAY_SIZE(cache->small_page);
	cache->big.page = cache->big_page;
	cache->big.size = ARRAY_SIZE(cache->big_page);
}

static struct page *ring_pop(struct nvmet_tcp_ring *ring)
{
	struct page *page = ring->page[ring->head];

	if (++ring->head == ring->size)
		ring->head = 0;
	ring->nr--;
	return page;
}

static bool ring_push(struct nvmet_tcp_ring *ring, struct page *page)
{
	u32 at = ring->head + ring->nr;

	if (ring->nr == ring->size)
		return false;
	if (at >= ring->size)
		at -= ring->size;
	ring->page[at] = page;
	ring->nr++;
	return true;
}

static struct page *get_buffer_page(struct nvmet_tcp_cache *cache, bool big,
				    gfp_t gfp)
{
	struct nvmet_tcp_ring *ring = big ? &cache->big : &cache->small;

	if (ring->nr && page_ref_count(ring->page[ring->head]) == 1)
		return ring_pop(ring);
	if (big)
		return alloc_pages((gfp & ~__GFP_DIRECT_RECLAIM) |
				   __GFP_COMP | __GFP_NOWARN,
				   NVMET_TCP_BIG_ORDER);
	return alloc_page(gfp | __GFP_NOWARN);
}

static void put_buffer_page(struct nvmet_tcp_cache *cache, struct page *page)
{
	struct nvmet_tcp_ring *ring = PageCompound(page) ? &cache->big :
							   &cache->small;

	if (!ring_push(ring, page))
		put_page(page);
}

/**
 * nvmet_tcp_cache_drop() - give all pages that wait for use back
 * @cache: part of a queue; owned by io_work
 */
void nvmet_tcp_cache_drop(struct nvmet_tcp_cache *cache)
{
	while (cache->small.nr)
		put_page(ring_pop(&cache->small));
	while (cache->big.nr)
		put_page(ring_pop(&cache->big));
}

/* Elements for @len bytes, with or without big pages. */
static u32 buf_elements(u32 len, bool big)
{
	u32 rest = len % NVMET_TCP_BIG_SIZE;

	if (!big)
		return DIV_ROUND_UP(len, PAGE_SIZE);
	if (rest > NVMET_TCP_BIG_SIZE / 2)
		return DIV_ROUND_UP(len, NVMET_TCP_BIG_SIZE);
	return len / NVMET_TCP_BIG_SIZE + DIV_ROUND_UP(rest, PAGE_SIZE);
}

static int buf_reserve(struct nvmet_tcp_buf *buf, u32 nr, gfp_t gfp)
{
	struct scatterlist *sg;

	if (nr <= NVMET_TCP_OWN_SG && !buf->sg) {
		buf->sg = buf->own;
		buf->cap = NVMET_TCP_OWN_SG;
	}
	if (nr <= buf->cap)
		return 0;
	sg = kmalloc_array(nr, sizeof(*sg), gfp | __GFP_NOWARN);
	if (!sg)
		return -ENOMEM;
	if (buf->sg != buf->own)
		kfree(buf->sg);
	buf->sg = sg;
	buf->cap = nr;
	return 0;
}

static int buf_fill(struct nvmet_tcp_cache *cache, struct nvmet_tcp_buf *buf,
		    u32 len, bool big, gfp_t gfp)
{
	u32 nr = buf_elements(len, big);

	if (buf_reserve(buf, nr, gfp))
		return -ENOMEM;
	sg_init_table(buf->sg, nr);
	for (buf->nr = 0; buf->nr < nr; buf->nr++) {
		bool use_big = big && len > NVMET_TCP_BIG_SIZE / 2;
		u32 n = min_t(u32, len, use_big ? NVMET_TCP_BIG_SIZE :
						  PAGE_SIZE);
		struct page *page = get_buffer_page(cache, use_big, gfp);

		if (!page)
			return -ENOMEM;
		sg_set_page(&buf->sg[buf->nr], page, n, 0);
		len -= n;
	}
	return 0;
}

/**
 * nvmet_tcp_buf_alloc() - get memory for a command's data
 * @cache: pages of the queue; owned by io_work
 * @buf: part of a command, without data
 * @len: bytes, at least 1
 * @gfp: GFP_NOWAIT where the caller must not sleep
 *
 * The memory is not cleared.
 *
 * Return: 0 or -ENOMEM, and then @buf has no data.
 */
int nvmet_tcp_buf_alloc(struct nvmet_tcp_cache *cache,
			struct nvmet_tcp_buf *buf, u32 len, gfp_t gfp)
{
	bool big = len > NVMET_TCP_BIG_SIZE / 2;

	buf->len = len;
	if (big) {
		if (!buf_fill(cache, buf, len, true, gfp))
			return 0;
		nvmet_tcp_buf_free(cache, buf);
		buf->len = len;
	}
	if (!buf_fill(cache, buf, len, false, gfp))
		return 0;
	nvmet_tcp_buf_free(cache, buf);
	return -ENOMEM;
}

/**
 * nvmet_tcp_buf_zero() - clear the memory
 * @buf: memory of nvmet_tcp_buf_alloc()
 */
void nvmet_tcp_buf_zero(struct nvmet_tcp_buf *buf)
{
	u16 i;

	for (i = 0; i < buf->nr; i++)
		memset(sg_virt(&buf->sg[i]), 0, buf->sg[i].length);
}

/**
 * nvmet_tcp_buf_free() - give the pages back to the queue
 * @cache: pages of the queue; owned by io_work
 * @buf: memory of nvmet_tcp_buf_alloc(), or none
 *
 * TCP may still be sending from the pages.
 */
void nvmet_tcp_buf_free(struct nvmet_tcp_cache *cache,
			struct nvmet_tcp_buf *buf)
{
	while (buf->nr)
		put_buffer_page(cache, sg_page(&buf->sg[--buf->nr]));
	buf->len = 0;
}

/**
 * nvmet_tcp_buf_destroy() - give everything back
 * @cache: pages of the queue; owned by io_work
 * @buf: not used any more
 */
void nvmet_tcp_buf_destroy(struct nvmet_tcp_cache *cache,
			   struct nvmet_tcp_buf *buf)
{
	nvmet_tcp_buf_free(cache, buf);
	if (buf->sg != buf->own)
		kfree(buf->sg);
	buf->sg = NULL;
	buf->cap = 0;
}
