/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NVMe/TCP on the wire: what <linux/nvme-tcp.h> does not say. Constants and
 * pure functions only, no I/O and no state. Multi-byte fields on the wire are
 * little endian. Sections are those of the NVM Express NVMe/TCP Transport
 * Specification, revision 1.0.
 */
#ifndef NVME_TCP_WIRE_H
#define NVME_TCP_WIRE_H

#include <linux/build_bug.h>
#include <linux/math.h>
#include <linux/nvme-tcp.h>
#include <linux/string.h>
#include <linux/types.h>

/* Alignment of PDU data is given in dwords, 0's based (section 3.6.2.2). */
#define NVME_TCP_PDA_MAX		31
/* A PDU header with alignment 31 pads its data to at most this offset. */
#define NVME_TCP_PDO_MAX		((NVME_TCP_PDA_MAX + 1) * 4)
/* The longest header that a TermReq PDU echoes, in bytes (section 3.6.2.4). */
#define NVME_TCP_TERM_ECHO_MAX \
	(NVME_TCP_MAX_C2HTERM_PLEN - NVME_TCP_MIN_C2HTERM_PLEN)
/* Every PDU starts with this common header. */
#define NVME_TCP_CH_LEN			((u32)sizeof(struct nvme_tcp_hdr))
/* The longest header without its digest (ICReq and ICResp). */
#define NVME_TCP_HLEN_MAX		128

/* Known to the specification, without a name in <linux/nvme-tcp.h>. */
#define NVME_TCP_KDREQ			0x0a
#define NVME_TCP_KDRESP			0x0b

/* NVMe status of a command whose data digest was wrong, retryable. */
#define NVME_TCP_SC_TRANSIENT_TR_ERR	0x22

static_assert(sizeof(struct nvme_tcp_hdr) == 8);
static_assert(sizeof(struct nvme_tcp_icreq_pdu) == 128);
static_assert(sizeof(struct nvme_tcp_icresp_pdu) == 128);
static_assert(sizeof(struct nvme_tcp_cmd_pdu) == 72);
static_assert(sizeof(struct nvme_tcp_rsp_pdu) == 24);
static_assert(sizeof(struct nvme_tcp_r2t_pdu) == 24);
static_assert(sizeof(struct nvme_tcp_data_pdu) == 24);
static_assert(sizeof(struct nvme_tcp_term_pdu) == 24);

/**
 * nvme_tcp_wire_hlen() - header length that a PDU type must carry
 * @type: PDU type, as on the wire
 *
 * Section 3.6.2. The length is without header digest and padding.
 *
 * Return: bytes, or 0 for a type that the specification does not know.
 */
static inline u8 nvme_tcp_wire_hlen(u8 type)
{
	switch (type) {
	case nvme_tcp_icreq:
	case nvme_tcp_icresp:
		return sizeof(struct nvme_tcp_icreq_pdu);
	case nvme_tcp_h2c_term:
	case nvme_tcp_c2h_term:
		return sizeof(struct nvme_tcp_term_pdu);
	case nvme_tcp_cmd:
		return sizeof(struct nvme_tcp_cmd_pdu);
	case nvme_tcp_rsp:
		return sizeof(struct nvme_tcp_rsp_pdu);
	case nvme_tcp_h2c_data:
	case nvme_tcp_c2h_data:
		return sizeof(struct nvme_tcp_data_pdu);
	case nvme_tcp_r2t:
		return sizeof(struct nvme_tcp_r2t_pdu);
	default:
		return 0;
	}
}

/**
 * nvme_tcp_wire_has_hdgst() - may this PDU type carry a header digest
 * @type: PDU type, as on the wire
 *
 * Section 3.3.1.1: ICReq, ICResp and both TermReq PDUs never do, whatever
 * was negotiated.
 *
 * Return: true where a negotiated header digest follows the header.
 */
static inline bool nvme_tcp_wire_has_hdgst(u8 type)
{
	return type > nvme_tcp_c2h_term;
}

/**
 * nvme_tcp_wire_pdo() - offset of the data within a PDU
 * @hlen: length of the header with its digest, in bytes
 * @pda: alignment that the receiver asked for (HPDA or CPDA), 0 to 31
 *
 * Return: bytes from the start of the PDU to its data.
 */
static inline u8 nvme_tcp_wire_pdo(u8 hlen, u8 pda)
{
	return roundup(hlen, (pda + 1) * 4);
}

/**
 * nvme_tcp_wire_clear() - clear a header before it is filled in
 * @hdr: any PDU but ICReq and ICResp
 * @hlen: length of the header without its digest, in bytes
 * @len: with digest and padding
 *
 * A submission queue entry is not cleared: who sends one writes all of it.
 */
static inline void nvme_tcp_wire_clear(void *hdr, u8 hlen, u32 len)
{
	memset(hdr, 0, sizeof(struct nvme_tcp_data_pdu));
	if (len > hlen)
		memset(hdr + hlen, 0, len - hlen);
}

/**
 * nvme_tcp_wire_is_fabrics() - is this a command of NVMe over Fabrics itself
 * @sqe: submission queue entry
 *
 * Return: true for Connect, Property Get and their like.
 */
static inline bool nvme_tcp_wire_is_fabrics(const struct nvme_command *sqe)
{
	return sqe->common.opcode == nvme_fabrics_command;
}

/**
 * nvme_tcp_wire_is_write() - does a command carry data to the controller
 * @sqe: submission queue entry
 *
 * Bit 0 of the opcode, or of the Fabrics command type, says so.
 *
 * Return: true where its data goes from host to controller.
 */
static inline bool nvme_tcp_wire_is_write(const struct nvme_command *sqe)
{
	if (nvme_tcp_wire_is_fabrics(sqe))
		return sqe->fabrics.fctype & 1;
	return sqe->common.opcode & 1;
}

/**
 * nvme_tcp_wire_pdu_name() - the specification's name of a PDU type
 * @type: PDU type, as on the wire
 *
 * Return: a constant string, never NULL.
 */
static inline const char *nvme_tcp_wire_pdu_name(u8 type)
{
	switch (type) {
	case nvme_tcp_icreq:
		return "ICReq";
	case nvme_tcp_icresp:
		return "ICResp";
	case nvme_tcp_h2c_term:
		return "H2CTermReq";
	case nvme_tcp_c2h_term:
		return "C2HTermReq";
	case nvme_tcp_cmd:
		return "CapsuleCmd";
	case nvme_tcp_rsp:
		return "CapsuleResp";
	case nvme_tcp_h2c_data:
		return "H2CData";
	case nvme_tcp_c2h_data:
		return "C2HData";
	case nvme_tcp_r2t:
		return "R2T";
	case NVME_TCP_KDREQ:
		return "KDReq";
	case NVME_TCP_KDRESP:
		return "KDResp";
	default:
		return "unknown PDU";
	}
}

/**
 * nvme_tcp_wire_fes_name() - a TermReq's fatal error status in words
 * @fes: fatal error status, CPU byte order
 *
 * Return: a constant string, never NULL.
 */
static inline const char *nvme_tcp_wire_fes_name(u16 fes)
{
	switch (fes) {
	case NVME_TCP_FES_INVALID_PDU_HDR:
		return "Invalid PDU Header Field";
	case NVME_TCP_FES_PDU_SEQ_ERR:
		return "PDU Sequence Error";
	case NVME_TCP_FES_HDR_DIGEST_ERR:
		return "Header Digest Error";
	case NVME_TCP_FES_DATA_OUT_OF_RANGE:
		return "Data Transfer Out of Range";
	case NVME_TCP_FES_DATA_LIMIT_EXCEEDED:
		return "Data Transfer or R2T Limit Exceeded";
	case NVME_TCP_FES_UNSUPPORTED_PARAM:
		return "Unsupported Parameter";
	default:
		return "reserved error status";
	}
}

#endif /* NVME_TCP_WIRE_H */
