// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit side: completed commands to PDUs to the socket. Completions append
 * to a lock-free list from any context; the one owner of the transmit side
 * builds the PDUs of many commands, headers and data pages, into one vector
 * and hands it over in one call.
 *
 * The order within a command is R2T; or C2HData with its digest, then the
 * response, unless the C2HData says that it was a success.
 */
#include <linux/slab.h>

#include "nvmet_tcp.h"
#include "trace.h"

/* Sends in one round: bounds how long one queue keeps the worker. */
#define TX_BUDGET	8

/* A status has the phase bit below it. */
#define DIGEST_STATUS	cpu_to_le16(NVME_TCP_SC_TRANSIENT_TR_ERR << 1)

/**
 * nvmet_tcp_send_init() - prepare the transmit side
 * @queue: new queue
 *
 * Return: 0 or -ENOMEM.
 */
int nvmet_tcp_send_init(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;

	init_llist_head(&tx->done);
	INIT_LIST_HEAD(&tx->pending);
	INIT_LIST_HEAD(&tx->sending);
	tx->bvec = kmalloc_array(NVMET_TCP_TX_BVECS, sizeof(*tx->bvec),
				 GFP_KERNEL);
	if (!tx->bvec)
		return -ENOMEM;
	nvme_tcp_gather_init(&tx->gather, tx->bvec, NVMET_TCP_TX_BVECS);
	return 0;
}

/**
 * nvmet_tcp_send_free() - free what the transmit side allocated
 * @queue: queue that nothing runs on
 */
void nvmet_tcp_send_free(struct nvmet_tcp_queue *queue)
{
	nvme_tcp_txbuf_free(&queue->tx.buf);
	kfree(queue->tx.bvec);
}

static bool try_own(struct nvmet_tcp_tx *tx)
{
	return !test_and_set_bit_lock(NVMET_TCP_TX_OWNED, &tx->flags);
}

static void disown(struct nvmet_tcp_tx *tx)
{
	clear_bit_unlock(NVMET_TCP_TX_OWNED, &tx->flags);
}

/**
 * nvmet_tcp_send_trim() - give memory back that an idle queue does not need
 * @queue: owned by io_work
 */
void nvmet_tcp_send_trim(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;

	if (!try_own(tx))
		return;
	if (!tx->gather.len)
		nvme_tcp_txbuf_free(&tx->buf);
	disown(tx);
}

static void submit(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_queue *queue = cmd->queue;

	/* Whoever makes the list non-empty starts the worker... */
	if (!llist_add(&cmd->tx_node, &queue->tx.done))
		return;
	/* ...unless he is the worker, who will send what he executes. */
	if (!in_task() || READ_ONCE(queue->worker) != current)
		nvmet_tcp_queue_kick(queue);
}

/**
 * nvmet_tcp_send_response() - nvmet has completed a command
 * @req: part of a struct nvmet_tcp_cmd
 *
 * The queue_response operation of nvmet. Any context.
 */
void nvmet_tcp_send_response(struct nvmet_req *req)
{
	struct nvmet_tcp_cmd *cmd = container_of(req, struct nvmet_tcp_cmd,
						 req);
	struct nvmet_tcp_queue *queue = cmd->queue;

	/* nvmet may have refused the command before its data was looked at. */
	if (unlikely(test_bit(NVMET_TCP_CMD_BAD_DIGEST, &cmd->flags)))
		cmd->cqe.status = DIGEST_STATUS;
	if (unlikely(nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_CONNECT) &&
	    queue->sq.ctrl)
		nvmet_tcp_queue_connected(queue);
	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_RSP);
	submit(cmd);
}

/**
 * nvmet_tcp_send_r2t() - ask the host for more data of a command
 * @cmd: waits for data; owned by io_work
 */
void nvmet_tcp_send_r2t(struct nvmet_tcp_cmd *cmd)
{
	if (!test_and_set_bit(NVMET_TCP_CMD_R2T_ASKED, &cmd->flags))
		submit(cmd);
}

/**
 * nvmet_tcp_send_pending() - is there something to be sent
 * @queue: owned by io_work
 *
 * Return: false only where nothing is on its way and nobody sends.
 */
bool nvmet_tcp_send_pending(const struct nvmet_tcp_queue *queue)
{
	const struct nvmet_tcp_tx *tx = &queue->tx;

	return READ_ONCE(tx->flags) || !llist_empty(&tx->done) || tx->cur ||
	       !list_empty(&tx->pending) || !list_empty(&tx->sending) ||
	       tx->gather.len;
}

/* Room for a header with what goes before the data; NULL: send first. */
static void *new_header(struct nvmet_tcp_queue *queue, u8 type, u8 flags,
			u8 pdo, u32 data)
{
	const struct nvmet_tcp_terms *terms = &queue->terms;
	struct nvmet_tcp_tx *tx = &queue->tx;
	u8 hlen = nvme_tcp_wire_hlen(type);
	u32 len = pdo ?: hlen + (terms->hdgst ? NVME_TCP_DIGEST_LENGTH : 0);
	u32 plen = len + data;
	struct nvme_tcp_hdr *ch;

	/* The last element is left for the data or its digest. */
	if (nvme_tcp_gather_room(&tx->gather) < 2)
		return NULL;
	ch = nvme_tcp_gather_header(&tx->gather, &tx->buf, len, GFP_KERNEL);
	if (!ch)
		return NULL;
	nvme_tcp_wire_clear(ch, hlen, len);
	if (pdo && terms->ddgst) {
		flags |= NVME_TCP_F_DDGST;
		plen += NVME_TCP_DIGEST_LENGTH;
	}
	*ch = (struct nvme_tcp_hdr) {
		.type	= type,
		.flags	= flags | (terms->hdgst ? NVME_TCP_F_HDGST : 0),
		.hlen	= hlen,
		.pdo	= pdo,
		.plen	= cpu_to_le32(plen),
	};
	tx->queued += len;
	return ch;
}

static void finish_header(struct nvmet_tcp_queue *queue, void *pdu)
{
	const struct nvme_tcp_hdr *ch = pdu;

	if (queue->terms.hdgst)
		nvme_tcp_digest_put_header(pdu, ch->hlen);
	trace_nvmet_tcp_pdu_out(queue, ch);
}

static bool fill_response(struct nvmet_tcp_queue *queue,
			  const struct nvmet_tcp_cmd *cmd)
{
	struct nvme_tcp_rsp_pdu *pdu;

	pdu = new_header(queue, nvme_tcp_rsp, 0, 0, 0);
	if (!pdu)
		return false;
	pdu->cqe = cmd->cqe;
	finish_header(queue, pdu);
	nvmet_tcp_stat_add(&queue->stats.tx_responses, 1);
	return true;
}

/* R2Ts that the host has not answered in full. */
static u32 r2ts_outstanding(const struct nvmet_tcp_cmd *cmd)
{
	u32 done = READ_ONCE(cmd->rx_done) / cmd->r2t_len * cmd->r2t_len;

	return DIV_ROUND_UP(cmd->r2t_end - done, cmd->r2t_len);
}

static bool fill_r2t(struct nvmet_tcp_queue *queue, struct nvmet_tcp_cmd *cmd)
{
	struct nvme_tcp_r2t_pdu *pdu;
	u32 len;

	while (cmd->r2t_end < cmd->buf.len &&
	       r2ts_outstanding(cmd) < queue->terms.maxr2t) {
		pdu = new_header(queue, nvme_tcp_r2t, 0, 0, 0);
		if (!pdu)
			return false;
		len = min(cmd->buf.len - cmd->r2t_end, cmd->r2t_len);
		pdu->command_id = cmd->sqe.common.command_id;
		pdu->ttag = cmd->ttag;
		pdu->r2t_offset = cpu_to_le32(cmd->r2t_end);
		pdu->r2t_length = cpu_to_le32(len);
		finish_header(queue, pdu);
		WRITE_ONCE(cmd->r2t_end, cmd->r2t_end + len);
		nvmet_tcp_stat_add(&queue->stats.tx_r2t, 1);
		nvmet_tcp_stat_add(&queue->stats.tx_r2t_bytes, len);
	}
	return true;
}

/* May the response be left out? Section 3.6.2.8, SUCCESS flag. */
static bool success_is_enough(const struct nvmet_tcp_cmd *cmd)
{
	return cmd->queue->sq.sqhd_disabled && !cmd->cqe.result.u64;
}

static bool fill_c2h_header(struct nvmet_tcp_queue *queue,
			    const struct nvmet_tcp_cmd *cmd)
{
	const struct nvmet_tcp_terms *terms = &queue->terms;
	u8 flags = NVME_TCP_F_DATA_LAST;
	struct nvme_tcp_data_pdu *pdu;
	u8 pdo;

	if (success_is_enough(cmd))
		flags |= NVME_TCP_F_DATA_SUCCESS;
	pdo = nvme_tcp_wire_pdo(sizeof(*pdu) + (terms->hdgst ?
				NVME_TCP_DIGEST_LENGTH : 0), terms->hpda);
	pdu = new_header(queue, nvme_tcp_c2h_data, flags, pdo, cmd->buf.len);
	if (!pdu)
		return false;
	pdu->command_id = cmd->sqe.common.command_id;
	pdu->data_length = cpu_to_le32(cmd->buf.len);
	finish_header(queue, pdu);
	queue->tx.crc = NVME_TCP_DIGEST_SEED;
	nvmet_tcp_stat_add(&queue->stats.tx_c2hdata, 1);
	nvmet_tcp_stat_add(&queue->stats.tx_c2hdata_bytes, cmd->buf.len);
	return true;
}

static bool fill_c2h_data(struct nvmet_tcp_queue *queue,
			  struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	struct scatterlist *sg = cmd->buf.sg;
	u32 at = cmd->tx_off;

	while (cmd->tx_off < cmd->buf.len) {
		u32 n;

		while (at >= sg->length)
			at -= (sg++)->length;
		n = sg->length - at;
		if (!nvme_tcp_gather_add(&tx->gather, sg_page(sg), at, n))
			return false;
		if (queue->terms.ddgst)
			tx->crc = nvme_tcp_digest_add(tx->crc,
						      sg_virt(sg) + at, n);
		tx->queued += n;
		cmd->tx_off += n;
		at += n;
	}
	return true;
}

static bool fill_c2h_digest(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	__le32 *digest;

	if (!queue->terms.ddgst)
		return true;
	digest = nvme_tcp_gather_header(&tx->gather, &tx->buf, sizeof(*digest),
					GFP_KERNEL);
	if (!digest)
		return false;
	*digest = nvme_tcp_digest_final(tx->crc);
	tx->queued += sizeof(*digest);
	return true;
}

static void begin_cmd(struct nvmet_tcp_tx *tx)
{
	struct nvmet_tcp_cmd *cmd = tx->cur;

	if (READ_ONCE(cmd->phase) != NVMET_TCP_CMD_RSP) {
		clear_bit(NVMET_TCP_CMD_R2T_ASKED, &cmd->flags);
		/* Look at rx_done after the bit is clear. */
		smp_mb__after_atomic();
		tx->stage = NVMET_TCP_TX_R2T;
	} else if (cmd->cqe.status || !cmd->buf.len ||
		   nvme_tcp_wire_is_write(&cmd->sqe)) {
		tx->stage = NVMET_TCP_TX_RSP;
	} else {
		tx->stage = NVMET_TCP_TX_C2H_HDR;
	}
}

/* Build one step of the current command; false: there is no room for it. */
static bool fill_step(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	struct nvmet_tcp_cmd *cmd = tx->cur;

	switch (tx->stage) {
	case NVMET_TCP_TX_BEGIN:
		begin_cmd(tx);
		return true;
	case NVMET_TCP_TX_R2T:
		if (!fill_r2t(queue, cmd))
			return false;
		/* The command is the receive side's again. */
		tx->cur = NULL;
		return true;
	case NVMET_TCP_TX_C2H_HDR:
		if (!fill_c2h_header(queue, cmd))
			return false;
		tx->stage = NVMET_TCP_TX_C2H_DATA;
		return true;
	case NVMET_TCP_TX_C2H_DATA:
		if (!fill_c2h_data(queue, cmd))
			return false;
		tx->stage = NVMET_TCP_TX_C2H_DDGST;
		return true;
	case NVMET_TCP_TX_C2H_DDGST:
		if (!fill_c2h_digest(queue))
			return false;
		tx->stage = NVMET_TCP_TX_RSP;
		if (success_is_enough(cmd)) {
			nvmet_tcp_stat_add(&queue->stats.tx_responses_saved, 1);
			tx->stage = NVMET_TCP_TX_END;
		}
		return true;
	case NVMET_TCP_TX_RSP:
		if (!fill_response(queue, cmd))
			return false;
		tx->stage = NVMET_TCP_TX_END;
		return true;
	case NVMET_TCP_TX_END:
		break;
	}
	tx->cur = NULL;
	if (!cmd->tx_off) {
		nvmet_tcp_cmd_put(cmd);
		return true;
	}
	cmd->tx_end = tx->queued;
	list_add_tail(&cmd->entry, &tx->sending);
	return true;
}

static struct nvmet_tcp_cmd *next_cmd(struct nvmet_tcp_tx *tx)
{
	struct nvmet_tcp_cmd *cmd, *next;
	struct llist_node *node;

	if (list_empty(&tx->pending)) {
		node = llist_reverse_order(llist_del_all(&tx->done));
		llist_for_each_entry_safe(cmd, next, node, tx_node)
			list_add_tail(&cmd->entry, &tx->pending);
	}
	cmd = list_first_entry_or_null(&tx->pending, struct nvmet_tcp_cmd,
				       entry);
	if (cmd)
		list_del_init(&cmd->entry);
	return cmd;
}

/* PDUs that belong to the connection; false: there is no room for it. */
static bool fill_control(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	u32 len;
	void *pdu;

	if (test_bit(NVMET_TCP_TX_ICRESP, &tx->flags)) {
		len = sizeof(struct nvme_tcp_icresp_pdu);
		pdu = nvme_tcp_gather_header(&tx->gather, &tx->buf, len,
					     GFP_KERNEL);
		if (!pdu)
			return false;
		nvmet_tcp_handshake_fill_icresp(queue, pdu);
		clear_bit(NVMET_TCP_TX_ICRESP, &tx->flags);
		nvmet_tcp_stat_add(&queue->stats.tx_icresp, 1);
		tx->queued += len;
		trace_nvmet_tcp_pdu_out(queue, pdu);
	}
	if (test_bit(NVMET_TCP_TX_TERM, &tx->flags)) {
		len = nvmet_tcp_term_len(&queue->term);
		pdu = nvme_tcp_gather_header(&tx->gather, &tx->buf, len,
					     GFP_KERNEL);
		if (!pdu)
			return false;
		nvmet_tcp_term_fill(&queue->term, pdu);
		clear_bit(NVMET_TCP_TX_TERM, &tx->flags);
		nvmet_tcp_stats_count_term(&queue->stats,
					   queue->term.verdict.fes);
		tx->queued += len;
		trace_nvmet_tcp_pdu_out(queue, pdu);
	}
	return true;
}

/* Gather PDUs until there is enough for one send. True: more is waiting. */
static bool fill(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;

	for (;;) {
		if (tx->cur) {
			if (!fill_step(queue))
				return true;
			continue;
		}
		if (!fill_control(queue))
			return true;
		/* Responses are of no use to a host that was turned away. */
		if (nvmet_tcp_queue_state(queue) >= NVMET_TCP_Q_TERM)
			return false;
		if (tx->gather.len >= NVMET_TCP_TX_BYTES)
			return true;
		tx->cur = next_cmd(tx);
		if (!tx->cur)
			return false;
		tx->stage = NVMET_TCP_TX_BEGIN;
	}
}

/* The socket took some bytes: commands whose data is out are done with. */
static void retire(struct nvmet_tcp_tx *tx)
{
	struct nvmet_tcp_cmd *cmd;

	while (!list_empty(&tx->sending)) {
		cmd = list_first_entry(&tx->sending, struct nvmet_tcp_cmd,
				       entry);
		if (cmd->tx_end > tx->sent)
			break;
		list_del_init(&cmd->entry);
		nvmet_tcp_cmd_put(cmd);
	}
}

/* True where the socket may take more; the owner calls. */
static bool send_some(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	size_t want;
	bool more;
	int sent;

	more = fill(queue);
	want = tx->gather.len;
	if (!want)
		return more;
	/* More follows for sure only within a command. */
	sent = nvme_tcp_gather_send(&tx->gather, queue->sock, tx->cur);
	nvmet_tcp_stat_add(&queue->stats.tx_sends, 1);
	if (sent == -EAGAIN) {
		nvmet_tcp_stat_add(&queue->stats.tx_full, 1);
		/*
		 * Full, and write_space comes with an acknowledgment; or there
		 * was no memory, and nothing is under way that could be one.
		 */
		return !READ_ONCE(queue->sock->sk->sk_wmem_queued);
	}
	if (sent < 0) {
		nvmet_tcp_queue_kill(queue);
		return false;
	}
	nvmet_tcp_stat_add(&queue->stats.tx_bytes, sent);
	tx->sent += sent;
	retire(tx);
	return more && sent == want;
}

/**
 * nvmet_tcp_send_round() - send what is to be sent
 * @queue: owned by io_work, socket not locked
 *
 * Where the socket is full, its write_space callback starts the worker again.
 *
 * Return: true where more could be sent at once.
 */
bool nvmet_tcp_send_round(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_tx *tx = &queue->tx;
	bool more;
	int i;

	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_DEAD || !try_own(tx))
		return false;
	for (i = 0; i < TX_BUDGET; i++) {
		more = send_some(queue);
		if (!more)
			break;
	}
	disown(tx);
	return more;
}
