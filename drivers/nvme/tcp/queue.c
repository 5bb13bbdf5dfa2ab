// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a queue: open, start, break, halt; and the work that drives it.
 * nvme_tcp.h draws the states.
 */
#include <linux/delay.h>
#include <linux/sched/mm.h>

#include "nvme_tcp.h"
#include "trace.h"

/* Milliseconds that pages may take to leave the network stack. */
#define DRAIN_STEP_MS	2

static void queue_set_state(struct nvme_tcp_queue *queue, int state)
{
	int old = xchg(&queue->state, state);

	lockdep_assert_held(&queue->lock);
	trace_nvme_tcp_queue_state(queue, old, state);
}

/* One round in each direction; true where something was done. */
static bool queue_round(struct nvme_tcp_queue *queue)
{
	DEFINE_IO_COMP_BATCH(batch);
	u32 completed;
	bool busy;

	busy = nvme_tcp_tx_due(queue) && nvme_tcp_tx_run(queue, true) > 0;
	if (nvme_tcp_rx_run(queue, &batch, &completed) > 0)
		busy = true;
	if (batch.complete)
		batch.complete(&batch);
	return busy;
}

static void queue_io_work(struct work_struct *work)
{
	struct nvme_tcp_queue *queue =
		container_of(to_delayed_work(work), struct nvme_tcp_queue,
			     io_work);
	unsigned long until = jiffies + 1;
	bool busy = true;

	while (busy && nvme_tcp_queue_usable(queue)) {
		busy = queue_round(queue);
		if (busy && time_after(jiffies, until)) {
			queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq,
					      &queue->io_work, 0);
			return;
		}
	}
	/* All that came before the end has been read. */
	if (nvme_tcp_queue_usable(queue) &&
	    inet_sk_state_load(queue->sock->sk) != TCP_ESTABLISHED)
		nvme_tcp_queue_broken(queue, "the connection was closed", 0);
}

/**
 * nvme_tcp_queue_kick() - see to it that what was submitted is sent
 * @queue: any
 *
 * Sends right here where that is cheapest: on the queue's own CPU with nobody
 * about to do it anyway, or on a polled queue. Process context, may sleep.
 */
void nvme_tcp_queue_kick(struct nvme_tcp_queue *queue)
{
	if (queue->polled ||
	    (queue->io_cpu == raw_smp_processor_id() &&
	     !delayed_work_pending(&queue->io_work)))
		nvme_tcp_tx_run(queue, false);
	else
		nvme_tcp_tx_kick_worker(queue);
}

/**
 * nvme_tcp_queue_init() - prepare a queue for its life
 * @ctrl: controller that owns it
 * @qid: number of the queue
 */
void nvme_tcp_queue_init(struct nvme_tcp_ctrl *ctrl, int qid)
{
	struct nvme_tcp_queue *queue = &ctrl->queues[qid];

	queue->ctrl = ctrl;
	queue->qid = qid;
	queue->state = NVME_TCP_Q_IDLE;
	queue->io_cpu = WORK_CPU_UNBOUND;
	queue->counted_cpu = -1;
	mutex_init(&queue->lock);
	mutex_init(&queue->tx.lock);
	init_llist_head(&queue->tx.submitted);
	init_waitqueue_head(&queue->wait);
	INIT_DELAYED_WORK(&queue->io_work, queue_io_work);
	INIT_WORK(&queue->abort_work, nvme_tcp_abort_work);
	nvme_tcp_bell_init(&queue->bell);
	nvme_tcp_tx_reset(queue);
	nvme_tcp_rx_reset(queue);
}

/* Most data that a capsule of this queue may carry. */
static u32 queue_icd_max(const struct nvme_tcp_queue *queue)
{
	u32 size = queue->ctrl->ctrl.ioccsz * 16;

	if (!queue->qid)
		return NVME_TCP_ADMIN_CCSZ;
	return size > sizeof(struct nvme_command) ?
	       size - sizeof(struct nvme_command) : 0;
}

/* Close the socket; its last pages may still be on their way (drain). */
static void queue_close(struct nvme_tcp_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	kernel_sock_shutdown(queue->sock, SHUT_RDWR);
	sock_hold(queue->sock->sk);
	if (queue->lame)
		sock_put(queue->lame);
	queue->lame = queue->sock->sk;
	sock_release(queue->sock);
	queue->sock = NULL;
}

/* Both sides start from where the handshake left the stream. */
static void queue_reset_sides(struct nvme_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;

	nvme_tcp_tx_reset(queue);
	nvme_tcp_rx_reset(queue);
	lock_sock(sk);
	queue->tx.pos = tcp_sk(sk)->bytes_acked +
			(tcp_sk(sk)->write_seq - tcp_sk(sk)->snd_una);
	release_sock(sk);
}

/**
 * nvme_tcp_queue_open() - connect a queue and shake hands
 * @queue: idle
 *
 * May sleep for as long as connecting may take, in a memory reclaim safe way.
 *
 * Return: 0 with the queue open, or a negative errno with it idle.
 */
int nvme_tcp_queue_open(struct nvme_tcp_queue *queue)
{
	unsigned int noio = memalloc_noio_save();
	int ret;

	mutex_lock(&queue->lock);
	if (WARN_ON_ONCE(queue->sock)) {
		ret = -EBUSY;
		goto unlock;
	}
	queue->icd_max = queue_icd_max(queue);
	ret = nvme_tcp_socket_open(queue);
	if (!ret)
		ret = nvme_tcp_handshake(queue);
	if (ret) {
		dev_err(nvme_tcp_dev(queue), "queue %d: connecting failed (%d)\n",
			queue->qid, ret);
		if (queue->sock) {
			nvme_tcp_socket_detach(queue);
			queue_close(queue);
		}
		goto unlock;
	}
	queue_reset_sides(queue);
	queue_set_state(queue, NVME_TCP_Q_OPEN);
	/* Also finds out where the connection has gone in the meantime. */
	queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq, &queue->io_work, 0);
unlock:
	mutex_unlock(&queue->lock);
	memalloc_noio_restore(noio);
	if (ret)
		nvme_tcp_queue_drain(queue, jiffies);
	return ret;
}

/**
 * nvme_tcp_queue_start() - send Connect, and go live
 * @queue: open
 *
 * Return: 0 with the queue live; -EXDEV with it open still, where it has no
 * CPU that is online; another negative errno or an NVMe status with it idle.
 */
int nvme_tcp_queue_start(struct nvme_tcp_queue *queue)
{
	struct nvme_ctrl *nctrl = &queue->ctrl->ctrl;
	int ret;

	if (queue->qid) {
		nvme_tcp_choose_cpu(queue);
		ret = nvmf_connect_io_queue(nctrl, queue->qid);
	} else {
		ret = nvmf_connect_admin_queue(nctrl);
	}
	if (!ret && cmpxchg(&queue->state, NVME_TCP_Q_OPEN,
			    NVME_TCP_Q_LIVE) != NVME_TCP_Q_OPEN)
		ret = -ENOTCONN;
	if (ret == -EXDEV)
		return ret;
	if (ret) {
		dev_err(nctrl->device, "queue %d: Connect failed (%d)\n",
			queue->qid, ret);
		nvme_tcp_queue_stop(queue);
		return ret;
	}
	trace_nvme_tcp_queue_state(queue, NVME_TCP_Q_OPEN, NVME_TCP_Q_LIVE);
	return 0;
}

/**
 * nvme_tcp_queue_broken() - give a queue up
 * @queue: any; only an open or live one is affected
 * @why: a constant string
 * @error: errno that goes with it, 0 if none
 *
 * The first one to say so wins; from then on nothing is sent or received, and
 * recovery is under way. Any context, with the socket locked or not.
 */
void nvme_tcp_queue_broken(struct nvme_tcp_queue *queue, const char *why,
			   int error)
{
	int old = READ_ONCE(queue->state);

	do {
		if (old != NVME_TCP_Q_OPEN && old != NVME_TCP_Q_LIVE)
			return;
	} while (!try_cmpxchg(&queue->state, &old, NVME_TCP_Q_BROKEN));
	trace_nvme_tcp_queue_state(queue, old, NVME_TCP_Q_BROKEN);
	trace_nvme_tcp_error(queue, 0xffff, why);
	dev_warn_ratelimited(nvme_tcp_dev(queue), "queue %d: %s (%d)\n",
			     queue->qid, why, error);
	WRITE_ONCE(queue->ctrl->stats.cause, why);
	WRITE_ONCE(queue->ctrl->stats.cause_error, error);
	nvme_tcp_recover(queue);
}

/**
 * nvme_tcp_queue_halt() - close the connection of a queue
 * @queue: any
 *
 * Afterwards nobody sends, receives or completes anything on it, and nothing
 * of ours refers to the pages of its commands; nvme_tcp_queue_drain() sees to
 * those that the network stack refers to. The commands remain to be given up.
 *
 * May sleep, for up to 300 ms where the peer has to be told of its fault.
 */
void nvme_tcp_queue_halt(struct nvme_tcp_queue *queue)
{
	mutex_lock(&queue->lock);
	if (!queue->sock)
		goto unlock;
	queue_set_state(queue, NVME_TCP_Q_IDLE);
	nvme_tcp_socket_detach(queue);
	nvme_tcp_bell_stop(&queue->bell);
	cancel_delayed_work_sync(&queue->io_work);
	if (queue->rx.fault)
		nvme_tcp_term_send(queue);
	nvme_tcp_tx_reset(queue);
	/* An inline sender may have scheduled it until a moment ago. */
	cancel_delayed_work_sync(&queue->io_work);
	nvme_tcp_rx_reset(queue);
	queue_close(queue);
unlock:
	nvme_tcp_release_cpu(queue);
	mutex_unlock(&queue->lock);
}

/**
 * nvme_tcp_queue_drain() - wait until the network stack has let go of pages
 * @queue: halted
 * @until: when to give up waiting, in jiffies
 *
 * What waited to be sent or acknowledged went with the socket. What is in a
 * qdisc or a network card may still leave: pages must not be used for
 * something else before it has. Whoever calls this waits for that, however
 * many do.
 */
void nvme_tcp_queue_drain(struct nvme_tcp_queue *queue, unsigned long until)
{
	struct sock *sk;

	mutex_lock(&queue->lock);
	sk = queue->lame;
	if (sk)
		sock_hold(sk);
	mutex_unlock(&queue->lock);
	if (!sk)
		return;
	while (sk_wmem_alloc_get(sk) && time_before(jiffies, until))
		msleep(DRAIN_STEP_MS);
	if (sk_wmem_alloc_get(sk))
		dev_warn_ratelimited(nvme_tcp_dev(queue),
				     "queue %d: the network still holds %d bytes\n",
				     queue->qid, sk_wmem_alloc_get(sk));
	mutex_lock(&queue->lock);
	if (queue->lame == sk) {
		queue->lame = NULL;
		sock_put(sk);
	}
	mutex_unlock(&queue->lock);
	sock_put(sk);
}

/**
 * nvme_tcp_queue_stop() - halt and drain one queue
 * @queue: any
 *
 * May sleep for up to 400 ms.
 */
void nvme_tcp_queue_stop(struct nvme_tcp_queue *queue)
{
	nvme_tcp_queue_halt(queue);
	nvme_tcp_queue_drain(queue, jiffies + HZ / 10);
}
