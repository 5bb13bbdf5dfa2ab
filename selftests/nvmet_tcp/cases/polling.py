# SPDX-License-Identifier: Apache-2.0
"""Workers that poll, and workers that sleep."""

import time
from contextlib import ExitStack

from bench import parameter, queue_of, witness_alone
from peer import Failure, SLOW, wait_until
from pytap import test

PERIOD = "idle_poll_period_usecs"


def wakeups_within(host, seconds):
    """Runs of the worker while nothing is asked of it."""
    before = int(queue_of(host)["rx_wakeups"])
    time.sleep(seconds)
    return int(queue_of(host)["rx_wakeups"]) - before


def sleeps(host):
    # An idle queue is looked at once in a while, to give memory back.
    return wakeups_within(host, 0.2) < 3


@test("a queue polls for idle_poll_period_usecs, then sleeps")
def _polls(bench):
    with bench.controller() as io:
        wait_until(5, lambda: sleeps(io))
        with parameter(PERIOD, 1000000 * SLOW):
            if not sleeps(io):
                raise Failure("it polls before there was work")
            io.read(0, 1)
            polls = wakeups_within(io, 0.2)
            if polls < 10:
                raise Failure(f"{polls} looks in 0.2 s of polling")
            for _ in range(10):
                io.read(0, 8)
            wait_until(5, lambda: sleeps(io))
        io.read(0, 1)
        if not sleeps(io):
            raise Failure("it polls, though it is to no more")


@test("a queue does not poll for a peer that has gone")
def _closed_while_polling(bench):
    wait_until(10, witness_alone)
    # Workers that poll leave little of a slow processor to who connects.
    with ExitStack() as controller:
        io = controller.enter_context(bench.controller())
        with parameter(PERIOD, 60000000 * SLOW):
            io.read(0, 1)
            controller.close()
            wait_until(10, witness_alone)


@test("idle_poll_period_usecs is no negative number")
def _negative(_):
    try:
        with parameter(PERIOD, -1):
            raise Failure("-1 was taken")
    except OSError:
        pass
