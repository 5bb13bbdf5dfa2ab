// SPDX-License-Identifier: GPL-2.0-only
/*
 * What blk-mq asks of us: requests are prepared here, submitted, polled for,
 * and looked after when they take too long.
 */
#include <net/busy_poll.h>

#include "nvme_tcp.h"

static struct nvme_tcp_queue *hctx_queue(struct blk_mq_hw_ctx *hctx)
{
	return hctx->driver_data;
}

static int admin_init_hctx(struct blk_mq_hw_ctx *hctx, void *data,
			   unsigned int index)
{
	hctx->driver_data = &to_nvme_tcp_ctrl(data)->queues[0];
	return 0;
}

static int io_init_hctx(struct blk_mq_hw_ctx *hctx, void *data,
			unsigned int index)
{
	hctx->driver_data = &to_nvme_tcp_ctrl(data)->queues[index + 1];
	return 0;
}

static int init_request(struct blk_mq_tag_set *set, struct request *rq,
			unsigned int hctx_index, unsigned int node)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(set->driver_data);
	struct nvme_tcp_request *req = blk_mq_rq_to_pdu(rq);
	int qid = set == &ctrl->tag_set ? hctx_index + 1 : 0;

	req->queue = &ctrl->queues[qid];
	req->state = NVME_TCP_REQ_IDLE;
	req->nvme.ctrl = &ctrl->ctrl;
	req->nvme.cmd = &req->cmd;
	return 0;
}

/* Where the data of a command is: nowhere, in the capsule, or with us. */
static void req_set_sgl(struct nvme_tcp_request *req, u32 len, bool in_capsule)
{
	struct nvme_sgl_desc *sgl = &req->cmd.common.dptr.sgl;

	req->cmd.common.flags |= NVME_CMD_SGL_METABUF;
	memset(sgl, 0, sizeof(*sgl));
	sgl->length = cpu_to_le32(len);
	if (in_capsule)
		sgl->type = NVME_SGL_FMT_DATA_DESC << 4 | NVME_SGL_FMT_OFFSET;
	else
		sgl->type = NVME_TRANSPORT_SGL_DATA_DESC << 4 |
			    NVME_SGL_FMT_TRANSPORT_A;
}

static bool req_fits_capsule(struct nvme_tcp_request *req)
{
	if (nvme_is_fabrics(&req->cmd))
		return req->data_len <= NVME_TCP_ADMIN_CCSZ;
	return req->data_len <= req->queue->icd_max;
}

static void req_prepare(struct nvme_tcp_request *req, struct request *rq)
{
	bool in_capsule;
	int i;

	req->status = 0;
	req->last = false;
	req->received = 0;
	req->data_len = blk_rq_nr_phys_segments(rq) ?
			blk_rq_payload_bytes(rq) : 0;
	in_capsule = req->data_len && rq_data_dir(rq) == WRITE &&
		     req_fits_capsule(req);
	if (req->data_len)
		nvme_tcp_cursor_init(&req->cursor, rq);
	req_set_sgl(req, req->data_len, in_capsule);
	req->grants.nr = 0;
	if (in_capsule)
		nvme_tcp_grant(&req->grants, 0, req->data_len);
	for (i = 0; i < ARRAY_SIZE(req->r2t); i++)
		req->r2t[i].busy = false;
	req->capsule.kind = NVME_TCP_SEND_CAPSULE;
	req->capsule.offset = 0;
	req->capsule.left = in_capsule ? req->data_len : 0;
	WRITE_ONCE(req->state, NVME_TCP_REQ_QUEUED);
}

/* Who set the command up himself hears of it, any other is tried again. */
static blk_status_t no_connection(struct request *rq)
{
	if (blk_rq_is_passthrough(rq))
		return nvme_host_path_error(rq);
	return BLK_STS_RESOURCE;
}

/**
 * nvme_tcp_may_wait() - the next attempt at a command may wait for resources
 * @rq: about to be given up, for nvme-core to fail over or to retry
 *
 * Whoever issued it without wanting to wait is not around any more then, and
 * could not make anything of an EAGAIN.
 */
void nvme_tcp_may_wait(struct request *rq)
{
	struct bio *bio;

	if (!NVME_TCP_COMPAT_FAILOVER_WAITS)
		__rq_for_each_bio(bio, rq)
			bio->bi_opf &= ~REQ_NOWAIT;
}

#ifdef CONFIG_NVME_MULTIPATH
static void requeued_may_wait(struct nvme_ns_head *head)
{
	struct bio *bio;

	spin_lock_irq(&head->requeue_lock);
	bio_list_for_each(bio, &head->requeue_list)
		bio->bi_opf &= ~REQ_NOWAIT;
	spin_unlock_irq(&head->requeue_lock);
}
#else
static void requeued_may_wait(struct nvme_ns_head *head)
{
}
#endif

/**
 * nvme_tcp_requeued_may_wait() - the same for what never became a command
 * @ctrl: about to be live, or live and not started yet
 *
 * nvme-core keeps what was issued while there was no path, and sends it on its
 * way when there is one again. Right then it also looks at the namespaces, for
 * which it freezes their queues: whatever does not wait there ends as EAGAIN,
 * outside the task that issued it and could have tried again.
 *
 * May sleep.
 */
void nvme_tcp_requeued_may_wait(struct nvme_tcp_ctrl *ctrl)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;
	struct nvme_ns *ns;

	nvme_tcp_compat_hold_namespaces(nctrl);
	list_for_each_entry(ns, &nctrl->namespaces, list)
		if (nvme_ns_head_multipath(ns->head))
			requeued_may_wait(ns->head);
	nvme_tcp_compat_release_namespaces(nctrl);
}

/* Who polls, or sets the controller up, waits for nothing but the answer. */
static bool may_wait(const struct nvme_tcp_queue *queue)
{
	return queue->qid && !queue->polled &&
	       READ_ONCE(queue->state) == NVME_TCP_Q_LIVE;
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx,
			     const struct blk_mq_queue_data *bd)
{
	struct nvme_tcp_queue *queue = hctx_queue(hctx);
	struct nvme_ctrl *nctrl = &queue->ctrl->ctrl;
	struct request *rq = bd->rq;
	struct nvme_tcp_request *req = blk_mq_rq_to_pdu(rq);
	int state = READ_ONCE(queue->state);
	blk_status_t ret;

	if (!nvme_check_ready(nctrl, rq, state == NVME_TCP_Q_LIVE)) {
		nvme_tcp_may_wait(rq);
		return nvme_fail_nonready_command(nctrl, rq);
	}
	if (unlikely(state == NVME_TCP_Q_IDLE)) {
		nvme_tcp_recover_dead(queue);
		return no_connection(rq);
	}
	ret = nvme_setup_cmd(hctx->queue->queuedata, rq);
	if (unlikely(ret))
		return ret;
	req_prepare(req, rq);
	nvme_start_request(rq);
	nvme_tcp_tx_submit(queue, &req->capsule);
	if (may_wait(queue) ?
	    nvme_tcp_bell_ring(queue, req->data_len, bd->last) : bd->last)
		nvme_tcp_queue_kick(queue);
	return BLK_STS_OK;
}

static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	nvme_tcp_queue_kick(hctx_queue(hctx));
}

static void request_done(struct request *rq)
{
	/* Nothing of ours is bound to a request. */
}

/**
 * nvme_tcp_complete_batch() - end requests that were completed together
 * @batch: filled by blk_mq_add_to_batch()
 */
void nvme_tcp_complete_batch(struct io_comp_batch *batch)
{
	nvme_complete_batch(batch, request_done);
}

/* One look at a live queue; completed commands. Does not sleep. */
static int poll_once(struct nvme_tcp_queue *queue, struct io_comp_batch *iob)
{
	struct sock *sk = queue->sock->sk;

	if (sk_can_busy_loop(sk) &&
	    skb_queue_empty_lockless(&sk->sk_receive_queue))
		sk_busy_loop(sk, true);
	/* What an R2T asked for needs the socket locked by who may sleep. */
	if (nvme_tcp_tx_due(queue))
		queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq,
				      &queue->io_work, 0);
	return nvme_tcp_rx_poll(queue, iob);
}

/*
 * The block layer calls this with RCU locked. Whoever halts the queue meanwhile
 * has the lock: then there is nothing.
 */
static int poll_queue(struct blk_mq_hw_ctx *hctx, struct io_comp_batch *iob)
{
	struct nvme_tcp_queue *queue = hctx_queue(hctx);
	int completed = 0;

	if (!mutex_trylock(&queue->lock))
		return 0;
	if (READ_ONCE(queue->state) == NVME_TCP_Q_LIVE)
		completed = poll_once(queue, iob);
	mutex_unlock(&queue->lock);
	return completed;
}

/* Nobody may have polled for a command that the peer has long completed. */
static bool poll_for(struct nvme_tcp_queue *queue, struct request *rq)
{
	u32 completed;

	if (!queue->polled)
		return false;
	mutex_lock(&queue->lock);
	if (READ_ONCE(queue->state) == NVME_TCP_Q_LIVE)
		nvme_tcp_rx_run(queue, NULL, &completed);
	mutex_unlock(&queue->lock);
	return blk_mq_request_completed(rq);
}

/*
 * A live controller recovers from a command that takes too long, and gives it
 * up while doing so. In any other state somebody waits for the command in
 * order to get on with setting up or shutting down: it fails right now, with
 * all others of its queue.
 */
static enum blk_eh_timer_return timeout(struct request *rq)
{
	struct nvme_tcp_request *req = blk_mq_rq_to_pdu(rq);
	struct nvme_tcp_queue *queue = req->queue;
	struct nvme_ctrl *nctrl = &queue->ctrl->ctrl;

	if (poll_for(queue, rq))
		return BLK_EH_DONE;
	dev_warn_ratelimited(nctrl->device,
			     "queue %d: command id %#06x, opcode %#x: timed out\n",
			     queue->qid, req->cmd.common.command_id,
			     req->cmd.common.opcode);
	if (READ_ONCE(nctrl->state) == NVME_CTRL_LIVE) {
		nvme_tcp_queue_broken(queue, "a command timed out", 0);
		nvme_tcp_recover_dead(queue);
		return BLK_EH_RESET_TIMER;
	}
	nvme_tcp_abort_queue(queue);
	return BLK_EH_DONE;
}

const struct blk_mq_ops nvme_tcp_admin_mq_ops = {
	.queue_rq	= queue_rq,
	.commit_rqs	= commit_rqs,
	.complete	= nvme_complete_rq,
	.init_request	= init_request,
	.init_hctx	= admin_init_hctx,
	.timeout	= timeout,
};

const struct blk_mq_ops nvme_tcp_io_mq_ops = {
	.queue_rq	= queue_rq,
	.commit_rqs	= commit_rqs,
	.complete	= nvme_complete_rq,
	.init_request	= init_request,
	.init_hctx	= io_init_hctx,
	.timeout	= timeout,
	.map_queues	= nvme_tcp_map_queues,
	.poll		= poll_queue,
};

/**
 * nvme_tcp_submit_async_event() - send an Asynchronous Event Request
 * @nctrl: controller
 *
 * nvme-core calls this one at a time, after the previous one was answered.
 */
void nvme_tcp_submit_async_event(struct nvme_ctrl *nctrl)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(nctrl);
	struct nvme_tcp_queue *queue = &ctrl->queues[0];
	struct nvme_tcp_request *aer = &ctrl->aer;

	if (READ_ONCE(queue->state) != NVME_TCP_Q_LIVE ||
	    cmpxchg(&aer->state, NVME_TCP_REQ_IDLE, NVME_TCP_REQ_QUEUED) !=
	    NVME_TCP_REQ_IDLE)
		return;
	memset(&aer->cmd, 0, sizeof(aer->cmd));
	aer->queue = queue;
	aer->cmd.common.opcode = nvme_admin_async_event;
	aer->cmd.common.command_id = NVME_AQ_BLK_MQ_DEPTH;
	req_set_sgl(aer, 0, false);
	aer->capsule.kind = NVME_TCP_SEND_CAPSULE;
	aer->capsule.left = 0;
	nvme_tcp_tx_submit(queue, &aer->capsule);
	nvme_tcp_queue_kick(queue);
}
