// SPDX-License-Identifier: GPL-2.0-only
/*
 * When is it worth a send? One that takes many capsules costs hardly more than
 * one that takes a single capsule, and what the target answers together comes
 * back together. So on a busy queue a capsule waits for company: the doorbell
 * rings once as many are there as came together before (the goal), or once no
 * more come for batch_usecs.
 *
 * Whether a queue is busy cannot be asked, so it is tried out. A goal of one,
 * with which every queue begins, sends at once. From time to time the goal is
 * doubled: if so many come before the timer does, it stays, and is soon doubled
 * again; if not, it falls to what came, but at most by half, and the next
 * attempt is twice as far away. A queue at depth one pays for that with
 * batch_usecs once in BACKOFF_MAX commands.
 *
 * Nothing here locks. @held and @goal may be a little wrong, which costs some
 * microseconds; what must not go wrong is that somebody rings. A submitter adds
 * to the list, then counts, then looks at @armed. If that is set, either the
 * timer will ring, or whoever clears it sends afterwards, and then the list has
 * this capsule.
 */
#include "nvme_tcp.h"

/* Data of a command that is as dear as what waiting might save. */
#define LARGE_DATA	SZ_16K
/* Times that the timer is started again because capsules keep coming. */
#define EXTENSIONS	3
/* Most that batch_usecs may be: commands must not wait until they time out. */
#define USECS_MAX	1000U
/* Sends between two attempts to raise the goal: at first, and at most. */
#define BACKOFF_MIN	8
#define BACKOFF_MAX	1024

static ktime_t bell_time(void)
{
	u32 usecs = min(READ_ONCE(nvme_tcp_batch_usecs), USECS_MAX);

	return ns_to_ktime(usecs * NSEC_PER_USEC);
}

static u32 bell_max(void)
{
	return READ_ONCE(nvme_tcp_batch_usecs) ?
	       clamp(READ_ONCE(nvme_tcp_batch), 1U, NVME_TCP_BATCH_MAX) : 1;
}

/* A goal was reached: go on, and now and then try a higher one. */
static void bell_reached(struct nvme_tcp_doorbell *bell, u32 goal)
{
	u32 max = bell_max();

	if (goal >= max) {
		WRITE_ONCE(bell->goal, max);
	} else if (++bell->since >= bell->backoff) {
		bell->since = 0;
		bell->proven = goal;
		WRITE_ONCE(bell->goal, min(2 * goal, max));
	} else if (goal > bell->proven) {
		bell->proven = goal;
		bell->backoff = BACKOFF_MIN;
	}
}

/* The timer came first, with @held capsules. */
static void bell_missed(struct nvme_tcp_doorbell *bell, u32 held)
{
	u32 goal = READ_ONCE(bell->goal);

	if (goal > bell->proven)
		bell->backoff = min_t(u32, 2 * bell->backoff, BACKOFF_MAX);
	bell->since = 0;
	/* One bad turn does not make a busy queue an idle one. */
	bell->proven = max(held, bell->proven / 2);
	WRITE_ONCE(bell->goal, max(bell->proven, 1U));
}

static enum hrtimer_restart bell_timer(struct hrtimer *timer)
{
	struct nvme_tcp_queue *queue =
		container_of(timer, struct nvme_tcp_queue, bell.timer);
	struct nvme_tcp_doorbell *bell = &queue->bell;
	u32 held = atomic_read(&bell->held);

	if (held > bell->seen && bell->extended < EXTENSIONS) {
		bell->seen = held;
		bell->extended++;
		hrtimer_forward_now(timer, bell_time());
		return HRTIMER_RESTART;
	}
	/* From here on a submitter starts the timer himself. */
	WRITE_ONCE(bell->armed, false);
	held = atomic_xchg(&bell->held, 0);
	if (held) {
		bell_missed(bell, held);
		nvme_tcp_tx_kick_worker(queue);
	}
	return HRTIMER_NORESTART;
}

static void bell_arm(struct nvme_tcp_doorbell *bell)
{
	bell->seen = 1;
	bell->extended = 0;
	hrtimer_start(&bell->timer, bell_time(), HRTIMER_MODE_REL);
}

/**
 * nvme_tcp_bell_init() - send everything at once, to begin with
 * @bell: new
 */
void nvme_tcp_bell_init(struct nvme_tcp_doorbell *bell)
{
	hrtimer_init(&bell->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	bell->timer.function = bell_timer;
	bell->goal = 1;
	bell->proven = 1;
	bell->backoff = BACKOFF_MIN;
}

/**
 * nvme_tcp_bell_stop() - the timer does not run any more
 * @bell: of a queue that nobody submits to, or that does not send
 *
 * May sleep. Starts afresh on the next connection.
 */
void nvme_tcp_bell_stop(struct nvme_tcp_doorbell *bell)
{
	hrtimer_cancel(&bell->timer);
	WRITE_ONCE(bell->armed, false);
	atomic_set(&bell->held, 0);
}

/**
 * nvme_tcp_bell_ring() - a capsule was submitted: is it time to send?
 * @queue: live, not polled
 * @len: bytes of data of the command
 * @last: no other one follows at once
 *
 * Process context, after nvme_tcp_tx_submit().
 *
 * Return: true where the caller has to send, or to have it sent.
 */
bool nvme_tcp_bell_ring(struct nvme_tcp_queue *queue, u32 len, bool last)
{
	struct nvme_tcp_doorbell *bell = &queue->bell;
	u32 goal = READ_ONCE(bell->goal);
	u32 held;

	if (len > LARGE_DATA)
		return last;
	if (goal == 1) {
		if (last)
			bell_reached(bell, goal);
		return last;
	}
	/* A full barrier: @armed is looked at after the list was added to. */
	held = atomic_inc_return(&bell->held);
	if (!last)
		return false;
	if (held < goal) {
		if (!READ_ONCE(bell->armed) && !xchg(&bell->armed, true))
			bell_arm(bell);
		return false;
	}
	atomic_set(&bell->held, 0);
	if (hrtimer_try_to_cancel(&bell->timer) == 1)
		WRITE_ONCE(bell->armed, false);
	bell_reached(bell, goal);
	return true;
}
