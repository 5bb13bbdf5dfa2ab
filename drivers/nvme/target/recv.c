// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side: bytes to PDUs. Many PDUs are taken in one go with the socket
 * locked, and nothing that sleeps or belongs to nvmet is called meanwhile;
 * what became ready is run afterwards (capsule.c).
 *
 *   HDR ---> START ---> PAD ---> DATA ---> DDGST ---> HDR
 *
 * HDR collects the common header, then the rest with its digest. START gets a
 * command and its memory, and may have to wait for them. A state without
 * bytes is passed over. Data goes straight into the pages of the command.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "nvme_tcp_copy.h"
#include "nvmet_tcp.h"
#include "trace.h"

/* PDUs in one round: bounds how long the socket stays locked. */
#define RX_BUDGET	64

static void expect_header(struct nvmet_tcp_rx *rx)
{
	rx->state = NVMET_TCP_RX_HDR;
	rx->have = 0;
	rx->need = NVME_TCP_CH_LEN;
	rx->cmd = NULL;
}

/**
 * nvmet_tcp_recv_init() - wait for the first PDU
 * @queue: new queue
 */
void nvmet_tcp_recv_init(struct nvmet_tcp_queue *queue)
{
	INIT_LIST_HEAD(&queue->rx.ready);
	INIT_LIST_HEAD(&queue->rx.starved);
	expect_header(&queue->rx);
}

static void pdu_complete(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	rx->budget--;
	switch (rx->hdr.ch.type) {
	case nvme_tcp_cmd:
		nvmet_tcp_capsule_end(queue);
		break;
	case nvme_tcp_h2c_data:
		nvmet_tcp_h2cdata_end(queue);
		break;
	case nvme_tcp_h2c_term:
		nvmet_tcp_term_received(queue);
		break;
	}
	expect_header(rx);
}

/* Go on with the next state that has bytes, or finish the PDU. */
static void next_state(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	switch (rx->state) {
	case NVMET_TCP_RX_START:
		rx->state = NVMET_TCP_RX_PAD;
		rx->left = rx->span.pad;
		if (rx->left)
			return;
		fallthrough;
	case NVMET_TCP_RX_PAD:
		rx->state = NVMET_TCP_RX_DATA;
		rx->left = rx->span.len;
		rx->crc = NVME_TCP_DIGEST_SEED;
		if (rx->left)
			return;
		fallthrough;
	case NVMET_TCP_RX_DATA:
		rx->state = NVMET_TCP_RX_DDGST;
		rx->left = rx->span.ddgst ? NVME_TCP_DIGEST_LENGTH : 0;
		if (rx->left)
			return;
		fallthrough;
	default:
		pdu_complete(queue);
	}
}

/* What the type asks for before the bytes behind the header can be taken. */
static bool start_pdu(struct nvmet_tcp_queue *queue, gfp_t gfp)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	int err;

	if (rx->hdr.ch.type == nvme_tcp_cmd) {
		err = nvmet_tcp_capsule_begin(queue, gfp);
		if (err == -ENOMEM) {
			rx->wait = NVMET_TCP_RX_WAIT_MEMORY;
			nvmet_tcp_stat_add(&queue->stats.rx_waits_memory, 1);
			return false;
		}
		if (err == -EBUSY) {
			rx->wait = NVMET_TCP_RX_WAIT_CMD;
			nvmet_tcp_stat_add(&queue->stats.rx_waits_cmd, 1);
			return false;
		}
	}
	next_state(queue);
	return true;
}

static bool check_digest(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	u8 hlen = rx->hdr.ch.hlen;
	__le32 digest;

	if (nvme_tcp_digest_check_header(rx->hdr.bytes, hlen))
		return true;
	memcpy(&digest, rx->hdr.bytes + hlen, sizeof(digest));
	rx->verdict = (struct nvmet_tcp_verdict) {
		.fes = NVME_TCP_FES_HDR_DIGEST_ERR,
		.fei = le32_to_cpu(digest),
		.why = "header digest is wrong",
	};
	nvmet_tcp_stat_add(&queue->stats.rx_hdgst_errors, 1);
	return false;
}

/* The header is complete: check what it says. */
static bool check_header(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	switch (rx->hdr.ch.type) {
	case nvme_tcp_icreq:
		rx->span = (struct nvmet_tcp_span){ };
		return nvmet_tcp_handshake_icreq(queue);
	case nvme_tcp_cmd:
		return nvmet_tcp_capsule_check(queue);
	case nvme_tcp_h2c_data:
		return nvmet_tcp_h2cdata_begin(queue);
	default:
		return nvmet_tcp_pdu_check_term(&rx->hdr.term, &rx->span,
						&rx->verdict);
	}
}

static bool header_bytes_complete(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	const struct nvme_tcp_hdr *ch = &rx->hdr.ch;
	bool hdgst = queue->terms.hdgst && nvme_tcp_wire_has_hdgst(ch->type);

	if (rx->need == NVME_TCP_CH_LEN) {
		if (!nvmet_tcp_pdu_check_start(ch, nvmet_tcp_queue_state(queue),
					       &queue->terms, &rx->verdict))
			return false;
		rx->need = ch->hlen + (hdgst ? NVME_TCP_DIGEST_LENGTH : 0);
		return true;
	}
	if (hdgst && !check_digest(queue))
		return false;
	trace_nvmet_tcp_pdu_in(queue, ch);
	if (!check_header(queue))
		return false;
	rx->state = NVMET_TCP_RX_START;
	start_pdu(queue, GFP_NOWAIT);
	return true;
}

static size_t take_header(struct nvmet_tcp_queue *queue, struct sk_buff *skb,
			  unsigned int offset, size_t len)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->need - rx->have);

	if (nvme_tcp_copy_header(skb, offset, rx->hdr.bytes + rx->have, n)) {
		nvmet_tcp_queue_kill(queue);
		return 0;
	}
	rx->have += n;
	if (rx->have == rx->need && !header_bytes_complete(queue) &&
	    !rx->verdict.fes)
		nvmet_tcp_queue_kill(queue);
	return n;
}

/* Copy @len bytes of a socket buffer to where the command keeps them. */
static bool copy_data(struct nvmet_tcp_rx *rx, struct sk_buff *skb,
		      unsigned int offset, size_t len)
{
	struct scatterlist *sg = rx->cmd->buf.sg;
	u32 at = rx->offset;

	while (at >= sg->length)
		at -= (sg++)->length;
	for (; len; sg++, at = 0) {
		u32 n = min_t(size_t, len, sg->length - at);
		struct iov_iter to;
		struct bio_vec bv;

		bvec_set_page(&bv, sg_page(sg), n, at);
		iov_iter_bvec(&to, ITER_DEST, &bv, 1, n);
		if (nvme_tcp_copy_skb(skb, offset, &to, n,
				      rx->span.ddgst ? &rx->crc : NULL))
			return false;
		offset += n;
		len -= n;
	}
	return true;
}

static size_t take_data(struct nvmet_tcp_queue *queue, struct sk_buff *skb,
			unsigned int offset, size_t len)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);

	if (rx->cmd && rx->cmd->buf.nr) {
		if (!copy_data(rx, skb, offset, n)) {
			nvmet_tcp_queue_kill(queue);
			return 0;
		}
		rx->offset += n;
	}
	rx->left -= n;
	if (!rx->left)
		next_state(queue);
	return n;
}

static void check_data_digest(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	if (!rx->cmd || test_bit(NVMET_TCP_CMD_NO_MEMORY, &rx->cmd->flags) ||
	    rx->ddgst == nvme_tcp_digest_final(rx->crc))
		return;
	set_bit(NVMET_TCP_CMD_BAD_DIGEST, &rx->cmd->flags);
	nvmet_tcp_stat_add(&queue->stats.rx_ddgst_errors, 1);
	trace_nvmet_tcp_data_digest(queue, rx->cmd, rx->ddgst, rx->crc);
	pr_warn_ratelimited("queue %d of %pISpc (sqid %u): data digest is wrong, command %#x fails\n",
			    queue->id, &queue->peer, queue->sq.qid,
			    rx->cmd->sqe.common.command_id);
}

static size_t take_digest(struct nvmet_tcp_queue *queue, struct sk_buff *skb,
			  unsigned int offset, size_t len)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);
	void *to = (void *)(&rx->ddgst + 1) - rx->left;

	if (nvme_tcp_copy_header(skb, offset, to, n)) {
		nvmet_tcp_queue_kill(queue);
		return 0;
	}
	rx->left -= n;
	if (!rx->left) {
		check_data_digest(queue);
		next_state(queue);
	}
	return n;
}

static size_t take_pad(struct nvmet_tcp_queue *queue, size_t len)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);

	rx->left -= n;
	if (!rx->left)
		next_state(queue);
	return n;
}

static size_t take(struct nvmet_tcp_queue *queue, struct sk_buff *skb,
		   unsigned int offset, size_t len)
{
	switch (queue->rx.state) {
	case NVMET_TCP_RX_HDR:
		return take_header(queue, skb, offset, len);
	case NVMET_TCP_RX_PAD:
		return take_pad(queue, len);
	case NVMET_TCP_RX_DATA:
		return take_data(queue, skb, offset, len);
	case NVMET_TCP_RX_DDGST:
		return take_digest(queue, skb, offset, len);
	default:
		return 0;
	}
}

static bool may_read(const struct nvmet_tcp_queue *queue)
{
	return queue->rx.wait == NVMET_TCP_RX_GO && queue->rx.budget > 0 &&
	       !queue->rx.verdict.fes &&
	       nvmet_tcp_queue_state(queue) != NVMET_TCP_Q_DEAD;
}

/* Called by TCP with the socket locked, for each piece of received data. */
static int recv_actor(read_descriptor_t *desc, struct sk_buff *skb,
		      unsigned int offset, size_t len)
{
	struct nvmet_tcp_queue *queue = desc->arg.data;
	size_t done = 0;

	/* After a fatal error all that still comes is dropped. */
	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_TERM) {
		nvmet_tcp_stat_add(&queue->stats.rx_bytes, len);
		return len;
	}
	while (done < len && may_read(queue))
		done += take(queue, skb, offset + done, len - done);
	desc->count = may_read(queue);
	nvmet_tcp_stat_add(&queue->stats.rx_bytes, done);
	return done;
}

/* Try again what the receive side waits for; false where that is no use. */
static bool end_wait(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	enum nvmet_tcp_rx_wait wait = rx->wait;

	rx->wait = NVMET_TCP_RX_GO;
	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_TERM)
		return true;
	if (wait == NVMET_TCP_RX_WAIT_MEMORY || wait == NVMET_TCP_RX_WAIT_CMD)
		return start_pdu(queue, GFP_KERNEL);
	return true;
}

static int read_socket(struct nvmet_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;
	read_descriptor_t desc = { .arg.data = queue, .count = 1 };
	int got;

	nvmet_tcp_stat_add(&queue->stats.rx_rounds, 1);
	lock_sock(sk);
	got = queue->sock->ops->read_sock(sk, &desc, recv_actor);
	release_sock(sk);
	return got;
}

/**
 * nvmet_tcp_recv_round() - take what has been received
 * @queue: owned by io_work, socket not locked
 *
 * Return: true where more may be there.
 */
bool nvmet_tcp_recv_round(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	rx->budget = RX_BUDGET;
	if (end_wait(queue) && read_socket(queue) < 0) {
		nvmet_tcp_queue_kill(queue);
		return false;
	}
	if (rx->verdict.fes) {
		nvmet_tcp_term_start(queue);
		return false;
	}
	return rx->budget <= 0 || rx->wait == NVMET_TCP_RX_WAIT_MEMORY;
}
