// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVMe/TCP target: parameters, and the way in and out of the module.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "nvmet_tcp.h"

/* Queues in all, each with two works at most. */
#define CTL_WORKS	512

/* A parameter with a smallest and a largest value. */
struct bounded {
	unsigned int	*value;
	unsigned int	min;
	unsigned int	max;
	unsigned int	multiple;
};

static int bounded_set(const char *text, const struct kernel_param *kp)
{
	const struct bounded *b = kp->arg;
	unsigned int value;
	int err;

	err = kstrtouint(text, 0, &value);
	if (err)
		return err;
	if (value < b->min || value > b->max || value % b->multiple)
		return -ERANGE;
	*b->value = value;
	return 0;
}

static int bounded_get(char *text, const struct kernel_param *kp)
{
	const struct bounded *b = kp->arg;

	return sysfs_emit(text, "%u\n", *b->value);
}

static const struct kernel_param_ops bounded_ops = {
	.set = bounded_set,
	.get = bounded_get,
};

#define BOUNDED(name, start, from, to, of, text)			\
	unsigned int nvmet_tcp_##name = (start);			\
	static const struct bounded name##_bounds = {			\
		.value = &nvmet_tcp_##name, .min = (from), .max = (to),	\
		.multiple = (of),					\
	};								\
	module_param_cb(name, &bounded_ops, (void *)&name##_bounds, 0644); \
	MODULE_PARM_DESC(name, text)

int nvmet_tcp_so_priority;
module_param_named(so_priority, nvmet_tcp_so_priority, int, 0644);
MODULE_PARM_DESC(so_priority, "priority of our sockets, for the network's queueing");

int nvmet_tcp_idle_poll_usecs;
module_param_named(idle_poll_period_usecs, nvmet_tcp_idle_poll_usecs, int,
		   0644);
MODULE_PARM_DESC(idle_poll_period_usecs, "microseconds that a queue goes on polling after its last work (default 0)");

BOUNDED(icreq_timeout, 10, 1, 3600, 1,
	"seconds that a connection may take to send its ICReq (default 10)");
BOUNDED(connect_timeout, 10, 1, 3600, 1,
	"seconds from ICReq to a Connect that succeeds (default 10)");
BOUNDED(term_timeout, 30, 1, 3600, 1,
	"seconds that a host may take to close after a C2HTermReq (default 30)");
BOUNDED(cpda, 0, 0, NVME_TCP_PDA_MAX, 1,
	"alignment of data that we ask hosts for, 0's based dwords (default 0)");
BOUNDED(maxh2cdata, 1024 * 1024, NVME_TCP_MIN_MAXH2CDATA,
	NVMET_TCP_TRANSFER_MAX, 4,
	"most data in one H2CData PDU, in bytes (default 1 MiB)");
BOUNDED(max_r2t_len, 0, 0, NVMET_TCP_TRANSFER_MAX, 4096,
	"most data that one R2T asks for, in bytes, 0: all of a command (default 0)");
BOUNDED(mdts, 8, 0, 10, 1,
	"largest transfer: 4 KiB to the power of two of this (default 8: 1 MiB)");
BOUNDED(max_connections, 0, 0, UINT_MAX, 1,
	"most connections of a port, 0: no limit (default 0)");
BOUNDED(max_half_open, 128, 1, UINT_MAX, 1,
	"most connections of a port without a controller; the oldest ends for a new one (default 128)");

struct workqueue_struct *nvmet_tcp_io_wq;
struct workqueue_struct *nvmet_tcp_ctl_wq;

static u8 get_mdts(const struct nvmet_ctrl *ctrl)
{
	return nvmet_tcp_mdts;
}

static ssize_t __maybe_unused host_traddr(struct nvmet_ctrl *ctrl,
					  char *traddr, size_t len)
{
	struct nvmet_sq *sq = ctrl->sqs[0];
	struct nvmet_tcp_queue *queue;

	if (!sq)
		return -ENOTCONN;
	queue = container_of(sq, struct nvmet_tcp_queue, sq);
	return scnprintf(traddr, len, "%pISc", &queue->peer);
}

const struct nvmet_fabrics_ops nvmet_tcp_ops = {
	.owner			= THIS_MODULE,
	.type			= NVMF_TRTYPE_TCP,
	.msdbd			= 1,
	.add_port		= nvmet_tcp_port_add,
	.remove_port		= nvmet_tcp_port_remove,
	.queue_response		= nvmet_tcp_send_response,
	.delete_ctrl		= nvmet_tcp_queue_delete_ctrl,
	.install_queue		= nvmet_tcp_queue_install,
	.disc_traddr		= nvmet_tcp_port_disc_traddr,
	.get_mdts		= get_mdts,
	NVMET_TCP_COMPAT_HOST_TRADDR(host_traddr)
};

static int __init create_workqueues(void)
{
	nvmet_tcp_io_wq = alloc_workqueue("nvmet_tcp_io",
					  WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!nvmet_tcp_io_wq)
		return -ENOMEM;
	nvmet_tcp_ctl_wq = alloc_workqueue("nvmet_tcp_ctl",
					   WQ_MEM_RECLAIM | WQ_UNBOUND,
					   CTL_WORKS);
	if (nvmet_tcp_ctl_wq)
		return 0;
	destroy_workqueue(nvmet_tcp_io_wq);
	return -ENOMEM;
}

static void destroy_workqueues(void)
{
	destroy_workqueue(nvmet_tcp_ctl_wq);
	destroy_workqueue(nvmet_tcp_io_wq);
}

static int __init nvmet_tcp_init(void)
{
	int err;

	err = nvmet_tcp_cmd_cache_init();
	if (err)
		return err;
	err = create_workqueues();
	if (err)
		goto free_cmd_cache;
	err = nvmet_tcp_port_init();
	if (err)
		goto free_workqueues;
	nvmet_tcp_debugfs_init();
	err = nvmet_register_transport(&nvmet_tcp_ops);
	if (!err)
		return 0;

	nvmet_tcp_debugfs_exit();
	nvmet_tcp_port_exit();
free_workqueues:
	destroy_workqueues();
free_cmd_cache:
	nvmet_tcp_cmd_cache_exit();
	return err;
}

/*
 * An enabled port keeps the module, so all ports are removed by now. What may
 * still run are the teardowns of their queues and the drain works.
 */
static void __exit nvmet_tcp_exit(void)
{
	nvmet_unregister_transport(&nvmet_tcp_ops);
	flush_workqueue(nvmet_wq);
	nvmet_tcp_debugfs_exit();
	destroy_workqueues();
	nvmet_tcp_port_exit();
	nvmet_tcp_queue_exit();
	nvmet_tcp_cmd_cache_exit();
}

module_init(nvmet_tcp_init);
module_exit(nvmet_tcp_exit);

MODULE_DESCRIPTION("NVMe target TCP transport");
MODULE_LICENSE("GPL");
MODULE_ALIAS("nvmet-transport-3"); /* NVMF_TRTYPE_TCP */
