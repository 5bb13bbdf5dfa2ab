// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queue serves which CPU, and which CPU does a queue's work.
 */
#include <linux/cpu.h>
#include <linux/sched/isolation.h>

#include "nvme_tcp.h"

/* Queues whose work is done on a CPU, of all controllers together. */
static DEFINE_PER_CPU(atomic_t, cpu_queues);

/*
 * Can a queue be driven from a CPU? blk-mq keeps off those that are isolated,
 * and a queue that serves no other CPU could never be connected.
 */
static bool cpu_drives(unsigned int cpu)
{
	return cpu_online(cpu) && !cpu_is_isolated(cpu);
}

static unsigned int num_driving_cpus(void)
{
	unsigned int cpu, n = 0;

	for_each_online_cpu(cpu)
		n += cpu_drives(cpu);
	return max(n, 1U);
}

/**
 * nvme_tcp_wanted_io_queues() - how many I/O queues to ask for
 * @opts: options of the controller
 *
 * Return: their number; of each kind no more than there are CPUs that can
 * drive one: online and not isolated.
 */
unsigned int nvme_tcp_wanted_io_queues(const struct nvmf_ctrl_options *opts)
{
	unsigned int cpus = num_driving_cpus();

	return min(opts->nr_io_queues, cpus) +
	       min(opts->nr_write_queues, cpus) +
	       min(opts->nr_poll_queues, cpus);
}

/**
 * nvme_tcp_count_io_queues() - share the queues that were granted out
 * @ctrl: in setup
 * @granted: how many the controller grants, at least 1
 *
 * With queues for writes asked for, reads get theirs first, and writes what
 * then is left; without any left they share. Polled queues come last.
 */
void nvme_tcp_count_io_queues(struct nvme_tcp_ctrl *ctrl, u32 granted)
{
	const struct nvmf_ctrl_options *opts = ctrl->ctrl.opts;
	unsigned int cpus = num_driving_cpus();
	u32 shared = min(opts->nr_io_queues, cpus);
	u32 writes = min(opts->nr_write_queues, cpus);
	u32 *nr = ctrl->io_queues;

	memset(ctrl->io_queues, 0, sizeof(ctrl->io_queues));
	if (writes && granted > shared) {
		nr[HCTX_TYPE_READ] = shared;
		nr[HCTX_TYPE_DEFAULT] = min(writes, granted - shared);
	} else {
		nr[HCTX_TYPE_DEFAULT] = min(shared, granted);
	}
	granted -= nr[HCTX_TYPE_READ] + nr[HCTX_TYPE_DEFAULT];
	nr[HCTX_TYPE_POLL] = min3(opts->nr_poll_queues, cpus, granted);
}

/* Does every queue of a map serve a CPU that can drive it? */
static bool map_is_reachable(const struct blk_mq_queue_map *map)
{
	unsigned int q, cpu;

	for (q = 0; q < map->nr_queues; q++) {
		for_each_possible_cpu(cpu)
			if (map->mq_map[cpu] == map->queue_offset + q &&
			    cpu_drives(cpu))
				break;
		if (cpu >= nr_cpu_ids)
			return false;
	}
	return true;
}

/* CPUs that can drive queues first, each queue gets one; then the others. */
static void map_spread(struct blk_mq_queue_map *map)
{
	unsigned int cpu, n = 0;

	for_each_possible_cpu(cpu)
		if (cpu_drives(cpu))
			map->mq_map[cpu] = map->queue_offset +
					   n++ % map->nr_queues;
	for_each_possible_cpu(cpu)
		if (!cpu_drives(cpu))
			map->mq_map[cpu] = map->queue_offset +
					   n++ % map->nr_queues;
}

static void map_type(struct blk_mq_tag_set *set, int type, u32 nr, u32 offset)
{
	struct blk_mq_queue_map *map = &set->map[type];

	map->nr_queues = nr;
	map->queue_offset = offset;
	if (!nr)
		return;
	blk_mq_map_queues(map);
	if (!map_is_reachable(map))
		map_spread(map);
}

/**
 * nvme_tcp_map_queues() - blk-mq: which queue serves which CPU
 * @set: tag set of the I/O queues
 *
 * As blk-mq does it by itself, but for one thing: no queue serves only CPUs
 * that are offline or isolated.
 */
void nvme_tcp_map_queues(struct blk_mq_tag_set *set)
{
	struct nvme_tcp_ctrl *ctrl = to_nvme_tcp_ctrl(set->driver_data);
	u32 *nr = ctrl->io_queues;
	u32 writes = nr[HCTX_TYPE_DEFAULT];

	map_type(set, HCTX_TYPE_DEFAULT, writes, 0);
	if (nr[HCTX_TYPE_READ])
		map_type(set, HCTX_TYPE_READ, nr[HCTX_TYPE_READ], writes);
	else
		map_type(set, HCTX_TYPE_READ, writes, 0);
	if (set->nr_maps > HCTX_TYPE_POLL)
		map_type(set, HCTX_TYPE_POLL, nr[HCTX_TYPE_POLL],
			 writes + nr[HCTX_TYPE_READ]);
	dev_info(ctrl->ctrl.device,
		 "mapped %u/%u/%u default/read/poll queues\n", writes,
		 nr[HCTX_TYPE_READ], nr[HCTX_TYPE_POLL]);
}

static int queue_type(const struct nvme_tcp_queue *queue)
{
	const u32 *nr = queue->ctrl->io_queues;
	u32 index = queue->qid - 1;

	if (index < nr[HCTX_TYPE_DEFAULT])
		return HCTX_TYPE_DEFAULT;
	if (index < nr[HCTX_TYPE_DEFAULT] + nr[HCTX_TYPE_READ])
		return HCTX_TYPE_READ;
	return HCTX_TYPE_POLL;
}

/* The CPU of a set that serves the fewest queues; nr_cpu_ids if it is empty. */
static unsigned int least_used(const struct cpumask *cpus)
{
	unsigned int cpu, best = nr_cpu_ids;
	int load, least = INT_MAX;

	for_each_cpu(cpu, cpus) {
		load = atomic_read(per_cpu_ptr(&cpu_queues, cpu));
		if (load < least) {
			least = load;
			best = cpu;
		}
	}
	return best;
}

static unsigned int choose(const struct nvme_tcp_queue *queue,
			   struct cpumask *cpus)
{
	const struct blk_mq_tag_set *set = &queue->ctrl->tag_set;
	const struct blk_mq_queue_map *map = &set->map[queue_type(queue)];
	unsigned int cpu;

	cpumask_clear(cpus);
	for_each_online_cpu(cpu)
		if (map->mq_map[cpu] == queue->qid - 1 &&
		    housekeeping_cpu(cpu, HK_TYPE_DOMAIN))
			cpumask_set_cpu(cpu, cpus);
	if (cpumask_empty(cpus))
		cpumask_and(cpus, cpu_online_mask,
			    housekeeping_cpumask(HK_TYPE_DOMAIN));
	return least_used(cpus);
}

/**
 * nvme_tcp_choose_cpu() - decide where a queue's work is done
 * @queue: I/O queue that is open, with its map made
 *
 * On a CPU that submits to it and is not isolated, else on any that is not;
 * among those on the one with the fewest queues.
 */
void nvme_tcp_choose_cpu(struct nvme_tcp_queue *queue)
{
	unsigned int cpu = WORK_CPU_UNBOUND;
	cpumask_var_t cpus;

	mutex_lock(&queue->lock);
	queue->polled = queue_type(queue) == HCTX_TYPE_POLL;
	if (alloc_cpumask_var(&cpus, GFP_NOIO)) {
		cpu = choose(queue, cpus);
		free_cpumask_var(cpus);
	}
	if (cpu >= nr_cpu_ids) {
		queue->io_cpu = WORK_CPU_UNBOUND;
	} else if (queue->counted_cpu < 0) {
		queue->io_cpu = cpu;
		queue->counted_cpu = cpu;
		atomic_inc(per_cpu_ptr(&cpu_queues, cpu));
	}
	mutex_unlock(&queue->lock);
}

/**
 * nvme_tcp_release_cpu() - no longer count a queue for its CPU
 * @queue: halted, lock held
 */
void nvme_tcp_release_cpu(struct nvme_tcp_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->counted_cpu >= 0)
		atomic_dec(per_cpu_ptr(&cpu_queues, queue->counted_cpu));
	queue->counted_cpu = -1;
}
