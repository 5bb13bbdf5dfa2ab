// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports: addresses, listening, accepting, and how many connections there may
 * be. A port lives in the network namespace of the task that enabled it, and
 * stops listening when that namespace ends.
 *
 * nvmet's port is freed some time after it is removed, once nvmet_wq has been
 * flushed. The queues of a removed port use it until they are torn down, so
 * drain_work stays on nvmet_wq till the last one is gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/inet.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "nvmet_tcp.h"

/* Wait before another try to accept, where memory was short. */
#define ACCEPT_RETRY	(HZ / 10)

/* Protects the list of ports. Outside of port->sock_lock. */
static DEFINE_MUTEX(ports_lock);
static LIST_HEAD(ports);

/* Our sockets in a network namespace: an atomic_t that its end waits for. */
static unsigned int net_id;

static void socket_opened(struct nvmet_tcp_port *port)
{
	atomic_inc(port->ns_socks);
}

static void socket_closed(struct nvmet_tcp_port *port)
{
	if (atomic_dec_and_test(port->ns_socks))
		wake_up_var(port->ns_socks);
}

/**
 * nvmet_tcp_port_get() - take a reference
 * @port: port that the caller may use
 */
void nvmet_tcp_port_get(struct nvmet_tcp_port *port)
{
	kref_get(&port->ref);
}

static void port_gone(struct kref *ref)
{
	complete(&container_of(ref, struct nvmet_tcp_port, ref)->gone);
}

/**
 * nvmet_tcp_port_put() - drop a reference
 * @port: not used by the caller afterwards
 */
void nvmet_tcp_port_put(struct nvmet_tcp_port *port)
{
	kref_put(&port->ref, port_gone);
}

static void drain_work(struct work_struct *work)
{
	struct nvmet_tcp_port *port =
		container_of(work, struct nvmet_tcp_port, drain_work);

	wait_for_completion(&port->gone);
	kfree(port);
}

/* The oldest connection without a controller has to go for a new one. */
static void evict_half_open(struct nvmet_tcp_port *port)
{
	struct nvmet_tcp_queue *queue;

	lockdep_assert_held(&port->lock);
	queue = list_first_entry(&port->half_open, struct nvmet_tcp_queue,
				 half_open);
	list_del_init(&queue->half_open);
	port->nr_half_open--;
	port->conns.evicted++;
	nvmet_tcp_queue_kill(queue);
}

/**
 * nvmet_tcp_port_opened() - there is a new connection
 * @queue: its queue, known to nobody else yet
 */
void nvmet_tcp_port_opened(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_port *port = queue->port;
	unsigned long flags;

	atomic_inc(&port->queues);
	socket_opened(port);
	spin_lock_irqsave(&port->lock, flags);
	port->conns.accepted++;
	if (port->nr_half_open >= nvmet_tcp_max_half_open &&
	    port->nr_half_open)
		evict_half_open(port);
	list_add_tail(&queue->half_open, &port->half_open);
	port->nr_half_open++;
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * nvmet_tcp_port_not_half_open() - a connection got a controller, or ended
 * @queue: its queue
 */
void nvmet_tcp_port_not_half_open(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_port *port = queue->port;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	if (!list_empty(&queue->half_open)) {
		list_del_init(&queue->half_open);
		port->nr_half_open--;
	}
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * nvmet_tcp_port_add_stats() - keep the counters of a queue that is over
 * @port: its port
 * @stats: counters that do not change any more
 */
void nvmet_tcp_port_add_stats(struct nvmet_tcp_port *port,
			      const struct nvmet_tcp_stats *stats)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	nvmet_tcp_stats_sum(&port->stats, stats);
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * nvmet_tcp_port_socket_closed() - the socket of a queue is released
 * @port: its port, whose network namespace may end at once
 */
void nvmet_tcp_port_socket_closed(struct nvmet_tcp_port *port)
{
	socket_closed(port);
}

/**
 * nvmet_tcp_port_closed() - a queue is gone
 * @port: its port
 */
void nvmet_tcp_port_closed(struct nvmet_tcp_port *port)
{
	atomic_dec(&port->queues);
}

static bool port_is_full(struct nvmet_tcp_port *port)
{
	if (!nvmet_tcp_max_connections ||
	    atomic_read(&port->queues) < nvmet_tcp_max_connections)
		return false;
	nvmet_tcp_stats_count_port(port, &port->conns.refused);
	pr_warn_ratelimited("port %d: connection refused, %u are open\n",
			    le16_to_cpu(port->nport->disc_addr.portid),
			    nvmet_tcp_max_connections);
	return true;
}

static void serve(struct nvmet_tcp_port *port, struct socket *sock)
{
	if (!port_is_full(port) && !nvmet_tcp_queue_create(port, sock))
		return;
	sock_no_linger(sock->sk);
	sock_release(sock);
}

static void accept_work(struct work_struct *work)
{
	struct nvmet_tcp_port *port =
		container_of(to_delayed_work(work), struct nvmet_tcp_port,
			     accept_work);
	struct socket *sock;
	int err;

	while (!(err = kernel_accept(port->sock, &sock, O_NONBLOCK))) {
		serve(port, sock);
		cond_resched();
	}
	/* There is nobody, or the socket does not listen any more. */
	if (err == -EAGAIN || err == -EINVAL)
		return;
	pr_warn_ratelimited("port %d: accept failed: %d\n",
			    le16_to_cpu(port->nport->disc_addr.portid), err);
	queue_delayed_work(nvmet_tcp_ctl_wq, &port->accept_work, ACCEPT_RETRY);
}

static int parse_address(struct nvmet_tcp_port *port)
{
	const struct nvmf_disc_rsp_page_entry *addr = &port->nport->disc_addr;
	__kernel_sa_family_t family;

	switch (addr->adrfam) {
	case NVMF_ADDR_FAMILY_IP4:
		family = AF_INET;
		break;
	case NVMF_ADDR_FAMILY_IP6:
		family = AF_INET6;
		break;
	default:
		pr_err("port %d: address family %d is not supported\n",
		       le16_to_cpu(addr->portid), addr->adrfam);
		return -EINVAL;
	}
	if (inet_pton_with_scope(port->net, family, addr->traddr,
				 addr->trsvcid, &port->addr)) {
		pr_err("port %d: %s:%s is no address and port\n",
		       le16_to_cpu(addr->portid), addr->traddr, addr->trsvcid);
		return -EINVAL;
	}
	return 0;
}

/* In-capsule data: a default, a bound, and the granularity of IOCCSZ. */
static void settle_icd(struct nvmet_port *nport)
{
	int icd = nport->inline_data_size;

	if (icd < 0)
		icd = NVMET_TCP_DEF_ICD;
	icd = min_t(int, icd, NVMET_TCP_TRANSFER_MAX);
	nport->inline_data_size = round_down(icd, 16);
}

static struct nvmet_tcp_port *alloc_port(struct nvmet_port *nport)
{
	struct nvmet_tcp_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	port->nport = nport;
	port->net = current->nsproxy->net_ns;
	port->ns_socks = net_generic(port->net, net_id);
	mutex_init(&port->sock_lock);
	spin_lock_init(&port->lock);
	kref_init(&port->ref);
	init_completion(&port->gone);
	INIT_LIST_HEAD(&port->half_open);
	INIT_DELAYED_WORK(&port->accept_work, accept_work);
	INIT_WORK(&port->drain_work, drain_work);
	return port;
}

/**
 * nvmet_tcp_port_add() - listen on an address
 * @nport: nvmet's port
 *
 * The add_port operation of nvmet, which holds nvmet_config_sem.
 *
 * Return: 0 or a negative errno.
 */
int nvmet_tcp_port_add(struct nvmet_port *nport)
{
	struct nvmet_tcp_port *port = alloc_port(nport);
	int err;

	if (!port)
		return -ENOMEM;
	err = parse_address(port);
	if (err)
		goto free_port;
	if (nvmet_tcp_compat_wants_tls(nport)) {
		pr_err("port %d: TLS is not supported\n",
		       le16_to_cpu(nport->disc_addr.portid));
		err = -EOPNOTSUPP;
		goto free_port;
	}
	settle_icd(nport);
	/* Connections may come as soon as the socket listens. */
	nport->priv = port;
	mutex_lock(&ports_lock);
	err = nvmet_tcp_socket_listen(port);
	if (!err) {
		socket_opened(port);
		list_add_tail(&port->entry, &ports);
	}
	mutex_unlock(&ports_lock);
	if (err) {
		pr_err("port %d: cannot listen on %pISpc: %d\n",
		       le16_to_cpu(nport->disc_addr.portid), &port->addr, err);
		goto free_port;
	}
	nvmet_tcp_debugfs_add_port(port);
	pr_info("port %d: listening on %pISpc\n",
		le16_to_cpu(nport->disc_addr.portid), &port->addr);
	return 0;

free_port:
	nport->priv = NULL;
	kfree(port);
	return err;
}

/* Stop listening and end all connections; waits for neither to be gone. */
static void stop_port(struct nvmet_tcp_port *port)
{
	bool closed;

	mutex_lock(&port->sock_lock);
	closed = nvmet_tcp_socket_unlisten(port);
	mutex_unlock(&port->sock_lock);
	nvmet_tcp_queue_kill_port(port);
	if (closed)
		socket_closed(port);
}

/**
 * nvmet_tcp_port_remove() - stop listening and end all connections
 * @nport: nvmet's port
 *
 * The remove_port operation of nvmet, which holds nvmet_config_sem. So the
 * queues cannot be waited for here: one of them may be executing a Connect
 * that waits for that very lock.
 */
void nvmet_tcp_port_remove(struct nvmet_port *nport)
{
	struct nvmet_tcp_port *port = nport->priv;

	nvmet_tcp_debugfs_del_port(port);
	mutex_lock(&ports_lock);
	list_del(&port->entry);
	mutex_unlock(&ports_lock);
	stop_port(port);
	pr_info("port %d: closed\n", le16_to_cpu(nport->disc_addr.portid));
	nport->priv = NULL;
	queue_work(nvmet_wq, &port->drain_work);
	nvmet_tcp_port_put(port);
}

/**
 * nvmet_tcp_port_disc_traddr() - the address for a discovery log page
 * @req: the command that asks
 * @nport: nvmet's port
 * @traddr: result, NVMF_TRADDR_SIZE bytes
 *
 * A port on any address is reachable where the host has reached it. The
 * disc_traddr operation of nvmet.
 */
void nvmet_tcp_port_disc_traddr(struct nvmet_req *req,
				struct nvmet_port *nport, char *traddr)
{
	struct nvmet_tcp_cmd *cmd = container_of(req, struct nvmet_tcp_cmd,
						 req);
	struct nvmet_tcp_port *port = cmd->queue->port;

	if (inet_addr_is_any((struct sockaddr *)&port->addr))
		snprintf(traddr, NVMF_TRADDR_SIZE, "%pISc",
			 (struct sockaddr *)&cmd->queue->local);
	else
		memcpy(traddr, nport->disc_addr.traddr, NVMF_TRADDR_SIZE);
}

/*
 * A namespace ends, and its ports with it. Its sockets must be gone when this
 * returns. They are waited for without a lock: see nvmet_tcp_port_remove().
 */
static void __net_exit net_exit(struct net *net)
{
	atomic_t *socks = net_generic(net, net_id);
	struct nvmet_tcp_port *port;

	mutex_lock(&ports_lock);
	list_for_each_entry(port, &ports, entry)
		if (port->net == net)
			stop_port(port);
	mutex_unlock(&ports_lock);
	wait_var_event(socks, !atomic_read(socks));
}

static struct pernet_operations net_ops = {
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(atomic_t),
};

/**
 * nvmet_tcp_port_init() - watch network namespaces
 *
 * Return: 0 or a negative errno.
 */
int nvmet_tcp_port_init(void)
{
	return register_pernet_subsys(&net_ops);
}

/**
 * nvmet_tcp_port_exit() - no port is left
 */
void nvmet_tcp_port_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
