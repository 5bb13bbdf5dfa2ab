// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the counters, and sums over them.
 */
#include "nvmet_tcp.h"

#define STAT_NAME(name)	#name,

const char *const nvmet_tcp_stat_names[NVMET_TCP_NR_STATS] = {
	NVMET_TCP_STATS(STAT_NAME)
};

const char *const nvmet_tcp_port_stat_names[NVMET_TCP_NR_PORT_STATS] = {
	NVMET_TCP_PORT_STATS(STAT_NAME)
};

/**
 * nvmet_tcp_stats_sum() - add the counters of a queue to others
 * @sum: what to add to, owned by the caller
 * @add: what to add, may be counting at the same time
 */
void nvmet_tcp_stats_sum(struct nvmet_tcp_stats *sum,
			 const struct nvmet_tcp_stats *add)
{
	const u64 *from = (const u64 *)add;
	u64 *to = (u64 *)sum;
	size_t i;

	for (i = 0; i < NVMET_TCP_NR_STATS; i++)
		to[i] += READ_ONCE(from[i]);
}

/**
 * nvmet_tcp_stats_count_term() - count a C2HTermReq by its reason
 * @stats: counters of the queue; the caller owns the transmit side
 * @fes: fatal error status
 */
void nvmet_tcp_stats_count_term(struct nvmet_tcp_stats *stats, u16 fes)
{
	switch (fes) {
	case NVME_TCP_FES_INVALID_PDU_HDR:
		nvmet_tcp_stat_add(&stats->tx_term_invalid_header, 1);
		break;
	case NVME_TCP_FES_PDU_SEQ_ERR:
		nvmet_tcp_stat_add(&stats->tx_term_sequence, 1);
		break;
	case NVME_TCP_FES_HDR_DIGEST_ERR:
		nvmet_tcp_stat_add(&stats->tx_term_hdgst, 1);
		break;
	case NVME_TCP_FES_DATA_OUT_OF_RANGE:
		nvmet_tcp_stat_add(&stats->tx_term_out_of_range, 1);
		break;
	case NVME_TCP_FES_DATA_LIMIT_EXCEEDED:
		nvmet_tcp_stat_add(&stats->tx_term_limit, 1);
		break;
	case NVME_TCP_FES_UNSUPPORTED_PARAM:
		nvmet_tcp_stat_add(&stats->tx_term_unsupported, 1);
		break;
	}
}

/**
 * nvmet_tcp_stats_count_port() - count something about a connection
 * @port: its port
 * @counter: one of @port->conns
 *
 * Any context.
 */
void nvmet_tcp_stats_count_port(struct nvmet_tcp_port *port, u64 *counter)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	(*counter)++;
	spin_unlock_irqrestore(&port->lock, flags);
}
