// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fatal errors: tell the host in a C2HTermReq what was wrong with which
 * header, and understand what it says in an H2CTermReq. Sections 3.6.2.3,
 * 3.6.2.4 and 3.5 of the NVMe/TCP Transport Specification.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "nvmet_tcp.h"
#include "trace.h"

/**
 * nvmet_tcp_term_start() - end the connection for the reason in rx.verdict
 * @queue: owned by io_work, with the offending header in its rx.hdr
 *
 * Nothing but the C2HTermReq is sent from here on, and what still comes is
 * dropped. The host closes the connection, or the deadline of the state does.
 */
void nvmet_tcp_term_start(struct nvmet_tcp_queue *queue)
{
	const struct nvmet_tcp_verdict *v = &queue->rx.verdict;
	struct nvmet_tcp_term *term = &queue->term;

	if (!nvmet_tcp_queue_set_state(queue, NVMET_TCP_Q_TERM))
		return;
	term->verdict = *v;
	term->echo_len = min_t(u32, queue->rx.have, sizeof(term->echo));
	memcpy(term->echo, queue->rx.hdr.bytes, term->echo_len);
	trace_nvmet_tcp_error(queue, v);
	nvmet_tcp_stats_count_port(queue->port, &queue->port->conns.failed);
	pr_warn_ratelimited("queue %d of %pISpc (sqid %u): %s in %s: %s (FEI %#x)\n",
			    queue->id, &queue->peer, queue->sq.qid,
			    nvme_tcp_wire_fes_name(v->fes),
			    nvme_tcp_wire_pdu_name(queue->rx.hdr.ch.type),
			    v->why, v->fei);
	set_bit(NVMET_TCP_TX_TERM, &queue->tx.flags);
}

/**
 * nvmet_tcp_term_len() - length of a C2HTermReq
 * @term: how the queue ends
 *
 * Return: bytes.
 */
u32 nvmet_tcp_term_len(const struct nvmet_tcp_term *term)
{
	return sizeof(struct nvme_tcp_term_pdu) + term->echo_len;
}

/**
 * nvmet_tcp_term_fill() - build the C2HTermReq
 * @term: how the queue ends
 * @pdu: memory for nvmet_tcp_term_len() bytes
 */
void nvmet_tcp_term_fill(const struct nvmet_tcp_term *term,
			 struct nvme_tcp_term_pdu *pdu)
{
	*pdu = (struct nvme_tcp_term_pdu) {
		.hdr.type	= nvme_tcp_c2h_term,
		.hdr.hlen	= sizeof(*pdu),
		.hdr.plen	= cpu_to_le32(nvmet_tcp_term_len(term)),
		.fes		= cpu_to_le16(term->verdict.fes),
		.feil		= cpu_to_le16(lower_16_bits(term->verdict.fei)),
		.feiu		= cpu_to_le16(upper_16_bits(term->verdict.fei)),
	};
	memcpy(pdu + 1, term->echo, term->echo_len);
}

/**
 * nvmet_tcp_term_received() - the host gives the connection up
 * @queue: owned by io_work, with the header of the H2CTermReq in its rx.hdr
 */
void nvmet_tcp_term_received(struct nvmet_tcp_queue *queue)
{
	const struct nvme_tcp_term_pdu *pdu = &queue->rx.hdr.term;
	u32 fei = le16_to_cpu(pdu->feil) | (u32)le16_to_cpu(pdu->feiu) << 16;
	u16 fes = le16_to_cpu(pdu->fes);

	nvmet_tcp_stat_add(&queue->stats.rx_h2cterm, 1);
	nvmet_tcp_stats_count_port(queue->port, &queue->port->conns.failed);
	pr_warn_ratelimited("queue %d of %pISpc (sqid %u): the host ends the connection: %s (FES %#x, FEI %#x)\n",
			    queue->id, &queue->peer, queue->sq.qid,
			    nvme_tcp_wire_fes_name(fes), fes, fei);
	nvmet_tcp_queue_kill(queue);
}
