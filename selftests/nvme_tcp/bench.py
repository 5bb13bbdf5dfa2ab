# SPDX-License-Identifier: Apache-2.0
"""What the tests of the initiator are made of."""

import contextlib
import mmap
import os
import sys
import threading

import fake
from client import Controller, KernelLog
from fake import Target

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))
# pylint: disable=wrong-import-position
from pytap import pattern, setting

INVALID_HEADER, SEQUENCE, HDGST, OUT_OF_RANGE, LIMIT = 1, 2, 3, 4, 5


def parameter(name, value):
    """A module parameter with another value for a while."""
    return setting(f"/sys/module/nvme_tcp/parameters/{name}", value)


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


MEDIUM = os.memfd_create("medium")
os.write(MEDIUM, pattern(fake.SIZE))


def medium():
    """A disk with data on it; each has its own copy of what is written."""
    return mmap.mmap(MEDIUM, fake.SIZE, flags=mmap.MAP_PRIVATE)


class Once:
    """A hook that misbehaves for one command, and then never again."""

    def __init__(self, wanted, act):
        self.wanted = wanted
        self.act = act
        self.used = 0

    def __call__(self, queue, command):
        if self.used or not getattr(command, self.wanted):
            return False
        self.used += 1
        # Whatever it returns but False: the command is answered.
        return self.act(queue, command) is not False


class Bench:
    """A target and a controller of this host that is live on it."""

    def __init__(self, options=None, **connect):
        self.log = KernelLog()
        self.target = Target(**(options or {}))
        self.target.disk = medium()
        self.host = None
        try:
            self.host = Controller(self.target, **connect)
            self.host.device()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.target.hook = None
        self.target.split = None
        self.target.icresp = self.target.good_icresp
        if self.host:
            took = self.host.delete()
            check(took < 15, "disconnect took", took)
        self.target.close()
        self.log.close()
        check(not self.target.wrong, "target saw:", self.target.wrong)

    def read_is_right(self, offset=0, length=4096):
        data = self.host.read(offset, length)
        check(data == self.target.disk[offset:offset + length],
              "wrong data was read")

    def write_is_right(self, offset=0, length=4096, seed=1):
        data = pattern(length, seed)
        self.host.write(offset, data)
        check(self.target.disk[offset:offset + length] == data,
              "wrong data was written")

    def refused(self, fes, fei, reason):
        """The initiator said so, there and here, and came back."""
        check([t[:2] for t in self.target.terms] == [(fes, fei)],
              "H2CTermReq", [t[:2] for t in self.target.terms],
              "instead of", (fes, fei))
        check(self.log.has(reason), f"no '{reason}' in", self.log.lines)
        self.host.wait_state("live")
        check(self.host.resets() == 1, "resets:", self.host.resets())


@contextlib.contextmanager
def bench(options=None, **connect):
    b = Bench(options, **connect)
    try:
        yield b
    finally:
        b.close()


def refuses_on_read(act, fes, fei, reason, length=4096, **connect):
    """A read is answered wrongly once; it must be refused and tried again."""
    with bench(**connect) as b:
        b.target.hook = Once("reads", act)
        b.read_is_right(8192, length)
        check(b.target.hook.used == 1, "the hook was not used")
        b.refused(fes, fei, reason)
        check(b.target.h2c_bytes == 0, "data went to the target")


def refuses_on_write(act, fes, fei, reason, length=65536, **connect):
    """A write is answered wrongly once; as above."""
    with bench(**connect) as b:
        b.target.hook = Once("writes", act)
        b.write_is_right(8192, length)
        check(b.target.hook.used == 1, "the hook was not used")
        b.refused(fes, fei, reason)


def disk(queue, command):
    return bytes(queue.target.disk[command.start:command.start +
                                   command.length])


def refused_connect(target, **options):
    try:
        host = Controller(target, **options)
    except OSError:
        return
    host.delete()
    raise AssertionError("connected")


class Pieces:
    """Sends what is to be sent in pieces of these sizes, once."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.lock = threading.Lock()

    def __call__(self, queue, data):
        with self.lock:
            sizes, self.sizes = self.sizes, ()
        at = 0
        for size in sizes:
            queue.sock.sendall(data[at:at + size])
            fake.wait_acked(queue.sock)
            at += size
        queue.sock.sendall(data[at:])
