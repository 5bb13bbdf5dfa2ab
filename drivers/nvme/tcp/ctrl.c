// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controllers: creation from the options of nvme-fabrics, the list of them,
 * what nvme-core asks of a transport, and their end.
 */
#include <linux/inet.h>
#include <linux/nsproxy.h>
#include <net/net_namespace.h>

#include "nvme_tcp.h"

static LIST_HEAD(nvme_tcp_ctrls);
static DEFINE_MUTEX(nvme_tcp_ctrls_lock);

static void ctrl_release(struct nvme_tcp_ctrl *ctrl)
{
	put_net(ctrl->net);
	kvfree(ctrl->queues);
	kfree(ctrl);
}

/* nvme-core: the last reference is gone. */
static void free_ctrl(struct nvme_ctrl *nctrl)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(nctrl);
	unsigned int i;

	nvme_tcp_quiet(ctrl);
	for (i = 0; i < ctrl->nr_queues; i++) {
		nvme_tcp_bell_stop(&ctrl->queues[i].bell);
		cancel_delayed_work_sync(&ctrl->queues[i].io_work);
	}
	/* One that never came to be leaves its options to nvme-fabrics. */
	if (!list_empty(&ctrl->entry)) {
		mutex_lock(&nvme_tcp_ctrls_lock);
		list_del(&ctrl->entry);
		mutex_unlock(&nvme_tcp_ctrls_lock);
		nvmf_free_options(nctrl->opts);
	}
	ctrl_release(ctrl);
}

/* nvme-core: take it down; namespaces are gone already. */
static void delete_ctrl(struct nvme_ctrl *nctrl)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(nctrl);

	nvme_tcp_shutdown(ctrl, true);
	nvme_tcp_debugfs_del(ctrl);
}

/* sysfs: the options, and where the admin queue comes from if connected. */
static int get_address(struct nvme_ctrl *nctrl, char *buf, int size)
{
	struct nvme_tcp_queue *queue = &to_nvme_tcp_ctrl(nctrl)->queues[0];
	int len = nvmf_get_address(nctrl, buf, size);
	struct sockaddr_storage src;

	/* Held for long only while there is nothing to show. */
	if (!mutex_trylock(&queue->lock))
		return len;
	if (queue->sock &&
	    kernel_getsockname(queue->sock, (struct sockaddr *)&src) > 0) {
		if (len)
			len--;
		len += scnprintf(buf + len, size - len, "%ssrc_addr=%pISc\n",
				 len ? "," : "", &src);
	}
	mutex_unlock(&queue->lock);
	return len;
}

static const struct nvme_ctrl_ops nvme_tcp_ctrl_ops = {
	.name			= "tcp",
	.module			= THIS_MODULE,
	.flags			= NVME_F_FABRICS | NVME_F_BLOCKING,
	.reg_read32		= nvmf_reg_read32,
	.reg_read64		= nvmf_reg_read64,
	.reg_write32		= nvmf_reg_write32,
	.subsystem_reset	= nvmf_subsystem_reset,
	.free_ctrl		= free_ctrl,
	.submit_async_event	= nvme_tcp_submit_async_event,
	.delete_ctrl		= delete_ctrl,
	.get_address		= get_address,
	.stop_ctrl		= nvme_tcp_stop_ctrl,
};

static bool already_connected(struct nvmf_ctrl_options *opts)
{
	struct nvme_tcp_ctrl *ctrl;
	bool found = false;

	mutex_lock(&nvme_tcp_ctrls_lock);
	list_for_each_entry(ctrl, &nvme_tcp_ctrls, entry) {
		found = net_eq(ctrl->net, current->nsproxy->net_ns) &&
			nvmf_ip_options_match(&ctrl->ctrl, opts);
		if (found)
			break;
	}
	mutex_unlock(&nvme_tcp_ctrls_lock);
	return found;
}

static int parse_addresses(struct nvme_tcp_ctrl *ctrl,
			   struct nvmf_ctrl_options *opts)
{
	int ret;

	if (!(opts->mask & NVMF_OPT_TRSVCID)) {
		opts->trsvcid = kasprintf(GFP_KERNEL, "%u", NVME_TCP_DISC_PORT);
		if (!opts->trsvcid)
			return -ENOMEM;
		opts->mask |= NVMF_OPT_TRSVCID;
	}
	ret = inet_pton_with_scope(ctrl->net, AF_UNSPEC, opts->traddr,
				   opts->trsvcid, &ctrl->addr);
	if (ret) {
		pr_err("no address and port: %s:%s\n", opts->traddr,
		       opts->trsvcid);
		return ret;
	}
	if (!(opts->mask & NVMF_OPT_HOST_TRADDR))
		return 0;
	ret = inet_pton_with_scope(ctrl->net, AF_UNSPEC, opts->host_traddr,
				   NULL, &ctrl->src_addr);
	if (ret)
		pr_err("no address of this host: %s\n", opts->host_traddr);
	return ret;
}

static int check_interface(struct nvme_tcp_ctrl *ctrl,
			   const struct nvmf_ctrl_options *opts)
{
	struct net_device *dev;

	if (!(opts->mask & NVMF_OPT_HOST_IFACE))
		return 0;
	dev = dev_get_by_name(ctrl->net, opts->host_iface);
	if (!dev) {
		pr_err("no such interface: %s\n", opts->host_iface);
		return -ENODEV;
	}
	dev_put(dev);
	return 0;
}

/* Asked for and not to be had: never connect without it instead. */
static int check_secret(const struct nvmf_ctrl_options *opts)
{
	if (NVME_TCP_COMPAT_CAN_AUTH ||
	    (!opts->dhchap_secret && !opts->dhchap_ctrl_secret))
		return 0;
	pr_err("DH-HMAC-CHAP: this kernel is built without authentication\n");
	return -EOPNOTSUPP;
}

static int alloc_queues(struct nvme_tcp_ctrl *ctrl,
			const struct nvmf_ctrl_options *opts)
{
	unsigned int i;

	ctrl->nr_queues = opts->nr_io_queues + opts->nr_write_queues +
			  opts->nr_poll_queues + 1;
	ctrl->queues = kvcalloc(ctrl->nr_queues, sizeof(*ctrl->queues),
				GFP_KERNEL);
	if (!ctrl->queues)
		return -ENOMEM;
	for (i = 0; i < ctrl->nr_queues; i++)
		nvme_tcp_queue_init(ctrl, i);
	return 0;
}

/* Everything that needs no peer; an error pointer with nothing left behind. */
static struct nvme_tcp_ctrl *ctrl_alloc(struct device *dev,
					struct nvmf_ctrl_options *opts)
{
	struct nvme_tcp_ctrl *ctrl;
	int ret;

	ctrl = kzalloc(sizeof(*ctrl), GFP_KERNEL);
	if (!ctrl)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&ctrl->entry);
	ctrl->net = get_net(current->nsproxy->net_ns);
	nvme_tcp_recovery_init(ctrl);
	ret = parse_addresses(ctrl, opts);
	if (!ret)
		ret = check_interface(ctrl, opts);
	if (!ret)
		ret = check_secret(opts);
	if (!ret && !opts->duplicate_connect && already_connected(opts))
		ret = -EALREADY;
	if (!ret)
		ret = alloc_queues(ctrl, opts);
	if (ret)
		goto release;
	ctrl->ctrl.opts = opts;
	ctrl->ctrl.queue_count = ctrl->nr_queues;
	ctrl->ctrl.sqsize = opts->queue_size - 1;
	ctrl->ctrl.kato = opts->kato;
	ret = nvme_init_ctrl(&ctrl->ctrl, dev, &nvme_tcp_ctrl_ops, 0);
	if (ret)
		goto release;
	return ctrl;

release:
	ctrl_release(ctrl);
	return ERR_PTR(ret);
}

static int ctrl_connect(struct nvme_tcp_ctrl *ctrl)
{
	int ret = -EINTR;

	if (nvme_change_ctrl_state(&ctrl->ctrl, NVME_CTRL_CONNECTING))
		ret = nvme_tcp_setup(ctrl, true);
	return ret > 0 ? -EIO : ret;
}

/**
 * nvme_tcp_create_ctrl() - nvme-fabrics: connect to a controller
 * @dev: parent
 * @opts: options; belong to the controller if it comes to be
 *
 * Return: the controller, live; or an error pointer.
 */
struct nvme_ctrl *nvme_tcp_create_ctrl(struct device *dev,
				       struct nvmf_ctrl_options *opts)
{
	struct nvme_tcp_ctrl *ctrl;
	int ret;

	ctrl = ctrl_alloc(dev, opts);
	if (IS_ERR(ctrl))
		return ERR_CAST(ctrl);
	ret = nvme_tcp_compat_add_ctrl(&ctrl->ctrl);
	if (ret)
		goto put;
	nvme_tcp_debugfs_add(ctrl);
	ret = ctrl_connect(ctrl);
	if (ret)
		goto uninit;
	dev_info(ctrl->ctrl.device, "new controller: NQN \"%s\", address %pISpc\n",
		 nvmf_ctrl_subsysnqn(&ctrl->ctrl), &ctrl->addr);
	mutex_lock(&nvme_tcp_ctrls_lock);
	list_add_tail(&ctrl->entry, &nvme_tcp_ctrls);
	mutex_unlock(&nvme_tcp_ctrls_lock);
	return &ctrl->ctrl;

uninit:
	nvme_tcp_debugfs_del(ctrl);
	nvme_uninit_ctrl(&ctrl->ctrl);
put:
	nvme_put_ctrl(&ctrl->ctrl);
	return ERR_PTR(ret);
}

/**
 * nvme_tcp_delete_all() - delete every controller, and wait
 */
void nvme_tcp_delete_all(void)
{
	struct nvme_tcp_ctrl *ctrl;

	mutex_lock(&nvme_tcp_ctrls_lock);
	list_for_each_entry(ctrl, &nvme_tcp_ctrls, entry)
		nvme_delete_ctrl(&ctrl->ctrl);
	mutex_unlock(&nvme_tcp_ctrls_lock);
	flush_workqueue(nvme_delete_wq);
}
