/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting what several CPUs see, where most is seen by one of them. A locked
 * addition is dear: the CPU that has made the entry, its home, counts without a
 * lock in words that are its own, and all the others in those beside them.
 * Programs of both halves run with softirqs off, so a CPU is not interrupted by
 * itself.
 */
#ifndef CLOAK_KERN_COUNT_H
#define CLOAK_KERN_COUNT_H

#include "maps.h"
#include "packet.h"

static __always_inline bool is_home(__u32 home_cpu)
{
	return home_cpu == bpf_get_smp_processor_id();
}

/* Adds @count. @home: is_home() of the entry that @own and @away are in. */
static __always_inline void count_add(bool home, __u64 *own, __u64 *away,
				      __u64 count)
{
	if (home)
		*own += count;
	else
		__sync_fetch_and_add(away, count);
}

/*
 * When a packet came: in ticks of the kernel (1 to 10 ms), and by
 * CLOCK_BOOTTIME, which is dear and asked for only when somebody has to know.
 */
struct moment {
	__u64 tick;
	__u64 now;	/* 0: not asked for yet */
};

static __always_inline __u64 moment_now(struct moment *m)
{
	if (!m->now)
		m->now = bpf_ktime_get_boot_ns();
	return m->now;
}

#endif /* CLOAK_KERN_COUNT_H */
