// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets: options, and callbacks in and out.
 *
 * Our sockets are kernel sockets, so lockdep tells them from those of user
 * space, and they do not keep their network namespace alive. A callback runs
 * in softirq with sk_callback_lock held for reading, finds its queue or port
 * in sk_user_data, and starts a work. It never takes a lock of ours.
 */
#include <net/sock.h>
#include <net/tcp.h>

#include "nvmet_tcp.h"

/* Connections that TCP keeps for us until we accept them. */
#define BACKLOG	128

/* The worker runs where the data comes in. */
static void learn_cpu(struct nvmet_tcp_queue *queue, const struct sock *sk)
{
	int cpu = READ_ONCE(sk->sk_incoming_cpu);

	if (queue->cpu != cpu)
		WRITE_ONCE(queue->cpu, cpu);
}

static void queue_data_ready(struct sock *sk)
{
	struct nvmet_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (queue) {
		learn_cpu(queue, sk);
		nvmet_tcp_queue_kick(queue);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void queue_write_space(struct sock *sk)
{
	struct nvmet_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (queue && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		nvmet_tcp_queue_kick(queue);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

/* What the peer sent before it closed is still read, and answered no more. */
static void queue_state_change(struct sock *sk)
{
	struct nvmet_tcp_queue *queue;

	read_lock_bh(&sk->sk_callback_lock);
	queue = sk->sk_user_data;
	if (!queue)
		goto unlock;
	switch (sk->sk_state) {
	case TCP_CLOSE:
		nvmet_tcp_queue_kill(queue);
		break;
	case TCP_ESTABLISHED:
		break;
	default:
		set_bit(NVMET_TCP_EV_PEER_CLOSED, &queue->events);
		nvmet_tcp_queue_kick(queue);
		break;
	}
unlock:
	read_unlock_bh(&sk->sk_callback_lock);
}

static void set_options(struct sock *sk)
{
	int tos = inet_sk(sk)->rcv_tos;

	/* Nothing of a connection that is over may be sent later on. */
	sock_no_linger(sk);
	if (nvmet_tcp_so_priority > 0)
		sock_set_priority(sk, nvmet_tcp_so_priority);
	if (tos > 0)
		ip_sock_set_tos(sk, tos);
}

static int learn_addresses(struct nvmet_tcp_queue *queue)
{
	int err;

	err = kernel_getsockname(queue->sock,
				 (struct sockaddr *)&queue->local);
	if (err < 0)
		return err;
	err = kernel_getpeername(queue->sock, (struct sockaddr *)&queue->peer);
	return err < 0 ? err : 0;
}

/**
 * nvmet_tcp_socket_attach() - have the callbacks of a queue's socket
 * @queue: new queue
 *
 * The queue waits for its ICReq from here on, and may be over when this
 * returns. Its teardown waits for the lock under which it starts. Data may
 * have arrived before.
 *
 * Return: 0, or -ENOTCONN where the peer has gone already.
 */
int nvmet_tcp_socket_attach(struct nvmet_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;
	int err;

	err = learn_addresses(queue);
	if (err)
		return err;
	set_options(sk);
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_state == TCP_ESTABLISHED) {
		queue->saved.data_ready = queue->port->data_ready;
		queue->saved.state_change = sk->sk_state_change;
		queue->saved.write_space = sk->sk_write_space;
		sk->sk_user_data = queue;
		sk->sk_data_ready = queue_data_ready;
		sk->sk_state_change = queue_state_change;
		sk->sk_write_space = queue_write_space;
		learn_cpu(queue, sk);
		nvmet_tcp_queue_set_state(queue, NVMET_TCP_Q_ICREQ);
		nvmet_tcp_queue_kick(queue);
	} else {
		sk->sk_data_ready = queue->port->data_ready;
		err = -ENOTCONN;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

/**
 * nvmet_tcp_socket_detach() - give the callbacks back
 * @queue: queue that nvmet_tcp_socket_attach() was called for
 *
 * No callback runs on the queue any more when this returns.
 */
void nvmet_tcp_socket_detach(struct nvmet_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (queue->saved.data_ready) {
		sk->sk_user_data = NULL;
		sk->sk_data_ready = queue->saved.data_ready;
		sk->sk_state_change = queue->saved.state_change;
		sk->sk_write_space = queue->saved.write_space;
	}
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * A connection inherits this callback until it is accepted, but not the
 * pointer to the port.
 */
static void listen_data_ready(struct sock *sk)
{
	struct nvmet_tcp_port *port;

	if (sk->sk_state != TCP_LISTEN)
		return;
	read_lock_bh(&sk->sk_callback_lock);
	port = __locked_read_sk_user_data_with_flags(sk, SK_USER_DATA_NOCOPY);
	if (port)
		mod_delayed_work(nvmet_tcp_ctl_wq, &port->accept_work, 0);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void set_listen_callback(struct nvmet_tcp_port *port)
{
	struct sock *sk = port->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	port->data_ready = sk->sk_data_ready;
	__rcu_assign_sk_user_data_with_flags(sk, port, SK_USER_DATA_NOCOPY);
	sk->sk_data_ready = listen_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * nvmet_tcp_socket_listen() - open the listening socket of a port
 * @port: new port with its address
 *
 * Return: 0 or a negative errno.
 */
int nvmet_tcp_socket_listen(struct nvmet_tcp_port *port)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(port->net, port->addr.ss_family, SOCK_STREAM,
			       IPPROTO_TCP, &sock);
	if (err)
		return err;
	port->sock = sock;
	set_listen_callback(port);
	sock_set_reuseaddr(sock->sk);
	tcp_sock_set_nodelay(sock->sk);
	if (nvmet_tcp_so_priority > 0)
		sock_set_priority(sock->sk, nvmet_tcp_so_priority);
	err = kernel_bind(sock, (struct sockaddr *)&port->addr,
			  sizeof(port->addr));
	if (!err)
		err = kernel_listen(sock, BACKLOG);
	if (err) {
		sock_release(sock);
		port->sock = NULL;
	}
	return err;
}

/**
 * nvmet_tcp_socket_unlisten() - stop accepting and close the socket
 * @port: port whose sock_lock the caller holds
 *
 * Waits for accept_work, which does not take that lock, and which finds
 * nothing to accept any more however many hosts go on connecting.
 *
 * Return: true where there was a socket to close.
 */
bool nvmet_tcp_socket_unlisten(struct nvmet_tcp_port *port)
{
	struct sock *sk;

	lockdep_assert_held(&port->sock_lock);
	if (!port->sock)
		return false;
	sk = port->sock->sk;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = port->data_ready;
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	kernel_sock_shutdown(port->sock, SHUT_RDWR);
	cancel_delayed_work_sync(&port->accept_work);
	sock_release(port->sock);
	port->sock = NULL;
	return true;
}
