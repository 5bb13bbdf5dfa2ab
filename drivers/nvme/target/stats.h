/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of queues and ports. A counter of a queue has one writer: io_work
 * for rx_*, the owner of the transmit side for tx_*. A reader may see a value
 * that is a moment old. Documentation/nvmet-tcp.rst says what each counts.
 */
#ifndef NVMET_TCP_STATS_H
#define NVMET_TCP_STATS_H

#include <linux/compiler.h>
#include <linux/types.h>

#define NVMET_TCP_STATS(X)	\
	X(rx_wakeups)		\
	X(rx_rounds)		\
	X(rx_bytes)		\
	X(rx_icreq)		\
	X(rx_capsules)		\
	X(rx_icd_bytes)		\
	X(rx_h2cdata)		\
	X(rx_h2cdata_bytes)	\
	X(rx_r2t_done)		\
	X(rx_h2cterm)		\
	X(rx_hdgst_errors)	\
	X(rx_ddgst_errors)	\
	X(rx_waits_memory)	\
	X(rx_waits_cmd)		\
	X(rx_waits_data)	\
	X(rx_no_memory)		\
	X(tx_sends)		\
	X(tx_bytes)		\
	X(tx_full)		\
	X(tx_icresp)		\
	X(tx_responses)		\
	X(tx_responses_saved)	\
	X(tx_c2hdata)		\
	X(tx_c2hdata_bytes)	\
	X(tx_r2t)		\
	X(tx_r2t_bytes)		\
	X(tx_term_invalid_header)	\
	X(tx_term_sequence)	\
	X(tx_term_hdgst)	\
	X(tx_term_out_of_range)	\
	X(tx_term_limit)	\
	X(tx_term_unsupported)

#define NVMET_TCP_PORT_STATS(X)	\
	X(accepted)		\
	X(refused)		\
	X(evicted)		\
	X(timed_out)		\
	X(connected)		\
	X(failed)

#define NVMET_TCP_STAT_FIELD(name)	u64 name;

/**
 * struct nvmet_tcp_stats - counters of a queue, see NVMET_TCP_STATS
 */
struct nvmet_tcp_stats {
	NVMET_TCP_STATS(NVMET_TCP_STAT_FIELD)
};

/**
 * struct nvmet_tcp_port_stats - counters of a port's connections
 */
struct nvmet_tcp_port_stats {
	NVMET_TCP_PORT_STATS(NVMET_TCP_STAT_FIELD)
};

#define NVMET_TCP_NR_STATS \
	(sizeof(struct nvmet_tcp_stats) / sizeof(u64))
#define NVMET_TCP_NR_PORT_STATS \
	(sizeof(struct nvmet_tcp_port_stats) / sizeof(u64))

extern const char *const nvmet_tcp_stat_names[NVMET_TCP_NR_STATS];
extern const char *const nvmet_tcp_port_stat_names[NVMET_TCP_NR_PORT_STATS];

/**
 * nvmet_tcp_stat_add() - count
 * @counter: a counter whose one writer the caller is
 * @n: how much
 */
static inline void nvmet_tcp_stat_add(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

struct nvmet_tcp_port;

void nvmet_tcp_stats_sum(struct nvmet_tcp_stats *sum,
			 const struct nvmet_tcp_stats *add);
void nvmet_tcp_stats_count_term(struct nvmet_tcp_stats *stats, u16 fes);
void nvmet_tcp_stats_count_port(struct nvmet_tcp_port *port, u64 *counter);

#endif /* NVMET_TCP_STATS_H */
