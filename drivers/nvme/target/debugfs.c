// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nvmet_tcp/port-ID/: counters has the sums over all queues
 * the port has had, queues has one line for each queue that it has now.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "nvmet_tcp.h"

static struct dentry *root;

static void show_u64s(struct seq_file *m, const char *const *names,
		      const void *values, size_t nr)
{
	const u64 *value = values;
	size_t i;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s %llu\n", names[i], value[i]);
}

static int counters_show(struct seq_file *m, void *unused)
{
	struct nvmet_tcp_port *port = m->private;
	struct nvmet_tcp_port_stats conns;
	struct nvmet_tcp_stats stats;
	u32 half_open;

	nvmet_tcp_queue_sum_stats(port, &stats);
	spin_lock_irq(&port->lock);
	conns = port->conns;
	half_open = port->nr_half_open;
	spin_unlock_irq(&port->lock);
	seq_printf(m, "connections %d\nhalf_open %u\n",
		   atomic_read(&port->queues), half_open);
	show_u64s(m, nvmet_tcp_port_stat_names, &conns,
		  NVMET_TCP_NR_PORT_STATS);
	show_u64s(m, nvmet_tcp_stat_names, &stats, NVMET_TCP_NR_STATS);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static void show_queue(struct nvmet_tcp_queue *queue, void *data)
{
	const u64 *value = (const u64 *)&queue->stats;
	struct seq_file *m = data;
	u64 r2ts = READ_ONCE(queue->stats.rx_r2t_done);
	size_t i;

	r2ts = READ_ONCE(queue->stats.tx_r2t) - r2ts;
	seq_printf(m, "queue=%d sqid=%u peer=%pISpc state=%s commands=%u data=%llu r2ts=%llu hdgst=%d ddgst=%d",
		   queue->id, queue->sq.qid, &queue->peer,
		   nvmet_tcp_state_name(nvmet_tcp_queue_state(queue)),
		   READ_ONCE(queue->pool.made), READ_ONCE(queue->pool.held),
		   r2ts, queue->terms.hdgst, queue->terms.ddgst);
	for (i = 0; i < NVMET_TCP_NR_STATS; i++)
		seq_printf(m, " %s=%llu", nvmet_tcp_stat_names[i],
			   READ_ONCE(value[i]));
	seq_putc(m, '\n');
}

static int queues_show(struct seq_file *m, void *unused)
{
	nvmet_tcp_queue_for_each(m->private, show_queue, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queues);

/**
 * nvmet_tcp_debugfs_add_port() - show a port
 * @port: port that is listening
 */
void nvmet_tcp_debugfs_add_port(struct nvmet_tcp_port *port)
{
	char name[16];

	snprintf(name, sizeof(name), "port-%u",
		 le16_to_cpu(port->nport->disc_addr.portid));
	port->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("counters", 0400, port->debugfs, port,
			    &counters_fops);
	debugfs_create_file("queues", 0400, port->debugfs, port, &queues_fops);
}

/**
 * nvmet_tcp_debugfs_del_port() - show it no more
 * @port: port that is to be removed
 *
 * Nobody reads its files any more when this returns.
 */
void nvmet_tcp_debugfs_del_port(struct nvmet_tcp_port *port)
{
	debugfs_remove(port->debugfs);
}

/**
 * nvmet_tcp_debugfs_init() - make the folder
 */
void nvmet_tcp_debugfs_init(void)
{
	root = debugfs_create_dir("nvmet_tcp", NULL);
}

/**
 * nvmet_tcp_debugfs_exit() - remove the folder
 */
void nvmet_tcp_debugfs_exit(void)
{
	debugfs_remove(root);
}
