// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of a queue. A queue has one slot until Connect tells its size. The
 * command of a slot is allocated when it is needed for the first time and
 * given back when the queue has been idle for a while, so an idle queue costs
 * little however deep it is.
 *
 * A transfer tag is the slot number with a count in its upper bits, so that a
 * tag of the past does not name the command that has the slot now.
 */
#include <linux/slab.h>

#include "nvmet_tcp.h"

static struct kmem_cache *cmd_cache;

/**
 * nvmet_tcp_cmd_cache_init() - prepare for commands
 *
 * Return: 0 or -ENOMEM.
 */
int nvmet_tcp_cmd_cache_init(void)
{
	cmd_cache = KMEM_CACHE(nvmet_tcp_cmd, SLAB_HWCACHE_ALIGN);
	return cmd_cache ? 0 : -ENOMEM;
}

/**
 * nvmet_tcp_cmd_cache_exit() - the last command is gone
 */
void nvmet_tcp_cmd_cache_exit(void)
{
	kmem_cache_destroy(cmd_cache);
}

/**
 * nvmet_tcp_pool_init() - one slot, no command
 * @queue: new queue
 */
void nvmet_tcp_pool_init(struct nvmet_tcp_queue *queue)
{
	init_llist_head(&queue->pool.idle);
	queue->pool.slots = &queue->pool.first;
	queue->pool.nr = 1;
}

/**
 * nvmet_tcp_pool_resize() - make room for more commands
 * @queue: owned by io_work, with one slot
 * @nr: number of slots
 *
 * Return: 0 or -ENOMEM.
 */
int nvmet_tcp_pool_resize(struct nvmet_tcp_queue *queue, u16 nr)
{
	struct nvmet_tcp_pool *pool = &queue->pool;
	struct nvmet_tcp_cmd **slots;

	if (pool->slots != &pool->first)
		return 0;
	slots = kcalloc(nr, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	slots[0] = pool->first;
	pool->slots = slots;
	pool->nr = nr;
	return 0;
}

static struct nvmet_tcp_cmd *make_cmd(struct nvmet_tcp_queue *queue, gfp_t gfp)
{
	struct nvmet_tcp_pool *pool = &queue->pool;
	struct nvmet_tcp_cmd *cmd;
	u16 slot = 0;

	cmd = kmem_cache_zalloc(cmd_cache, gfp | __GFP_NOWARN);
	if (!cmd)
		return NULL;
	while (pool->slots[slot])
		slot++;
	cmd->slot = slot;
	cmd->queue = queue;
	cmd->req.port = queue->port->nport;
	cmd->req.cmd = &cmd->sqe;
	cmd->req.cqe = &cmd->cqe;
	INIT_LIST_HEAD(&cmd->entry);
	pool->slots[slot] = cmd;
	pool->made++;
	return cmd;
}

/**
 * nvmet_tcp_cmd_take() - get a free command
 * @queue: owned by io_work
 * @gfp: GFP_NOWAIT where the caller must not sleep
 *
 * Return: a command without data; -EBUSY where every slot is in use, -ENOMEM
 * without memory for another command.
 */
struct nvmet_tcp_cmd *nvmet_tcp_cmd_take(struct nvmet_tcp_queue *queue,
					 gfp_t gfp)
{
	struct nvmet_tcp_pool *pool = &queue->pool;
	struct llist_node *node = llist_del_first(&pool->idle);
	struct nvmet_tcp_cmd *cmd;

	if (node) {
		cmd = llist_entry(node, struct nvmet_tcp_cmd, tx_node);
	} else if (pool->made < pool->nr) {
		cmd = make_cmd(queue, gfp);
		if (!cmd)
			return ERR_PTR(-ENOMEM);
	} else {
		return ERR_PTR(-EBUSY);
	}
	pool->tag += NVMET_TCP_SLOTS_MAX;
	cmd->ttag = pool->tag | cmd->slot;
	cmd->flags = 0;
	cmd->icd_len = 0;
	cmd->rx_done = 0;
	cmd->r2t_end = 0;
	cmd->tx_off = 0;
	cmd->phase = NVMET_TCP_CMD_CAPSULE;
	return cmd;
}

/**
 * nvmet_tcp_cmd_find() - the command that waits for H2CData with this tag
 * @queue: owned by io_work
 * @ttag: transfer tag, host byte order
 *
 * Return: the command, or NULL where no command of that tag waits.
 */
struct nvmet_tcp_cmd *nvmet_tcp_cmd_find(const struct nvmet_tcp_queue *queue,
					 u16 ttag)
{
	u16 slot = ttag & NVMET_TCP_SLOT_MASK;
	struct nvmet_tcp_cmd *cmd;

	if (slot >= queue->pool.nr)
		return NULL;
	cmd = queue->pool.slots[slot];
	if (!cmd || READ_ONCE(cmd->phase) != NVMET_TCP_CMD_H2C ||
	    cmd->ttag != ttag)
		return NULL;
	return cmd;
}

/**
 * nvmet_tcp_cmd_put() - the command is done with
 * @cmd: on no list, its queue owned by io_work
 */
void nvmet_tcp_cmd_put(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_queue *queue = cmd->queue;

	queue->pool.held -= cmd->buf.len;
	nvmet_tcp_buf_free(&queue->cache, &cmd->buf);
	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_FREE);
	llist_add(&cmd->tx_node, &queue->pool.idle);
}

static void free_cmd(struct nvmet_tcp_queue *queue, struct nvmet_tcp_cmd *cmd)
{
	queue->pool.slots[cmd->slot] = NULL;
	queue->pool.made--;
	nvmet_tcp_buf_destroy(&queue->cache, &cmd->buf);
	kmem_cache_free(cmd_cache, cmd);
}

/**
 * nvmet_tcp_pool_trim() - free the commands that are not in use
 * @queue: owned by io_work
 *
 * With a drive behind it, nvmet looks at a command once more some time after
 * it has completed it: those are kept.
 */
void nvmet_tcp_pool_trim(struct nvmet_tcp_queue *queue)
{
	struct nvmet_ctrl *ctrl = queue->sq.ctrl;
	struct nvmet_tcp_cmd *cmd;
	struct nvmet_tcp_cmd *next;
	struct llist_node *node;

	if (ctrl && nvmet_is_passthru_subsys(ctrl->subsys))
		return;
	node = llist_del_all(&queue->pool.idle);
	llist_for_each_entry_safe(cmd, next, node, tx_node)
		free_cmd(queue, cmd);
}

/**
 * nvmet_tcp_pool_free() - free all commands and slots
 * @queue: queue that nothing runs on, none of its commands is with nvmet
 */
void nvmet_tcp_pool_free(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_pool *pool = &queue->pool;
	u16 i;

	for (i = 0; i < pool->nr; i++)
		if (pool->slots[i])
			free_cmd(queue, pool->slots[i]);
	if (pool->slots != &pool->first)
		kfree(pool->slots);
}
