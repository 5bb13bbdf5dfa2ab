/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NVMe/TCP target: private structures, and the functions that the files of
 * the module offer each other, grouped by file.
 *
 * Who runs where:
 *
 * - io_work is the one worker of a queue. It owns queue->rx and queue->pool.
 * - The holder of NVMET_TCP_TX_OWNED in queue->tx.flags owns the rest of
 *   queue->tx; io_work takes it for every send.
 * - Completions come from any context and only append to queue->tx.done.
 * - Socket callbacks run in softirq and only start io_work.
 * - close_work ends the connection, teardown_work then the queue; nothing else
 *   runs on the queue by then.
 */
#ifndef NVMET_TCP_H
#define NVMET_TCP_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/net.h>
#include <linux/scatterlist.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "nvmet.h"
#include "nvme_tcp_wire.h"
#include "nvme_tcp_digest.h"
#include "nvme_tcp_gather.h"
#include "stats.h"

/* Slots of a queue are numbered by the low bits of a transfer tag. */
#define NVMET_TCP_SLOTS_MAX	1024
#define NVMET_TCP_SLOT_MASK	(NVMET_TCP_SLOTS_MAX - 1)

/* Fabrics and admin capsules carry up to this much data, in bytes. */
#define NVMET_TCP_ADMIN_ICD	NVME_TCP_ADMIN_CCSZ
#define NVMET_TCP_DEF_ICD	(16 * 1024)

/* Largest MAXH2CDATA, MDTS and in-capsule size that can be configured. */
#define NVMET_TCP_TRANSFER_MAX	(4U * 1024 * 1024)

/* Buffers are made of pages of these two sizes. */
#define NVMET_TCP_BIG_ORDER	3
#define NVMET_TCP_BIG_SIZE	((u32)(PAGE_SIZE << NVMET_TCP_BIG_ORDER))
#define NVMET_TCP_SMALL_CACHE	128
#define NVMET_TCP_BIG_CACHE	32
#define NVMET_TCP_OWN_SG	4

/* A gathered send: elements, and bytes after which no PDU is added. */
#define NVMET_TCP_TX_BVECS	64
#define NVMET_TCP_TX_BYTES	(256 * 1024)

struct nvmet_tcp_queue;

/* States of a queue; the rules are in queue.c. */
enum nvmet_tcp_state {
	NVMET_TCP_Q_NEW,
	NVMET_TCP_Q_ICREQ,
	NVMET_TCP_Q_CONNECT,
	NVMET_TCP_Q_LIVE,
	NVMET_TCP_Q_TERM,
	NVMET_TCP_Q_DEAD,
};

/**
 * struct nvmet_tcp_terms - what ICReq and ICResp agreed on
 * @hdgst: header digests are used
 * @ddgst: data digests are used
 * @hpda: alignment of data that the host asked for, 0's based dwords
 * @cpda: alignment of data that we asked for, 0's based dwords
 * @maxr2t: R2Ts that may be outstanding for a command, 1 or more
 * @maxh2cdata: most data in one H2CData PDU, in bytes
 * @icd: most data in a capsule of an I/O command, in bytes
 * @mdts: largest transfer as Identify tells it, power of two of 4 KiB
 *
 * Written by the receive side before the state becomes CONNECT, constant
 * afterwards.
 */
struct nvmet_tcp_terms {
	bool	hdgst;
	bool	ddgst;
	u8	hpda;
	u8	cpda;
	u32	maxr2t;
	u32	maxh2cdata;
	u32	icd;
	u8	mdts;
};

/**
 * struct nvmet_tcp_verdict - why a connection has to end
 * @fes: fatal error status of the C2HTermReq; 0 while nothing is wrong
 * @fei: fatal error information: offset of the bad field, or the bad digest
 * @why: in words, for the log
 */
struct nvmet_tcp_verdict {
	u16		fes;
	u32		fei;
	const char	*why;
};

/**
 * struct nvmet_tcp_span - what follows the header of a PDU
 * @pad: bytes to skip
 * @len: bytes of data
 * @ddgst: a data digest follows the data
 */
struct nvmet_tcp_span {
	u32	pad;
	u32	len;
	bool	ddgst;
};

/**
 * struct nvmet_tcp_window - what H2CData may bring for a command
 * @command_id: command identifier, as on the wire
 * @next: offset of the next byte that is expected
 * @end: end of the R2T that this byte belongs to; == @next without an R2T
 * @total: length of the command's data
 */
struct nvmet_tcp_window {
	__u16	command_id;
	u32	next;
	u32	end;
	u32	total;
};

/**
 * struct nvmet_tcp_buf - data of a command
 * @sg: the pages; @own or from kmalloc(), NULL before first use
 * @nr: elements in use, 0 where the command has no data
 * @cap: elements that @sg has room for
 * @len: bytes of data
 * @own: spares most commands an allocation
 */
struct nvmet_tcp_buf {
	struct scatterlist	*sg;
	u16			nr;
	u16			cap;
	u32			len;
	struct scatterlist	own[NVMET_TCP_OWN_SG];
};

/*
 * Where a command is, and who may touch it:
 * FREE	in the pool
 * CAPSULE	in-capsule data arrives; receive side
 * READY	complete, on rx.ready or rx.starved; receive side
 * H2C		waits for H2CData
 * H2C_READY	has all its data, on rx.ready; receive side
 * EXEC		nvmet has it
 * RSP		completed: on its way through the transmit side
 */
enum nvmet_tcp_phase {
	NVMET_TCP_CMD_FREE,
	NVMET_TCP_CMD_CAPSULE,
	NVMET_TCP_CMD_READY,
	NVMET_TCP_CMD_H2C,
	NVMET_TCP_CMD_H2C_READY,
	NVMET_TCP_CMD_EXEC,
	NVMET_TCP_CMD_RSP,
};

/* Bits of struct nvmet_tcp_cmd.flags */
enum {
	NVMET_TCP_CMD_BAD_DIGEST,	/* data came with a wrong digest */
	NVMET_TCP_CMD_NO_MEMORY,	/* in-capsule data had to be dropped */
	NVMET_TCP_CMD_R2T_ASKED,	/* on tx.done for another R2T */
};

/**
 * struct nvmet_tcp_cmd - a command from capsule to response
 * @req: nvmet's part
 * @queue: constant
 * @entry: on rx.ready, rx.starved, tx.pending or tx.sending
 * @tx_node: on tx.done
 * @sqe: submission queue entry as received
 * @cqe: completion, filled in by nvmet
 * @buf: data
 * @flags: NVMET_TCP_CMD_*, atomic
 * @phase: see enum nvmet_tcp_phase
 * @slot: index in the pool, constant
 * @ttag: transfer tag, host byte order; another one for each use of the slot
 * @icd_len: bytes of data in the capsule
 * @r2t_len: most bytes in one R2T
 * @rx_done: bytes of H2CData received; written by the receive side
 * @r2t_end: bytes that R2Ts were sent for; written by the transmit side
 * @tx_off: bytes of C2HData in PDUs so far; transmit side
 * @tx_end: position in the byte stream behind the last PDU; transmit side
 */
struct nvmet_tcp_cmd {
	struct nvmet_req	req;
	struct nvmet_tcp_queue	*queue;
	struct list_head	entry;
	struct llist_node	tx_node;
	struct nvme_command	sqe;
	struct nvme_completion	cqe;
	struct nvmet_tcp_buf	buf;
	unsigned long		flags;
	u8			phase;
	u16			slot;
	u16			ttag;
	u32			icd_len;
	u32			r2t_len;
	u32			rx_done;
	u32			r2t_end;
	u32			tx_off;
	u64			tx_end;
};

/**
 * struct nvmet_tcp_ring - pages that wait for their next use, oldest first
 * @head: index of the oldest page
 * @nr: number of pages
 * @size: elements of @page
 * @page: ring of pages
 *
 * io_work's, like the cache.
 */
struct nvmet_tcp_ring {
	u16		head;
	u16		nr;
	u16		size;
	struct page	**page;
};

/**
 * struct nvmet_tcp_cache - pages of a queue for the data of its commands
 * @small: single pages; io_work
 * @big: pages of NVMET_TCP_BIG_SIZE; io_work
 */
struct nvmet_tcp_cache {
	struct nvmet_tcp_ring	small;
	struct nvmet_tcp_ring	big;
	struct page		*small_page[NVMET_TCP_SMALL_CACHE];
	struct page		*big_page[NVMET_TCP_BIG_CACHE];
};

/**
 * struct nvmet_tcp_pool - commands of a queue
 * @slots: by slot number; NULL where none was needed yet; io_work
 * @nr: number of slots; io_work
 * @made: commands that exist; io_work
 * @held: bytes of data that commands have memory for; io_work
 * @tag: what the next transfer tag takes its high bits from; io_work
 * @idle: free commands; taken by io_work, given back by the transmit owner
 * @first: the only slot before Connect has told the queue's size
 */
struct nvmet_tcp_pool {
	struct nvmet_tcp_cmd	**slots;
	u16			nr;
	u16			made;
	u64			held;
	u16			tag;
	struct llist_head	idle;
	struct nvmet_tcp_cmd	*first;
};

/* Where the receive side is within a PDU; see recv.c. */
enum nvmet_tcp_rx_state {
	NVMET_TCP_RX_HDR,
	NVMET_TCP_RX_START,
	NVMET_TCP_RX_PAD,
	NVMET_TCP_RX_DATA,
	NVMET_TCP_RX_DDGST,
};

/* What the receive side waits for before it reads on. */
enum nvmet_tcp_rx_wait {
	NVMET_TCP_RX_GO,
	NVMET_TCP_RX_WAIT_MEMORY,	/* io_work allocates */
	NVMET_TCP_RX_WAIT_CMD,		/* a response has to leave first */
	NVMET_TCP_RX_WAIT_EXEC,		/* Connect has to be executed first */
};

/**
 * struct nvmet_tcp_rx - receive side of a queue, owned by io_work
 * @state: where in a PDU
 * @wait: why reading stopped
 * @have: bytes of @hdr so far
 * @need: bytes of @hdr wanted next
 * @early: commands before the queue was connected
 * @budget: PDUs left in this round
 * @span: what follows the header
 * @left: bytes left in the current state
 * @offset: where the next byte of data goes in the command's buffer
 * @crc: running data digest
 * @ddgst: received data digest
 * @cmd: command that the data belongs to; NULL: the data is dropped
 * @verdict: a fatal error, acted upon once the socket is unlocked
 * @ready: commands to start or to execute
 * @starved: commands to start once there is memory for them
 * @hdr: current PDU header with its digest
 */
struct nvmet_tcp_rx {
	enum nvmet_tcp_rx_state		state;
	enum nvmet_tcp_rx_wait		wait;
	u16				have;
	u16				need;
	u8				early;
	int				budget;
	struct nvmet_tcp_span		span;
	u32				left;
	u32				offset;
	u32				crc;
	__le32				ddgst;
	struct nvmet_tcp_cmd		*cmd;
	struct nvmet_tcp_verdict	verdict;
	struct list_head		ready;
	struct list_head		starved;
	union {
		struct nvme_tcp_hdr		ch;
		struct nvme_tcp_icreq_pdu	icreq;
		struct nvme_tcp_cmd_pdu		cmd;
		struct nvme_tcp_data_pdu	data;
		struct nvme_tcp_term_pdu	term;
		u8 bytes[NVME_TCP_HLEN_MAX + NVME_TCP_DIGEST_LENGTH];
	} hdr;
};

/* Bits of struct nvmet_tcp_tx.flags */
enum {
	NVMET_TCP_TX_OWNED,	/* somebody owns the transmit side */
	NVMET_TCP_TX_ICRESP,	/* ICResp is to be sent */
	NVMET_TCP_TX_TERM,	/* C2HTermReq is to be sent, nothing else */
};

/* Which PDU of a command comes next. */
enum nvmet_tcp_tx_stage {
	NVMET_TCP_TX_BEGIN,
	NVMET_TCP_TX_R2T,
	NVMET_TCP_TX_C2H_HDR,
	NVMET_TCP_TX_C2H_DATA,
	NVMET_TCP_TX_C2H_DDGST,
	NVMET_TCP_TX_RSP,
	NVMET_TCP_TX_END,
};

/**
 * struct nvmet_tcp_tx - transmit side of a queue
 * @flags: NVMET_TCP_TX_*, atomic
 * @done: commands with something to send, newest first; any context adds
 * @pending: the same in order; owner
 * @sending: commands whose data is not sent in full; owner
 * @cur: command whose PDUs are being built; owner
 * @stage: which PDU of @cur is next; owner
 * @crc: running data digest of @cur; owner
 * @gather: what is handed to the socket next; owner
 * @buf: headers; owner
 * @bvec: elements of @gather; owner
 * @queued: bytes gathered so far; owner
 * @sent: bytes that the socket took so far; owner
 */
struct nvmet_tcp_tx {
	unsigned long			flags;
	struct llist_head		done;
	struct list_head		pending;
	struct list_head		sending;
	struct nvmet_tcp_cmd		*cur;
	enum nvmet_tcp_tx_stage		stage;
	u32				crc;
	struct nvme_tcp_gather		gather;
	struct nvme_tcp_txbuf		buf;
	struct bio_vec			*bvec;
	u64				queued;
	u64				sent;
};

/**
 * struct nvmet_tcp_term - C2HTermReq that a queue ends with
 * @verdict: the reason
 * @echo_len: bytes of @echo
 * @echo: header of the offending PDU
 *
 * Written by io_work before NVMET_TCP_TX_TERM is set, constant afterwards.
 */
struct nvmet_tcp_term {
	struct nvmet_tcp_verdict	verdict;
	u8				echo_len;
	u8				echo[NVME_TCP_TERM_ECHO_MAX];
};

/**
 * struct nvmet_tcp_port - a listening socket
 * @nport: nvmet's port; valid while a queue of this port exists
 * @net: network namespace that the port lives in; valid while @ns_socks of it
 *	counts a socket of this port
 * @ns_socks: sockets of ours in @net, atomic
 * @addr: address that is listened on
 * @sock_lock: protects @sock against the end of @net
 * @sock: listening socket, NULL once its namespace is gone; @sock_lock
 * @data_ready: callback of @sock before it became ours, constant
 * @accept_work: takes new connections
 * @drain_work: frees the port after its last queue
 * @ref: one for nvmet, one for each queue
 * @gone: the last reference was dropped
 * @entry: on the list of ports, protected by its lock
 * @queues: number of queues, atomic
 * @lock: protects what follows; taken in any context
 * @half_open: queues that are not LIVE, oldest first
 * @nr_half_open: their number
 * @stats: counters of the queues that are gone
 * @conns: counters of connections
 * @debugfs: folder, NULL without debugfs
 */
struct nvmet_tcp_port {
	struct nvmet_port		*nport;
	struct net			*net;
	atomic_t			*ns_socks;
	struct sockaddr_storage		addr;
	struct mutex			sock_lock;	/* @sock */
	struct socket			*sock;
	void				(*data_ready)(struct sock *sk);
	struct delayed_work		accept_work;
	struct work_struct		drain_work;
	struct kref			ref;
	struct completion		gone;
	struct list_head		entry;
	atomic_t			queues;
	spinlock_t			lock;	/* what follows */
	struct list_head		half_open;
	u32				nr_half_open;
	struct nvmet_tcp_stats		stats;
	struct nvmet_tcp_port_stats	conns;
	struct dentry			*debugfs;
};

/* Bits of struct nvmet_tcp_queue.events, set in any context for io_work */
enum {
	NVMET_TCP_EV_PEER_CLOSED,	/* nothing follows what is received */
	NVMET_TCP_EV_TRIM,		/* give idle memory back */
	NVMET_TCP_EV_WATCHED,		/* idle_work is on its way */
};

/**
 * struct nvmet_tcp_queue - a connection, which is a pair of NVMe queues
 * @sq: nvmet's submission queue
 * @cq: nvmet's completion queue
 * @ref: one for the state machine, dropped at the end of teardown_work; one
 *	for whoever uses the queue without holding the list of queues
 * @id: number for people, constant
 * @port: holds a reference, constant
 * @sock: released by @close_work, constant till then; @io_work
 * @cpu: where data came in last, or WORK_CPU_UNBOUND
 * @saved: callbacks of @sock before it became ours
 * @local: our address, constant
 * @peer: the host's address, constant
 * @entry: on the list of queues, protected by its lock
 * @half_open: on port->half_open, protected by port->lock
 * @state_lock: protects writes of @state; taken in softirq
 * @state: see queue.c
 * @terms: what was agreed on
 * @max_transfer: most data that a command transfers, in bytes; io_work
 * @events: NVMET_TCP_EV_*, atomic
 * @io_work: the worker
 * @worker: task that executes commands in @io_work now, NULL otherwise
 * @busy_until: end of the period of polling, in jiffies; io_work
 * @deadline_work: ends a queue that stays too long in a state
 * @idle_work: looks for a queue without work
 * @wakeups_seen: how often @io_work had run at the last look; idle_work
 * @close_work: ends the connection
 * @teardown_work: ends the queue
 * @pool: commands
 * @rx: receive side
 * @tx: transmit side
 * @cache: pages for data
 * @term: how the queue ends
 * @stats: each counter has one writer, see stats.h
 */
struct nvmet_tcp_queue {
	struct nvmet_sq		sq;
	struct nvmet_cq		cq;
	struct kref		ref;
	int			id;
	struct nvmet_tcp_port	*port;
	struct socket		*sock;
	int			cpu;
	struct {
		void		(*data_ready)(struct sock *sk);
		void		(*state_change)(struct sock *sk);
		void		(*write_space)(struct sock *sk);
	} saved;
	struct sockaddr_storage	local;
	struct sockaddr_storage	peer;
	struct list_head	entry;
	struct list_head	half_open;
	spinlock_t		state_lock;	/* writes of @state */
	enum nvmet_tcp_state	state;
	struct nvmet_tcp_terms	terms;
	u32			max_transfer;
	unsigned long		events;
	struct work_struct	io_work;
	struct task_struct	*worker;
	unsigned long		busy_until;
	struct delayed_work	deadline_work;
	struct delayed_work	idle_work;
	u64			wakeups_seen;
	struct work_struct	close_work;
	struct work_struct	teardown_work;
	struct nvmet_tcp_pool	pool;
	struct nvmet_tcp_rx	rx;
	struct nvmet_tcp_tx	tx;
	struct nvmet_tcp_cache	cache;
	struct nvmet_tcp_term	term;
	struct nvmet_tcp_stats	stats;
};

/* params.c */
extern int nvmet_tcp_so_priority;
extern unsigned int nvmet_tcp_idle_poll_usecs;
extern unsigned int nvmet_tcp_icreq_timeout;
extern unsigned int nvmet_tcp_connect_timeout;
extern unsigned int nvmet_tcp_term_timeout;
extern unsigned int nvmet_tcp_cpda;
extern unsigned int nvmet_tcp_maxh2cdata;
extern unsigned int nvmet_tcp_max_r2t_len;
extern unsigned int nvmet_tcp_mdts;
extern unsigned int nvmet_tcp_max_queue_data;
extern unsigned int nvmet_tcp_max_connections;
extern unsigned int nvmet_tcp_max_half_open;

/* main.c */
extern const struct nvmet_fabrics_ops nvmet_tcp_ops;
extern struct workqueue_struct *nvmet_tcp_io_wq;
extern struct workqueue_struct *nvmet_tcp_ctl_wq;
extern struct workqueue_struct *nvmet_tcp_teardown_wq;

/* port.c */
int nvmet_tcp_port_add(struct nvmet_port *nport);
void nvmet_tcp_port_remove(struct nvmet_port *nport);
void nvmet_tcp_port_disc_traddr(struct nvmet_req *req,
				struct nvmet_port *nport, char *traddr);
void nvmet_tcp_port_get(struct nvmet_tcp_port *port);
void nvmet_tcp_port_put(struct nvmet_tcp_port *port);
void nvmet_tcp_port_opened(struct nvmet_tcp_queue *queue);
void nvmet_tcp_port_not_half_open(struct nvmet_tcp_queue *queue);
void nvmet_tcp_port_add_stats(struct nvmet_tcp_port *port,
			      const struct nvmet_tcp_stats *stats);
void nvmet_tcp_port_socket_closed(struct nvmet_tcp_port *port);
void nvmet_tcp_port_closed(struct nvmet_tcp_port *port);
int nvmet_tcp_port_init(void);
void nvmet_tcp_port_exit(void);

/* socket.c */
int nvmet_tcp_socket_listen(struct nvmet_tcp_port *port);
bool nvmet_tcp_socket_unlisten(struct nvmet_tcp_port *port);
int nvmet_tcp_socket_attach(struct nvmet_tcp_queue *queue);
void nvmet_tcp_socket_detach(struct nvmet_tcp_queue *queue);

/* queue.c */
const char *nvmet_tcp_state_name(enum nvmet_tcp_state state);
int nvmet_tcp_queue_create(struct nvmet_tcp_port *port, struct socket *sock);
bool nvmet_tcp_queue_set_state(struct nvmet_tcp_queue *queue,
			       enum nvmet_tcp_state state);
void nvmet_tcp_queue_kick(struct nvmet_tcp_queue *queue);
void nvmet_tcp_queue_kill(struct nvmet_tcp_queue *queue);
void nvmet_tcp_queue_delete_ctrl(struct nvmet_ctrl *ctrl);
void nvmet_tcp_queue_kill_port(const struct nvmet_tcp_port *port);
void nvmet_tcp_queue_put(struct nvmet_tcp_queue *queue);
u16 nvmet_tcp_queue_install(struct nvmet_sq *sq);
void nvmet_tcp_queue_connected(struct nvmet_tcp_queue *queue);
void nvmet_tcp_queue_for_each(const struct nvmet_tcp_port *port,
			      void (*fn)(struct nvmet_tcp_queue *queue,
					 void *data), void *data);
ssize_t nvmet_tcp_queue_host_traddr(struct nvmet_ctrl *ctrl, char *traddr,
				    size_t len);
void nvmet_tcp_queue_sum_stats(struct nvmet_tcp_port *port,
			       struct nvmet_tcp_stats *sum);
void nvmet_tcp_queue_exit(void);

/**
 * nvmet_tcp_queue_state() - the state of a queue, which may change at once
 * @queue: any queue
 *
 * Return: the state.
 */
static inline enum nvmet_tcp_state
nvmet_tcp_queue_state(const struct nvmet_tcp_queue *queue)
{
	return READ_ONCE(queue->state);
}

/* handshake.c */
bool nvmet_tcp_handshake_icreq(struct nvmet_tcp_queue *queue);
void nvmet_tcp_handshake_fill_icresp(const struct nvmet_tcp_queue *queue,
				     struct nvme_tcp_icresp_pdu *pdu);

/* recv.c */
void nvmet_tcp_recv_init(struct nvmet_tcp_queue *queue);
bool nvmet_tcp_recv_round(struct nvmet_tcp_queue *queue);

/* pdu.c: pure checks */
bool nvmet_tcp_pdu_check_start(const struct nvme_tcp_hdr *ch,
			       enum nvmet_tcp_state state,
			       const struct nvmet_tcp_terms *terms,
			       struct nvmet_tcp_verdict *v);
bool nvmet_tcp_pdu_check_icreq(const struct nvme_tcp_icreq_pdu *pdu,
			       struct nvmet_tcp_verdict *v);
bool nvmet_tcp_pdu_check_capsule(const struct nvme_tcp_cmd_pdu *pdu,
				 bool live, u16 qid,
				 const struct nvmet_tcp_terms *terms,
				 struct nvmet_tcp_span *span,
				 struct nvmet_tcp_verdict *v);
bool nvmet_tcp_pdu_check_h2cdata(const struct nvme_tcp_data_pdu *pdu,
				 const struct nvmet_tcp_terms *terms,
				 struct nvmet_tcp_span *span,
				 struct nvmet_tcp_verdict *v);
bool nvmet_tcp_pdu_check_window(const struct nvme_tcp_data_pdu *pdu,
				const struct nvmet_tcp_window *win,
				struct nvmet_tcp_verdict *v);
bool nvmet_tcp_pdu_check_term(const struct nvme_tcp_term_pdu *pdu,
			      struct nvmet_tcp_span *span,
			      struct nvmet_tcp_verdict *v);
u16 nvmet_tcp_pdu_check_sgl(const struct nvme_command *sqe, u32 icd_len,
			    u32 max_len, u32 *len);

/* capsule.c */
bool nvmet_tcp_capsule_check(struct nvmet_tcp_queue *queue);
int nvmet_tcp_capsule_begin(struct nvmet_tcp_queue *queue, gfp_t gfp);
void nvmet_tcp_capsule_end(struct nvmet_tcp_queue *queue);
bool nvmet_tcp_h2cdata_begin(struct nvmet_tcp_queue *queue);
void nvmet_tcp_h2cdata_end(struct nvmet_tcp_queue *queue);
bool nvmet_tcp_capsule_can_go_on(const struct nvmet_tcp_queue *queue);
void nvmet_tcp_capsule_run_ready(struct nvmet_tcp_queue *queue);

/* cmd.c */
int nvmet_tcp_cmd_cache_init(void);
void nvmet_tcp_cmd_cache_exit(void);
void nvmet_tcp_pool_init(struct nvmet_tcp_queue *queue);
int nvmet_tcp_pool_resize(struct nvmet_tcp_queue *queue, u16 nr);
void nvmet_tcp_pool_trim(struct nvmet_tcp_queue *queue);
void nvmet_tcp_pool_free(struct nvmet_tcp_queue *queue);
struct nvmet_tcp_cmd *nvmet_tcp_cmd_take(struct nvmet_tcp_queue *queue,
					 gfp_t gfp);
struct nvmet_tcp_cmd *nvmet_tcp_cmd_find(const struct nvmet_tcp_queue *queue,
					 u16 ttag);
void nvmet_tcp_cmd_put(struct nvmet_tcp_cmd *cmd);

/* buf.c */
void nvmet_tcp_cache_init(struct nvmet_tcp_cache *cache);
void nvmet_tcp_cache_drop(struct nvmet_tcp_cache *cache);
int nvmet_tcp_buf_alloc(struct nvmet_tcp_cache *cache,
			struct nvmet_tcp_buf *buf, u32 len, gfp_t gfp);
void nvmet_tcp_buf_zero(struct nvmet_tcp_buf *buf);
void nvmet_tcp_buf_free(struct nvmet_tcp_cache *cache,
			struct nvmet_tcp_buf *buf);
void nvmet_tcp_buf_destroy(struct nvmet_tcp_cache *cache,
			   struct nvmet_tcp_buf *buf);

/* send.c */
int nvmet_tcp_send_init(struct nvmet_tcp_queue *queue);
void nvmet_tcp_send_free(struct nvmet_tcp_queue *queue);
void nvmet_tcp_send_trim(struct nvmet_tcp_queue *queue);
void nvmet_tcp_send_response(struct nvmet_req *req);
void nvmet_tcp_send_r2t(struct nvmet_tcp_cmd *cmd);
bool nvmet_tcp_send_pending(const struct nvmet_tcp_queue *queue);
bool nvmet_tcp_send_round(struct nvmet_tcp_queue *queue);

/* term.c */
void nvmet_tcp_term_start(struct nvmet_tcp_queue *queue);
u32 nvmet_tcp_term_len(const struct nvmet_tcp_term *term);
void nvmet_tcp_term_fill(const struct nvmet_tcp_term *term,
			 struct nvme_tcp_term_pdu *pdu);
void nvmet_tcp_term_received(struct nvmet_tcp_queue *queue);

/* debugfs.c */
#ifdef CONFIG_DEBUG_FS
void nvmet_tcp_debugfs_init(void);
void nvmet_tcp_debugfs_exit(void);
void nvmet_tcp_debugfs_add_port(struct nvmet_tcp_port *port);
void nvmet_tcp_debugfs_del_port(struct nvmet_tcp_port *port);
#else
static inline void nvmet_tcp_debugfs_init(void) {}
static inline void nvmet_tcp_debugfs_exit(void) {}
static inline void nvmet_tcp_debugfs_add_port(struct nvmet_tcp_port *port) {}
static inline void nvmet_tcp_debugfs_del_port(struct nvmet_tcp_port *port) {}
#endif

#endif /* NVMET_TCP_H */
