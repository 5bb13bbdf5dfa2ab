// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this PDU right? Pure functions of a header, the state of the queue and
 * what was negotiated: no I/O, no locks, nothing is changed but the results.
 * Sections are those of the NVMe/TCP Transport Specification, revision 1.0.
 */
#include "nvmet_tcp.h"

/* Fail with an error status and, where it takes one, the offset of a field. */
static bool refuse(struct nvmet_tcp_verdict *v, u16 fes, u32 fei,
		   const char *why)
{
	v->fes = fes;
	v->fei = fei;
	v->why = why;
	return false;
}

static bool refuse_field(struct nvmet_tcp_verdict *v, u32 offset,
			 const char *why)
{
	return refuse(v, NVME_TCP_FES_INVALID_PDU_HDR, offset, why);
}

#define CH_OFFSET(field)	offsetof(struct nvme_tcp_hdr, field)

static bool check_sequence(u8 type, enum nvmet_tcp_state state,
			   struct nvmet_tcp_verdict *v)
{
	switch (type) {
	case nvme_tcp_h2c_term:
		return true;
	case nvme_tcp_icreq:
		if (state == NVMET_TCP_Q_ICREQ)
			return true;
		return refuse(v, NVME_TCP_FES_PDU_SEQ_ERR, 0, "second ICReq");
	case nvme_tcp_cmd:
	case nvme_tcp_h2c_data:
		if (state != NVMET_TCP_Q_ICREQ)
			return true;
		return refuse(v, NVME_TCP_FES_PDU_SEQ_ERR, 0,
			      "another PDU before ICReq");
	default:
		return refuse_field(v, CH_OFFSET(type),
				    "PDU type that a host does not send");
	}
}

/**
 * nvmet_tcp_pdu_check_start() - may a PDU with this common header follow
 * @ch: common header
 * @state: state of the queue
 * @terms: what was negotiated
 * @v: result, written only when something is wrong
 *
 * Sections 3.6.1 and 3.4.2. Checked before the rest of the header is waited
 * for. Where a header digest guards the length, the length is left for
 * later.
 *
 * Return: true where the PDU may be read on.
 */
bool nvmet_tcp_pdu_check_start(const struct nvme_tcp_hdr *ch,
			       enum nvmet_tcp_state state,
			       const struct nvmet_tcp_terms *terms,
			       struct nvmet_tcp_verdict *v)
{
	bool hdgst = terms->hdgst && nvme_tcp_wire_has_hdgst(ch->type);

	if (!check_sequence(ch->type, state, v))
		return false;
	if (ch->hlen != nvme_tcp_wire_hlen(ch->type))
		return refuse_field(v, CH_OFFSET(hlen),
				    "header length that is not the type's");
	if (nvme_tcp_wire_has_hdgst(ch->type) &&
	    !!(ch->flags & NVME_TCP_F_HDGST) != terms->hdgst)
		return refuse_field(v, CH_OFFSET(flags),
				    "header digest flag not as negotiated");
	if (!hdgst && le32_to_cpu(ch->plen) < ch->hlen)
		return refuse_field(v, CH_OFFSET(plen),
				    "PDU shorter than its header");
	return true;
}

/**
 * nvmet_tcp_pdu_check_icreq() - check an ICReq
 * @pdu: whole PDU
 * @v: result, written only when something is wrong
 *
 * Section 3.6.2.2. Digests and MAXR2T have no wrong values.
 *
 * Return: true where it can be answered.
 */
bool nvmet_tcp_pdu_check_icreq(const struct nvme_tcp_icreq_pdu *pdu,
			       struct nvmet_tcp_verdict *v)
{
	if (le32_to_cpu(pdu->hdr.plen) != sizeof(*pdu))
		return refuse_field(v, CH_OFFSET(plen), "ICReq of wrong length");
	if (le16_to_cpu(pdu->pfv) != NVME_TCP_PFV_1_0)
		return refuse(v, NVME_TCP_FES_UNSUPPORTED_PARAM,
			      offsetof(struct nvme_tcp_icreq_pdu, pfv),
			      "PDU format version that is not supported");
	if (pdu->hpda > NVME_TCP_PDA_MAX)
		return refuse_field(v, offsetof(struct nvme_tcp_icreq_pdu,
						hpda),
				    "HPDA above 31");
	return true;
}

/* Lay out what follows a header of @head bytes that may have data. */
static bool check_data(const struct nvme_tcp_hdr *ch, u32 head,
		       const struct nvmet_tcp_terms *terms,
		       struct nvmet_tcp_span *span,
		       struct nvmet_tcp_verdict *v)
{
	u32 plen = le32_to_cpu(ch->plen);
	u32 digest = terms->ddgst ? NVME_TCP_DIGEST_LENGTH : 0;

	*span = (struct nvmet_tcp_span){ };
	if (plen < head)
		return refuse_field(v, CH_OFFSET(plen),
				    "PDU shorter than its header");
	if (plen == head)
		return true;
	if (ch->pdo < head || ch->pdo % ((terms->cpda + 1) * 4))
		return refuse_field(v, CH_OFFSET(pdo),
				    "data offset within the header or unaligned");
	if (!!(ch->flags & NVME_TCP_F_DDGST) != terms->ddgst)
		return refuse_field(v, CH_OFFSET(flags),
				    "data digest flag not as negotiated");
	if (plen <= ch->pdo + digest)
		return refuse_field(v, CH_OFFSET(plen),
				    "PDU that ends before its data");
	span->pad = ch->pdo - head;
	span->len = plen - ch->pdo - digest;
	span->ddgst = terms->ddgst;
	return true;
}

static u32 head_len(const struct nvme_tcp_hdr *ch,
		    const struct nvmet_tcp_terms *terms)
{
	return ch->hlen + (terms->hdgst ? NVME_TCP_DIGEST_LENGTH : 0);
}

/**
 * nvmet_tcp_pdu_check_capsule() - check the header of a command capsule
 * @pdu: header
 * @live: the queue is connected
 * @qid: its number
 * @terms: what was negotiated
 * @span: result: what follows the header
 * @v: result, written only when something is wrong
 *
 * Section 3.6.2.5. The submission queue entry is nvmet's to judge, except for
 * its opcode, which tells how much data a capsule may hold.
 *
 * Return: true where the PDU may be read on.
 */
bool nvmet_tcp_pdu_check_capsule(const struct nvme_tcp_cmd_pdu *pdu,
				 bool live, u16 qid,
				 const struct nvmet_tcp_terms *terms,
				 struct nvmet_tcp_span *span,
				 struct nvmet_tcp_verdict *v)
{
	u32 max = live ? terms->icd : 0;

	if (!check_data(&pdu->hdr, head_len(&pdu->hdr, terms), terms, span, v))
		return false;
	if (!live || !qid || nvme_tcp_wire_is_fabrics(&pdu->cmd))
		max = max_t(u32, max, NVMET_TCP_ADMIN_ICD);
	if (span->len > max)
		return refuse(v, NVME_TCP_FES_DATA_LIMIT_EXCEEDED, 0,
			      "more in-capsule data than offered");
	return true;
}

/**
 * nvmet_tcp_pdu_check_h2cdata() - check the header of an H2CData
 * @pdu: header
 * @terms: what was negotiated
 * @span: result: what follows the header
 * @v: result, written only when something is wrong
 *
 * Section 3.6.2.7, as far as it does not depend on a command.
 *
 * Return: true where the PDU may be read on.
 */
bool nvmet_tcp_pdu_check_h2cdata(const struct nvme_tcp_data_pdu *pdu,
				 const struct nvmet_tcp_terms *terms,
				 struct nvmet_tcp_span *span,
				 struct nvmet_tcp_verdict *v)
{
	u32 len = le32_to_cpu(pdu->data_length);

	if (!len)
		return refuse_field(v, offsetof(struct nvme_tcp_data_pdu,
						data_length),
				    "H2CData without data");
	if (len > terms->maxh2cdata)
		return refuse(v, NVME_TCP_FES_DATA_LIMIT_EXCEEDED, 0,
			      "H2CData above MAXH2CDATA");
	if (!check_data(&pdu->hdr, head_len(&pdu->hdr, terms), terms, span, v))
		return false;
	if (span->len != len)
		return refuse_field(v, CH_OFFSET(plen),
				    "PDU length that disagrees with DATAL");
	return true;
}

/**
 * nvmet_tcp_pdu_check_window() - does H2CData bring what an R2T asked for
 * @pdu: header, checked by nvmet_tcp_pdu_check_h2cdata()
 * @win: what the command named by its transfer tag waits for
 * @v: result, written only when something is wrong
 *
 * Section 3.6.2.7: the data of an R2T comes in order, and the last PDU of it
 * says so.
 *
 * Return: true where the data is to be taken.
 */
bool nvmet_tcp_pdu_check_window(const struct nvme_tcp_data_pdu *pdu,
				const struct nvmet_tcp_window *win,
				struct nvmet_tcp_verdict *v)
{
	u32 offset = le32_to_cpu(pdu->data_offset);
	u32 len = le32_to_cpu(pdu->data_length);
	bool last = pdu->hdr.flags & NVME_TCP_F_DATA_LAST;

	if (pdu->command_id != win->command_id)
		return refuse_field(v, offsetof(struct nvme_tcp_data_pdu,
						command_id),
				    "H2CData with another command's CCCID");
	if (win->end == win->next)
		return refuse(v, NVME_TCP_FES_PDU_SEQ_ERR, 0,
			      "H2CData without an R2T");
	if (offset != win->next)
		return refuse(v, NVME_TCP_FES_DATA_OUT_OF_RANGE, 0,
			      "H2CData at another offset than the next");
	if (len > win->end - win->next)
		return refuse(v, NVME_TCP_FES_DATA_OUT_OF_RANGE, 0,
			      "H2CData beyond its R2T");
	if (last != (len == win->end - win->next))
		return refuse_field(v, CH_OFFSET(flags),
				    "LAST_PDU flag on the wrong PDU");
	return true;
}

/**
 * nvmet_tcp_pdu_check_term() - check an H2CTermReq
 * @pdu: header
 * @span: result: how much of an offending header follows
 * @v: result, written only when something is wrong
 *
 * Section 3.6.2.4.
 *
 * Return: true where it can be decoded.
 */
bool nvmet_tcp_pdu_check_term(const struct nvme_tcp_term_pdu *pdu,
			      struct nvmet_tcp_span *span,
			      struct nvmet_tcp_verdict *v)
{
	u32 plen = le32_to_cpu(pdu->hdr.plen);

	if (plen > NVME_TCP_MAX_C2HTERM_PLEN)
		return refuse_field(v, CH_OFFSET(plen), "H2CTermReq too long");
	*span = (struct nvmet_tcp_span){ .pad = plen - sizeof(*pdu) };
	return true;
}

/**
 * nvmet_tcp_pdu_check_sgl() - check the data pointer of a command
 * @sqe: submission queue entry
 * @icd_len: bytes of data in the capsule
 * @max_len: most data that a command may transfer, in bytes
 * @len: result: bytes that the command transfers
 *
 * Section 3.2.1: a transport data block outside of the capsule, or a data
 * block with an offset into it. Whether the length is what the command needs
 * is not judged here.
 *
 * Return: 0 or an NVMe status.
 */
u16 nvmet_tcp_pdu_check_sgl(const struct nvme_command *sqe, u32 icd_len,
			    u32 max_len, u32 *len)
{
	const struct nvme_sgl_desc *sgl = &sqe->common.dptr.sgl;

	*len = le32_to_cpu(sgl->length);
	if (!*len && !icd_len)
		return 0;
	switch (sgl->type) {
	case (NVME_SGL_FMT_DATA_DESC << 4) | NVME_SGL_FMT_OFFSET:
		if (!nvme_tcp_wire_is_write(sqe))
			return NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
		if (sgl->addr)
			return NVME_SC_SGL_INVALID_OFFSET | NVME_STATUS_DNR;
		if (*len != icd_len)
			return NVME_SC_SGL_INVALID_DATA | NVME_STATUS_DNR;
		return 0;
	case (NVME_TRANSPORT_SGL_DATA_DESC << 4) | NVME_SGL_FMT_TRANSPORT_A:
		if (icd_len)
			return NVME_SC_SGL_INVALID_DATA | NVME_STATUS_DNR;
		if (*len > max_len)
			return NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
		return 0;
	default:
		return NVME_SC_SGL_INVALID_TYPE | NVME_STATUS_DNR;
	}
}
