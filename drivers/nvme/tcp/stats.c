// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names under which the counters of a queue are shown.
 */
#include <linux/seq_file.h>

#include "nvme_tcp.h"

static const char *const tx_names[] = {
	[NVME_TCP_TX_CAPSULES] = "tx_capsules",
	[NVME_TCP_TX_ICD_BYTES] = "tx_in_capsule_bytes",
	[NVME_TCP_TX_H2C_PDUS] = "tx_h2cdata_pdus",
	[NVME_TCP_TX_H2C_BYTES] = "tx_h2cdata_bytes",
	[NVME_TCP_TX_TERMS] = "tx_termreqs",
	[NVME_TCP_TX_SENDS] = "tx_sends",
	[NVME_TCP_TX_SEND_BYTES] = "tx_send_bytes",
	[NVME_TCP_TX_INLINE] = "tx_inline_rounds",
	[NVME_TCP_TX_WORKER] = "tx_worker_rounds",
	[NVME_TCP_TX_BLOCKED] = "tx_blocked",
};
static_assert(ARRAY_SIZE(tx_names) == NVME_TCP_TX_STATS);

static const char *const rx_names[] = {
	[NVME_TCP_RX_BYTES] = "rx_bytes",
	[NVME_TCP_RX_RESPONSES] = "rx_responses",
	[NVME_TCP_RX_C2H_PDUS] = "rx_c2hdata_pdus",
	[NVME_TCP_RX_C2H_BYTES] = "rx_c2hdata_bytes",
	[NVME_TCP_RX_R2TS] = "rx_r2ts",
	[NVME_TCP_RX_TERMS] = "rx_termreqs",
	[NVME_TCP_RX_COMPLETED] = "rx_completed",
	[NVME_TCP_RX_EVENTS] = "rx_events",
	[NVME_TCP_RX_HDGST_ERRORS] = "rx_header_digest_errors",
	[NVME_TCP_RX_DDGST_ERRORS] = "rx_data_digest_errors",
	[NVME_TCP_RX_SHORT] = "rx_short_transfers",
	[NVME_TCP_RX_FAULTS] = "rx_faults",
	[NVME_TCP_RX_ROUNDS] = "rx_rounds",
	[NVME_TCP_RX_DIRECT] = "rx_direct_rounds",
	[NVME_TCP_RX_WAKEUPS] = "rx_wakeups",
};
static_assert(ARRAY_SIZE(rx_names) == NVME_TCP_RX_STATS);

/**
 * nvme_tcp_stats_show() - write the counters of a queue, one a line
 * @seq: where to
 * @queue: may be in use; no lock is needed
 */
void nvme_tcp_stats_show(struct seq_file *seq,
			 const struct nvme_tcp_queue *queue)
{
	int i;

	for (i = 0; i < NVME_TCP_TX_STATS; i++)
		seq_printf(seq, "%s %llu\n", tx_names[i],
			   READ_ONCE(queue->tx.stats[i]));
	for (i = 0; i < NVME_TCP_RX_STATS; i++)
		seq_printf(seq, "%s %llu\n", rx_names[i],
			   READ_ONCE(queue->rx.stats[i]));
}
