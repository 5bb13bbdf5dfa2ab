// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a received header right? Pure functions: no I/O, nothing is changed. Each
 * returns NULL for a header that is right, else a fault that says which field
 * is wrong, in words and as the H2CTermReq wants it (section 3.6.2.4).
 */
#include "nvme_tcp.h"

#define FAULT(code, pdu, field, reason) \
	{ .fes = NVME_TCP_FES_##code, .fei = offsetof(struct pdu, field), \
	  .why = reason }

/* The address of a constant fault. */
#define A_FAULT(code, pdu, field, reason)				\
	({								\
		static const struct nvme_tcp_fault fault =		\
			FAULT(code, pdu, field, reason);		\
		&fault;							\
	})

const struct nvme_tcp_fault nvme_tcp_fault_hdgst = {
	.fes = NVME_TCP_FES_HDR_DIGEST_ERR, .why = "header digest is wrong",
};

const struct nvme_tcp_fault nvme_tcp_fault_cid =
	FAULT(INVALID_PDU_HDR, nvme_tcp_data_pdu, command_id,
	      "no such command");

const struct nvme_tcp_fault nvme_tcp_fault_rsp_cid =
	FAULT(INVALID_PDU_HDR, nvme_tcp_rsp_pdu, cqe.command_id,
	      "no such command");

const struct nvme_tcp_fault nvme_tcp_fault_early =
	FAULT(PDU_SEQ_ERR, nvme_tcp_hdr, type,
	      "answers what it has not received");

static const struct nvme_tcp_fault fault_overlap =
	FAULT(DATA_OUT_OF_RANGE, nvme_tcp_r2t_pdu, r2t_offset,
	      "R2T asks for the same data again");

const struct nvme_tcp_fault nvme_tcp_fault_r2t_limit =
	FAULT(DATA_LIMIT_EXCEEDED, nvme_tcp_hdr, type,
	      "more R2Ts than were offered");

const struct nvme_tcp_fault nvme_tcp_fault_copy =
	FAULT(DATA_OUT_OF_RANGE, nvme_tcp_data_pdu, data_length,
	      "data does not fit into the command's memory");

/**
 * nvme_tcp_check_common() - check the part that all PDUs have
 * @queue: tells which digests were agreed on
 * @hdr: the first NVME_TCP_CH_LEN bytes of a PDU
 *
 * Return: NULL, or the fault. Any context.
 */
const struct nvme_tcp_fault *
nvme_tcp_check_common(const struct nvme_tcp_queue *queue,
		      const struct nvme_tcp_hdr *hdr)
{
	bool hdgst = queue->hdgst && nvme_tcp_wire_has_hdgst(hdr->type);
	u32 hlen = hdr->hlen + (hdgst ? NVME_TCP_DIGEST_LENGTH : 0);
	u32 plen = le32_to_cpu(hdr->plen);

	switch (hdr->type) {
	case nvme_tcp_rsp:
	case nvme_tcp_c2h_data:
	case nvme_tcp_r2t:
	case nvme_tcp_c2h_term:
		break;
	case nvme_tcp_icresp:
		return A_FAULT(PDU_SEQ_ERR, nvme_tcp_hdr, type, "second ICResp");
	default:
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, type,
			       "PDU type is not for a host");
	}
	if (hdr->hlen != nvme_tcp_wire_hlen(hdr->type))
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, hlen,
			       "header length is wrong");
	if (!!(hdr->flags & NVME_TCP_F_HDGST) != hdgst)
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, flags,
			       "header digest flag is not as agreed");
	if (hdr->type == nvme_tcp_c2h_term) {
		if (plen < hlen || plen > NVME_TCP_MAX_C2HTERM_PLEN)
			return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, plen,
				       "length of the C2HTermReq is wrong");
	} else if (hdr->type != nvme_tcp_c2h_data && plen != hlen) {
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, plen,
			       "length of a PDU without data is wrong");
	}
	return NULL;
}

/**
 * nvme_tcp_check_data() - check a C2HData header against itself
 * @queue: tells what was agreed on
 * @pdu: whole header, passed nvme_tcp_check_common()
 *
 * Return: NULL, or the fault. Any context.
 */
const struct nvme_tcp_fault *
nvme_tcp_check_data(const struct nvme_tcp_queue *queue,
		    const struct nvme_tcp_data_pdu *pdu)
{
	u32 plen = le32_to_cpu(pdu->hdr.plen);
	u32 len = le32_to_cpu(pdu->data_length);
	u64 want = (u64)pdu->hdr.pdo + len;

	if (!!(pdu->hdr.flags & NVME_TCP_F_DDGST) != queue->ddgst)
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, flags,
			       "data digest flag is not as agreed");
	if (pdu->hdr.pdo < pdu->hdr.hlen + nvme_tcp_hdgst_len(queue) ||
	    pdu->hdr.pdo % ((queue->hpda + 1) * 4))
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, pdo,
			       "data offset is not as agreed");
	if (queue->ddgst)
		want += NVME_TCP_DIGEST_LENGTH;
	if (plen != want)
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, plen,
			       "length does not match header, data and digest");
	if ((pdu->hdr.flags & NVME_TCP_F_DATA_SUCCESS) &&
	    !(pdu->hdr.flags & NVME_TCP_F_DATA_LAST))
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_hdr, flags,
			       "SUCCESS without LAST");
	return NULL;
}

/**
 * nvme_tcp_check_data_in() - check a C2HData header against its command
 * @req: the command
 * @pdu: whole header, passed nvme_tcp_check_data()
 * @reads: the command transfers data to the host
 *
 * Return: NULL, or the fault. Socket locked.
 */
const struct nvme_tcp_fault *
nvme_tcp_check_data_in(const struct nvme_tcp_request *req,
		       const struct nvme_tcp_data_pdu *pdu, bool reads)
{
	u32 offset = le32_to_cpu(pdu->data_offset);
	u32 len = le32_to_cpu(pdu->data_length);

	if (!reads || !req->data_len)
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_data_pdu, command_id,
			       "data for a command that takes none");
	if (req->last)
		return A_FAULT(PDU_SEQ_ERR, nvme_tcp_hdr, type,
			       "data after the last data");
	if (offset != req->received)
		return A_FAULT(DATA_OUT_OF_RANGE, nvme_tcp_data_pdu,
			       data_offset, "data is not in order");
	if (!len || len > req->data_len - req->received)
		return A_FAULT(DATA_OUT_OF_RANGE, nvme_tcp_data_pdu,
			       data_length, "data length is out of range");
	return NULL;
}

/**
 * nvme_tcp_check_r2t() - check an R2T against its command
 * @req: the command
 * @pdu: whole header, passed nvme_tcp_check_common()
 * @writes: the command transfers data to the controller
 *
 * Whether the data was asked for before is left to nvme_tcp_grant().
 *
 * Return: NULL, or the fault. Socket locked.
 */
const struct nvme_tcp_fault *
nvme_tcp_check_r2t(const struct nvme_tcp_request *req,
		   const struct nvme_tcp_r2t_pdu *pdu, bool writes)
{
	u32 offset = le32_to_cpu(pdu->r2t_offset);
	u32 len = le32_to_cpu(pdu->r2t_length);

	if (!writes || !req->data_len)
		return A_FAULT(INVALID_PDU_HDR, nvme_tcp_r2t_pdu, command_id,
			       "R2T for a command that has no data to send");
	if (offset >= req->data_len || offset % 4)
		return A_FAULT(DATA_OUT_OF_RANGE, nvme_tcp_r2t_pdu, r2t_offset,
			       "R2T offset is out of range");
	if (!len || len > req->data_len - offset)
		return A_FAULT(DATA_OUT_OF_RANGE, nvme_tcp_r2t_pdu, r2t_length,
			       "R2T length is out of range");
	return NULL;
}

/**
 * nvme_tcp_grant() - note that an R2T asks for a range
 * @grants: ranges noted so far; changed only where NULL is returned
 * @start: first byte
 * @end: behind the last byte, above @start
 *
 * Ranges that touch become one, so R2Ts in any order are fine as long as they
 * leave no more than NVME_TCP_R2T_MAX islands.
 *
 * Return: NULL, or the fault: the range overlaps, or there is no room.
 */
const struct nvme_tcp_fault *nvme_tcp_grant(struct nvme_tcp_grants *grants,
					    u32 start, u32 end)
{
	struct nvme_tcp_range *range = grants->range;
	bool left, right;
	int i = 0;

	while (i < grants->nr && range->end < start) {
		range++;
		i++;
	}
	left = i < grants->nr && range->end == start;
	right = i + left < grants->nr && range[left].start == end;
	if (i + left < grants->nr && range[left].start < end)
		return &fault_overlap;
	if (left && right) {
		range->end = range[1].end;
		grants->nr--;
		memmove(range + 1, range + 2,
			(grants->nr - i - 1) * sizeof(*range));
	} else if (left) {
		range->end = end;
	} else if (right) {
		range->start = start;
	} else {
		if (grants->nr == ARRAY_SIZE(grants->range))
			return &nvme_tcp_fault_r2t_limit;
		memmove(range + 1, range, (grants->nr - i) * sizeof(*range));
		*range = (struct nvme_tcp_range){ start, end };
		grants->nr++;
	}
	return NULL;
}
