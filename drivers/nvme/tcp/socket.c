// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket of a queue: options, addresses, connecting, and the callbacks by
 * which the network stack tells of news.
 */
#include <linux/netdevice.h>
#include <net/busy_poll.h>
#include <net/ip.h>

#include "nvme_tcp.h"

/*
 * Sockets of ours are locked while block devices are written to, those of
 * user space are not: lockdep has to tell them apart.
 */
static void socket_set_lock_class(struct socket *sock)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	static struct lock_class_key slock[2], lock[2];
	struct sock *sk = sock->sk;

	if (WARN_ON_ONCE(!sock_allow_reclassification(sk)))
		return;
	if (sk->sk_family == AF_INET6)
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-NVME-TCP",
					      &slock[1],
					      "sk_lock-AF_INET6-NVME-TCP",
					      &lock[1]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET-NVME-TCP",
					      &slock[0],
					      "sk_lock-AF_INET-NVME-TCP",
					      &lock[0]);
#endif
}

static void socket_wake_worker(struct nvme_tcp_queue *queue)
{
	queue_delayed_work_on(queue->io_cpu, nvme_tcp_wq, &queue->io_work, 0);
}

static void queue_data_ready(struct nvme_tcp_queue *queue)
{
	if (READ_ONCE(queue->state) == NVME_TCP_Q_LIVE) {
		/* Who waits for a command of a polled queue looks himself. */
		if (queue->polled || nvme_tcp_rx_direct(queue))
			return;
	}
	nvme_tcp_rx_count(queue, WAKEUPS, 1);
	socket_wake_worker(queue);
}

/* Softirq, or whoever releases the socket. */
static void socket_data_ready(struct sock *sk)
{
	struct nvme_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (queue && nvme_tcp_queue_usable(queue))
		queue_data_ready(queue);
	else if (queue)
		wake_up(&queue->wait);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_write_space(struct sock *sk)
{
	struct nvme_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (queue && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		if (nvme_tcp_queue_usable(queue))
			socket_wake_worker(queue);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_state_change(struct sock *sk)
{
	struct nvme_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (queue) {
		wake_up(&queue->wait);
		/* What the peer said before it closed has still to be read. */
		if (sk->sk_state == TCP_CLOSE_WAIT && !READ_ONCE(sk->sk_err) &&
		    nvme_tcp_queue_usable(queue))
			socket_wake_worker(queue);
		else if (sk->sk_state != TCP_ESTABLISHED)
			nvme_tcp_queue_broken(queue, "the connection was closed",
					      -READ_ONCE(sk->sk_err));
		queue->saved.state_change(sk);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_attach(struct nvme_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	queue->saved.data_ready = sk->sk_data_ready;
	queue->saved.state_change = sk->sk_state_change;
	queue->saved.write_space = sk->sk_write_space;
	sk->sk_user_data = queue;
	sk->sk_data_ready = socket_data_ready;
	sk->sk_state_change = socket_state_change;
	sk->sk_write_space = socket_write_space;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * nvme_tcp_socket_detach() - stop hearing from the network stack
 * @queue: with a socket; attached or not
 *
 * Afterwards no callback runs any more and none will.
 */
void nvme_tcp_socket_detach(struct nvme_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data == queue) {
		sk->sk_user_data = NULL;
		sk->sk_data_ready = queue->saved.data_ready;
		sk->sk_state_change = queue->saved.state_change;
		sk->sk_write_space = queue->saved.write_space;
	}
	write_unlock_bh(&sk->sk_callback_lock);
}

static int socket_set_tos(struct socket *sock, int tos)
{
	if (sock->sk->sk_family == AF_INET6)
		return sock->ops->setsockopt(sock, SOL_IPV6, IPV6_TCLASS,
					     KERNEL_SOCKPTR(&tos),
					     sizeof(tos));
	ip_sock_set_tos(sock->sk, tos);
	return 0;
}

static int socket_set_options(struct nvme_tcp_queue *queue)
{
	struct nvmf_ctrl_options *opts = queue->ctrl->ctrl.opts;
	struct socket *sock = queue->sock;
	struct sock *sk = sock->sk;

	socket_set_lock_class(sock);
	sk->sk_allocation = GFP_NOIO;
	sk->sk_use_task_frag = false;
	sk_set_memalloc(sk);
	tcp_sock_set_nodelay(sk);
	sock_no_linger(sk);
	if (nvme_tcp_so_priority > 0)
		sock_set_priority(sk, nvme_tcp_so_priority);
#ifdef CONFIG_NET_RX_BUSY_POLL
	/* Which queues are polled is not settled yet; the others never are. */
	WRITE_ONCE(sk->sk_ll_usec, 1);
#endif
	return opts->tos >= 0 ? socket_set_tos(sock, opts->tos) : 0;
}

static int socket_bind(struct nvme_tcp_queue *queue)
{
	struct nvmf_ctrl_options *opts = queue->ctrl->ctrl.opts;
	struct nvme_tcp_ctrl *ctrl = queue->ctrl;
	struct sock *sk = queue->sock->sk;
	struct net_device *dev;
	int ret;

	if (opts->mask & NVMF_OPT_HOST_IFACE) {
		dev = dev_get_by_name(ctrl->net, opts->host_iface);
		if (!dev)
			return -ENODEV;
		ret = sock_bindtoindex(sk, dev->ifindex, true);
		dev_put(dev);
		if (ret)
			return ret;
	}
	if (opts->mask & NVMF_OPT_HOST_TRADDR)
		return kernel_bind(queue->sock,
				   (struct sockaddr *)&ctrl->src_addr,
				   sizeof(ctrl->src_addr));
	return 0;
}

static bool socket_is_connected(struct nvme_tcp_queue *queue)
{
	int state = inet_sk_state_load(queue->sock->sk);

	return state != TCP_SYN_SENT && state != TCP_SYN_RECV;
}

/**
 * nvme_tcp_socket_wait() - wait for news from the network stack
 * @queue: being opened, lock held
 * @done: is it there?
 * @seconds: how long to wait
 *
 * Return: 0; -ETIMEDOUT; -ENODEV where the controller is deleted meanwhile;
 * -ERESTARTSYS where the caller was killed.
 */
int nvme_tcp_socket_wait(struct nvme_tcp_queue *queue,
			 bool (*done)(struct nvme_tcp_queue *queue),
			 unsigned int seconds)
{
	long left;

	left = wait_event_killable_timeout(queue->wait, done(queue) ||
					   nvme_tcp_deleting(queue->ctrl),
					   seconds * HZ);
	if (left < 0)
		return left;
	if (!left)
		return -ETIMEDOUT;
	return done(queue) ? 0 : -ENODEV;
}

static int socket_connect(struct nvme_tcp_queue *queue)
{
	struct sockaddr *addr = (struct sockaddr *)&queue->ctrl->addr;
	int len = sizeof(queue->ctrl->addr);
	int ret;

	ret = kernel_connect(queue->sock, addr, len, O_NONBLOCK);
	if (ret != -EINPROGRESS)
		return ret;
	ret = nvme_tcp_socket_wait(queue, socket_is_connected,
				   NVME_TCP_CONNECT_TMO);
	if (ret)
		return ret;
	/* Tells what came of it. */
	return kernel_connect(queue->sock, addr, len, O_NONBLOCK);
}

/**
 * nvme_tcp_socket_open() - connect to the controller
 * @queue: idle, lock held
 *
 * In the network namespace of whoever connected, whoever calls this. May
 * sleep for NVME_TCP_CONNECT_TMO seconds.
 *
 * Return: 0 with an attached socket; or a negative errno, where a socket may
 * be there and is the caller's to close.
 */
int nvme_tcp_socket_open(struct nvme_tcp_queue *queue)
{
	struct nvme_tcp_ctrl *ctrl = queue->ctrl;
	int ret;

	ret = sock_create_kern(ctrl->net, ctrl->addr.ss_family, SOCK_STREAM,
			       IPPROTO_TCP, &queue->sock);
	if (ret) {
		queue->sock = NULL;
		return ret;
	}
	ret = socket_set_options(queue);
	if (!ret)
		ret = socket_bind(queue);
	if (ret)
		return ret;
	socket_attach(queue);
	return socket_connect(queue);
}
