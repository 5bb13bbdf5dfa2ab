/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NVMe/TCP initiator: what its files share.
 *
 * A controller owns an array of queues that lives as long as it does. Each
 * queue has a transmit side (queue->tx, touched by send.c and term.c) and a
 * receive side (queue->rx, touched by recv.c and pdu.c); they share nothing
 * but what a request says about itself. Documentation/nvme-tcp.rst tells the
 * same story at more length.
 *
 * States of a queue:
 *
 *            open          start            halt
 *     IDLE --------> OPEN --------> LIVE ----------> IDLE
 *                      |              |                ^
 *                      +----> BROKEN <+                |
 *                               |                      |
 *                               +----------------------+
 *
 * IDLE has no socket. OPEN has one on which ICReq and ICResp were exchanged;
 * only Connect and authentication commands pass. LIVE takes every command.
 * BROKEN was given up by whoever saw the first error, in any context: nothing
 * is sent or received any more until somebody halts it. Open, start and halt
 * happen under queue->lock; the way to BROKEN is a cmpxchg.
 *
 * States of a controller are those of nvme-core. LIVE becomes RESETTING by
 * the first broken queue, err_work then tears everything down, moves on to
 * CONNECTING and leaves the rest to connect_work. In every other state a
 * broken queue only takes its own commands with it (abort_work), and whoever
 * set the controller up or shuts it down learns of it by their status.
 *
 * Locks, outermost first: queue->lock, tx->lock, the socket lock;
 * ctrl->cancel_lock is taken with none of them held.
 */
#ifndef NVME_TCP_H
#define NVME_TCP_H

#include <linux/blk-mq.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/nvme-tcp.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "nvme.h"
#include "fabrics.h"

#include "nvme_tcp_digest.h"
#include "nvme_tcp_gather.h"
#include "nvme_tcp_wire.h"
#include "stats.h"

/* R2Ts of one command that may be outstanding at once. */
#define NVME_TCP_R2T_MAX	4
/* Data of a C2HData PDU from which on copying it is left to io_work. */
#define NVME_TCP_RX_BULK	SZ_32K
/* Elements of a gathered send. */
#define NVME_TCP_TX_SEGS	64
/* Most capsules that wait for each other; as many headers fit into a txbuf. */
#define NVME_TCP_BATCH_MAX	64U
/* Seconds until a TCP connection has to be there. */
#define NVME_TCP_CONNECT_TMO	5
/* Seconds until an ICResp has to be there, in how many segments ever. */
#define NVME_TCP_ICRESP_TMO	10
/* Seconds without a byte from the peer that a shutdown puts up with. */
#define NVME_TCP_PATIENCE	3
/* Seconds without a command completed that it puts up with. */
#define NVME_TCP_ANSWER_TMO	15

struct nvme_tcp_ctrl;
struct nvme_tcp_queue;

extern unsigned int nvme_tcp_batch;
extern unsigned int nvme_tcp_batch_usecs;
extern unsigned int nvme_tcp_hpda;
extern unsigned int nvme_tcp_max_r2t;
extern int nvme_tcp_so_priority;
extern struct workqueue_struct *nvme_tcp_wq;

/**
 * struct nvme_tcp_fault - why a PDU is refused
 * @fes: fatal error status for the H2CTermReq
 * @fei: offset of the wrong field in the PDU's header
 * @why: the reason in words, for the log
 */
struct nvme_tcp_fault {
	u16		fes;
	u16		fei;
	const char	*why;
};

enum nvme_tcp_send_kind {
	NVME_TCP_SEND_CAPSULE,	/* a command, with its data where it fits in */
	NVME_TCP_SEND_DATA,	/* what an R2T asked for, in H2CData PDUs */
};

/**
 * struct nvme_tcp_send - something to be sent
 * @node: link in tx->submitted, then in tx->next
 * @kind: what it is
 * @slot: index of this R2T in its request
 * @busy: this R2T is not served yet; set on receipt, cleared by the transmit
 *	side when its last byte was taken for sending
 * @ttag: transfer tag of the R2T, as on the wire
 * @offset: position of its next byte in the command's data
 * @left: bytes of data that are still to be taken
 *
 * Belongs to whoever filled it in until it is submitted, and to the owner of
 * the transmit side from then on.
 */
struct nvme_tcp_send {
	struct llist_node	node;
	u8			kind;
	u8			slot;
	bool			busy;
	__le16			ttag;
	u32			offset;
	u32			left;
};

/**
 * struct nvme_tcp_cursor - a position in a command's data
 * @first: first bio, NULL for a special payload or no data
 * @bio: bio that @iter is in
 * @iter: rest of @bio
 * @pos: bytes of data ahead of the position
 *
 * Of a command that writes it belongs to the transmit side, of one that reads
 * to the receive side.
 */
struct nvme_tcp_cursor {
	struct bio		*first;
	struct bio		*bio;
	struct iov_iter		iter;
	u32			pos;
};

/**
 * struct nvme_tcp_range - some bytes of a command's data
 * @start: the first one
 * @end: behind the last one
 */
struct nvme_tcp_range {
	u32			start;
	u32			end;
};

/**
 * struct nvme_tcp_grants - which bytes of a command R2Ts have asked for
 * @nr: disjoint ranges in use, in ascending order
 * @range: these
 */
struct nvme_tcp_grants {
	u8			nr;
	struct nvme_tcp_range	range[NVME_TCP_R2T_MAX];
};

enum nvme_tcp_req_state {
	NVME_TCP_REQ_IDLE,	/* not with the transport */
	NVME_TCP_REQ_QUEUED,	/* submitted, capsule not taken yet */
	NVME_TCP_REQ_SENT,	/* the peer may answer */
};

/**
 * struct nvme_tcp_request - our part of a blk-mq request
 * @nvme: nvme-core's part; must be first
 * @cmd: the command, which @nvme refers to
 * @queue: constant
 * @state: enum nvme_tcp_req_state; written by the submitter, then by the
 *	transmit side (SENT, release), then by the receive side or by whoever
 *	gives the request up
 * @status: status that overrides the peer's, receive side
 * @last: C2HData with the LAST flag was seen, receive side
 * @data_len: bytes of data, constant while the request is with us
 * @received: bytes of C2HData, receive side
 * @sent_end: position in the stream behind the last byte taken for sending;
 *	transmit side, read by the receive side
 * @grants: bytes that R2Ts asked for, receive side
 * @cursor: position in the data
 * @capsule: the command on its way out
 * @r2t: R2Ts on their way out
 */
struct nvme_tcp_request {
	struct nvme_request	nvme;
	struct nvme_command	cmd;
	struct nvme_tcp_queue	*queue;
	u8			state;
	bool			last;
	u16			status;
	u32			data_len;
	u32			received;
	u64			sent_end;
	struct nvme_tcp_grants	grants;
	struct nvme_tcp_cursor	cursor;
	struct nvme_tcp_send	capsule;
	struct nvme_tcp_send	r2t[NVME_TCP_R2T_MAX];
};

enum nvme_tcp_tx_phase {
	NVME_TCP_TX_HEADER,	/* between two PDUs */
	NVME_TCP_TX_DATA,	/* within the data of one */
	NVME_TCP_TX_DDGST,	/* the data digest is missing */
};

/**
 * struct nvme_tcp_doorbell - when a queue sends, see doorbell.c
 * @held: capsules that wait, more or less; atomic
 * @goal: how many to wait for, 1 to send at once; any context
 * @armed: the timer runs, or is about to; set by whoever starts it
 * @timer: rings where the goal is not reached
 * @seen: of the timer: capsules that waited when it came last
 * @extended: of the timer: how often it was started again
 * @proven: highest goal that was reached
 * @since: sends since the goal was last changed
 * @backoff: sends until a higher goal is tried
 *
 * The last three are written without a lock: they only guide a guess.
 */
struct nvme_tcp_doorbell {
	atomic_t		held;
	u32			goal;
	bool			armed;
	struct hrtimer		timer;
	u32			seen;
	u32			extended;
	u32			proven;
	u32			since;
	u32			backoff;
};

/**
 * struct nvme_tcp_tx - transmit side of a queue
 * @lock: who holds it owns the transmit side: every field but @submitted
 *	and @due
 * @submitted: what came in since, newest first; any context adds
 * @due: it has to be sent now; any context sets it, the owner clears it
 *	before he looks at @submitted
 * @next: what came in before that and is not taken yet, oldest first
 * @cur: what is being taken, NULL between two
 * @phase: how far the PDU being written has come
 * @pdu_left: bytes of data the PDU being written still needs
 * @crc: running data digest
 * @pos: position in the stream behind what was taken, on the scale of the
 *	bytes_acked of the TCP socket
 * @sent: commands sent since the queue was opened, without event requests
 * @gather: what was taken but did not leave yet
 * @txbuf: memory for headers
 * @bvec: memory of @gather
 * @stats: counters
 */
struct nvme_tcp_tx {
	struct mutex		lock;	/* the transmit side */
	struct llist_head	submitted ____cacheline_aligned_in_smp;
	bool			due;
	struct llist_node	*next ____cacheline_aligned_in_smp;
	struct nvme_tcp_send	*cur;
	enum nvme_tcp_tx_phase	phase;
	u32			pdu_left;
	u32			crc;
	u64			pos;
	u32			sent;
	struct nvme_tcp_gather	gather;
	struct nvme_tcp_txbuf	txbuf;
	struct bio_vec		bvec[NVME_TCP_TX_SEGS];
	u64			stats[NVME_TCP_TX_STATS];
};

enum nvme_tcp_rx_phase {
	NVME_TCP_RX_HEADER,
	NVME_TCP_RX_PAD,	/* between header and data */
	NVME_TCP_RX_DATA,
	NVME_TCP_RX_DDGST,
};

/**
 * struct nvme_tcp_rx - receive side of a queue
 * @phase: what comes next in the stream
 * @have: bytes of @hdr, or of @digest, that are there
 * @left: bytes of this phase that are still to come
 * @data_len: bytes of data of the C2HData PDU at hand
 * @crc: running data digest
 * @digest: data digest as received
 * @last: the C2HData PDU at hand is the last one of its command
 * @success: the C2HData PDU at hand completes its command
 * @bulk: the last round met what io_work does better: an R2T, or much data
 * @req: command that the C2HData PDU at hand belongs to
 * @batch: completed requests, ended after the socket is unlocked; NULL while
 *	nobody receives
 * @completed: commands completed in this round
 * @done: commands completed since the queue was opened
 * @fault: the first thing that was wrong, NULL if none
 * @hdr: header being collected, with its digest
 * @stats: counters
 *
 * Protected by the socket lock; @fault and @hdr are also read by halt, when
 * nobody receives any more.
 */
struct nvme_tcp_rx {
	enum nvme_tcp_rx_phase	phase;
	u32			have;
	u32			left;
	u32			data_len;
	u32			crc;
	__le32			digest;
	bool			last;
	bool			success;
	bool			bulk;
	struct nvme_tcp_request	*req;
	struct io_comp_batch	*batch;
	u32			completed;
	u32			done;
	const struct nvme_tcp_fault *fault;
	u8			hdr[32] __aligned(8);
	u64			stats[NVME_TCP_RX_STATS];
};

/**
 * struct nvme_tcp_saved_ops - callbacks of a socket before it was ours
 */
struct nvme_tcp_saved_ops {
	void	(*data_ready)(struct sock *sk);
	void	(*state_change)(struct sock *sk);
	void	(*write_space)(struct sock *sk);
};

enum nvme_tcp_queue_state {
	NVME_TCP_Q_IDLE,
	NVME_TCP_Q_OPEN,
	NVME_TCP_Q_LIVE,
	NVME_TCP_Q_BROKEN,
};

/**
 * struct nvme_tcp_queue - a submission queue with its completion queue
 * @ctrl: constant
 * @qid: constant, 0 for the admin queue
 * @state: enum nvme_tcp_queue_state, see the top of this file
 * @polled: completions are polled for (->poll), lock
 * @hdgst: header digests are on; fixed while there is a socket
 * @ddgst: data digests are on; fixed while there is a socket
 * @cpda: alignment of data that the peer asked for; fixed likewise
 * @hpda: alignment of data that we asked for; fixed likewise
 * @max_r2t: R2Ts of one command that we offered; fixed likewise
 * @maxh2cdata: most data in an H2CData PDU; fixed likewise
 * @icd_max: most in-capsule data; fixed likewise
 * @io_cpu: where io_work runs; written before the queue is live
 * @counted_cpu: CPU that this queue is counted for, or -1; lock
 * @lock: opens, starts and halts one at a time
 * @sock: socket, NULL when idle; written under @lock with io_work cancelled
 *	and tx->lock cycled
 * @lame: socket whose last pages may still be on their way; lock
 * @saved: callbacks of @sock; sk_callback_lock
 * @wait: for progress during connecting; woken by the callbacks
 * @io_work: sends and receives on io_cpu
 * @abort_work: gives up the commands of a queue that broke while the
 *	controller was not live
 * @idle_since: of the watchdog: jiffies of the last byte seen
 * @seen_bytes: of the watchdog: bytes received until then
 * @done_since: of the watchdog: jiffies of the last command seen to complete
 * @seen_done: of the watchdog: commands completed until then
 * @bell: when to send
 * @tx: transmit side
 * @rx: receive side
 */
struct nvme_tcp_queue {
	struct nvme_tcp_ctrl	*ctrl;
	int			qid;
	int			state;
	bool			polled;
	bool			hdgst;
	bool			ddgst;
	u8			cpda;
	u8			hpda;
	u8			max_r2t;
	u32			maxh2cdata;
	u32			icd_max;
	int			io_cpu;
	int			counted_cpu;
	struct mutex		lock;	/* @sock */
	struct socket		*sock;
	struct sock		*lame;
	struct nvme_tcp_saved_ops saved;
	wait_queue_head_t	wait;
	struct delayed_work	io_work;
	struct work_struct	abort_work;
	unsigned long		idle_since;
	u64			seen_bytes;
	unsigned long		done_since;
	u32			seen_done;
	struct nvme_tcp_doorbell bell;
	struct nvme_tcp_tx	tx;
	struct nvme_tcp_rx	rx;
};

/**
 * struct nvme_tcp_ctrl - a controller
 * @ctrl: nvme-core's part
 * @entry: link in the list of controllers, nvme_tcp_ctrls_lock
 * @net: network namespace of whoever connected; referenced
 * @addr: where to connect to
 * @src_addr: where to connect from
 * @queues: constant, as many as the options can ask for
 * @nr_queues: their number, constant
 * @io_queues: I/O queues by type; written during setup
 * @admin_tag_set: of the admin queue
 * @tag_set: of the I/O queues
 * @aer: the Asynchronous Event Request, which has no request in blk-mq
 * @cancel_lock: one at a time gives up commands, else they end twice
 * @err_work: error recovery
 * @connect_work: the next attempt to reconnect
 * @watch_work: ends waits for a peer that says nothing
 * @in_setup: connecting is under way
 * @dir: debugfs folder
 * @stats: counters of state changes and reconnects, see stats.h
 */
struct nvme_tcp_ctrl {
	struct nvme_ctrl	ctrl;
	struct list_head	entry;
	struct net		*net;
	struct sockaddr_storage	addr;
	struct sockaddr_storage	src_addr;
	struct nvme_tcp_queue	*queues;
	unsigned int		nr_queues;
	u32			io_queues[HCTX_MAX_TYPES];
	struct blk_mq_tag_set	admin_tag_set;
	struct blk_mq_tag_set	tag_set;
	struct nvme_tcp_request	aer;
	struct mutex		cancel_lock;	/* one canceller */
	struct work_struct	err_work;
	struct delayed_work	connect_work;
	struct delayed_work	watch_work;
	bool			in_setup;
	struct dentry		*dir;
	struct nvme_tcp_ctrl_stats stats;
};

static inline struct nvme_tcp_ctrl *to_nvme_tcp_ctrl(struct nvme_ctrl *ctrl)
{
	return container_of(ctrl, struct nvme_tcp_ctrl, ctrl);
}

static inline struct device *nvme_tcp_dev(const struct nvme_tcp_queue *queue)
{
	return queue->ctrl->ctrl.device;
}

static inline bool nvme_tcp_queue_usable(const struct nvme_tcp_queue *queue)
{
	int state = READ_ONCE(queue->state);

	return state == NVME_TCP_Q_LIVE || state == NVME_TCP_Q_OPEN;
}

static inline bool nvme_tcp_deleting(struct nvme_tcp_ctrl *ctrl)
{
	enum nvme_ctrl_state state = READ_ONCE(ctrl->ctrl.state);

	return state == NVME_CTRL_DELETING ||
	       state == NVME_CTRL_DELETING_NOIO;
}

static inline struct blk_mq_tags *
nvme_tcp_tags(const struct nvme_tcp_queue *queue)
{
	if (!queue->qid)
		return queue->ctrl->admin_tag_set.tags[0];
	return queue->ctrl->tag_set.tags[queue->qid - 1];
}

static inline u8 nvme_tcp_hdgst_len(const struct nvme_tcp_queue *queue)
{
	return queue->hdgst ? NVME_TCP_DIGEST_LENGTH : 0;
}

/* check.c: is a header right? Pure functions. */
const struct nvme_tcp_fault *
nvme_tcp_check_common(const struct nvme_tcp_queue *queue,
		      const struct nvme_tcp_hdr *hdr);
const struct nvme_tcp_fault *
nvme_tcp_check_data(const struct nvme_tcp_queue *queue,
		    const struct nvme_tcp_data_pdu *pdu);
const struct nvme_tcp_fault *
nvme_tcp_check_data_in(const struct nvme_tcp_request *req,
		       const struct nvme_tcp_data_pdu *pdu, bool reads);
const struct nvme_tcp_fault *
nvme_tcp_check_r2t(const struct nvme_tcp_request *req,
		   const struct nvme_tcp_r2t_pdu *pdu, bool writes);
const struct nvme_tcp_fault *nvme_tcp_grant(struct nvme_tcp_grants *grants,
					    u32 start, u32 end);
extern const struct nvme_tcp_fault nvme_tcp_fault_hdgst;
extern const struct nvme_tcp_fault nvme_tcp_fault_cid;
extern const struct nvme_tcp_fault nvme_tcp_fault_rsp_cid;
extern const struct nvme_tcp_fault nvme_tcp_fault_early;
extern const struct nvme_tcp_fault nvme_tcp_fault_r2t_limit;
extern const struct nvme_tcp_fault nvme_tcp_fault_copy;

/* ctrl.c */
struct nvme_ctrl *nvme_tcp_create_ctrl(struct device *dev,
				       struct nvmf_ctrl_options *opts);
void nvme_tcp_delete_all(void);

/* cursor.c */
void nvme_tcp_cursor_init(struct nvme_tcp_cursor *cursor, struct request *rq);
void nvme_tcp_cursor_seek(struct nvme_tcp_cursor *cursor, u32 pos);
u32 nvme_tcp_cursor_gather(struct nvme_tcp_cursor *cursor,
			   struct nvme_tcp_gather *gather, u32 len, u32 *crc);
int nvme_tcp_cursor_fill(struct nvme_tcp_cursor *cursor, struct sk_buff *skb,
			 int offset, u32 len, u32 *crc);

/* doorbell.c */
void nvme_tcp_bell_init(struct nvme_tcp_doorbell *bell);
void nvme_tcp_bell_stop(struct nvme_tcp_doorbell *bell);
bool nvme_tcp_bell_ring(struct nvme_tcp_queue *queue, u32 len, bool last);

/* handshake.c */
int nvme_tcp_handshake(struct nvme_tcp_queue *queue);

/* map.c */
void nvme_tcp_count_io_queues(struct nvme_tcp_ctrl *ctrl, u32 granted);
unsigned int nvme_tcp_wanted_io_queues(const struct nvmf_ctrl_options *opts);
void nvme_tcp_map_queues(struct blk_mq_tag_set *set);
void nvme_tcp_choose_cpu(struct nvme_tcp_queue *queue);
void nvme_tcp_release_cpu(struct nvme_tcp_queue *queue);

/* pdu.c */
const struct nvme_tcp_fault *nvme_tcp_pdu_header(struct nvme_tcp_queue *queue);
const struct nvme_tcp_fault *
nvme_tcp_pdu_data_done(struct nvme_tcp_queue *queue, bool digest_ok);

/* queue.c */
void nvme_tcp_queue_init(struct nvme_tcp_ctrl *ctrl, int qid);
int nvme_tcp_queue_open(struct nvme_tcp_queue *queue);
int nvme_tcp_queue_start(struct nvme_tcp_queue *queue);
void nvme_tcp_queue_halt(struct nvme_tcp_queue *queue);
void nvme_tcp_queue_drain(struct nvme_tcp_queue *queue, unsigned long until);
void nvme_tcp_queue_stop(struct nvme_tcp_queue *queue);
void nvme_tcp_queue_broken(struct nvme_tcp_queue *queue, const char *why,
			   int error);
void nvme_tcp_queue_kick(struct nvme_tcp_queue *queue);

/* recovery.c */
void nvme_tcp_recovery_init(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_recover(struct nvme_tcp_queue *queue);
void nvme_tcp_recover_dead(struct nvme_tcp_queue *queue);
void nvme_tcp_abort_queue(struct nvme_tcp_queue *queue);
void nvme_tcp_abort_work(struct work_struct *work);
void nvme_tcp_cancel_io(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_cancel_admin(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_quiet(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_watch(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_stop_ctrl(struct nvme_ctrl *nctrl);

/* recv.c */
void nvme_tcp_rx_reset(struct nvme_tcp_queue *queue);
int nvme_tcp_rx_run(struct nvme_tcp_queue *queue, struct io_comp_batch *batch,
		    u32 *completed);
u32 nvme_tcp_rx_poll(struct nvme_tcp_queue *queue,
		     struct io_comp_batch *batch);
bool nvme_tcp_rx_direct(struct nvme_tcp_queue *queue);

/* request.c */
extern const struct blk_mq_ops nvme_tcp_admin_mq_ops;
extern const struct blk_mq_ops nvme_tcp_io_mq_ops;
void nvme_tcp_may_wait(struct request *rq);
void nvme_tcp_requeued_may_wait(struct nvme_tcp_ctrl *ctrl);
void nvme_tcp_complete_batch(struct io_comp_batch *batch);
void nvme_tcp_submit_async_event(struct nvme_ctrl *nctrl);

/* send.c */
void nvme_tcp_tx_reset(struct nvme_tcp_queue *queue);
void nvme_tcp_tx_submit(struct nvme_tcp_queue *queue,
			struct nvme_tcp_send *send);
void nvme_tcp_tx_set_due(struct nvme_tcp_queue *queue);
void nvme_tcp_tx_kick_worker(struct nvme_tcp_queue *queue);
bool nvme_tcp_tx_pending(struct nvme_tcp_queue *queue);
bool nvme_tcp_tx_due(struct nvme_tcp_queue *queue);
int nvme_tcp_tx_run(struct nvme_tcp_queue *queue, bool worker);
int nvme_tcp_tx_finish_pdu(struct nvme_tcp_queue *queue);

/* setup.c */
int nvme_tcp_setup(struct nvme_tcp_ctrl *ctrl, bool new);
void nvme_tcp_teardown_admin(struct nvme_tcp_ctrl *ctrl, bool remove);
void nvme_tcp_teardown_io(struct nvme_tcp_ctrl *ctrl, bool remove);
void nvme_tcp_shutdown(struct nvme_tcp_ctrl *ctrl, bool remove);

/* socket.c */
int nvme_tcp_socket_open(struct nvme_tcp_queue *queue);
int nvme_tcp_socket_wait(struct nvme_tcp_queue *queue,
			 bool (*done)(struct nvme_tcp_queue *queue),
			 unsigned int seconds);
void nvme_tcp_socket_detach(struct nvme_tcp_queue *queue);

/* term.c */
void nvme_tcp_term_send(struct nvme_tcp_queue *queue);
void nvme_tcp_term_log(struct nvme_tcp_queue *queue,
		       const struct nvme_tcp_term_pdu *pdu);

#endif /* NVME_TCP_H */
