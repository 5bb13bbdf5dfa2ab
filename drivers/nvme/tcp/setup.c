// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a controller's queues up, in the order that the fabrics
 * specification wants, and taking them down again.
 */
#include "nvme_tcp.h"

/* Milliseconds that all queues together may take to drain. */
#define DRAIN_MS	100

static int admin_start(struct nvme_tcp_ctrl *ctrl)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;
	int ret;

	ret = nvme_tcp_queue_start(&ctrl->queues[0]);
	if (ret)
		return ret;
	ret = nvme_enable_ctrl(nctrl);
	if (ret)
		return ret;
	nvme_unquiesce_admin_queue(nctrl);
	return nvme_tcp_compat_init_ctrl_finish(nctrl);
}

static void admin_stop(struct nvme_tcp_ctrl *ctrl)
{
	nvme_quiesce_admin_queue(&ctrl->ctrl);
	blk_sync_queue(ctrl->ctrl.admin_q);
	nvme_tcp_queue_stop(&ctrl->queues[0]);
	nvme_tcp_cancel_admin(ctrl);
}

static int setup_admin(struct nvme_tcp_ctrl *ctrl, bool new)
{
	int ret;

	ret = nvme_tcp_queue_open(&ctrl->queues[0]);
	if (ret)
		return ret;
	if (new) {
		ret = nvme_alloc_admin_tag_set(&ctrl->ctrl,
					       &ctrl->admin_tag_set,
					       &nvme_tcp_admin_mq_ops,
					       sizeof(struct nvme_tcp_request));
		if (ret) {
			nvme_tcp_queue_stop(&ctrl->queues[0]);
			return ret;
		}
	}
	ret = admin_start(ctrl);
	if (ret)
		nvme_tcp_teardown_admin(ctrl, new);
	return ret;
}

/**
 * nvme_tcp_teardown_admin() - take the admin queue down
 * @ctrl: controller
 * @remove: for good
 *
 * Its commands are given up. Unless for good it is left quiesced.
 */
void nvme_tcp_teardown_admin(struct nvme_tcp_ctrl *ctrl, bool remove)
{
	nvme_stop_keep_alive(&ctrl->ctrl);
	admin_stop(ctrl);
	cancel_work_sync(&ctrl->ctrl.async_event_work);
	if (remove) {
		nvme_tcp_quiet(ctrl);
		nvme_unquiesce_admin_queue(&ctrl->ctrl);
		nvme_remove_admin_tag_set(&ctrl->ctrl);
		ctrl->ctrl.admin_tagset = NULL;
	}
}

static void io_halt(struct nvme_tcp_ctrl *ctrl)
{
	unsigned long until;
	unsigned int i;

	for (i = 1; i < ctrl->nr_queues; i++)
		nvme_tcp_queue_halt(&ctrl->queues[i]);
	until = jiffies + msecs_to_jiffies(DRAIN_MS);
	for (i = 1; i < ctrl->nr_queues; i++)
		nvme_tcp_queue_drain(&ctrl->queues[i], until);
}

static void io_stop(struct nvme_tcp_ctrl *ctrl)
{
	nvme_quiesce_io_queues(&ctrl->ctrl);
	nvme_sync_io_queues(&ctrl->ctrl);
	io_halt(ctrl);
	nvme_tcp_cancel_io(ctrl);
}

/**
 * nvme_tcp_teardown_io() - take the I/O queues down
 * @ctrl: controller
 * @remove: for good
 *
 * Their commands are given up, for nvme-core to retry or to fail. Unless for
 * good they are left quiesced.
 */
void nvme_tcp_teardown_io(struct nvme_tcp_ctrl *ctrl, bool remove)
{
	if (ctrl->ctrl.queue_count <= 1 || !ctrl->ctrl.tagset)
		return;
	nvme_quiesce_admin_queue(&ctrl->ctrl);
	io_stop(ctrl);
	if (remove) {
		nvme_tcp_quiet(ctrl);
		nvme_unquiesce_io_queues(&ctrl->ctrl);
		nvme_remove_io_tag_set(&ctrl->ctrl);
		ctrl->ctrl.tagset = NULL;
	}
}

/* Ask for I/O queues, and open as many as are granted. */
static int io_open(struct nvme_tcp_ctrl *ctrl)
{
	unsigned int nr = nvme_tcp_wanted_io_queues(ctrl->ctrl.opts);
	unsigned int i;
	int ret;

	ret = nvme_set_queue_count(&ctrl->ctrl, &nr);
	if (ret)
		return ret;
	if (!nr) {
		dev_err(ctrl->ctrl.device,
			"the controller grants no I/O queue\n");
		return -ENOMEM;
	}
	nvme_tcp_count_io_queues(ctrl, nr);
	nr = ctrl->io_queues[HCTX_TYPE_DEFAULT] +
	     ctrl->io_queues[HCTX_TYPE_READ] + ctrl->io_queues[HCTX_TYPE_POLL];
	ctrl->ctrl.queue_count = nr + 1;
	dev_info(ctrl->ctrl.device, "creating %u I/O queues\n", nr);
	for (i = 1; i <= nr; i++) {
		ret = nvme_tcp_queue_open(&ctrl->queues[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Start the queues below @end that are not live. */
static int io_start(struct nvme_tcp_ctrl *ctrl, unsigned int end)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; i < end && !ret; i++)
		if (READ_ONCE(ctrl->queues[i].state) != NVME_TCP_Q_LIVE)
			ret = nvme_tcp_queue_start(&ctrl->queues[i]);
	return ret;
}

/* The same, but for those that no CPU that is online can reach. */
static int io_start_reachable(struct nvme_tcp_ctrl *ctrl, unsigned int end)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; i < end && (!ret || ret == -EXDEV); i++)
		ret = nvme_tcp_queue_start(&ctrl->queues[i]);
	return ret == -EXDEV ? 0 : ret;
}

static int io_alloc(struct nvme_tcp_ctrl *ctrl)
{
	bool polled = ctrl->ctrl.opts->nr_poll_queues;
	int ret;

	ret = nvme_alloc_io_tag_set(&ctrl->ctrl, &ctrl->tag_set,
				    &nvme_tcp_io_mq_ops,
				    polled ? HCTX_MAX_TYPES : HCTX_TYPE_POLL,
				    sizeof(struct nvme_tcp_request));
	/*
	 * One I/O queue is no reason for an I/O scheduler in front of it, with
	 * a worker between, where several queues have none.
	 */
	if (!ret)
		ctrl->tag_set.flags |= BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	return ret;
}

/*
 * After a reconnect the number of queues, and the CPUs that are online, may
 * be others than before. The queues cannot be mapped anew before commands that
 * wait in them have somewhere to go, so connect first what the old map has and
 * reaches.
 */
static int io_restart(struct nvme_tcp_ctrl *ctrl)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;
	unsigned int old = nctrl->tagset->nr_hw_queues + 1;
	unsigned int both = min(old, nctrl->queue_count);
	int ret;

	ret = io_start_reachable(ctrl, both);
	if (ret)
		return ret;
	nvme_start_freeze(nctrl);
	nvme_unquiesce_io_queues(nctrl);
	if (!nvme_wait_freeze_timeout(nctrl, NVME_IO_TIMEOUT)) {
		nvme_unfreeze(nctrl);
		return -ENODEV;
	}
	blk_mq_update_nr_hw_queues(nctrl->tagset, nctrl->queue_count - 1);
	nvme_unfreeze(nctrl);
	return io_start(ctrl, nctrl->tagset->nr_hw_queues + 1);
}

static int setup_io(struct nvme_tcp_ctrl *ctrl, bool new)
{
	int ret;

	ret = io_open(ctrl);
	if (!ret && new)
		ret = io_alloc(ctrl);
	if (!ret && new)
		ret = io_start(ctrl, ctrl->ctrl.queue_count);
	else if (!ret)
		ret = io_restart(ctrl);
	if (!ret)
		return 0;
	if (ctrl->ctrl.tagset)
		nvme_tcp_teardown_io(ctrl, new);
	else
		io_halt(ctrl);
	return ret;
}

/* Does the controller have what NVMe/TCP requires, and fit our sizes? */
static int check_ctrl(struct nvme_tcp_ctrl *ctrl)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;

	if (nctrl->icdoff) {
		dev_err(nctrl->device,
			"in-capsule data at an offset is not supported\n");
		return -EOPNOTSUPP;
	}
	if (!nvme_ctrl_sgl_supported(nctrl)) {
		dev_err(nctrl->device, "the controller supports no SGLs\n");
		return -EOPNOTSUPP;
	}
	if (nctrl->opts->queue_size > nctrl->sqsize + 1)
		dev_warn(nctrl->device,
			 "queue size %zu is limited to %u by the controller\n",
			 nctrl->opts->queue_size, nctrl->sqsize + 1);
	if (nctrl->maxcmd && nctrl->sqsize + 1 > nctrl->maxcmd) {
		dev_warn(nctrl->device,
			 "queue size %u is limited to %u commands\n",
			 nctrl->sqsize + 1, nctrl->maxcmd);
		nctrl->sqsize = nctrl->maxcmd - 1;
	}
	return 0;
}

/* A queue that broke before the controller was live told nobody. */
static void recheck_queues(struct nvme_tcp_ctrl *ctrl)
{
	unsigned int i;

	for (i = 0; i < ctrl->ctrl.queue_count; i++)
		if (READ_ONCE(ctrl->queues[i].state) != NVME_TCP_Q_LIVE) {
			nvme_tcp_recover(&ctrl->queues[i]);
			return;
		}
}

static int setup_queues(struct nvme_tcp_ctrl *ctrl, bool new)
{
	struct nvme_ctrl *nctrl = &ctrl->ctrl;
	int ret;

	ret = setup_admin(ctrl, new);
	if (ret)
		return ret;
	ret = check_ctrl(ctrl);
	if (!ret && nctrl->queue_count > 1)
		ret = setup_io(ctrl, new);
	if (ret) {
		nvme_tcp_teardown_admin(ctrl, new);
		return ret;
	}
	nvme_tcp_requeued_may_wait(ctrl);
	if (!nvme_change_ctrl_state(nctrl, NVME_CTRL_LIVE)) {
		/* Deleted meanwhile; a new one cannot be. */
		WARN_ON_ONCE(new || !nvme_tcp_deleting(ctrl));
		nvme_tcp_teardown_io(ctrl, new);
		nvme_tcp_teardown_admin(ctrl, new);
		return -ENODEV;
	}
	/* And what has just missed that there is a path again. */
	nvme_tcp_requeued_may_wait(ctrl);
	nvme_start_ctrl(nctrl);
	recheck_queues(ctrl);
	return 0;
}

/**
 * nvme_tcp_setup() - bring all queues up and go live
 * @ctrl: connecting
 * @new: for the first time, so that there are no tag sets yet
 *
 * May sleep for as long as the options and the peer make it.
 *
 * Return: 0 with the controller live; else a negative errno or an NVMe status
 * with everything taken down again.
 */
int nvme_tcp_setup(struct nvme_tcp_ctrl *ctrl, bool new)
{
	int ret = -ENODEV;

	WRITE_ONCE(ctrl->in_setup, true);
	/* Either the watchdog sees this, or we see the state it looks for. */
	smp_mb();
	if (!nvme_tcp_deleting(ctrl)) {
		nvme_tcp_watch(ctrl);
		ret = setup_queues(ctrl, new);
	}
	WRITE_ONCE(ctrl->in_setup, false);
	return ret;
}

/**
 * nvme_tcp_shutdown() - take all queues down in an orderly way
 * @ctrl: resetting or deleting
 * @remove: for good
 *
 * The peer is told, unless it does not listen any more.
 */
void nvme_tcp_shutdown(struct nvme_tcp_ctrl *ctrl, bool remove)
{
	nvme_tcp_teardown_io(ctrl, remove);
	nvme_quiesce_admin_queue(&ctrl->ctrl);
	nvme_tcp_watch(ctrl);
	nvme_tcp_compat_disable_ctrl(&ctrl->ctrl, remove);
	nvme_tcp_teardown_admin(ctrl, remove);
}
