// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit side of a queue: takes what was submitted, writes PDUs into a
 * gather, and hands as many of them as there are to the socket at once.
 *
 * Producers add to a lock-free list; when that is to be sent is a question of
 * its own (doorbell.c). Whoever gets tx->lock then sends on behalf of all; who
 * does not get it may go, for he has left word (tx->due), and the owner looks
 * for that after he has let go of the lock (tx_release()). So there is no wait,
 * and nothing is left lying.
 */
#include <linux/sched/mm.h>

#include "nvme_tcp.h"
#include "trace.h"

/* Bytes after which one owner passes the rest on to io_work. */
#define TX_BUDGET	SZ_512K

static struct nvme_tcp_request *send_to_req(struct nvme_tcp_send *send)
{
	if (send->kind == NVME_TCP_SEND_CAPSULE)
		return container_of(send, struct nvme_tcp_request, capsule);
	return container_of(send - send->slot, struct nvme_tcp_request,
			    r2t[0]);
}

/**
 * nvme_tcp_tx_submit() - hand something over for sending
 * @queue: queue to send on
 * @send: filled in; belongs to the transmit side from here on
 *
 * Any context. The caller sees to it that somebody sends.
 */
void nvme_tcp_tx_submit(struct nvme_tcp_queue *queue,
			struct nvme_tcp_send *send)
{
	llist_add(&send->node, &queue->tx.submitted);
}

/**
 * nvme_tcp_tx_set_due() - what was submitted has to be sent now
 * @queue: any
 *
 * Any context. The caller sees to it that somebody sends, unless he knows that
 * io_work is about to look.
 */
void nvme_tcp_tx_set_due(struct nvme_tcp_queue *queue)
{
	/*
	 * A full barrier: either the owner of tx->lock sees this once he has
	 * let go of it, or the lock is free by now.
	 */
	xchg(&queue->tx.due, true);
}

/**
 * nvme_tcp_tx_kick_worker() - have io_work send what was submitted
 * @queue: any
 *
 * Any context.
 */
void nvme_tcp_tx_kick_worker(struct nvme_tcp_queue *queue)
{
	nvme_tcp_tx_set_due(queue);
	queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq, &queue->io_work, 0);
}

/* Was something taken from the list that has not left yet? */
static bool tx_unfinished(struct nvme_tcp_tx *tx)
{
	return READ_ONCE(tx->next) || READ_ONCE(tx->cur) ||
	       READ_ONCE(tx->gather.len);
}

/**
 * nvme_tcp_tx_pending() - is there anything that was not sent yet?
 * @queue: any
 *
 * Return: true where there is. A hint unless tx->lock is held.
 */
bool nvme_tcp_tx_pending(struct nvme_tcp_queue *queue)
{
	return !llist_empty(&queue->tx.submitted) || tx_unfinished(&queue->tx);
}

/**
 * nvme_tcp_tx_due() - is there anything that has to be sent now?
 * @queue: any
 *
 * Return: true where there is. A hint unless tx->lock is held.
 */
bool nvme_tcp_tx_due(struct nvme_tcp_queue *queue)
{
	return READ_ONCE(queue->tx.due) || tx_unfinished(&queue->tx);
}

static struct nvme_tcp_send *tx_next(struct nvme_tcp_tx *tx)
{
	struct llist_node *node = tx->next;

	if (!node) {
		node = llist_del_all(&tx->submitted);
		if (!node)
			return NULL;
		node = llist_reverse_order(node);
	}
	WRITE_ONCE(tx->next, node->next);
	return container_of(node, struct nvme_tcp_send, node);
}

/* Room for a header, its digest and the padding up to the data. */
static void *tx_header(struct nvme_tcp_queue *queue, u8 type, u8 hlen,
		       u32 data_len, u8 flags)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	u8 with_digest = hlen + nvme_tcp_hdgst_len(queue);
	u8 len = with_digest;
	struct nvme_tcp_hdr *hdr;

	if (data_len)
		len = nvme_tcp_wire_pdo(with_digest, queue->cpda);
	hdr = nvme_tcp_gather_header(&tx->gather, &tx->txbuf, len, GFP_NOIO);
	if (!hdr)
		return NULL;
	nvme_tcp_wire_clear(hdr, hlen, len);
	hdr->type = type;
	hdr->flags = flags;
	hdr->hlen = hlen;
	if (queue->hdgst)
		hdr->flags |= NVME_TCP_F_HDGST;
	if (data_len) {
		hdr->pdo = len;
		if (queue->ddgst) {
			hdr->flags |= NVME_TCP_F_DDGST;
			data_len += NVME_TCP_DIGEST_LENGTH;
		}
	}
	hdr->plen = cpu_to_le32(len + data_len);
	tx->pos += len;
	return hdr;
}

static bool tx_capsule(struct nvme_tcp_queue *queue,
		       struct nvme_tcp_request *req)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	struct nvme_tcp_cmd_pdu *pdu;

	pdu = tx_header(queue, nvme_tcp_cmd, sizeof(*pdu), req->capsule.left,
			0);
	if (!pdu)
		return false;
	pdu->cmd = req->cmd;
	if (queue->hdgst)
		nvme_tcp_digest_put_header(pdu, sizeof(*pdu));
	tx->pdu_left = req->capsule.left;
	nvme_tcp_tx_count(queue, CAPSULES, 1);
	nvme_tcp_tx_count(queue, ICD_BYTES, tx->pdu_left);
	trace_nvme_tcp_pdu_send(queue, nvme_tcp_cmd, req->cmd.common.command_id,
				0, tx->pdu_left);
	return true;
}

static bool tx_h2c_data(struct nvme_tcp_queue *queue,
			struct nvme_tcp_request *req,
			struct nvme_tcp_send *send)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	u32 len = min(send->left, queue->maxh2cdata);
	struct nvme_tcp_data_pdu *pdu;

	pdu = tx_header(queue, nvme_tcp_h2c_data, sizeof(*pdu), len,
			len == send->left ? NVME_TCP_F_DATA_LAST : 0);
	if (!pdu)
		return false;
	pdu->command_id = req->cmd.common.command_id;
	pdu->ttag = (__force __u16)send->ttag;
	pdu->data_offset = cpu_to_le32(send->offset);
	pdu->data_length = cpu_to_le32(len);
	if (queue->hdgst)
		nvme_tcp_digest_put_header(pdu, sizeof(*pdu));
	tx->pdu_left = len;
	nvme_tcp_tx_count(queue, H2C_PDUS, 1);
	nvme_tcp_tx_count(queue, H2C_BYTES, len);
	trace_nvme_tcp_pdu_send(queue, nvme_tcp_h2c_data, pdu->command_id,
				send->offset, len);
	return true;
}

static bool tx_take_header(struct nvme_tcp_queue *queue,
			   struct nvme_tcp_send *send)
{
	struct nvme_tcp_request *req = send_to_req(send);
	struct nvme_tcp_tx *tx = &queue->tx;
	bool room;

	if (send->kind == NVME_TCP_SEND_CAPSULE)
		room = tx_capsule(queue, req);
	else
		room = tx_h2c_data(queue, req, send);
	if (!room)
		return false;
	if (tx->pdu_left) {
		nvme_tcp_cursor_seek(&req->cursor, send->offset);
		tx->crc = NVME_TCP_DIGEST_SEED;
		tx->phase = NVME_TCP_TX_DATA;
	}
	return true;
}

static bool tx_take_data(struct nvme_tcp_queue *queue,
			 struct nvme_tcp_send *send)
{
	struct nvme_tcp_request *req = send_to_req(send);
	struct nvme_tcp_tx *tx = &queue->tx;
	u32 n = nvme_tcp_cursor_gather(&req->cursor, &tx->gather, tx->pdu_left,
				       queue->ddgst ? &tx->crc : NULL);

	tx->pos += n;
	tx->pdu_left -= n;
	send->offset += n;
	send->left -= n;
	if (tx->pdu_left)
		return false;
	tx->phase = queue->ddgst ? NVME_TCP_TX_DDGST : NVME_TCP_TX_HEADER;
	return true;
}

static bool tx_take_digest(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	__le32 *digest;

	digest = nvme_tcp_gather_header(&tx->gather, &tx->txbuf,
					sizeof(*digest), GFP_NOIO);
	if (!digest)
		return false;
	*digest = nvme_tcp_digest_final(tx->crc);
	tx->pos += sizeof(*digest);
	tx->phase = NVME_TCP_TX_HEADER;
	return true;
}

/* The last byte was taken: from now on the peer may answer. */
static void tx_taken(struct nvme_tcp_queue *queue, struct nvme_tcp_send *send)
{
	struct nvme_tcp_request *req = send_to_req(send);
	struct nvme_tcp_tx *tx = &queue->tx;

	WRITE_ONCE(req->sent_end, tx->pos);
	if (send->kind == NVME_TCP_SEND_CAPSULE && req != &queue->ctrl->aer)
		WRITE_ONCE(tx->sent, tx->sent + 1);
	if (send->kind == NVME_TCP_SEND_CAPSULE)
		/* Pairs with the acquires of the state in pdu.c. */
		smp_store_release(&req->state, NVME_TCP_REQ_SENT);
	else
		/* Pairs with the acquires of busy in pdu.c. */
		smp_store_release(&send->busy, false);
}

/* One step of the PDU at hand; false where the gather is full. */
static bool tx_step(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	struct nvme_tcp_send *send = tx->cur;
	bool more;

	switch (tx->phase) {
	case NVME_TCP_TX_HEADER:
		more = tx_take_header(queue, send);
		break;
	case NVME_TCP_TX_DATA:
		more = tx_take_data(queue, send);
		break;
	case NVME_TCP_TX_DDGST:
	default:
		more = tx_take_digest(queue);
		break;
	}
	if (more && tx->phase == NVME_TCP_TX_HEADER && !send->left) {
		WRITE_ONCE(tx->cur, NULL);
		tx_taken(queue, send);
	}
	return more;
}

/* Take as much as fits into the gather. */
static void tx_fill(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;

	do {
		if (!tx->cur)
			WRITE_ONCE(tx->cur, tx_next(tx));
	} while (tx->cur && tx_step(queue));
}

/* Send the gather; bytes sent, or a negative errno. */
static int tx_flush(struct nvme_tcp_queue *queue, bool more)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	int sent = nvme_tcp_gather_send(&tx->gather, queue->sock, more);

	trace_nvme_tcp_send(queue, sent, tx->gather.len);
	if (sent > 0) {
		nvme_tcp_tx_count(queue, SENDS, 1);
		nvme_tcp_tx_count(queue, SEND_BYTES, sent);
	}
	return sent;
}

/*
 * The socket is full, or there is no memory. In the first case sk_write_space
 * comes once there is room; in the second nobody would, so try again later, on
 * whatever CPU is online then.
 */
static void tx_blocked(struct nvme_tcp_queue *queue, bool full)
{
	nvme_tcp_tx_count(queue, BLOCKED, 1);
	if (!full || sk_stream_is_writeable(queue->sock->sk))
		queue_delayed_work(nvme_tcp_wq, &queue->io_work, 1);
}

/* Fill and send until nothing is left; bytes sent, or a negative errno. */
static int tx_round(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	int total = 0;

	lockdep_assert_held(&tx->lock);
	while (total < TX_BUDGET && nvme_tcp_tx_pending(queue)) {
		int sent;

		tx_fill(queue);
		if (!tx->gather.len) {
			tx_blocked(queue, false);
			return -EAGAIN;
		}
		sent = tx_flush(queue, tx->cur ||
				!llist_empty(&tx->submitted));
		if (sent < 0 && sent != -EAGAIN)
			return sent;
		if (sent > 0)
			total += sent;
		if (tx->gather.len) {
			tx_blocked(queue, true);
			return total ? total : -EAGAIN;
		}
	}
	return total;
}

/*
 * Let go of the transmit side. Who wanted to send meanwhile found the lock
 * taken and left. That may have been io_work, woken because a full socket has
 * room again, so this matters after -EAGAIN no less.
 */
static void tx_release(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;

	mutex_unlock(&tx->lock);
	/* Pairs with the barrier of nvme_tcp_tx_set_due(). */
	smp_mb();
	if (READ_ONCE(tx->due))
		queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq,
				      &queue->io_work, 0);
}

/**
 * nvme_tcp_tx_run() - send what there is, unless somebody else does already
 * @queue: any state; only an open or live one sends
 * @worker: called by io_work, which will be back by itself
 *
 * Process context, may sleep. A queue whose connection is lost is broken by
 * this.
 *
 * Return: bytes sent; 0 where there was nothing to do or no room.
 */
int nvme_tcp_tx_run(struct nvme_tcp_queue *queue, bool worker)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	unsigned int noreclaim;
	int sent = 0;

	nvme_tcp_tx_set_due(queue);
	if (!mutex_trylock(&tx->lock))
		return 0;
	/* A full barrier: what was due is on the list by now. */
	xchg(&tx->due, false);
	if (nvme_tcp_queue_usable(queue) && nvme_tcp_tx_pending(queue)) {
		if (worker)
			nvme_tcp_tx_count(queue, WORKER, 1);
		else
			nvme_tcp_tx_count(queue, INLINE, 1);
		/* What is sent may be what frees memory. */
		noreclaim = memalloc_noreclaim_save();
		sent = tx_round(queue);
		memalloc_noreclaim_restore(noreclaim);
		/* The budget is used up: io_work goes on. */
		if (sent >= TX_BUDGET && nvme_tcp_tx_pending(queue))
			nvme_tcp_tx_set_due(queue);
	}
	tx_release(queue);
	if (sent < 0 && sent != -EAGAIN)
		nvme_tcp_queue_broken(queue, "sending failed", sent);
	return max(sent, 0);
}

/**
 * nvme_tcp_tx_finish_pdu() - come to the end of the PDU being written
 * @queue: broken, tx->lock held, socket still there
 *
 * Return: 0 where the stream stands between two PDUs; -EAGAIN where the socket
 * is full; another negative errno where that cannot be had.
 */
int nvme_tcp_tx_finish_pdu(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;

	lockdep_assert_held(&tx->lock);
	for (;;) {
		int sent;

		while (tx->cur && tx->phase != NVME_TCP_TX_HEADER &&
		       tx_step(queue))
			;
		if (!tx->gather.len)
			return tx->phase == NVME_TCP_TX_HEADER ? 0 : -ENOMEM;
		sent = tx_flush(queue, false);
		if (sent < 0)
			return sent;
	}
}

/**
 * nvme_tcp_tx_reset() - forget what was to be sent
 * @queue: idle, or about to be
 *
 * What was submitted is not completed by this: whoever gives up the commands
 * of the queue does that afterwards.
 *
 * Process context, takes tx->lock; afterwards nobody uses the socket that was
 * there before, and no page that was to be sent is referred to.
 */
void nvme_tcp_tx_reset(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;

	mutex_lock(&tx->lock);
	tx->due = false;
	llist_del_all(&tx->submitted);
	tx->next = NULL;
	tx->cur = NULL;
	tx->phase = NVME_TCP_TX_HEADER;
	tx->sent = 0;
	nvme_tcp_gather_init(&tx->gather, tx->bvec, ARRAY_SIZE(tx->bvec));
	nvme_tcp_txbuf_free(&tx->txbuf);
	if (!queue->qid)
		queue->ctrl->aer.state = NVME_TCP_REQ_IDLE;
	mutex_unlock(&tx->lock);
}
