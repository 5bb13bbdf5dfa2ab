// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fatal transport errors in words: H2CTermReq for the peer's (section
 * 3.6.2.4), and what a C2HTermReq says about ours.
 */
#include <linux/delay.h>

#include "nvme_tcp.h"
#include "trace.h"

/* Milliseconds for the rest of a PDU to leave, and for the peer to close. */
#define TERM_SEND_MS	100
#define TERM_CLOSE_MS	200
#define TERM_STEP_MS	5

/* Which fatal errors point at a field of the header. */
static bool fes_has_field(u16 fes)
{
	return fes == NVME_TCP_FES_INVALID_PDU_HDR ||
	       fes == NVME_TCP_FES_UNSUPPORTED_PARAM;
}

static int term_write(struct nvme_tcp_queue *queue)
{
	const struct nvme_tcp_fault *fault = queue->rx.fault;
	struct nvme_tcp_tx *tx = &queue->tx;
	u32 echo = queue->rx.have;
	u32 len = sizeof(struct nvme_tcp_term_pdu) + echo;
	struct nvme_tcp_term_pdu *pdu;
	u32 fei = 0;

	pdu = nvme_tcp_gather_header(&tx->gather, &tx->txbuf, len, GFP_NOIO);
	if (!pdu)
		return -ENOMEM;
	memset(pdu, 0, sizeof(*pdu));
	pdu->hdr.type = nvme_tcp_h2c_term;
	pdu->hdr.hlen = sizeof(*pdu);
	pdu->hdr.plen = cpu_to_le32(len);
	pdu->fes = cpu_to_le16(fault->fes);
	if (fault->fes == NVME_TCP_FES_HDR_DIGEST_ERR)
		fei = get_unaligned_le32(queue->rx.hdr +
					 sizeof(struct nvme_tcp_data_pdu));
	else if (fes_has_field(fault->fes))
		fei = fault->fei;
	pdu->feil = cpu_to_le16(fei & 0xffff);
	pdu->feiu = cpu_to_le16(fei >> 16);
	memcpy(pdu + 1, queue->rx.hdr, echo);
	nvme_tcp_tx_count(queue, TERMS, 1);
	trace_nvme_tcp_pdu_send(queue, nvme_tcp_h2c_term, 0xffff, fei, echo);
	return 0;
}

/* Try for a while to get everything out that was begun; 0 or an errno. */
static int term_finish(struct nvme_tcp_queue *queue)
{
	int waited, ret;

	for (waited = 0; ; waited += TERM_STEP_MS) {
		ret = nvme_tcp_tx_finish_pdu(queue);
		if (ret != -EAGAIN || waited >= TERM_SEND_MS)
			return ret;
		msleep(TERM_STEP_MS);
	}
}

/* The peer has to read the PDU before a reset makes it forget the bytes. */
static void term_await_close(struct sock *sk)
{
	int waited;

	for (waited = 0; waited < TERM_CLOSE_MS; waited += TERM_STEP_MS) {
		int state = inet_sk_state_load(sk);

		if (state == TCP_CLOSE || state == TCP_TIME_WAIT ||
		    state == TCP_CLOSE_WAIT || state == TCP_CLOSING ||
		    state == TCP_LAST_ACK)
			return;
		msleep(TERM_STEP_MS);
	}
}

/**
 * nvme_tcp_term_send() - tell the peer what it did wrong
 * @queue: broken by a fault, with a socket and detached from it, so that
 *	nobody else sends or receives
 *
 * Gives up silently where the stream cannot be brought to the end of a PDU.
 * Process context, takes tx->lock, may sleep for up to 300 ms.
 */
void nvme_tcp_term_send(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_tx *tx = &queue->tx;
	int ret;

	mutex_lock(&tx->lock);
	ret = term_finish(queue);
	if (!ret)
		ret = term_write(queue);
	if (!ret)
		ret = term_finish(queue);
	mutex_unlock(&tx->lock);
	if (ret)
		return;
	kernel_sock_shutdown(queue->sock, SHUT_WR);
	term_await_close(queue->sock->sk);
}

/**
 * nvme_tcp_term_log() - say what a C2HTermReq says
 * @queue: queue that it came on
 * @pdu: its header
 *
 * Any context.
 */
void nvme_tcp_term_log(struct nvme_tcp_queue *queue,
		       const struct nvme_tcp_term_pdu *pdu)
{
	u16 fes = le16_to_cpu(pdu->fes);
	u32 fei = le16_to_cpu(pdu->feil) | (u32)le16_to_cpu(pdu->feiu) << 16;

	trace_nvme_tcp_pdu_recv(queue, nvme_tcp_c2h_term, 0xffff, fei,
				le32_to_cpu(pdu->hdr.plen));
	if (fes_has_field(fes))
		dev_err_ratelimited(nvme_tcp_dev(queue),
				    "queue %d: C2HTermReq: %s (%#x), field at offset %u\n",
				    queue->qid, nvme_tcp_wire_fes_name(fes),
				    fes, fei);
	else
		dev_err_ratelimited(nvme_tcp_dev(queue),
				    "queue %d: C2HTermReq: %s (%#x), information %#x\n",
				    queue->qid, nvme_tcp_wire_fes_name(fes),
				    fes, fei);
}
