/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header and data digests: CRC32C as RFC 3385 and section 3.3.1 of the
 * NVMe/TCP Transport Specification define it. A running digest is a plain
 * u32, so it costs no allocation and may live in any state machine.
 */
#ifndef NVME_TCP_DIGEST_H
#define NVME_TCP_DIGEST_H

#include <linux/bvec.h>
#include <linux/crc32c.h>
#include <linux/highmem.h>
#include <linux/nvme-tcp.h>

/* Start value of a running digest. */
#define NVME_TCP_DIGEST_SEED	(~0U)

/**
 * nvme_tcp_digest_add() - continue a running digest over memory
 * @crc: running digest
 * @buf: bytes to add
 * @len: their number
 *
 * Return: the running digest behind @buf. Any context.
 */
static inline u32 nvme_tcp_digest_add(u32 crc, const void *buf, size_t len)
{
	return crc32c(crc, buf, len);
}

/**
 * nvme_tcp_digest_add_page() - continue a running digest over part of a page
 * @crc: running digest
 * @page: first page, may be a compound one
 * @offset: where the bytes start, from the start of @page
 * @len: number of bytes, may go on into the pages that follow @page
 *
 * Return: the running digest. Any context.
 */
static inline u32 nvme_tcp_digest_add_page(u32 crc, struct page *page,
					   size_t offset, size_t len)
{
	while (len) {
		struct page *p = page + offset / PAGE_SIZE;
		size_t off = offset % PAGE_SIZE;
		size_t n = min_t(size_t, len, PAGE_SIZE - off);
		void *addr = kmap_local_page(p);

		crc = nvme_tcp_digest_add(crc, addr + off, n);
		kunmap_local(addr);
		offset += n;
		len -= n;
	}
	return crc;
}

/**
 * nvme_tcp_digest_final() - the digest as it stands on the wire
 * @crc: running digest
 *
 * Return: little endian digest.
 */
static inline __le32 nvme_tcp_digest_final(u32 crc)
{
	return cpu_to_le32(~crc);
}

/**
 * nvme_tcp_digest_header() - header digest of a whole PDU header
 * @hdr: header of @hlen bytes
 * @hlen: its length without digest, in bytes
 *
 * Return: little endian digest.
 */
static inline __le32 nvme_tcp_digest_header(const void *hdr, size_t hlen)
{
	return nvme_tcp_digest_final(nvme_tcp_digest_add(NVME_TCP_DIGEST_SEED,
							 hdr, hlen));
}

/**
 * nvme_tcp_digest_put_header() - append the digest to a PDU header
 * @hdr: header of @hlen bytes with room for the digest behind it
 * @hlen: its length without digest, in bytes
 */
static inline void nvme_tcp_digest_put_header(void *hdr, size_t hlen)
{
	__le32 digest = nvme_tcp_digest_header(hdr, hlen);

	memcpy(hdr + hlen, &digest, sizeof(digest));
}

/**
 * nvme_tcp_digest_check_header() - compare the digest behind a PDU header
 * @hdr: header of @hlen bytes followed by its digest
 * @hlen: its length without digest, in bytes
 *
 * Return: true where the digest is right.
 */
static inline bool nvme_tcp_digest_check_header(const void *hdr, size_t hlen)
{
	__le32 want = nvme_tcp_digest_header(hdr, hlen);

	return !memcmp(hdr + hlen, &want, sizeof(want));
}

#endif /* NVME_TCP_DIGEST_H */
