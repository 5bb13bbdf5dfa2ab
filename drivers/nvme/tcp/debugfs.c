// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nvme_tcp/nvmeN/: how a controller fares, and in a folder
 * for each queue what was agreed on and the counters.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "nvme_tcp.h"

static struct dentry *nvme_tcp_root;

static const char *const queue_states[] = {
	[NVME_TCP_Q_IDLE] = "idle",
	[NVME_TCP_Q_OPEN] = "open",
	[NVME_TCP_Q_LIVE] = "live",
	[NVME_TCP_Q_BROKEN] = "broken",
};

static int stats_show(struct seq_file *seq, void *unused)
{
	nvme_tcp_stats_show(seq, seq->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int queue_show(struct seq_file *seq, void *unused)
{
	const struct nvme_tcp_queue *queue = seq->private;

	seq_printf(seq, "state %s\n", queue_states[READ_ONCE(queue->state)]);
	seq_printf(seq, "cpu %d\n", queue->io_cpu);
	seq_printf(seq, "polled %d\n", queue->polled);
	seq_printf(seq, "header_digest %d\n", queue->hdgst);
	seq_printf(seq, "data_digest %d\n", queue->ddgst);
	seq_printf(seq, "hpda %u\n", queue->hpda);
	seq_printf(seq, "cpda %u\n", queue->cpda);
	seq_printf(seq, "max_r2t %u\n", queue->max_r2t);
	seq_printf(seq, "maxh2cdata %u\n", queue->maxh2cdata);
	seq_printf(seq, "in_capsule_max %u\n", queue->icd_max);
	seq_printf(seq, "batch_goal %u\n", READ_ONCE(queue->bell.goal));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queue);

static int ctrl_show(struct seq_file *seq, void *unused)
{
	const struct nvme_tcp_ctrl *ctrl = seq->private;
	const char *cause = READ_ONCE(ctrl->stats.cause);

	seq_printf(seq, "resets %llu\n", ctrl->stats.resets);
	seq_printf(seq, "reconnects %llu\n", ctrl->stats.reconnects);
	seq_printf(seq, "failed_attempts %llu\n", ctrl->stats.failures);
	seq_printf(seq, "last_error %d\n", ctrl->stats.cause_error);
	seq_printf(seq, "last_cause %s\n", cause ?: "none");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ctrl);

/**
 * nvme_tcp_debugfs_add() - make the folder of a controller
 * @ctrl: that nvme-core has named
 */
void nvme_tcp_debugfs_add(struct nvme_tcp_ctrl *ctrl)
{
	unsigned int i;
	char name[16];

	ctrl->dir = debugfs_create_dir(dev_name(ctrl->ctrl.device),
				       nvme_tcp_root);
	debugfs_create_file("state", 0444, ctrl->dir, ctrl, &ctrl_fops);
	for (i = 0; i < ctrl->nr_queues; i++) {
		struct dentry *dir;

		snprintf(name, sizeof(name), "queue%u", i);
		dir = debugfs_create_dir(name, ctrl->dir);
		debugfs_create_file("state", 0444, dir, &ctrl->queues[i],
				    &queue_fops);
		debugfs_create_file("stats", 0444, dir, &ctrl->queues[i],
				    &stats_fops);
	}
}

/**
 * nvme_tcp_debugfs_del() - remove the folder of a controller
 * @ctrl: any; nobody reads from it afterwards
 */
void nvme_tcp_debugfs_del(struct nvme_tcp_ctrl *ctrl)
{
	debugfs_remove_recursive(ctrl->dir);
	ctrl->dir = NULL;
}

/**
 * nvme_tcp_debugfs_init() - make the folder of the module
 */
void nvme_tcp_debugfs_init(void)
{
	nvme_tcp_root = debugfs_create_dir("nvme_tcp", NULL);
}

/**
 * nvme_tcp_debugfs_exit() - remove the folder of the module
 */
void nvme_tcp_debugfs_exit(void)
{
	debugfs_remove_recursive(nvme_tcp_root);
}
