// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters. Those of the kernel's own target have the same names here. All
 * can be changed at any time, and apply to what begins afterwards.
 */
#include <linux/module.h>

#include "nvmet_tcp.h"

/**
 * struct bounded - a parameter that not every number fits
 * @value: the parameter
 * @min: smallest value
 * @max: largest value
 * @multiple: it is a multiple of this
 */
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
	WRITE_ONCE(*b->value, value);
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

int nvmet_tcp_so_priority;
module_param_named(so_priority, nvmet_tcp_so_priority, int, 0644);
MODULE_PARM_DESC(so_priority,
		 "priority of our sockets for the network's queueing (default 0)");

unsigned int nvmet_tcp_idle_poll_usecs;
static struct bounded idle_poll_usecs = {
	&nvmet_tcp_idle_poll_usecs, 0, INT_MAX, 1
};
module_param_cb(idle_poll_period_usecs, &bounded_ops, &idle_poll_usecs, 0644);
MODULE_PARM_DESC(idle_poll_period_usecs,
		 "microseconds that a queue goes on polling after its last work (default 0)");

unsigned int nvmet_tcp_icreq_timeout = 10;
static struct bounded icreq_timeout = { &nvmet_tcp_icreq_timeout, 1, 3600, 1 };
module_param_cb(icreq_timeout, &bounded_ops, &icreq_timeout, 0644);
MODULE_PARM_DESC(icreq_timeout,
		 "seconds that a connection may take to send its ICReq (default 10)");

unsigned int nvmet_tcp_connect_timeout = 10;
static struct bounded connect_timeout = {
	&nvmet_tcp_connect_timeout, 1, 3600, 1
};
module_param_cb(connect_timeout, &bounded_ops, &connect_timeout, 0644);
MODULE_PARM_DESC(connect_timeout,
		 "seconds from ICReq to a Connect that succeeds (default 10)");

unsigned int nvmet_tcp_term_timeout = 30;
static struct bounded term_timeout = { &nvmet_tcp_term_timeout, 1, 3600, 1 };
module_param_cb(term_timeout, &bounded_ops, &term_timeout, 0644);
MODULE_PARM_DESC(term_timeout,
		 "seconds that a host may take to close after a C2HTermReq (default 30)");

unsigned int nvmet_tcp_cpda;
static struct bounded cpda = { &nvmet_tcp_cpda, 0, NVME_TCP_PDA_MAX, 1 };
module_param_cb(cpda, &bounded_ops, &cpda, 0644);
MODULE_PARM_DESC(cpda,
		 "alignment of data that we ask hosts for, 0's based dwords (default 0)");

unsigned int nvmet_tcp_maxh2cdata = 1024 * 1024;
static struct bounded maxh2cdata = {
	&nvmet_tcp_maxh2cdata, NVME_TCP_MIN_MAXH2CDATA,
	NVMET_TCP_TRANSFER_MAX, 4
};
module_param_cb(maxh2cdata, &bounded_ops, &maxh2cdata, 0644);
MODULE_PARM_DESC(maxh2cdata,
		 "most data in one H2CData PDU, in bytes (default 1 MiB)");

unsigned int nvmet_tcp_max_r2t_len;
static struct bounded max_r2t_len = {
	&nvmet_tcp_max_r2t_len, 0, NVMET_TCP_TRANSFER_MAX, 4096
};
module_param_cb(max_r2t_len, &bounded_ops, &max_r2t_len, 0644);
MODULE_PARM_DESC(max_r2t_len,
		 "most data that one R2T asks for, in bytes; 0: all of a command (default 0)");

unsigned int nvmet_tcp_mdts = 8;
static struct bounded mdts = { &nvmet_tcp_mdts, 0, 10, 1 };
module_param_cb(mdts, &bounded_ops, &mdts, 0644);
MODULE_PARM_DESC(mdts,
		 "largest transfer: 4 KiB times two to the power of this (default 8: 1 MiB)");

unsigned int nvmet_tcp_max_queue_data = 32 * 1024 * 1024;
static struct bounded max_queue_data = {
	&nvmet_tcp_max_queue_data, NVMET_TCP_TRANSFER_MAX, INT_MAX, 1
};
module_param_cb(max_queue_data, &bounded_ops, &max_queue_data, 0644);
MODULE_PARM_DESC(max_queue_data,
		 "most data that commands of an I/O queue hold before others wait, in bytes (default 32 MiB)");

unsigned int nvmet_tcp_max_connections;
static struct bounded max_connections = {
	&nvmet_tcp_max_connections, 0, UINT_MAX, 1
};
module_param_cb(max_connections, &bounded_ops, &max_connections, 0644);
MODULE_PARM_DESC(max_connections,
		 "most connections of a port; 0: no limit (default 0)");

unsigned int nvmet_tcp_max_half_open = 128;
static struct bounded max_half_open = {
	&nvmet_tcp_max_half_open, 1, UINT_MAX, 1
};
module_param_cb(max_half_open, &bounded_ops, &max_half_open, 0644);
MODULE_PARM_DESC(max_half_open,
		 "most connections of a port without a controller; the oldest ends for a new one (default 128)");
