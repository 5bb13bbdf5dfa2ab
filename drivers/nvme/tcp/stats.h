/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a queue, one set for each side, and of a controller. They are
 * plain integers that only the owner of their side writes, and that readers
 * see whole but not all from the same instant. They live as long as the
 * controller, across reconnects.
 */
#ifndef NVME_TCP_STATS_H
#define NVME_TCP_STATS_H

#include <linux/types.h>

struct seq_file;

/* Written by the owner of the transmit side. */
enum nvme_tcp_tx_stat {
	NVME_TCP_TX_CAPSULES,		/* command capsules taken for sending */
	NVME_TCP_TX_ICD_BYTES,		/* data that went in a capsule */
	NVME_TCP_TX_H2C_PDUS,		/* H2CData PDUs */
	NVME_TCP_TX_H2C_BYTES,		/* data in them */
	NVME_TCP_TX_TERMS,		/* H2CTermReq PDUs */
	NVME_TCP_TX_SENDS,		/* gathered sends that took something */
	NVME_TCP_TX_SEND_BYTES,		/* bytes in them, headers included */
	NVME_TCP_TX_INLINE,		/* rounds by a submitter or a poller */
	NVME_TCP_TX_WORKER,		/* rounds by io_work */
	NVME_TCP_TX_BLOCKED,		/* rounds that found the socket full */
	NVME_TCP_TX_STATS
};

/* Written with the socket locked. */
enum nvme_tcp_rx_stat {
	NVME_TCP_RX_BYTES,		/* bytes, headers included */
	NVME_TCP_RX_RESPONSES,		/* CapsuleResp PDUs */
	NVME_TCP_RX_C2H_PDUS,		/* C2HData PDUs */
	NVME_TCP_RX_C2H_BYTES,		/* data in them */
	NVME_TCP_RX_R2TS,		/* R2T PDUs */
	NVME_TCP_RX_TERMS,		/* C2HTermReq PDUs */
	NVME_TCP_RX_COMPLETED,		/* commands completed by the peer */
	NVME_TCP_RX_EVENTS,		/* asynchronous events */
	NVME_TCP_RX_HDGST_ERRORS,	/* wrong header digests */
	NVME_TCP_RX_DDGST_ERRORS,	/* wrong data digests */
	NVME_TCP_RX_SHORT,		/* successes after too few bytes */
	NVME_TCP_RX_FAULTS,		/* PDUs refused */
	NVME_TCP_RX_ROUNDS,		/* times the socket was read */
	NVME_TCP_RX_DIRECT,		/* times it was read in softirq */
	NVME_TCP_RX_WAKEUPS,		/* times TCP woke io_work */
	NVME_TCP_RX_STATS
};

/**
 * struct nvme_tcp_ctrl_stats - counters of a controller
 * @resets: connections given up because of an error, err_work
 * @reconnects: successful reconnects, connect_work
 * @failures: failed attempts to reconnect, connect_work
 * @cause: why the last connection was given up; a constant string
 * @cause_error: errno that goes with it, 0 if none
 */
struct nvme_tcp_ctrl_stats {
	u64		resets;
	u64		reconnects;
	u64		failures;
	const char	*cause;
	int		cause_error;
};

#define nvme_tcp_tx_count(queue, stat, n) \
	((queue)->tx.stats[NVME_TCP_TX_##stat] += (n))
#define nvme_tcp_rx_count(queue, stat, n) \
	((queue)->rx.stats[NVME_TCP_RX_##stat] += (n))

struct nvme_tcp_queue;

void nvme_tcp_stats_show(struct seq_file *seq,
			 const struct nvme_tcp_queue *queue);

#ifdef CONFIG_DEBUG_FS
void nvme_tcp_debugfs_init(void);
void nvme_tcp_debugfs_exit(void);
struct nvme_tcp_ctrl;
void nvme_tcp_debugfs_add(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_debugfs_del(struct nvme_tcp_ctrl *ctrl);
#else
static inline void nvme_tcp_debugfs_init(void) {}
static inline void nvme_tcp_debugfs_exit(void) {}
struct nvme_tcp_ctrl;
static inline void nvme_tcp_debugfs_add(struct nvme_tcp_ctrl *ctrl) {}
static inline void nvme_tcp_debugfs_del(struct nvme_tcp_ctrl *ctrl) {}
#endif

#endif /* NVME_TCP_STATS_H */
