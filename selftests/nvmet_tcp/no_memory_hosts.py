#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host connects, writes, reads and goes, with one allocation of the target
after the other failing.

usage: no_memory_hosts.py KIND ADDRESS PORT SUBNQN     failslab, fail_page_alloc

Whichever it is, the host notices nothing, or one command fails, or it is
refused, or its connection ends. It never waits for an answer that does not
come, what it reads is right, and the next host is served.
"""

import collections
import os
import sys
import time

import peer
from bench import counters
from peer import BLOCK, Closed, Failure, Host, Refused

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))
# pylint: disable=wrong-import-position
from fail_count import every_allocation
from pytap import pattern

# Seconds: less than the target gives a host for ICReq and Connect, for it is
# not to end a connection only because of that.
DEADLINE = 8
INTERNAL_ERROR = 0x06
# Of each I/O queue: digests, and blocks that are written and read. 94 of them
# take a large page and more single ones than a command has room for by itself.
PLAIN = ({}, (1,))
ALL = (({"hdgst": True, "ddgst": True}, (1, 9)), ({}, (1, 94)))


class Visit:
    """From the first connection to the last command; what went wrong."""

    def __init__(self, address, subnqn, seed, queues):
        self.address = address
        self.subnqn = subnqn
        self.seed = seed
        self.queues = queues
        self.step = ""
        self.went_wrong = []

    def note(self, what):
        self.went_wrong.append(f"{self.step}: {what}")

    def at(self, step):
        self.step = step

    def run(self):
        try:
            self.connect()
        except Refused as refusal:
            self.refused(refusal)
        except (Closed, ConnectionError):
            self.note("closed")

    def refused(self, refusal):
        if refusal.status != INTERNAL_ERROR:
            raise refusal
        self.note(f"status {refusal.status:#x}")

    def host(self, options):
        self.at("accept")
        host = Host(self.address, handshake=False, timeout=5)
        self.at("ICReq")
        host.handshake(**options)
        return host

    def connect(self):
        with self.host({}) as admin:
            self.at("Connect of the admin queue")
            cntlid = admin.connect(self.subnqn)
            admin.enable()
            for number, (options, sizes) in enumerate(self.queues, 1):
                with self.host(options) as io:
                    self.at("Connect of an I/O queue")
                    io.connect(self.subnqn, number, 31, cntlid)
                    self.commands(io, sizes)

    def commands(self, io, sizes):
        for blocks in sizes:
            data = pattern(blocks * BLOCK, self.seed)
            write = io.write_in_capsule if blocks == 1 else io.write
            if self.command(f"write of {blocks}", write, 0, data):
                self.read(io, blocks, data)

    def read(self, io, blocks, data):
        got = self.command(f"read of {blocks}", io.read, 0, blocks)
        if got and got != data:
            raise Failure("read back something else")

    def command(self, step, function, *args):
        """What it returns, or True; False where it has failed."""
        self.at(step)
        try:
            return function(*args) or True
        except Refused as refusal:
            self.refused(refusal)
            return False


def sockets():
    """Those of port 4420 that have a peer. By these one sees when the target
    is done: what it tells in debugfs itself takes memory."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        lines = [line.split() for line in file][1:]
    return [line for line in lines
            if line[1].endswith(":1144") and line[3] not in ("06", "0A")]


class Test:
    """Visits, and what came of them."""

    def __init__(self, address, subnqn):
        self.where = address, subnqn
        self.results = collections.Counter()
        self.seed = 0

    def visit(self, queues):
        self.seed += 1
        begin = time.monotonic()
        visit = Visit(*self.where, self.seed, queues)
        visit.run()
        peer.wait_until(5, lambda: not sockets())
        if time.monotonic() - begin > DEADLINE:
            raise Failure(f"{visit.step}: it took too long")
        return visit.went_wrong

    def attempt(self):
        for what in self.visit(ALL) or ["no harm"]:
            self.results[what] += 1

    def is_served(self):
        went_wrong = self.visit((PLAIN,))
        if went_wrong:
            raise Failure(f"with memory again: {went_wrong}")
        peer.wait_until(5, lambda: counters()["connections"] == 0)


def main():
    kind, address, port, subnqn = sys.argv[1:]
    test = Test((address, int(port)), subnqn)
    test.is_served()
    timed_out = counters()["timed_out"]
    begin = time.monotonic()
    failed = every_allocation(kind, test.attempt, test.is_served)
    for what, number in test.results.items():
        print(f"{number} {what}")
    if counters()["timed_out"] != timed_out:
        sys.exit("the target waited for a host that was waiting for it")
    print(f"{failed} allocations failed in {time.monotonic() - begin:.0f} s")
    sys.exit(0 if failed > 8 else "too few failed to be true")


if __name__ == "__main__":
    main()
