# SPDX-License-Identifier: Apache-2.0
"""Something again and again, each time with another allocation of a module
failing, whoever it is that asks for it: a worker, or an interrupt.

The kernel fails each INTERVAL-th allocation that counts, and counts on from
one interval to the next, until something has failed. So it fails the Nth one
from now on where INTERVAL is N more than what was counted until now; and when
it has, exactly INTERVAL were counted.
"""


class Countdown:
    """Failures of one kind: failslab, or fail_page_alloc. Nothing else may have
    counted since the boot."""

    def __init__(self, kind):
        self.folder = f"/sys/kernel/debug/{kind}"
        self.counted = 0
        self.interval = 0

    def _set(self, name, value):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def start(self, number):
        """The Nth allocation from now on fails, and no other one."""
        self.interval = self.counted + number
        self._set("interval", self.interval)
        self._set("times", 1)
        self._set("probability", 100)

    def stop(self):
        self._set("probability", 0)
        # An interval of 1 does not count.
        if self.failed() and self.interval > 1:
            self.counted = self.interval

    def failed(self):
        """Has it failed, since start()?"""
        with open(f"{self.folder}/times", encoding="ascii") as file:
            return file.read().strip() == "0"


def every_allocation(kind, attempt, afterwards, limit=5000):
    """Attempt it with the first allocation failing, with the second one, and so
    on, until an attempt is over in which none failed; each time, look
    afterwards, with memory for everything. Returns how many have failed."""
    countdown = Countdown(kind)
    for number in range(1, limit):
        countdown.start(number)
        try:
            attempt()
        finally:
            countdown.stop()
        if not countdown.failed():
            return number - 1
        afterwards()
    raise AssertionError(f"more than {limit} allocations")
