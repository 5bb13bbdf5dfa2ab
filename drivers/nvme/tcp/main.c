// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVMe/TCP initiator: module parameters, registration with nvme-fabrics.
 */
#include <linux/module.h>

#include "nvme_tcp.h"

int nvme_tcp_so_priority;
module_param_named(so_priority, nvme_tcp_so_priority, int, 0644);
MODULE_PARM_DESC(so_priority, "socket priority (SO_PRIORITY), 0 leaves it alone");

static bool wq_unbound;
module_param(wq_unbound, bool, 0644);
MODULE_PARM_DESC(wq_unbound, "let the scheduler choose CPUs; read when the module is loaded");

unsigned int nvme_tcp_hpda;
module_param_named(hpda, nvme_tcp_hpda, uint, 0644);
MODULE_PARM_DESC(hpda, "alignment of data asked for, in dwords, 0's based, 0 to 31 (default 0)");

unsigned int nvme_tcp_max_r2t = NVME_TCP_R2T_MAX;
module_param_named(max_r2t, nvme_tcp_max_r2t, uint, 0644);
MODULE_PARM_DESC(max_r2t, "R2Ts offered for each command, 1 to 4 (default 4)");

unsigned int nvme_tcp_batch = 16;
module_param_named(batch, nvme_tcp_batch, uint, 0644);
MODULE_PARM_DESC(batch, "commands of a busy queue that are sent together, 1 to 64, 1 for each at once (default 16)");

unsigned int nvme_tcp_batch_usecs = 25;
module_param_named(batch_usecs, nvme_tcp_batch_usecs, uint, 0644);
MODULE_PARM_DESC(batch_usecs, "microseconds to wait for another one of those, up to 1000, 0 for each at once (default 25)");

struct workqueue_struct *nvme_tcp_wq;

static struct nvmf_transport_ops nvme_tcp_transport = {
	.name		= "tcp",
	.module		= THIS_MODULE,
	.required_opts	= NVMF_OPT_TRADDR,
	.allowed_opts	= NVMF_OPT_TRSVCID | NVMF_OPT_RECONNECT_DELAY |
			  NVMF_OPT_HOST_TRADDR | NVMF_OPT_HOST_IFACE |
			  NVMF_OPT_CTRL_LOSS_TMO | NVMF_OPT_TOS |
			  NVMF_OPT_HDR_DIGEST | NVMF_OPT_DATA_DIGEST |
			  NVMF_OPT_NR_WRITE_QUEUES | NVMF_OPT_NR_POLL_QUEUES,
	.create_ctrl	= nvme_tcp_create_ctrl,
};

static int __init nvme_tcp_init(void)
{
	unsigned int flags = WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_SYSFS;
	int ret;

	if (wq_unbound)
		flags |= WQ_UNBOUND;
	nvme_tcp_wq = alloc_workqueue("nvme_tcp_wq", flags, 0);
	if (!nvme_tcp_wq)
		return -ENOMEM;
	nvme_tcp_debugfs_init();
	ret = nvmf_register_transport(&nvme_tcp_transport);
	if (ret) {
		nvme_tcp_debugfs_exit();
		destroy_workqueue(nvme_tcp_wq);
	}
	return ret;
}

static void __exit nvme_tcp_exit(void)
{
	nvmf_unregister_transport(&nvme_tcp_transport);
	nvme_tcp_delete_all();
	nvme_tcp_debugfs_exit();
	destroy_workqueue(nvme_tcp_wq);
}

module_init(nvme_tcp_init);
module_exit(nvme_tcp_exit);

MODULE_DESCRIPTION("NVMe/TCP initiator");
MODULE_LICENSE("GPL");
MODULE_ALIAS("nvme-tcp");
