// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVMe/TCP target: the way in and out of the module.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "nvmet_tcp.h"

/* Works at a time: most of them end at once, but a teardown waits for I/O. */
#define CTL_WORKS	512

struct workqueue_struct *nvmet_tcp_io_wq;
struct workqueue_struct *nvmet_tcp_ctl_wq;
struct workqueue_struct *nvmet_tcp_teardown_wq;

/* For the answer to an Identify, so the admin queue is there. */
static u8 get_mdts(const struct nvmet_ctrl *ctrl)
{
	return container_of(ctrl->sqs[0], struct nvmet_tcp_queue,
			    sq)->terms.mdts;
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
	NVMET_TCP_COMPAT_OPS
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
	if (!nvmet_tcp_ctl_wq)
		goto destroy_io_wq;
	nvmet_tcp_teardown_wq = alloc_workqueue("nvmet_tcp_teardown",
						WQ_MEM_RECLAIM | WQ_UNBOUND,
						CTL_WORKS);
	if (nvmet_tcp_teardown_wq)
		return 0;
	destroy_workqueue(nvmet_tcp_ctl_wq);
destroy_io_wq:
	destroy_workqueue(nvmet_tcp_io_wq);
	return -ENOMEM;
}

/* In the order in which works start each other. */
static void destroy_workqueues(void)
{
	destroy_workqueue(nvmet_tcp_ctl_wq);
	destroy_workqueue(nvmet_tcp_teardown_wq);
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
