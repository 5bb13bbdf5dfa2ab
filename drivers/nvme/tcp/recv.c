// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side of a queue: cuts the byte stream into PDUs. Headers are
 * collected and handed to pdu.c, data goes from the socket buffers straight
 * into the memory of its command. Any number of PDUs is taken while the socket
 * is locked once.
 */
#include "nvme_tcp.h"
#include "nvme_tcp_copy.h"
#include "trace.h"

/* Bytes that are taken at once where softirqs have to wait. */
#define RX_POLL_BUDGET	SZ_64K

/**
 * nvme_tcp_rx_reset() - expect the first PDU after ICResp
 * @queue: about to be opened, or idle
 */
void nvme_tcp_rx_reset(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_rx *rx = &queue->rx;

	rx->phase = NVME_TCP_RX_HEADER;
	rx->have = 0;
	rx->left = 0;
	rx->done = 0;
	rx->bulk = false;
	rx->req = NULL;
	rx->fault = NULL;
}

/* How long the header at hand is, with its digest. */
static u32 rx_header_len(struct nvme_tcp_queue *queue)
{
	const struct nvme_tcp_hdr *hdr = (void *)queue->rx.hdr;
	u32 len = sizeof(struct nvme_tcp_data_pdu);

	static_assert(sizeof(struct nvme_tcp_data_pdu) ==
		      sizeof(struct nvme_tcp_rsp_pdu));
	static_assert(sizeof(struct nvme_tcp_data_pdu) ==
		      sizeof(struct nvme_tcp_r2t_pdu));
	static_assert(sizeof(struct nvme_tcp_data_pdu) ==
		      sizeof(struct nvme_tcp_term_pdu));
	if (queue->hdgst && (queue->rx.have < NVME_TCP_CH_LEN ||
			     nvme_tcp_wire_has_hdgst(hdr->type)))
		len += NVME_TCP_DIGEST_LENGTH;
	return len;
}

/* The peer is at fault: say so here, tell it by H2CTermReq, and recover. */
static void rx_refuse(struct nvme_tcp_queue *queue,
		      const struct nvme_tcp_fault *fault)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	const struct nvme_tcp_hdr *hdr = (void *)rx->hdr;
	u16 cid = 0xffff;

	rx->fault = fault;
	/* Past the header, which is still there. */
	if (!rx->have)
		rx->have = rx_header_len(queue);
	nvme_tcp_rx_count(queue, FAULTS, 1);
	if (fault == &nvme_tcp_fault_hdgst) {
		nvme_tcp_rx_count(queue, HDGST_ERRORS, 1);
	} else if (rx->have >= sizeof(struct nvme_tcp_data_pdu)) {
		if (hdr->type == nvme_tcp_rsp)
			cid = ((struct nvme_tcp_rsp_pdu *)hdr)->cqe.command_id;
		else
			cid = ((struct nvme_tcp_data_pdu *)hdr)->command_id;
	}
	trace_nvme_tcp_error(queue, cid, fault->why);
	dev_err_ratelimited(nvme_tcp_dev(queue),
			    "queue %d: bad %s, command id %#06x: %s (%s)\n",
			    queue->qid, nvme_tcp_wire_pdu_name(hdr->type), cid,
			    fault->why, nvme_tcp_wire_fes_name(fault->fes));
	nvme_tcp_queue_broken(queue, fault->why, 0);
}

/* A header is complete: is it right, and what does it mean? */
static const struct nvme_tcp_fault *rx_header_done(struct nvme_tcp_queue *queue)
{
	const struct nvme_tcp_hdr *hdr = (void *)queue->rx.hdr;

	if (queue->hdgst && nvme_tcp_wire_has_hdgst(hdr->type) &&
	    !nvme_tcp_digest_check_header(hdr, hdr->hlen))
		return &nvme_tcp_fault_hdgst;
	return nvme_tcp_pdu_header(queue);
}

static size_t rx_header(struct nvme_tcp_queue *queue, struct sk_buff *skb,
			unsigned int offset, size_t len)
{
	const struct nvme_tcp_fault *fault = NULL;
	struct nvme_tcp_rx *rx = &queue->rx;
	u32 had = rx->have;
	u32 want = rx_header_len(queue);
	size_t n = min_t(size_t, len, want - had);

	if (nvme_tcp_copy_header(skb, offset, rx->hdr + had, n)) {
		rx_refuse(queue, &nvme_tcp_fault_copy);
		return 0;
	}
	rx->have += n;
	if (rx->have < NVME_TCP_CH_LEN)
		return n;
	if (had < NVME_TCP_CH_LEN) {
		fault = nvme_tcp_check_common(queue, (void *)rx->hdr);
		want = rx_header_len(queue);
		if (rx->have > want) {
			n -= rx->have - want;
			rx->have = want;
		}
	}
	if (!fault && rx->have == want)
		fault = rx_header_done(queue);
	if (fault)
		rx_refuse(queue, fault);
	else if (rx->have == want)
		rx->have = 0;
	return n;
}

/* The data is there: either it is over, or its digest follows. */
static void rx_data_end(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	const struct nvme_tcp_fault *fault;

	if (queue->ddgst) {
		rx->phase = NVME_TCP_RX_DDGST;
		rx->left = NVME_TCP_DIGEST_LENGTH;
		return;
	}
	rx->phase = NVME_TCP_RX_HEADER;
	fault = nvme_tcp_pdu_data_done(queue, true);
	if (fault)
		rx_refuse(queue, fault);
}

static size_t rx_pad(struct nvme_tcp_queue *queue, size_t len)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);

	rx->left -= n;
	if (!rx->left) {
		rx->phase = NVME_TCP_RX_DATA;
		rx->left = rx->data_len;
	}
	return n;
}

static size_t rx_data(struct nvme_tcp_queue *queue, struct sk_buff *skb,
		      unsigned int offset, size_t len)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);

	if (nvme_tcp_cursor_fill(&rx->req->cursor, skb, offset, n,
				 queue->ddgst ? &rx->crc : NULL)) {
		rx_refuse(queue, &nvme_tcp_fault_copy);
		return 0;
	}
	rx->left -= n;
	if (!rx->left)
		rx_data_end(queue);
	return n;
}

static size_t rx_ddgst(struct nvme_tcp_queue *queue, struct sk_buff *skb,
		       unsigned int offset, size_t len)
{
	struct nvme_tcp_rx *rx = &queue->rx;
	size_t n = min_t(size_t, len, rx->left);
	u8 *to = (u8 *)&rx->digest + NVME_TCP_DIGEST_LENGTH - rx->left;
	const struct nvme_tcp_fault *fault;

	if (nvme_tcp_copy_header(skb, offset, to, n)) {
		rx_refuse(queue, &nvme_tcp_fault_copy);
		return 0;
	}
	rx->left -= n;
	if (rx->left)
		return n;
	rx->phase = NVME_TCP_RX_HEADER;
	fault = nvme_tcp_pdu_data_done(queue, rx->digest ==
				       nvme_tcp_digest_final(rx->crc));
	if (fault)
		rx_refuse(queue, fault);
	return n;
}

/* Called by read_sock for each socket buffer, with the socket locked. */
static int rx_actor(read_descriptor_t *desc, struct sk_buff *skb,
		    unsigned int offset, size_t len)
{
	struct nvme_tcp_queue *queue = desc->arg.data;
	size_t done = 0;

	while (done < len && nvme_tcp_queue_usable(queue)) {
		switch (queue->rx.phase) {
		case NVME_TCP_RX_HEADER:
			done += rx_header(queue, skb, offset + done,
					  len - done);
			break;
		case NVME_TCP_RX_PAD:
			done += rx_pad(queue, len - done);
			break;
		case NVME_TCP_RX_DATA:
			done += rx_data(queue, skb, offset + done, len - done);
			break;
		case NVME_TCP_RX_DDGST:
			done += rx_ddgst(queue, skb, offset + done,
					 len - done);
			break;
		}
	}
	/* read_sock goes on while this is not 0. */
	desc->count -= min(done, desc->count);
	return done;
}

/* Take what the socket has received; it is locked in one way or another. */
static int rx_read(struct nvme_tcp_queue *queue, struct io_comp_batch *batch,
		   size_t budget, u32 *completed)
{
	read_descriptor_t desc = { .arg.data = queue, .count = budget };
	struct nvme_tcp_rx *rx = &queue->rx;
	struct socket *sock = queue->sock;
	int taken;

	rx->batch = batch;
	rx->completed = 0;
	taken = sock->ops->read_sock(sock->sk, &desc, rx_actor);
	rx->batch = NULL;
	*completed = rx->completed;
	nvme_tcp_rx_count(queue, ROUNDS, 1);
	if (taken > 0)
		nvme_tcp_rx_count(queue, BYTES, taken);
	/* read_sock never gets past it. */
	if (unlikely(tcp_sk(sock->sk)->urg_data))
		nvme_tcp_queue_broken(queue, "the controller sent urgent data",
				      -EPROTO);
	if (taken < 0 && taken != -EAGAIN)
		nvme_tcp_queue_broken(queue, "receiving failed", taken);
	return taken;
}

/**
 * nvme_tcp_rx_run() - take what the socket has received
 * @queue: with a socket that stays for the duration of the call
 * @batch: completed requests are added to it; the caller ends them
 * @completed: set to the number of commands that the peer completed
 *
 * Process context, may sleep. A peer at fault or a lost connection breaks the
 * queue.
 *
 * Return: bytes taken, or a negative errno.
 */
int nvme_tcp_rx_run(struct nvme_tcp_queue *queue, struct io_comp_batch *batch,
		    u32 *completed)
{
	struct sock *sk = queue->sock->sk;
	int taken;

	lock_sock(sk);
	queue->rx.bulk = false;
	taken = rx_read(queue, batch, SIZE_MAX, completed);
	release_sock(sk);
	return taken;
}

/**
 * nvme_tcp_rx_poll() - take what has been received, without sleeping
 * @queue: with a socket that stays for the duration of the call
 * @batch: completed requests are added to it; the caller ends them
 *
 * For the block layer, which polls with RCU locked. Where somebody else has
 * the socket locked nothing is taken: he who sends is soon done, and polling
 * goes on.
 *
 * Return: number of commands that the peer completed.
 */
u32 nvme_tcp_rx_poll(struct nvme_tcp_queue *queue, struct io_comp_batch *batch)
{
	struct sock *sk = queue->sock->sk;
	u32 completed = 0;

	spin_lock_bh(&sk->sk_lock.slock);
	if (!sock_owned_by_user_nocheck(sk))
		rx_read(queue, batch, RX_POLL_BUDGET, &completed);
	spin_unlock_bh(&sk->sk_lock.slock);
	return completed;
}

/* Is it little, and on the queue's own CPU? Else io_work takes it there. */
static bool rx_fits_softirq(struct nvme_tcp_queue *queue)
{
	const struct tcp_sock *tp = tcp_sk(queue->sock->sk);

	return !queue->rx.bulk && queue->io_cpu == raw_smp_processor_id() &&
	       tp->rcv_nxt - tp->copied_seq <= RX_POLL_BUDGET;
}

/**
 * nvme_tcp_rx_direct() - take what has been received, where TCP tells of it
 * @queue: with a socket that stays for the duration of the call
 *
 * Saves waking io_work for a few responses. Softirq, with the spinlock of the
 * socket held, unless a process has the socket locked: then nothing is taken.
 *
 * Return: true where nothing is left that io_work would have to do.
 */
bool nvme_tcp_rx_direct(struct nvme_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;
	DEFINE_IO_COMP_BATCH(batch);
	u32 completed;

	if (!in_serving_softirq() || sock_owned_by_user_nocheck(sk) ||
	    !rx_fits_softirq(queue))
		return false;
	lockdep_assert_held(&sk->sk_lock.slock);
	rx_read(queue, &batch, RX_POLL_BUDGET, &completed);
	if (batch.complete)
		batch.complete(&batch);
	nvme_tcp_rx_count(queue, DIRECT, 1);
	return !nvme_tcp_tx_due(queue) &&
	       skb_queue_empty_lockless(&sk->sk_receive_queue);
}
