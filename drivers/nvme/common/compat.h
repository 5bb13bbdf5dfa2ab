/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows which kernel it is compiled for. It is included
 * ahead of every source file of both modules (-include), so it relies on
 * nothing and only defines macros. A call that merely has another name in 6.1
 * keeps its 6.12 spelling; one whose arguments differ has a wrapper named
 * nvme_tcp_compat_*.
 *
 * Remove a block once its kernel leaves the supported window.
 */
#ifndef NVME_TCP_COMPAT_H
#define NVME_TCP_COMPAT_H

#include <linux/version.h>

#if KERNEL_VERSION(6, 1, 0) > LINUX_VERSION_CODE || \
	KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
#error "cloaklake supports Linux 6.1 and 6.12 only"
#elif KERNEL_VERSION(6, 12, 0) <= LINUX_VERSION_CODE

/* Pages are handed to TCP by sendmsg(MSG_SPLICE_PAGES). */
#define NVME_TCP_HAVE_SPLICE_PAGES	1
/* sock_rps_record_flow() has a header of its own. */
#define NVME_TCP_HAVE_NET_RPS		1
/* nvmet_fabrics_ops can report the address of the host. */
#define NVMET_TCP_COMPAT_OPS	.host_traddr = nvmet_tcp_queue_host_traddr,
/* Is nvme-core built with in-band authentication? */
#define NVME_TCP_COMPAT_CAN_AUTH	IS_ENABLED(CONFIG_NVME_HOST_AUTH)
/* nvme-core lets a command that fails over wait on its new way. */
#define NVME_TCP_COMPAT_FAILOVER_WAITS	1
/* nvme-fabrics spreads I/O queues over the queue maps itself. */
#define NVME_TCP_HAVE_NVMF_MAP_QUEUES	1

/* The list of a controller's namespaces stays as it is in between. */
#define nvme_tcp_compat_hold_namespaces(ctrl) \
	mutex_lock(&(ctrl)->namespaces_lock)
#define nvme_tcp_compat_release_namespaces(ctrl) \
	mutex_unlock(&(ctrl)->namespaces_lock)
#define nvme_tcp_compat_disable_ctrl(ctrl, shutdown) \
	nvme_disable_ctrl(ctrl, shutdown)
#define nvme_tcp_compat_init_ctrl_finish(ctrl) \
	nvme_init_ctrl_finish(ctrl, false)
#define nvme_tcp_compat_should_reconnect(ctrl, status) \
	nvmf_should_reconnect(ctrl, status)
#define nvme_tcp_compat_add_ctrl(ctrl)	nvme_add_ctrl(ctrl)
/* Only for TP_fast_assign(). */
#define nvme_tcp_compat_assign_str(dst, src) \
	do { (void)(src); __assign_str(dst); } while (0)
/* Is a port of nvmet to be secured by TLS? */
#define nvmet_tcp_compat_wants_tls(nport) \
	((nport)->disc_addr.tsas.tcp.sectype != NVMF_TCP_SECTYPE_NONE)

#elif KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE

/* nvme-core renamed its quiesce calls after 6.1. */
#define nvme_quiesce_io_queues		nvme_stop_queues
#define nvme_unquiesce_io_queues	nvme_start_queues
#define nvme_quiesce_admin_queue	nvme_stop_admin_queue
#define nvme_unquiesce_admin_queue	nvme_start_admin_queue

/* Is nvme-core built with in-band authentication? */
#define NVME_TCP_COMPAT_CAN_AUTH	IS_ENABLED(CONFIG_NVME_AUTH)
/* 6.1 fails a command over as it is: with REQ_NOWAIT it may end as EAGAIN. */
#define NVME_TCP_COMPAT_FAILOVER_WAITS	0
/* 6.1 changes the list of namespaces under a semaphore. */
#define nvme_tcp_compat_hold_namespaces(ctrl) \
	down_read(&(ctrl)->namespaces_rwsem)
#define nvme_tcp_compat_release_namespaces(ctrl) \
	up_read(&(ctrl)->namespaces_rwsem)
/* 6.1 has two functions for what takes a flag later on. */
#define nvme_tcp_compat_disable_ctrl(ctrl, shutdown) \
	(((shutdown) ? nvme_shutdown_ctrl : nvme_disable_ctrl)(ctrl))
#define nvme_tcp_compat_init_ctrl_finish(ctrl) \
	nvme_init_ctrl_finish(ctrl)
/* 6.1 decides about a reconnect without looking at the last status. */
#define nvme_tcp_compat_should_reconnect(ctrl, status) \
	((void)(status), nvmf_should_reconnect(ctrl))
/* In 6.1 nvme_init_ctrl() makes the device visible, too. */
#define nvme_tcp_compat_add_ctrl(ctrl)	((void)(ctrl), 0)
/* 6.1 does not ask a target's transport for the address of the host. */
#define NVMET_TCP_COMPAT_OPS
#define nvme_tcp_compat_assign_str(dst, src)	__assign_str(dst, src)
/* In 6.1 a port of nvmet cannot ask for TLS. */
#define nvmet_tcp_compat_wants_tls(nport)	((void)(nport), false)

#else
#error "cloaklake supports Linux 6.1 and 6.12 only"
#endif

#endif /* NVME_TCP_COMPAT_H */
