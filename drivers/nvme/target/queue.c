// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue from accept to teardown.
 *
 *        accept    ICReq taken   Connect answered
 *   NEW ------> ICREQ -----> CONNECT -----> LIVE
 *                 |             |            |
 *                 +-------------+------------+--> TERM --> DEAD
 *
 * NEW      callbacks are not ours yet
 * ICREQ    waits for ICReq, no longer than icreq_timeout
 * CONNECT  waits for a Connect that succeeds, no longer than connect_timeout
 * LIVE     commands; nvmet's keep-alive timer watches the host
 * TERM     a fatal error was found: C2HTermReq is sent, what arrives is
 *          dropped, the host is to close, no later than term_timeout
 * DEAD     the connection is over; close_work, then teardown_work ends it
 *
 * Every state but DEAD may go to DEAD at any time. State changes go through
 * nvmet_tcp_queue_set_state() under state_lock, which refuses all others: who
 * comes too late simply loses. Whoever makes a queue DEAD queues close_work,
 * which therefore runs once. It stops the worker and releases the socket,
 * whatever the disks do. teardown_work follows: it waits for the commands that
 * nvmet has, which takes as long as their disk, and frees the queue. Both run
 * on workqueues that nothing in nvmet waits for, and never wait for one of
 * nvmet's workqueues as a whole.
 *
 * The list of queues is protected by queues_lock. A queue leaves it at the end
 * of its teardown, and its counters join its port's at that moment; who finds
 * it there may use it until the lock is dropped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/idr.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "nvmet_tcp.h"
#include "trace.h"

/* Rounds in one run of the worker. */
#define IO_ROUNDS	16
/* nvmet never lets a drive behind it say that it takes more, in bytes. */
#define PASSTHRU_TRANSFER_MAX	(1024U * 1024)
/* A queue without work for this long gives memory back. */
#define IDLE_PERIOD	(2 * HZ)
/* Queues that a host may have left behind when it connects anew. */
#define LEFT_BEHIND_MAX	128

static DEFINE_MUTEX(queues_lock);
static LIST_HEAD(queues);
static DEFINE_IDA(queue_ids);

/**
 * nvmet_tcp_state_name() - a state in words
 * @state: any state
 *
 * Return: a constant string.
 */
const char *nvmet_tcp_state_name(enum nvmet_tcp_state state)
{
	static const char *const names[] = {
		[NVMET_TCP_Q_NEW]	= "new",
		[NVMET_TCP_Q_ICREQ]	= "icreq",
		[NVMET_TCP_Q_CONNECT]	= "connect",
		[NVMET_TCP_Q_LIVE]	= "live",
		[NVMET_TCP_Q_TERM]	= "term",
		[NVMET_TCP_Q_DEAD]	= "dead",
	};

	return names[state];
}

static bool state_may_follow(enum nvmet_tcp_state from,
			     enum nvmet_tcp_state to)
{
	switch (to) {
	case NVMET_TCP_Q_ICREQ:
		return from == NVMET_TCP_Q_NEW;
	case NVMET_TCP_Q_CONNECT:
		return from == NVMET_TCP_Q_ICREQ;
	case NVMET_TCP_Q_LIVE:
		return from == NVMET_TCP_Q_CONNECT;
	case NVMET_TCP_Q_TERM:
		return from >= NVMET_TCP_Q_ICREQ && from <= NVMET_TCP_Q_LIVE;
	case NVMET_TCP_Q_DEAD:
		return from != NVMET_TCP_Q_DEAD;
	default:
		return false;
	}
}

/* How long a queue may stay in a state; 0: for ever. */
static unsigned long state_limit(enum nvmet_tcp_state state)
{
	switch (state) {
	case NVMET_TCP_Q_ICREQ:
		return nvmet_tcp_icreq_timeout * HZ;
	case NVMET_TCP_Q_CONNECT:
		return nvmet_tcp_connect_timeout * HZ;
	case NVMET_TCP_Q_TERM:
		return nvmet_tcp_term_timeout * HZ;
	default:
		return 0;
	}
}

/**
 * nvmet_tcp_queue_set_state() - change the state
 * @queue: any queue
 * @state: the new state
 *
 * Starts the deadline of the new state, and close_work for DEAD. Any context.
 *
 * Return: false where the rules do not allow the change; nothing happened.
 */
bool nvmet_tcp_queue_set_state(struct nvmet_tcp_queue *queue,
			       enum nvmet_tcp_state state)
{
	unsigned long limit = state_limit(state);
	enum nvmet_tcp_state from;
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&queue->state_lock, flags);
	from = queue->state;
	ok = state_may_follow(from, state);
	if (ok) {
		WRITE_ONCE(queue->state, state);
		if (limit)
			mod_delayed_work(nvmet_tcp_ctl_wq,
					 &queue->deadline_work, limit);
		else
			cancel_delayed_work(&queue->deadline_work);
		if (state == NVMET_TCP_Q_DEAD)
			queue_work(nvmet_tcp_ctl_wq, &queue->close_work);
	}
	spin_unlock_irqrestore(&queue->state_lock, flags);
	if (ok)
		trace_nvmet_tcp_state(queue, from, state);
	return ok;
}

/**
 * nvmet_tcp_queue_kill() - the connection is over
 * @queue: any queue, held by a reference, queues_lock or as its worker
 *
 * Any context.
 */
void nvmet_tcp_queue_kill(struct nvmet_tcp_queue *queue)
{
	nvmet_tcp_queue_set_state(queue, NVMET_TCP_Q_DEAD);
}

/**
 * nvmet_tcp_queue_kick() - have the worker look at the queue
 * @queue: queue whose teardown has not freed it
 *
 * Any context, the worker itself included: with the socket unlocked, data may
 * have come in that it has looked for already. Does not touch the socket.
 */
void nvmet_tcp_queue_kick(struct nvmet_tcp_queue *queue)
{
	int cpu;

	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_DEAD)
		return;
	cpu = READ_ONCE(queue->cpu);
	if (cpu < 0 || !cpu_online(cpu))
		cpu = WORK_CPU_UNBOUND;
	queue_work_on(cpu, nvmet_tcp_io_wq, &queue->io_work);
}

static void trim(struct nvmet_tcp_queue *queue)
{
	nvmet_tcp_pool_trim(queue);
	nvmet_tcp_send_trim(queue);
	nvmet_tcp_cache_drop(&queue->cache);
}

/* One look at everything. True where another one is worth it. */
static bool io_round(struct nvmet_tcp_queue *queue)
{
	bool more;

	more = nvmet_tcp_recv_round(queue);
	WRITE_ONCE(queue->worker, current);
	nvmet_tcp_capsule_run_ready(queue);
	WRITE_ONCE(queue->worker, NULL);
	more |= nvmet_tcp_send_round(queue);
	if (nvmet_tcp_queue_state(queue) >= NVMET_TCP_Q_TERM)
		return more;
	more |= nvmet_tcp_capsule_can_go_on(queue);
	switch (queue->rx.wait) {
	case NVMET_TCP_RX_WAIT_EXEC:
		return true;
	case NVMET_TCP_RX_WAIT_CMD:
		return more || !llist_empty(&queue->pool.idle) ||
		       !nvmet_tcp_send_pending(queue);
	default:
		return more;
	}
}

/* Poll on for a while after the last work, if so configured. */
static bool keep_polling(struct nvmet_tcp_queue *queue, bool worked)
{
	if (!nvmet_tcp_idle_poll_usecs)
		return false;
	if (worked)
		queue->busy_until = jiffies +
			usecs_to_jiffies(nvmet_tcp_idle_poll_usecs);
	return time_before(jiffies, queue->busy_until);
}

/* The worker did something: have somebody look for it going idle. */
static void watch_idle(struct nvmet_tcp_queue *queue)
{
	if (!test_and_set_bit(NVMET_TCP_EV_WATCHED, &queue->events))
		queue_delayed_work(nvmet_tcp_ctl_wq, &queue->idle_work,
				   IDLE_PERIOD);
}

static void io_work(struct work_struct *work)
{
	struct nvmet_tcp_queue *queue =
		container_of(work, struct nvmet_tcp_queue, io_work);
	u64 bytes = queue->stats.rx_bytes + queue->stats.tx_bytes;
	bool gone = test_bit(NVMET_TCP_EV_PEER_CLOSED, &queue->events);
	bool more;
	int i = 0;

	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_DEAD)
		return;
	nvmet_tcp_stat_add(&queue->stats.rx_wakeups, 1);
	if (test_and_clear_bit(NVMET_TCP_EV_TRIM, &queue->events))
		trim(queue);
	do {
		more = io_round(queue);
	} while (more && ++i < IO_ROUNDS && !need_resched());
	bytes -= queue->stats.rx_bytes + queue->stats.tx_bytes;
	if (bytes)
		watch_idle(queue);
	/* Nobody polls for a peer that has gone. */
	if (more || (!gone && keep_polling(queue, bytes)))
		nvmet_tcp_queue_kick(queue);
	else if (gone)
		nvmet_tcp_queue_kill(queue);
}

static void deadline_work(struct work_struct *work)
{
	struct nvmet_tcp_queue *queue =
		container_of(to_delayed_work(work), struct nvmet_tcp_queue,
			     deadline_work);
	enum nvmet_tcp_state state = nvmet_tcp_queue_state(queue);

	/* The state may have changed while the work was on its way. */
	if (!state_limit(state) || delayed_work_pending(&queue->deadline_work))
		return;
	nvmet_tcp_stats_count_port(queue->port, &queue->port->conns.timed_out);
	pr_warn_ratelimited("queue %d of %pISpc: too long in state %s\n",
			    queue->id, &queue->peer,
			    nvmet_tcp_state_name(state));
	nvmet_tcp_queue_kill(queue);
}

static void idle_work(struct work_struct *work)
{
	struct nvmet_tcp_queue *queue =
		container_of(to_delayed_work(work), struct nvmet_tcp_queue,
			     idle_work);
	u32 wakeups = READ_ONCE(queue->stats.rx_wakeups);

	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_DEAD)
		return;
	if (wakeups == queue->wakeups_seen) {
		set_bit(NVMET_TCP_EV_TRIM, &queue->events);
		clear_bit(NVMET_TCP_EV_WATCHED, &queue->events);
		nvmet_tcp_queue_kick(queue);
		return;
	}
	queue->wakeups_seen = wakeups;
	queue_delayed_work(nvmet_tcp_ctl_wq, &queue->idle_work, IDLE_PERIOD);
}

static void unlist(struct nvmet_tcp_queue *queue)
{
	mutex_lock(&queues_lock);
	list_del_init(&queue->entry);
	nvmet_tcp_port_add_stats(queue->port, &queue->stats);
	mutex_unlock(&queues_lock);
}

static void release(struct kref *ref)
{
	struct nvmet_tcp_queue *queue =
		container_of(ref, struct nvmet_tcp_queue, ref);
	struct nvmet_tcp_port *port = queue->port;

	ida_free(&queue_ids, queue->id);
	kfree(queue);
	nvmet_tcp_port_put(port);
}

/**
 * nvmet_tcp_queue_put() - drop a reference
 * @queue: not used by the caller afterwards
 */
void nvmet_tcp_queue_put(struct nvmet_tcp_queue *queue)
{
	kref_put(&queue->ref, release);
}

static void free_parts(struct nvmet_tcp_queue *queue)
{
	nvmet_tcp_send_free(queue);
	nvmet_tcp_pool_free(queue);
	nvmet_tcp_cache_drop(&queue->cache);
}

static void close_work(struct work_struct *work)
{
	struct nvmet_tcp_queue *queue =
		container_of(work, struct nvmet_tcp_queue, close_work);
	struct nvmet_ctrl *ctrl = READ_ONCE(queue->sq.ctrl);

	nvmet_tcp_socket_detach(queue);
	kernel_sock_shutdown(queue->sock, SHUT_RDWR);
	nvmet_tcp_port_not_half_open(queue);
	/* Without its admin queue a controller is no use to the host. */
	if (ctrl && !queue->sq.qid)
		nvmet_tcp_queue_delete_ctrl(ctrl);
	/* io_work starts idle_work, but no more once the queue is dead. */
	cancel_work_sync(&queue->io_work);
	cancel_delayed_work_sync(&queue->idle_work);
	cancel_delayed_work_sync(&queue->deadline_work);
	/* Completions may still start the worker, which looks no further. */
	sock_release(queue->sock);
	nvmet_tcp_port_socket_closed(queue->port);
	queue_work(nvmet_tcp_teardown_wq, &queue->teardown_work);
}

static void teardown_work(struct work_struct *work)
{
	struct nvmet_tcp_queue *queue =
		container_of(work, struct nvmet_tcp_queue, teardown_work);

	nvmet_sq_destroy(&queue->sq);
	/* A completion may have started the worker in the meantime. */
	cancel_work_sync(&queue->io_work);
	unlist(queue);
	free_parts(queue);
	nvmet_tcp_port_closed(queue->port);
	nvmet_tcp_queue_put(queue);
}

static void init_works(struct nvmet_tcp_queue *queue)
{
	INIT_WORK(&queue->io_work, io_work);
	INIT_WORK(&queue->close_work, close_work);
	INIT_WORK(&queue->teardown_work, teardown_work);
	INIT_DELAYED_WORK(&queue->deadline_work, deadline_work);
	INIT_DELAYED_WORK(&queue->idle_work, idle_work);
}

static struct nvmet_tcp_queue *alloc_queue(struct nvmet_tcp_port *port,
					   struct socket *sock)
{
	struct nvmet_tcp_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return NULL;
	queue->id = ida_alloc(&queue_ids, GFP_KERNEL);
	if (queue->id < 0)
		goto free_queue;
	if (nvmet_tcp_send_init(queue))
		goto free_id;
	if (nvmet_sq_init(&queue->sq))
		goto free_send;
	kref_init(&queue->ref);
	spin_lock_init(&queue->state_lock);
	INIT_LIST_HEAD(&queue->entry);
	INIT_LIST_HEAD(&queue->half_open);
	queue->port = port;
	queue->sock = sock;
	queue->cpu = WORK_CPU_UNBOUND;
	init_works(queue);
	nvmet_tcp_cache_init(&queue->cache);
	nvmet_tcp_pool_init(queue);
	nvmet_tcp_recv_init(queue);
	return queue;

free_send:
	nvmet_tcp_send_free(queue);
free_id:
	ida_free(&queue_ids, queue->id);
free_queue:
	kfree(queue);
	return NULL;
}

/**
 * nvmet_tcp_queue_create() - serve a new connection
 * @port: where it was accepted
 * @sock: its socket; the queue owns it from here on
 *
 * Process context. Once the socket has our callbacks, the queue may be over
 * at any time.
 *
 * Return: 0, or -ENOMEM and the socket is still the caller's.
 */
int nvmet_tcp_queue_create(struct nvmet_tcp_port *port, struct socket *sock)
{
	struct nvmet_tcp_queue *queue = alloc_queue(port, sock);

	if (!queue)
		return -ENOMEM;
	nvmet_tcp_port_get(port);
	kref_get(&queue->ref);
	mutex_lock(&queues_lock);
	list_add_tail(&queue->entry, &queues);
	mutex_unlock(&queues_lock);
	nvmet_tcp_port_opened(queue);
	if (nvmet_tcp_socket_attach(queue))
		nvmet_tcp_queue_kill(queue);
	nvmet_tcp_queue_put(queue);
	return 0;
}

/**
 * nvmet_tcp_queue_delete_ctrl() - end all queues of a controller
 * @ctrl: a controller
 *
 * The delete_ctrl operation of nvmet. Does not wait.
 */
void nvmet_tcp_queue_delete_ctrl(struct nvmet_ctrl *ctrl)
{
	struct nvmet_tcp_queue *queue;

	mutex_lock(&queues_lock);
	list_for_each_entry(queue, &queues, entry)
		if (READ_ONCE(queue->sq.ctrl) == ctrl)
			nvmet_tcp_queue_kill(queue);
	mutex_unlock(&queues_lock);
}

/**
 * nvmet_tcp_queue_kill_port() - end all queues of a port
 * @port: a port that accepts no more connections
 *
 * Does not wait.
 */
void nvmet_tcp_queue_kill_port(const struct nvmet_tcp_port *port)
{
	struct nvmet_tcp_queue *queue;

	mutex_lock(&queues_lock);
	list_for_each_entry(queue, &queues, entry)
		if (queue->port == port)
			nvmet_tcp_queue_kill(queue);
	mutex_unlock(&queues_lock);
}

/**
 * nvmet_tcp_queue_sum_stats() - counters of all queues a port has had
 * @port: a port
 * @sum: result
 */
void nvmet_tcp_queue_sum_stats(struct nvmet_tcp_port *port,
			       struct nvmet_tcp_stats *sum)
{
	const struct nvmet_tcp_queue *queue;

	mutex_lock(&queues_lock);
	spin_lock_irq(&port->lock);
	*sum = port->stats;
	spin_unlock_irq(&port->lock);
	list_for_each_entry(queue, &queues, entry)
		if (queue->port == port)
			nvmet_tcp_stats_sum(sum, &queue->stats);
	mutex_unlock(&queues_lock);
}

/**
 * nvmet_tcp_queue_for_each() - look at all queues of a port
 * @port: a port
 * @fn: called for each queue with the list of queues locked; must not sleep
 *	for long
 * @data: passed to @fn
 */
void nvmet_tcp_queue_for_each(const struct nvmet_tcp_port *port,
			      void (*fn)(struct nvmet_tcp_queue *queue,
					 void *data), void *data)
{
	struct nvmet_tcp_queue *queue;

	mutex_lock(&queues_lock);
	list_for_each_entry(queue, &queues, entry)
		if (queue->port == port)
			fn(queue, data);
	mutex_unlock(&queues_lock);
}

static bool same_host(const struct sockaddr_storage *a,
		      const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return ipv6_addr_equal(&((const struct sockaddr_in6 *)a)->sin6_addr,
			       &((const struct sockaddr_in6 *)b)->sin6_addr);
}

/* Has the host left more behind than it should before it connects anew? */
static bool host_is_leaving(const struct nvmet_tcp_queue *anew)
{
	const struct nvmet_tcp_queue *queue;
	int nr = 0;

	mutex_lock(&queues_lock);
	list_for_each_entry(queue, &queues, entry)
		nr += nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_DEAD &&
		      same_host(&queue->peer, &anew->peer);
	mutex_unlock(&queues_lock);
	return nr > LEFT_BEHIND_MAX;
}

/**
 * nvmet_tcp_queue_install() - Connect tells the size of the queue
 * @sq: part of a struct nvmet_tcp_queue
 *
 * The install_queue operation of nvmet. Runs in io_work, which executes
 * Connect.
 *
 * Return: 0 or an NVMe status.
 */
u16 nvmet_tcp_queue_install(struct nvmet_sq *sq)
{
	struct nvmet_tcp_queue *queue =
		container_of(sq, struct nvmet_tcp_queue, sq);
	u16 nr = min_t(u16, sq->size ?: NVMET_TCP_SLOTS_MAX,
		       NVMET_TCP_SLOTS_MAX);

	/* Do not let a host outrun the teardown of what it left behind. */
	if (!sq->qid && host_is_leaving(queue))
		return NVME_SC_CONNECT_CTRL_BUSY;
	if (nvmet_tcp_pool_resize(queue, nr))
		return NVME_SC_INTERNAL;
	return 0;
}

/**
 * nvmet_tcp_queue_connected() - Connect succeeded
 * @queue: owned by io_work
 */
void nvmet_tcp_queue_connected(struct nvmet_tcp_queue *queue)
{
	if (!nvmet_tcp_queue_set_state(queue, NVMET_TCP_Q_LIVE))
		return;
	/* Of a drive behind nvmet the drive says how much it takes. */
	if (nvmet_is_passthru_subsys(queue->sq.ctrl->subsys))
		queue->max_transfer = max(queue->max_transfer,
					  PASSTHRU_TRANSFER_MAX);
	nvmet_tcp_port_not_half_open(queue);
	nvmet_tcp_stats_count_port(queue->port, &queue->port->conns.connected);
}

/**
 * nvmet_tcp_queue_host_traddr() - where a host is
 * @ctrl: its controller
 * @traddr: result
 * @len: size of @traddr
 *
 * The host_traddr operation of nvmet, where it has one. nvmet asks while the
 * controller exists, which may be longer than its admin queue does.
 *
 * Return: length of the address, or -ENOTCONN.
 */
ssize_t nvmet_tcp_queue_host_traddr(struct nvmet_ctrl *ctrl, char *traddr,
				    size_t len)
{
	struct nvmet_tcp_queue *queue;
	ssize_t n = -ENOTCONN;

	mutex_lock(&queues_lock);
	list_for_each_entry(queue, &queues, entry) {
		if (READ_ONCE(queue->sq.ctrl) != ctrl || queue->sq.qid)
			continue;
		n = scnprintf(traddr, len, "%pISc", &queue->peer);
		break;
	}
	mutex_unlock(&queues_lock);
	return n;
}

/**
 * nvmet_tcp_queue_exit() - the last queue is gone
 */
void nvmet_tcp_queue_exit(void)
{
	ida_destroy(&queue_ids);
}
