// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when something went wrong: error recovery, reconnecting, reset,
 * and the watchdog that ends waits for a peer that says nothing.
 */
#include "nvme_tcp.h"

#define WATCH_INTERVAL	(HZ / 2)

/**
 * nvme_tcp_recover() - a queue is broken: have somebody deal with it
 * @queue: broken
 *
 * Any context.
 */
void nvme_tcp_recover(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_ctrl *ctrl = queue->ctrl;

	if (nvme_change_ctrl_state(&ctrl->ctrl, NVME_CTRL_RESETTING)) {
		dev_warn(ctrl->ctrl.device, "starting error recovery\n");
		queue_work(nvme_reset_wq, &ctrl->err_work);
	} else {
		queue_work(nvme_wq, &queue->abort_work);
	}
}

/**
 * nvme_tcp_recover_dead() - a live controller was asked to use a dead queue
 * @queue: any
 *
 * While a controller activates its firmware nvme-core has the state, so that a
 * queue that breaks is only closed; and then says that the controller is live.
 *
 * Any context.
 */
void nvme_tcp_recover_dead(struct nvme_tcp_queue *queue)
{
	if (READ_ONCE(queue->ctrl->ctrl.state) != NVME_CTRL_LIVE)
		return;
	/* Queues go live before their controller does: look again. */
	smp_rmb();
	if (READ_ONCE(queue->state) == NVME_TCP_Q_IDLE)
		nvme_tcp_recover(queue);
}

/*
 * The peer must not reach a command that it does not have any more, not even
 * by a later connection. Its queue is halted, so nobody completes it now; but
 * somebody may be about to end one that was completed.
 */
static void take_back(struct request *rq)
{
	struct nvme_tcp_request *req = blk_mq_rq_to_pdu(rq);

	WRITE_ONCE(req->state, NVME_TCP_REQ_IDLE);
	if (!blk_mq_request_completed(rq))
		nvme_tcp_may_wait(rq);
}

static bool abort_request(struct request *rq, void *data)
{
	struct nvme_tcp_request *req = blk_mq_rq_to_pdu(rq);

	if (req->queue == data) {
		take_back(rq);
		nvmf_complete_timed_out_request(rq);
	}
	return true;
}

static bool take_back_each(struct request *rq, void *data)
{
	take_back(rq);
	return true;
}

/**
 * nvme_tcp_abort_queue() - close a queue and fail its commands
 * @queue: any; its controller is not live
 *
 * Takes ctrl->cancel_lock, may sleep for up to 400 ms.
 */
void nvme_tcp_abort_queue(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_ctrl *ctrl = queue->ctrl;
	struct blk_mq_tag_set *set;

	nvme_tcp_queue_stop(queue);
	mutex_lock(&ctrl->cancel_lock);
	set = queue->qid ? ctrl->ctrl.tagset : ctrl->ctrl.admin_tagset;
	if (set)
		blk_mq_tagset_busy_iter(set, abort_request, queue);
	mutex_unlock(&ctrl->cancel_lock);
}

/**
 * nvme_tcp_abort_work() - nvme_tcp_abort_queue() as a work
 * @work: abort_work of a queue
 */
void nvme_tcp_abort_work(struct work_struct *work)
{
	struct nvme_tcp_queue *queue =
		container_of(work, struct nvme_tcp_queue, abort_work);

	/* Opened again since: that was another connection. */
	if (READ_ONCE(queue->state) == NVME_TCP_Q_BROKEN)
		nvme_tcp_abort_queue(queue);
}

/**
 * nvme_tcp_cancel_io() - give up all I/O commands, for nvme-core to retry
 * @ctrl: with its I/O queues quiesced and halted
 */
void nvme_tcp_cancel_io(struct nvme_tcp_ctrl *ctrl)
{
	mutex_lock(&ctrl->cancel_lock);
	blk_mq_tagset_busy_iter(ctrl->ctrl.tagset, take_back_each, NULL);
	nvme_cancel_tagset(&ctrl->ctrl);
	mutex_unlock(&ctrl->cancel_lock);
}

/**
 * nvme_tcp_cancel_admin() - give up all admin commands
 * @ctrl: with its admin queue quiesced and halted
 */
void nvme_tcp_cancel_admin(struct nvme_tcp_ctrl *ctrl)
{
	mutex_lock(&ctrl->cancel_lock);
	if (ctrl->ctrl.admin_tagset)
		blk_mq_tagset_busy_iter(ctrl->ctrl.admin_tagset,
					take_back_each, NULL);
	nvme_cancel_admin_tagset(&ctrl->ctrl);
	mutex_unlock(&ctrl->cancel_lock);
}

/* Move on to connecting; false where the controller is being deleted. */
static bool enter_connecting(struct nvme_tcp_ctrl *ctrl)
{
	if (nvme_change_ctrl_state(&ctrl->ctrl, NVME_CTRL_CONNECTING))
		return true;
	WARN_ON_ONCE(!nvme_tcp_deleting(ctrl));
	return false;
}

/* Another attempt later, or the end. */
static void reconnect_or_remove(struct nvme_tcp_ctrl *ctrl, int status)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;

	if (READ_ONCE(nctrl->state) != NVME_CTRL_CONNECTING)
		return;
	if (nvme_tcp_compat_should_reconnect(nctrl, status)) {
		dev_info(nctrl->device, "reconnecting in %u seconds\n",
			 nctrl->opts->reconnect_delay);
		queue_delayed_work(nvme_wq, &ctrl->connect_work,
				   nctrl->opts->reconnect_delay * HZ);
	} else {
		dev_info(nctrl->device, "removing the controller (%d)\n",
			 status);
		nvme_delete_ctrl(nctrl);
	}
}

/* Commands may fail over, fail, or be put off; none has to wait for us. */
static void release_waiters(struct nvme_ctrl *nctrl)
{
	nvme_unquiesce_io_queues(nctrl);
	nvme_unquiesce_admin_queue(nctrl);
}

static void err_work(struct work_struct *work)
{
	struct nvme_tcp_ctrl *ctrl =
		container_of(work, struct nvme_tcp_ctrl, err_work);
	struct nvme_ctrl *nctrl = &ctrl->ctrl;

	ctrl->stats.resets++;
	nvme_stop_keep_alive(nctrl);
	flush_work(&nctrl->async_event_work);
	nvme_tcp_teardown_io(ctrl, false);
	nvme_tcp_teardown_admin(ctrl, false);
	release_waiters(nctrl);
	nvme_auth_stop(nctrl);
	if (enter_connecting(ctrl))
		reconnect_or_remove(ctrl, 0);
}

static void connect_work(struct work_struct *work)
{
	struct nvme_tcp_ctrl *ctrl =
		container_of(to_delayed_work(work), struct nvme_tcp_ctrl,
			     connect_work);
	struct nvme_ctrl *nctrl = &ctrl->ctrl;
	int ret;

	nctrl->nr_reconnects++;
	ret = nvme_tcp_setup(ctrl, false);
	if (ret) {
		ctrl->stats.failures++;
		dev_info(nctrl->device, "attempt %d to reconnect failed (%d)\n",
			 nctrl->nr_reconnects, ret);
		release_waiters(nctrl);
		reconnect_or_remove(ctrl, ret);
		return;
	}
	dev_info(nctrl->device, "reconnected at attempt %d\n",
		 nctrl->nr_reconnects);
	ctrl->stats.reconnects++;
	nctrl->nr_reconnects = 0;
}

static void reset_work(struct work_struct *work)
{
	struct nvme_ctrl *nctrl =
		container_of(work, struct nvme_ctrl, reset_work);
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(nctrl);
	int ret;

	nvme_stop_ctrl(nctrl);
	nvme_stop_keep_alive(nctrl);
	nvme_tcp_shutdown(ctrl, false);
	if (!enter_connecting(ctrl)) {
		/* Whoever deletes it waits for them, too. */
		release_waiters(nctrl);
		return;
	}
	ret = nvme_tcp_setup(ctrl, false);
	if (ret) {
		nctrl->nr_reconnects++;
		release_waiters(nctrl);
		reconnect_or_remove(ctrl, ret);
	}
}

static bool queue_has_work(struct nvme_tcp_queue *queue)
{
	return nvme_tcp_tx_pending(queue) ||
	       READ_ONCE(queue->tx.sent) != READ_ONCE(queue->rx.done);
}

/*
 * Has a queue with work waited too long for a sign of life, or for an answer?
 * What is written back before the end takes as long as it takes.
 */
static bool queue_is_stuck(struct nvme_tcp_queue *queue)
{
	u64 bytes = READ_ONCE(queue->rx.stats[NVME_TCP_RX_BYTES]);
	u32 done = READ_ONCE(queue->rx.done);
	bool works = queue_has_work(queue);

	if (bytes != queue->seen_bytes || !works) {
		queue->seen_bytes = bytes;
		queue->idle_since = jiffies;
	}
	if (done != queue->seen_done || !works) {
		queue->seen_done = done;
		queue->done_since = jiffies;
	}
	return time_after(jiffies,
			  queue->idle_since + NVME_TCP_PATIENCE * HZ) ||
	       time_after(jiffies,
			  queue->done_since + NVME_TCP_ANSWER_TMO * HZ);
}

/*
 * While a controller is being deleted nothing waits longer than a few seconds
 * for a peer that says nothing, nor much longer for one that never comes to an
 * end, and connecting is given up at once.
 */
static void watch_work(struct work_struct *work)
{
	struct nvme_tcp_ctrl *ctrl =
		container_of(to_delayed_work(work), struct nvme_tcp_ctrl,
			     watch_work);
	enum nvme_ctrl_state state = READ_ONCE(ctrl->ctrl.state);
	bool connecting = READ_ONCE(ctrl->in_setup);
	bool deleting = nvme_tcp_deleting(ctrl);
	unsigned int i;

	for (i = 0; i < ctrl->nr_queues; i++) {
		struct nvme_tcp_queue *queue = &ctrl->queues[i];

		if (deleting)
			wake_up(&queue->wait);
		if (!nvme_tcp_queue_usable(queue) ||
		    state == NVME_CTRL_LIVE || (connecting && !deleting))
			continue;
		if (connecting || queue_is_stuck(queue)) {
			dev_warn(ctrl->ctrl.device,
				 "queue %u: giving up on the controller\n", i);
			nvme_tcp_abort_queue(queue);
		}
	}
	if (connecting || deleting || state == NVME_CTRL_RESETTING)
		queue_delayed_work(nvme_wq, &ctrl->watch_work, WATCH_INTERVAL);
}

/**
 * nvme_tcp_watch() - start the watchdog
 * @ctrl: connecting, resetting or deleting
 *
 * It looks every half second, until the controller is live or waits for the
 * next attempt to connect, or nvme_tcp_quiet().
 */
void nvme_tcp_watch(struct nvme_tcp_ctrl *ctrl)
{
	unsigned int i;

	for (i = 0; i < ctrl->nr_queues; i++) {
		ctrl->queues[i].idle_since = jiffies;
		ctrl->queues[i].done_since = jiffies;
	}
	mod_delayed_work(nvme_wq, &ctrl->watch_work, WATCH_INTERVAL);
}

/**
 * nvme_tcp_quiet() - see to it that no work gives up commands any more
 * @ctrl: with the queues that matter halted
 */
void nvme_tcp_quiet(struct nvme_tcp_ctrl *ctrl)
{
	unsigned int i;

	cancel_delayed_work_sync(&ctrl->watch_work);
	for (i = 0; i < ctrl->nr_queues; i++)
		cancel_work_sync(&ctrl->queues[i].abort_work);
}

/**
 * nvme_tcp_stop_ctrl() - nvme-core: a reset or the end begins
 * @nctrl: controller
 *
 * Afterwards neither recovery nor reconnecting is under way.
 */
void nvme_tcp_stop_ctrl(struct nvme_ctrl *nctrl)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(nctrl);

	nvme_tcp_watch(ctrl);
	flush_work(&ctrl->err_work);
	cancel_delayed_work_sync(&ctrl->connect_work);
}

/**
 * nvme_tcp_recovery_init() - prepare the works of a controller
 * @ctrl: being created
 */
void nvme_tcp_recovery_init(struct nvme_tcp_ctrl *ctrl)
{
	mutex_init(&ctrl->cancel_lock);
	INIT_WORK(&ctrl->err_work, err_work);
	INIT_WORK(&ctrl->ctrl.reset_work, reset_work);
	INIT_DELAYED_WORK(&ctrl->connect_work, connect_work);
	INIT_DELAYED_WORK(&ctrl->watch_work, watch_work);
}
