#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connects to 127.0.0.1, or resets a controller, with one allocation after the
other failing.

usage: no_memory.py connect NQN PORT
       no_memory.py often NQN PORT                with failures by chance
       no_memory.py reset CONTROLLER DISK KIND    failslab, fail_page_alloc

Whichever it is, an attempt to connect fails with nothing left behind, or
succeeds; and a controller that is reset is live again, at once or at the next
attempt to reconnect.
"""

import collections
import errno
import os
import sys
import time
import types

from client import Controller, DEBUGFS, direct_read, direct_write, until
from client import read_file
from fake import BLOCK, SLOW

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))
# pylint: disable=wrong-import-position
import fail_count
import fail_nth
from pytap import pattern

# Seconds that an attempt may take.
DEADLINE = 10
# Whoever connects gets one of these: without memory there is no file either, a
# command of setting up fails, and nvme-core adds a device that has no name.
RIGHT_ERRORS = {os.strerror(number) for number in
                (errno.ENOMEM, errno.ENFILE, errno.EIO, errno.EINVAL)}


def in_time(function, *args):
    begin = time.monotonic()
    try:
        return function(*args)
    finally:
        seconds = time.monotonic() - begin
        if seconds > DEADLINE * SLOW:
            raise TimeoutError(f"{seconds:.0f} s")


def nothing_left():
    return not os.listdir(DEBUGFS) and not os.listdir("/sys/class/nvme")


def connect(nqn, port):
    target = types.SimpleNamespace(nqn=nqn, port=port)

    def attempt():
        until(nothing_left, 20, "nothing left of the attempt before")
        return in_time(Controller, target)

    failed, succeeded = fail_nth.every_allocation(attempt, Controller.delete)
    until(nothing_left, 20, "nothing left")
    print(f"{dict(failed)}, and {succeeded} did not mind")
    if set(failed) - RIGHT_ERRORS:
        raise AssertionError("an error that is not for want of memory")
    return failed.total() > 30


def often(nqn, port):
    target = types.SimpleNamespace(nqn=nqn, port=port)
    results = collections.Counter()
    for _ in range(20):
        try:
            ctrl = in_time(Controller, target)
        except OSError as error:
            results[error.strerror] += 1
        else:
            results["connected"] += 1
            ctrl.delete()
        until(nothing_left, 20, "nothing left")
    print(dict(results))
    return True


class Reset:
    """A controller that is reset again and again."""

    def __init__(self, sysfs, disk):
        self.sysfs = sysfs
        self.disk = disk
        self.data = pattern(4 * BLOCK)
        direct_write(disk, 0, self.data)
        self.results = collections.Counter()

    def is_live(self):
        return read_file(f"{self.sysfs}/state").strip() == "live"

    def attempt(self):
        result = "at once"
        try:
            # Without a buffer: each write is a reset.
            with open(f"{self.sysfs}/reset_controller", "wb",
                      buffering=0) as file:
                file.write(b"1")
        except OSError as error:
            if error.errno != errno.ENETRESET:
                raise
            result = "later"
        until(self.is_live, DEADLINE, "live")
        self.results[result] += 1

    def works(self):
        if direct_read(self.disk, 0, len(self.data)) != self.data:
            raise AssertionError("read back something else")


def reset(sysfs, disk, kind):
    controller = Reset(sysfs, disk)
    failed = fail_count.every_allocation(kind, controller.attempt,
                                         controller.works)
    print(f"{failed} allocations, live again: {dict(controller.results)}")
    return failed > 0


def main():
    todo = {"connect": connect, "often": often, "reset": reset}[sys.argv[1]]
    begin = time.monotonic()
    enough = todo(*sys.argv[2:])
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(0 if enough else "too few failed to be true")


if __name__ == "__main__":
    main()
