// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a received PDU means: which command it belongs to, and what becomes of
 * that. Everything here runs with the socket locked.
 */
#include "nvme_tcp.h"
#include "trace.h"

/*
 * The command with this id, if it is with the peer. What blk-mq has under the
 * tag may be any request that ever had it: only one of ours in state SENT
 * under exactly this id counts. The acquire pairs with the release in send.c.
 * A connection on which no command is outstanding has none, and may not even
 * have tags: they are made, and made anew, before a queue's Connect is sent.
 */
static struct nvme_tcp_request *pdu_request(struct nvme_tcp_queue *queue,
					    u16 cid)
{
	struct nvme_tcp_request *req;
	struct request *rq;

	if (READ_ONCE(queue->tx.sent) == queue->rx.done)
		return NULL;
	rq = blk_mq_tag_to_rq(nvme_tcp_tags(queue), nvme_tag_from_cid(cid));
	if (!rq)
		return NULL;
	req = blk_mq_rq_to_pdu(rq);
	/* Pairs with the release of the state in send.c. */
	if (smp_load_acquire(&req->state) != NVME_TCP_REQ_SENT ||
	    req->queue != queue || req->cmd.common.command_id != cid)
		return NULL;
	return req;
}

static struct request *req_to_rq(struct nvme_tcp_request *req)
{
	return blk_mq_rq_from_pdu(req);
}

/*
 * Has the peer not yet acknowledged all that was sent for a command? Then it
 * cannot know the answer, and TCP still refers to pages of the command.
 */
static bool pdu_is_early(struct nvme_tcp_queue *queue,
			 struct nvme_tcp_request *req)
{
	int i;

	for (i = 0; i < queue->max_r2t; i++)
		/* Pairs with the release in send.c. */
		if (smp_load_acquire(&req->r2t[i].busy))
			return true;
	return READ_ONCE(req->sent_end) >
	       tcp_sk(queue->sock->sk)->bytes_acked;
}

/* Did a command succeed without all its data having been transferred? */
static bool pdu_is_short(struct nvme_tcp_request *req, struct request *rq)
{
	const struct nvme_tcp_grants *grants = &req->grants;

	if (blk_rq_is_passthrough(rq) || !req->data_len)
		return false;
	if (rq_data_dir(rq) == READ)
		return req->received != req->data_len;
	return grants->nr != 1 || grants->range[0].start ||
	       grants->range[0].end != req->data_len;
}

static const struct nvme_tcp_fault *
pdu_complete(struct nvme_tcp_queue *queue, struct nvme_tcp_request *req,
	     u16 status, union nvme_result result)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	struct request *rq = req_to_rq(req);

	if (pdu_is_early(queue, req))
		return &nvme_tcp_fault_early;
	if (req->status) {
		status = req->status << 1;
	} else if (!(status >> 1) && pdu_is_short(req, rq)) {
		nvme_tcp_rx_count(queue, SHORT, 1);
		dev_err_ratelimited(nvme_tcp_dev(queue),
				    "queue %d: command id %#06x: success after %u of %u bytes\n",
				    queue->qid, req->cmd.common.command_id,
				    req->received, req->data_len);
		status = NVME_SC_DATA_XFER_ERROR << 1;
	}
	WRITE_ONCE(req->state, NVME_TCP_REQ_IDLE);
	rx->completed++;
	WRITE_ONCE(rx->done, rx->done + 1);
	nvme_tcp_rx_count(queue, COMPLETED, 1);
	if (!nvme_try_complete_req(rq, cpu_to_le16(status), result) &&
	    !blk_mq_add_to_batch(rq, rx->batch, nvme_req(rq)->status,
				 nvme_tcp_complete_batch))
		nvme_complete_rq(rq);
	return NULL;
}

static const struct nvme_tcp_fault *
pdu_event(struct nvme_tcp_queue *queue, struct nvme_completion *cqe)
{
	struct nvme_tcp_request *aer = &queue->ctrl->aer;

	/* Pairs with the release of the state in send.c. */
	if (smp_load_acquire(&aer->state) != NVME_TCP_REQ_SENT ||
	    cqe->command_id != NVME_AQ_BLK_MQ_DEPTH)
		return &nvme_tcp_fault_rsp_cid;
	/* Pairs with the cmpxchg of who submits the next one. */
	smp_store_release(&aer->state, NVME_TCP_REQ_IDLE);
	nvme_tcp_rx_count(queue, EVENTS, 1);
	nvme_complete_async_event(&queue->ctrl->ctrl, cqe->status,
				  &cqe->result);
	return NULL;
}

static const struct nvme_tcp_fault *pdu_response(struct nvme_tcp_queue *queue,
						 struct nvme_tcp_rsp_pdu *pdu)
{
	struct nvme_completion *cqe = &pdu->cqe;
	struct nvme_tcp_request *req;

	nvme_tcp_rx_count(queue, RESPONSES, 1);
	trace_nvme_tcp_pdu_recv(queue, nvme_tcp_rsp, cqe->command_id, 0, 0);
	if (nvme_is_aen_req(queue->qid, cqe->command_id))
		return pdu_event(queue, cqe);
	req = pdu_request(queue, cqe->command_id);
	if (!req)
		return &nvme_tcp_fault_rsp_cid;
	return pdu_complete(queue, req, le16_to_cpu(cqe->status), cqe->result);
}

static const struct nvme_tcp_fault *pdu_data(struct nvme_tcp_queue *queue,
					     struct nvme_tcp_data_pdu *pdu)
{
	const struct nvme_tcp_fault *fault;
	struct nvme_tcp_rx *rx = &queue->rx;
	struct nvme_tcp_request *req;

	trace_nvme_tcp_pdu_recv(queue, nvme_tcp_c2h_data, pdu->command_id,
				le32_to_cpu(pdu->data_offset),
				le32_to_cpu(pdu->data_length));
	fault = nvme_tcp_check_data(queue, pdu);
	if (fault)
		return fault;
	req = pdu_request(queue, pdu->command_id);
	if (!req)
		return &nvme_tcp_fault_cid;
	fault = nvme_tcp_check_data_in(req, pdu,
				       rq_data_dir(req_to_rq(req)) == READ);
	if (fault)
		return fault;
	rx->req = req;
	rx->data_len = le32_to_cpu(pdu->data_length);
	rx->last = pdu->hdr.flags & NVME_TCP_F_DATA_LAST;
	rx->success = pdu->hdr.flags & NVME_TCP_F_DATA_SUCCESS;
	rx->crc = NVME_TCP_DIGEST_SEED;
	if (rx->data_len > NVME_TCP_RX_BULK)
		rx->bulk = true;
	rx->left = pdu->hdr.pdo - pdu->hdr.hlen - nvme_tcp_hdgst_len(queue);
	rx->phase = NVME_TCP_RX_PAD;
	if (!rx->left) {
		rx->phase = NVME_TCP_RX_DATA;
		rx->left = rx->data_len;
	}
	nvme_tcp_rx_count(queue, C2H_PDUS, 1);
	nvme_tcp_rx_count(queue, C2H_BYTES, rx->data_len);
	return NULL;
}

/**
 * nvme_tcp_pdu_data_done() - all of a C2HData PDU was received
 * @queue: socket locked
 * @digest_ok: its data digest is right, or there is none
 *
 * A wrong digest fails the one command, with a status that nvme-core retries
 * (section 3.3.1.2).
 *
 * Return: NULL, or what is wrong with the PDU.
 */
const struct nvme_tcp_fault *
nvme_tcp_pdu_data_done(struct nvme_tcp_queue *queue, bool digest_ok)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	struct nvme_tcp_request *req = rx->req;
	union nvme_result result = {};

	rx->req = NULL;
	req->received += rx->data_len;
	req->last = rx->last;
	if (!digest_ok) {
		nvme_tcp_rx_count(queue, DDGST_ERRORS, 1);
		trace_nvme_tcp_error(queue, req->cmd.common.command_id,
				     "data digest is wrong");
		dev_err_ratelimited(nvme_tcp_dev(queue),
				    "queue %d: command id %#06x: data digest is wrong\n",
				    queue->qid, req->cmd.common.command_id);
		req->status = NVME_TCP_SC_TRANSIENT_TR_ERR;
	}
	if (!rx->success)
		return NULL;
	return pdu_complete(queue, req, 0, result);
}

static const struct nvme_tcp_fault *pdu_r2t(struct nvme_tcp_queue *queue,
					    struct nvme_tcp_r2t_pdu *pdu)
{
	u32 offset = le32_to_cpu(pdu->r2t_offset);
	u32 len = le32_to_cpu(pdu->r2t_length);
	const struct nvme_tcp_fault *fault;
	struct nvme_tcp_request *req;
	struct nvme_tcp_send *send;
	int slot = 0;

	nvme_tcp_rx_count(queue, R2TS, 1);
	trace_nvme_tcp_pdu_recv(queue, nvme_tcp_r2t, pdu->command_id, offset,
				len);
	req = pdu_request(queue, pdu->command_id);
	if (!req)
		return &nvme_tcp_fault_cid;
	fault = nvme_tcp_check_r2t(req, pdu,
				   rq_data_dir(req_to_rq(req)) == WRITE);
	if (fault)
		return fault;
	/* Pairs with the release in send.c. */
	while (slot < queue->max_r2t && smp_load_acquire(&req->r2t[slot].busy))
		slot++;
	if (slot == queue->max_r2t)
		return &nvme_tcp_fault_r2t_limit;
	fault = nvme_tcp_grant(&req->grants, offset, offset + len);
	if (fault)
		return fault;

	send = &req->r2t[slot];
	send->kind = NVME_TCP_SEND_DATA;
	send->slot = slot;
	send->busy = true;
	send->ttag = (__force __le16)pdu->ttag;
	send->offset = offset;
	send->left = len;
	nvme_tcp_tx_submit(queue, send);
	nvme_tcp_tx_set_due(queue);
	queue->rx.bulk = true;
	return NULL;
}

/**
 * nvme_tcp_pdu_header() - act upon a header
 * @queue: socket locked; rx->hdr passed nvme_tcp_check_common(), its digest
 *	is right
 *
 * Return: NULL, or what is wrong with it.
 */
const struct nvme_tcp_fault *nvme_tcp_pdu_header(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_hdr *hdr = (void *)queue->rx.hdr;

	switch (hdr->type) {
	case nvme_tcp_rsp:
		return pdu_response(queue, (void *)hdr);
	case nvme_tcp_c2h_data:
		return pdu_data(queue, (void *)hdr);
	case nvme_tcp_r2t:
		return pdu_r2t(queue, (void *)hdr);
	default:
		nvme_tcp_rx_count(queue, TERMS, 1);
		nvme_tcp_term_log(queue, (void *)hdr);
		nvme_tcp_queue_broken(queue, "the controller sent a C2HTermReq",
				      0);
		return NULL;
	}
}
