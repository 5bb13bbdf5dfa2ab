# SPDX-License-Identifier: Apache-2.0
"""A system call again and again, each time with another allocation failing."""

import collections
import os


class Nth:
    """While it is entered, the Nth allocation of this thread fails; those that
    inject_into() leaves out do not count."""

    def __init__(self, number):
        self.number = number
        self.reached = False

    def __enter__(self):
        self.fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
        os.write(self.fd, str(self.number).encode())
        return self

    def __exit__(self, *_):
        left = int(os.pread(self.fd, 16, 0).strip(b"\0\n"))
        os.pwrite(self.fd, b"0", 0)
        os.close(self.fd)
        self.reached = left == 0


def every_allocation(call, undo, limit=5000):
    """Call with the first allocation failing, with the second one, and so on,
    until there are no more. What succeeds in spite of it is undone. Returns
    how often it failed, by error, and how often it did not mind."""
    failed = collections.Counter()
    succeeded = 0
    for number in range(1, limit):
        nth = Nth(number)
        try:
            with nth:
                result = call()
        except OSError as error:
            if not nth.reached:
                raise
            failed[error.strerror] += 1
        else:
            succeeded += nth.reached
            undo(result)
        if not nth.reached:
            return failed, succeeded
    raise AssertionError(f"more than {limit} allocations")
