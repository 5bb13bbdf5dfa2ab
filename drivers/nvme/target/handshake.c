// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICReq and ICResp: what is agreed on before the first command. Section 3.4
 * of the NVMe/TCP Transport Specification.
 */
#include "nvmet_tcp.h"
#include "trace.h"

static void agree(struct nvmet_tcp_queue *queue,
		  const struct nvme_tcp_icreq_pdu *req)
{
	u32 maxr2t = le32_to_cpu(req->maxr2t);

	queue->terms = (struct nvmet_tcp_terms) {
		.hdgst		= req->digest & NVME_TCP_HDR_DIGEST_ENABLE,
		.ddgst		= req->digest & NVME_TCP_DATA_DIGEST_ENABLE,
		.hpda		= req->hpda,
		.cpda		= nvmet_tcp_cpda,
		/* 0's based; one R2T for each byte is more than enough. */
		.maxr2t		= min(maxr2t, NVMET_TCP_TRANSFER_MAX) + 1,
		.maxh2cdata	= nvmet_tcp_maxh2cdata,
		.icd		= queue->port->nport->inline_data_size,
		.mdts		= nvmet_tcp_mdts,
	};
}

/**
 * nvmet_tcp_handshake_icreq() - take an ICReq
 * @queue: owned by io_work, with the whole PDU in its rx.hdr
 *
 * Return: false where the connection has to end; rx.verdict has the reason,
 * or another context is ending it.
 */
bool nvmet_tcp_handshake_icreq(struct nvmet_tcp_queue *queue)
{
	const struct nvme_tcp_icreq_pdu *req = &queue->rx.hdr.icreq;

	nvmet_tcp_stat_add(&queue->stats.rx_icreq, 1);
	if (!nvmet_tcp_pdu_check_icreq(req, &queue->rx.verdict))
		return false;
	agree(queue, req);
	queue->max_transfer = 1U << (queue->terms.mdts + 12);
	if (!nvmet_tcp_queue_set_state(queue, NVMET_TCP_Q_CONNECT))
		return false;
	set_bit(NVMET_TCP_TX_ICRESP, &queue->tx.flags);
	return true;
}

/**
 * nvmet_tcp_handshake_fill_icresp() - build the ICResp
 * @queue: queue that has its terms
 * @pdu: memory for it
 */
void nvmet_tcp_handshake_fill_icresp(const struct nvmet_tcp_queue *queue,
				     struct nvme_tcp_icresp_pdu *pdu)
{
	const struct nvmet_tcp_terms *terms = &queue->terms;

	*pdu = (struct nvme_tcp_icresp_pdu) {
		.hdr.type	= nvme_tcp_icresp,
		.hdr.hlen	= sizeof(*pdu),
		.hdr.plen	= cpu_to_le32(sizeof(*pdu)),
		.pfv		= cpu_to_le16(NVME_TCP_PFV_1_0),
		.cpda		= terms->cpda,
		.maxdata	= cpu_to_le32(terms->maxh2cdata),
	};
	if (terms->hdgst)
		pdu->digest |= NVME_TCP_HDR_DIGEST_ENABLE;
	if (terms->ddgst)
		pdu->digest |= NVME_TCP_DATA_DIGEST_ENABLE;
}
