# SPDX-License-Identifier: Apache-2.0
"""Peers that say nothing."""

import os
import threading
import time

import fake
from bench import bench, check, refused_connect
from client import until
from fake import SLOW, Target
from pytap import test


@test("a controller that accepts and says nothing")
def _():
    target = Target()
    try:
        target.icresp = lambda d: None
        begin = time.monotonic()
        refused_connect(target)
        check(5 < time.monotonic() - begin < 15 * SLOW, "took",
              time.monotonic() - begin)
    finally:
        target.close()


@test("disconnect while the controller says nothing to ICReq")
def _():
    with bench() as b:
        b.target.icresp = lambda d: None
        before = b.target.icreqs
        b.target.drop()
        b.target.wait(lambda: b.target.icreqs > before, what="ICReq")
        took = b.host.delete()
        check(took < 5, "disconnect took", took)
        b.host = None


def disconnect_unanswered(unanswered):
    """Of a controller that is silent about a command, as it connects again."""
    with bench() as b:
        seen = threading.Event()

        def act(_, command):
            if unanswered(command):
                seen.set()
                return True
            return False
        b.target.hook = act
        b.target.drop()
        check(seen.wait(20 * SLOW), "the command did not come")
        took = b.host.delete()
        check(took < 5, "disconnect took", took)
        b.host = None


@test("disconnect while the controller does not answer Connect")
def _():
    disconnect_unanswered(
        lambda c: c.opcode == fake.FABRICS and c.sqe[4] == 1)


@test("disconnect while the controller does not answer Identify")
def _():
    disconnect_unanswered(
        lambda c: c.qid == 0 and c.opcode == fake.IDENTIFY)


@test("disconnect of a live controller that has gone silent")
def _():
    with bench() as b:
        # The kernel reads the new disk, and holds up opens until it has.
        b.host.device()
        job_seen = threading.Event()

        def act(_, command):
            if command.io:
                job_seen.set()
            return True
        b.target.hook = act
        job = b.host.start_read(0, 4096)
        check(job_seen.wait(20 * SLOW), "no read")
        took = b.host.delete()
        check(took < 12, "disconnect took", took)
        b.host = None
        check(isinstance(job.exception(20 * SLOW), OSError),
              "the read succeeded")


@test("a silent controller is noticed by its keep alive")
def _():
    with bench(keep_alive_tmo=2) as b:
        b.target.hook = lambda q, c: c.qid == 0 and \
            c.opcode == fake.KEEP_ALIVE
        before = b.target.icreqs
        until(lambda: b.host.resets() >= 1, 30, "error recovery")
        b.target.hook = None
        until(lambda: b.target.icreqs > before, 30, "another connection")
        b.host.wait_state("live")
        b.read_is_right()


@test("reset of a controller that stops answering comes to an end")
def _():
    with bench(ctrl_loss_tmo=2) as b:
        b.target.hook = lambda q, c: True
        begin = time.monotonic()

        def reset():
            with open(b.host.sysfs + "/reset_controller", "w",
                      encoding="ascii") as file:
                file.write("1")
        job = b.host.start(reset)
        until(lambda: b.host.state() != "live", 20, "resetting")
        took = b.host.delete()
        check(took < 15, "disconnect took", took)
        b.host = None
        job.exception(20 * SLOW)
        check(time.monotonic() - begin < 40 * SLOW, "it took too long")


@test("reconnects that are refused are tried again")
def _():
    with bench() as b:
        before = b.target.icreqs
        b.target.connect_status = lambda qid: fake.CONNECT_INVALID
        b.target.drop()
        until(lambda: b.target.icreqs >= before + 3, 30, "three attempts")
        b.target.connect_status = lambda qid: 0
        b.host.wait_state("live")
        b.read_is_right()


@test("a reconnect that is refused for good")
def _():
    with bench() as b:
        before = b.target.icreqs
        b.target.connect_status = lambda qid: fake.CONNECT_INVALID | fake.DNR
        b.target.drop()
        if os.uname().release.startswith("6.1."):
            # Its nvme-fabrics does not ask why.
            until(lambda: b.target.icreqs >= before + 3, 30, "three attempts")
            b.target.connect_status = lambda qid: 0
            b.host.wait_state("live")
            return
        until(lambda: not os.path.exists(b.host.sysfs), 20, "removal")
        check(b.target.icreqs == before + 1, "attempts:",
              b.target.icreqs - before)
        check(b.log.has("removing the controller"), b.log.lines)
        b.host = None
