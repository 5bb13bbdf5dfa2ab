#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong and unusual controllers, and what the initiator must make of them.

usage: hostile.py [PATTERN...]

Prints "ok NAME" or "not ok NAME" for each test, and why. What is wrong must be
answered with an H2CTermReq that names it, and after that the initiator has to
connect again and finish the command with the right data; nothing that was not
asked for may go to the target, nothing that was not read may reach the reader.
"""

import concurrent.futures
import contextlib
import mmap
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

import fake
from client import (Controller, DEBUGFS, KernelLog, direct_write, parameter,
                    read_file, until)
from fake import (BLOCK, C2HDATA, F_LAST, F_SUCCESS, ICRESP, RSP, Target,
                  header)

TESTS = []
INVALID_HEADER, SEQUENCE, HDGST, OUT_OF_RANGE, LIMIT = 1, 2, 3, 4, 5


def test(name):
    def register(function):
        assert name not in (n for n, _ in TESTS), name
        TESTS.append((name, function))
        return function
    return register


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def pattern(length, seed=0):
    return random.Random(seed * 7919 + length).randbytes(length)


MEDIUM = pattern(fake.SIZE)


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
        self.target.disk[:] = MEDIUM
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


# H1 to H20


@test("H1: a header length of 255 with header digests on")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(c.cid, hlen=255)),
                    INVALID_HEADER, 2, "header length is wrong",
                    hdr_digest=True)


@test("H2: the same R2T twice while the command is queued")
def _():
    def act(queue, command):
        queue.send(queue.r2t(command.cid, 0, command.length) * 2)
    refuses_on_write(act, OUT_OF_RANGE, 0, "same data again")


@test("H2: more R2Ts at once than were offered")
def _():
    def act(queue, command):
        with queue.target.frozen(queue):
            queue.send(b"".join(queue.r2t(command.cid, n * 8192, 4096)
                                for n in range(queue.maxr2t + 2)))
    refuses_on_write(act, LIMIT, 0, "more R2Ts than were offered")


@test("H3: an R2T for a read")
def _():
    refuses_on_read(lambda q, c: q.send(q.r2t(c.cid, 0, c.length)),
                    INVALID_HEADER, 8, "no data to send")


@test("H4: C2HData for a write")
def _():
    refuses_on_write(lambda q, c: q.send(q.c2h(c.cid, bytes(4096))),
                     INVALID_HEADER, 8, "takes none")


@test("H5: C2HData for a command without memory (Flush)")
def _():
    with bench() as b:
        def act(queue, command):
            if command.opcode != fake.FLUSH:
                return False
            queue.send(queue.c2h(command.cid, bytes(512)))
            b.target.hook = None
            return True
        b.target.hook = act
        fd = os.open(b.host.device(), os.O_RDWR)
        try:
            os.pwrite(fd, bytes(BLOCK), 0)
            b.host.start(os.fsync, fd).result(40)
        finally:
            os.close(fd)
        if b.target.hook is None:
            b.refused(INVALID_HEADER, 8, "takes none")


@test("H6: success of a read without any data")
def _():
    with bench() as b:
        b.target.hook = Once("reads", lambda q, c: q.send(q.rsp(c.cid)))
        b.read_is_right(4096)
        check(b.log.has("success after 0 of 4096"), b.log.lines)
        check(b.host.stats()["rx_short_transfers"] == 1, b.host.stats())
        check(b.host.resets() == 0, "the connection was lost")


@test("H6: SUCCESS after half of the data, every time")
def _():
    with bench() as b:
        def act(queue, command):
            if not command.reads:
                return False
            queue.send(queue.c2h(command.cid, disk(queue, command)[:2048],
                                 flags=F_LAST | F_SUCCESS))
            return True
        b.target.hook = act
        try:
            b.host.read(4096, 4096)
            raise AssertionError("stale memory was taken for data")
        except OSError:
            pass


@test("H7: a wrong header digest")
def _():
    with bench(hdr_digest=True) as b:
        b.target.hook = Once("reads", lambda q, c: q.send(
            q.rsp(c.cid, hdgst=b"\x78\x56\x34\x12")))
        b.read_is_right(4096)
        b.refused(HDGST, 0x12345678, "header digest is wrong")
        check(b.host.stats()["rx_header_digest_errors"] == 1, "not counted")


@test("H7: a wrong data digest fails the command, which is tried again")
def _():
    with bench(data_digest=True) as b:
        b.target.hook = Once("reads", lambda q, c: q.send(
            q.c2h(c.cid, bytes(c.length), ddgst=b"oops") + q.rsp(c.cid)))
        b.read_is_right(4096)
        check(b.target.hook.used == 1, "the hook was not used")
        check(b.log.has("data digest is wrong"), b.log.lines)
        check(b.host.stats()["rx_data_digest_errors"] == 1, "not counted")
        check(b.host.resets() == 0, "the connection was lost")


@test("H8: the address is read from sysfs all through reconnecting")
def _():
    with bench() as b:
        stop = threading.Event()

        def look():
            seen = set()
            while not stop.is_set():
                seen.add(read_file(b.host.sysfs + "/address"))
                read_file(b.host.sysfs + "/state")
            return seen
        watcher = b.host.start(look)
        for _ in range(3):
            b.target.accepting = False
            b.target.drop()
            b.host.wait_state("connecting")
            b.target.accepting = True
            b.host.wait_state("live")
        stop.set()
        seen = watcher.result(20)
        check(any("src_addr=127.0.0.1" in text for text in seen), seen)
        b.read_is_right()


@test("H9: Connect is refused, again and again")
def _():
    target = Target()
    try:
        target.connect_status = lambda qid: 0x182 | fake.DNR
        for _ in range(10):
            refused_connect(target)
        target.connect_status = lambda qid: 0x182 | fake.DNR if qid else 0
        for _ in range(10):
            refused_connect(target)
    finally:
        target.close()
    check(not target.wrong, target.wrong)


def refused_connect(target, **options):
    try:
        host = Controller(target, **options)
    except OSError:
        return
    host.delete()
    raise AssertionError("connected")


@test("H10: an event, and the connection closed at once")
def _():
    with bench() as b:
        for _ in range(5):
            queue = b.target.live[0]
            b.target.wait(lambda q=queue: q.events, what="event request")
            queue.send(queue.rsp(queue.events.pop(), 0, 0x040002))
            b.target.drop()
            until(lambda q=queue: b.target.live[0] is not q and
                  b.target.live[0].alive, 30, "another connection")
            b.host.wait_state("live")
        b.read_is_right()


@test("H11: admin commands that are never answered hold up no disconnect")
def _():
    with bench(keep_alive_tmo=5) as b:
        b.target.hook = lambda q, c: c.qid == 0 and c.opcode == 0x02
        stuck = [subprocess.Popen(["nvme", "get-log", "-i", "2", "-l", "512",
                                   f"/dev/{b.host.name}"],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
                 for _ in range(4)]
        until(lambda: b.host.stats(0)["tx_capsules"] -
              b.host.stats(0)["rx_completed"] >= 5, 30, "stuck commands")
        took = b.host.delete()
        check(took < 12, "disconnect took", took)
        b.host = None
        for process in stuck:
            process.wait(20)


@test("H12: an R2T of no length")
def _():
    refuses_on_write(lambda q, c: q.send(q.r2t(c.cid, 0, 0)),
                     OUT_OF_RANGE, 0, "R2T length is out of range")


@test("H12: an R2T beyond the end of the data")
def _():
    refuses_on_write(lambda q, c: q.send(q.r2t(c.cid, 4096, c.length)),
                     OUT_OF_RANGE, 0, "R2T length is out of range")


@test("H12: an R2T that starts beyond the data")
def _():
    refuses_on_write(lambda q, c: q.send(q.r2t(c.cid, 0xFFFFF000, 0x1000)),
                     OUT_OF_RANGE, 0, "R2T offset is out of range")


@test("H13: ICResp in two segments, then byte by byte")
def _():
    for sizes in ((64, 64), (1,) * 128, (8, 120), (127, 1)):
        with bench() as b:
            b.read_is_right()
            queue = b.target.live[1]
            b.target.icresp = SplitIcresp(b.target, sizes)
            b.target.drop()
            until(lambda q=queue, t=b.target: t.live[1] is not q, 30,
                  "another connection")
            b.host.wait_state("live")
            b.read_is_right()


class SplitIcresp:
    """An ICResp in pieces, each acknowledged before the next one is sent."""

    def __init__(self, target, sizes):
        self.target = target
        self.sizes = sizes

    def __call__(self, dgst):
        self.target.split = Pieces(self.sizes)
        return self.target.good_icresp(dgst)


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


@test("H14: several controllers connect at once, with digests")
def _():
    targets = [Target() for _ in range(4)]
    hosts = []
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            hosts = list(pool.map(
                lambda t: Controller(t, hdr_digest=True, data_digest=True),
                targets))
        jobs = [host.start_write(0, pattern(65536, n))
                for n, host in enumerate(hosts)]
        for n, job in enumerate(jobs):
            job.result(40)
            check(targets[n].disk[:65536] == pattern(65536, n), "wrong data")
    finally:
        for host in hosts:
            host.delete()
        for target in targets:
            target.close()
            check(not target.wrong, target.wrong)


@test("H15: no page of a write is sent after it was given back")
def _():
    with bench({"rcvbuf": 4096, "maxh2cdata": 1 << 20},
               ctrl_loss_tmo=1) as b:
        length = 1 << 20
        stopped, go_on = threading.Event(), threading.Event()
        late = []

        def act(queue, command):
            if not command.writes:
                return False
            queue.send(queue.r2t(command.cid, 0, command.length))
            stopped.set()
            go_on.wait(60)
            with contextlib.suppress(OSError):
                while piece := queue.sock.recv(65536):
                    late.append(len(piece))
            raise fake.Gone
        b.target.hook = act
        memory = mmap.mmap(-1, length)
        memory[:] = bytes(length)
        path = b.host.device()
        job = b.host.start(write_memory, path, memory)
        check(stopped.wait(20), "no write")
        until(lambda: in_socket(b.host.stats(), length), 20,
              "as much in the socket as it takes")
        deleter = threading.Thread(target=b.host.delete)
        deleter.start()
        try:
            job.result(40)
            raise AssertionError("the write succeeded")
        except OSError:
            pass
        # From here on nothing may leave. What the target has received, but not
        # read, is there already.
        received = fake.unread(b.target.live[1].sock)
        go_on.set()
        deleter.join(40)
        b.host = None
        until(lambda: not b.target.live[1].alive, 20, "the end")
        check(received > 0, "nothing was under way")
        check(sum(late) <= received, sum(late), "bytes came, of which",
              received, "had been sent before the memory was given back")


def in_socket(stats, length):
    return stats["tx_blocked"] or stats["tx_h2cdata_bytes"] == length


def write_memory(path, memory):
    fd = os.open(path, os.O_WRONLY | os.O_DIRECT)
    try:
        os.pwritev(fd, [memory], 0)
    finally:
        os.close(fd)


@test("H16: a congested socket never stalls")
def _():
    with bench({"rcvbuf": 4096}, data_digest=True) as b:
        jobs = [b.host.start_write(n * 131072, pattern(131072, n))
                for n in range(32)]
        for job in jobs:
            job.result(60)
        for n in range(32):
            check(b.target.disk[n * 131072:(n + 1) * 131072] ==
                  pattern(131072, n), "wrong data was written")
        check(b.host.stats()["tx_blocked"] > 0, "the socket was never full")
        check(b.host.resets() == 0, "the connection was lost")


@test("H17: polling while the connection is closed")
def _():
    with bench({"queues": 2}, nr_poll_queues=1) as b:
        check(b.host.queue(2)["polled"] == "1", b.host.queue(2))
        b.target.disk[:] = b"\x5A" * len(b.target.disk)
        job = poll_reads(b.host.device(), 60)
        try:
            for _ in range(5):
                queue = b.target.live[2]
                before = b.host.stats(2)["rx_completed"]
                until(lambda s=before:
                      b.host.stats(2)["rx_completed"] > s + 10,
                      30, "polled reads")
                b.target.drop()
                until(lambda q=queue: b.target.live[2] is not q, 30,
                      "another connection")
            check(job.poll() is None, "fio has ended early")
        finally:
            job.terminate()
            output = job.communicate(timeout=30)[0]
        check("verify" not in output and "error" not in output, output)


def poll_reads(device, seconds):
    """Reads of 0x5A without interrupts, each compared."""
    return subprocess.Popen(
        ["fio", "--name=poll", f"--filename={device}", "--direct=1",
         "--ioengine=io_uring", "--hipri", "--rw=randread", "--bs=4k",
         "--verify=pattern", "--verify_pattern=0x5a", "--time_based",
         f"--runtime={seconds}", "--output=/dev/null"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@test("H18: reading the socket cannot go on (urgent data)")
def _():
    with bench() as b:
        def act(queue, _):
            queue.sock.send(b"!", socket.MSG_OOB)
        b.target.hook = Once("reads", act)
        b.read_is_right(4096)
        b.host.wait_state("live")
        check(b.log.has("urgent data"), b.log.lines)


@test("H20: a secret that is none")
def _():
    target = Target()
    try:
        for secret in ("DHHC-1:00:x:", "DHHC-2:00:abc:", "nonsense"):
            refused_connect(target, dhchap_secret=secret)
        check(target.icreqs == 0, "it connected")
    finally:
        target.close()


# Headers that lie


@test("a PDU type that is not for a host")
def _():
    for kind in (0x00, 0x02, 0x04, 0x06, 0x08, 0x0A, 0xFF):
        refuses_on_read(lambda q, c, k=kind: q.send(q.seal(header(
            k, body=bytes(16)))), INVALID_HEADER, 0, "not for a host")


@test("a second ICResp")
def _():
    refuses_on_read(lambda q, c: q.send(header(ICRESP, hlen=128, plen=128,
                                               body=bytes(120))),
                    SEQUENCE, 0, "second ICResp")


@test("a response that is longer than its header")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(c.cid, plen=4096) +
                                        bytes(4096)),
                    INVALID_HEADER, 4, "without data is wrong")


@test("a length of no more than the common header")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c), plen=8)),
                    INVALID_HEADER, 4, "does not match")


@test("C2HData whose length does not match its header")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c),
                                              length=c.length - 4)),
                    INVALID_HEADER, 4, "does not match")


@test("C2HData whose data offset lies within the header")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c), pdo=20)),
                    INVALID_HEADER, 3, "data offset is not as agreed")


@test("C2HData whose data offset lies")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c), pdo=48)),
                    INVALID_HEADER, 4, "does not match")


@test("C2HData that starts at another offset is refused")
def _():
    for offset in (4, 0xFFFFFFFC):
        refuses_on_read(lambda q, c, o=offset: q.send(
            q.c2h(c.cid, disk(q, c)[:2048], o)), OUT_OF_RANGE, 0,
            "not in order")


@test("C2HData whose offset jumps back")
def _():
    def act(queue, command):
        data = disk(queue, command)
        queue.send(queue.c2h(command.cid, data[:2048], 0, 0) +
                   queue.c2h(command.cid, data[2048:], 0))
    refuses_on_read(act, OUT_OF_RANGE, 0, "not in order")


@test("more data than the command has memory")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, bytes(c.length + 512))),
                    OUT_OF_RANGE, 0, "data length is out of range")


@test("data that is 4 GiB long")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, b"", length=0xFFFFFFF0,
                                              plen=8)),
                    INVALID_HEADER, 4, "does not match")


@test("C2HData of no length")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, b"", 0, 0)),
                    OUT_OF_RANGE, 0, "data length is out of range")


@test("data after the last data")
def _():
    def act(queue, command):
        data = disk(queue, command)
        queue.send(queue.c2h(command.cid, data[:2048]) +
                   queue.c2h(command.cid, data[2048:], 2048))
    refuses_on_read(act, SEQUENCE, 0, "data after the last data")


@test("SUCCESS without LAST")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c),
                                              flags=F_SUCCESS)),
                    INVALID_HEADER, 1, "SUCCESS without LAST")


@test("a header digest flag that was not agreed on")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(c.cid, flags=1)),
                    INVALID_HEADER, 1, "header digest flag")


@test("a data digest flag that was not agreed on")
def _():
    refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c),
                                              flags=F_LAST | 2)),
                    INVALID_HEADER, 1, "data digest flag")


# Commands that are not there


@test("a response for a command id that no tag has")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(0x0FFF)), INVALID_HEADER, 8,
                    "no such command")


@test("a response for a command of another generation")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(c.cid ^ 0x1000)),
                    INVALID_HEADER, 8, "no such command")


@test("a response for a tag that is not in use")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp((c.cid & 0xF000) |
                                              (c.cid + 7 & 0x7F))),
                    INVALID_HEADER, 8, "no such command")


@test("a command is completed twice")
def _():
    with bench() as b:
        def act(queue, command):
            queue.answer_read(command, disk(queue, command))
            queue.send(queue.rsp(command.cid))
        b.target.hook = Once("reads", act)
        b.read_is_right(4096)
        until(lambda: b.target.terms, 20, "H2CTermReq")
        b.host.wait_state("live")
        b.refused(INVALID_HEADER, 8, "no such command")


@test("data for a command that is completed")
def _():
    with bench() as b:
        def act(queue, command):
            queue.answer_read(command, disk(queue, command))
            queue.send(queue.c2h(command.cid, bytes(512)))
        b.target.hook = Once("reads", act)
        b.read_is_right(4096)
        until(lambda: b.target.terms, 20, "H2CTermReq")
        b.refused(INVALID_HEADER, 8, "no such command")


@test("an event under an id that no request for it has")
def _():
    with bench() as b:
        queue = b.target.live[0]
        b.target.wait(lambda: queue.events, what="event request")
        queue.send(queue.rsp(queue.events[0] + 1))
        until(lambda: b.target.terms, 20, "H2CTermReq")
        b.refused(INVALID_HEADER, 8, "no such command")


@test("a write is completed before its data was sent")
def _():
    def act(queue, command):
        with queue.target.frozen(queue):
            queue.send(queue.r2t(command.cid, 0, command.length) +
                       queue.rsp(command.cid))
    refuses_on_write(act, SEQUENCE, 0, "has not received")


@test("success of a write whose data was never asked for")
def _():
    with bench() as b:
        b.target.hook = Once("writes", lambda q, c: q.send(q.rsp(c.cid)))
        b.write_is_right(8192, 65536)
        check(b.log.has("success after"), b.log.lines)
        check(b.host.resets() == 0, "the connection was lost")


# What is allowed, though unusual


@test("four R2Ts at once, in descending order")
def _():
    with bench(data_digest=True, hdr_digest=True) as b:
        def act(queue, command):
            quarter = command.length // 4
            check(queue.maxr2t == 3, "MAXR2T", queue.maxr2t)
            queue.send(b"".join(
                queue.r2t(command.cid, n * quarter, quarter, ttag=n)
                for n in (3, 2, 1, 0)))
            data = queue.collect(command.cid, command.length)
            queue.finish_write(command, data)
        b.target.hook = Once("writes", act)
        b.write_is_right(0, 131072)
        check(b.target.hook.used == 1, "the hook was not used")
        check(b.host.resets() == 0, "the connection was lost")


@test("many small R2Ts, one after the other")
def _():
    with bench(data_digest=True) as b:
        def act(queue, command):
            data = b""
            for at in range(0, command.length, 1024):
                queue.send(queue.r2t(command.cid, at, 1024))
                data += queue.collect(command.cid, 1024, at)
            queue.finish_write(command, data)
        b.target.hook = Once("writes", act)
        b.write_is_right(0, 131072)
        check(b.host.resets() == 0, "the connection was lost")


@test("MAXH2CDATA of 4096 is kept")
def _():
    with bench({"maxh2cdata": 4096}, data_digest=True) as b:
        b.write_is_right(0, 1 << 20)
        check(b.host.stats()["tx_h2cdata_pdus"] == 256, b.host.stats())


@test("no in-capsule data is sent where none fits")
def _():
    with bench({"icd": 0}) as b:
        # Connect has its data in the capsule, always.
        before = b.host.stats()["tx_in_capsule_bytes"]
        b.write_is_right(0, 512)
        check(b.host.stats()["tx_in_capsule_bytes"] == before,
              b.host.stats())
        check(b.host.stats()["rx_r2ts"] > 0, b.host.stats())


@test("CPDA from 0 to 31, with and without digests")
def _():
    for cpda in (0, 1, 2, 7, 15, 30, 31):
        for dgst in (False, True):
            with bench({"cpda": cpda}, hdr_digest=dgst,
                       data_digest=dgst) as b:
                check(b.host.queue()["cpda"] == str(cpda), b.host.queue())
                b.write_is_right(0, 4096)
                b.write_is_right(8192, 65536)
                b.read_is_right(0, 65536)


@test("HPDA of our own is asked for and honoured")
def _():
    for hpda in (1, 7, 31):
        for dgst in (False, True):
            with parameter("hpda", hpda), bench(hdr_digest=dgst) as b:
                check(b.target.live[1].hpda == hpda, "HPDA")
                b.read_is_right(0, 65536)


@test("HPDA that the target does not honour")
def _():
    with parameter("hpda", 7):
        refuses_on_read(lambda q, c: q.send(q.c2h(c.cid, disk(q, c),
                                                  pad_to=24)),
                        INVALID_HEADER, 3, "data offset is not as agreed")


@test("more padding than is needed")
def _():
    with bench() as b:
        b.target.hook = Once("reads", lambda q, c: q.send(
            q.c2h(c.cid, disk(q, c), pad_to=128) + q.rsp(c.cid)))
        b.read_is_right(4096)
        check(b.host.resets() == 0, "the connection was lost")


@test("a read in many small C2HData PDUs")
def _():
    with bench(data_digest=True, hdr_digest=True) as b:
        def act(queue, command):
            data = disk(queue, command)
            pdus = [queue.c2h(command.cid, data[at:at + 512], at,
                              F_LAST if at + 512 == len(data) else 0)
                    for at in range(0, len(data), 512)]
            queue.send(b"".join(pdus) + queue.rsp(command.cid))
        b.target.hook = Once("reads", act)
        b.read_is_right(0, 131072)


@test("SUCCESS instead of a response")
def _():
    with bench(data_digest=True) as b:
        def act(queue, command):
            if not command.reads:
                return False
            queue.send(queue.c2h(command.cid, disk(queue, command),
                                 flags=F_LAST | F_SUCCESS))
            return True
        b.target.hook = act
        for n in range(10):
            b.read_is_right(n * 8192, 8192)
        check(b.host.stats()["rx_responses"] <= 20, b.host.stats())


@test("PDUs split at every byte")
def _():
    with bench(hdr_digest=True, data_digest=True) as b:
        total = 28 + 512 + 4 + 28
        for at in range(1, total):
            b.target.hook = Once("reads", lambda q, c: False)
            b.target.split = Pieces((at,))
            b.read_is_right(at % 7 * 512, 512)
            b.target.split = None
        check(b.host.resets() == 0, "the connection was lost")


@test("R2Ts split at every byte")
def _():
    with bench({"icd": 0}, hdr_digest=True, data_digest=True) as b:
        for at in range(1, 28):
            b.target.split = Pieces((at,))
            b.write_is_right(at % 7 * 512, 512, at)
            b.target.split = None
        check(b.host.resets() == 0, "the connection was lost")


@test("everything byte by byte")
def _():
    with bench(hdr_digest=True, data_digest=True) as b:
        b.target.split = Pieces((1,) * 572)
        b.read_is_right(0, 512)
        b.target.split = None
        check(b.host.resets() == 0, "the connection was lost")


# ICResp


def icresp_is_refused(reason, code=None, **changes):
    target, log = Target(), KernelLog()
    try:
        target.icresp = lambda d: target.good_icresp(d, **changes)
        begin = time.monotonic()
        refused_connect(target)
        check(time.monotonic() - begin < 5, "it took long")
        check(log.has(reason), f"no '{reason}' in", log.lines)
    finally:
        target.close()
        log.close()


@test("ICResp that is none, or is wrong")
def _():
    icresp_is_refused("is no ICResp", kind=RSP)
    icresp_is_refused("wrong header length", hlen=24)
    icresp_is_refused("wrong length", plen=132)
    icresp_is_refused("format version", pfv=1)
    icresp_is_refused("alignment", cpda=32)
    icresp_is_refused("MAXH2CDATA", maxh2cdata=4092)
    icresp_is_refused("MAXH2CDATA", maxh2cdata=4098)


@test("digests other than asked for, said in words")
def _():
    for want, got, reason in (
            ({"hdr_digest": True}, 0, "refuses the header digest"),
            ({"data_digest": True}, 0, "refuses the data digest"),
            ({}, 1, "insists on a header digest"),
            ({}, 2, "insists on a data digest")):
        target, log = Target(), KernelLog()
        try:
            target.icresp = lambda d, t=target, g=got: t.good_icresp(
                d, digest=g)
            refused_connect(target, **want)
            check(log.has(reason), f"no '{reason}' in", log.lines)
        finally:
            target.close()
            log.close()


@test("C2HTermReq instead of ICResp")
def _():
    target, log = Target(), KernelLog()
    try:
        target.icresp = lambda d: header(3, plen=152, body=struct.pack(
            "<HI10x", 6, 10)) + bytes(128)
        refused_connect(target)
        check(log.has("Unsupported Parameter"), log.lines)
    finally:
        target.close()
        log.close()


# Being told off


@test("C2HTermReq is put into words")
def _():
    for fes, words in ((1, "Invalid PDU Header Field (0x1), field at offset"),
                       (2, "PDU Sequence Error"),
                       (3, "Header Digest Error"),
                       (4, "Data Transfer Out of Range"),
                       (5, "Limit Exceeded"),
                       (6, "Unsupported Parameter"),
                       (0x77, "reserved error status")):
        with bench() as b:
            b.target.hook = Once("reads", lambda q, c, f=fes: q.send(
                q.term(f, 8, c.sqe)))
            b.read_is_right(4096)
            check(b.log.has("C2HTermReq: "), b.log.lines)
            check(b.log.has(words), f"no '{words}' in", b.log.lines)
            check(not b.target.terms, "answered by a TermReq")


@test("C2HTermReq of a wrong length")
def _():
    for plen in (8, 23, 153, 0xFFFFFFFF):
        refuses_on_read(lambda q, c, p=plen: q.send(header(
            3, plen=p, hlen=24, body=bytes(16))), INVALID_HEADER, 4,
            "length of the C2HTermReq")


# Peers that say nothing


@test("a controller that accepts and says nothing")
def _():
    target = Target()
    try:
        target.icresp = lambda d: None
        begin = time.monotonic()
        refused_connect(target)
        check(5 < time.monotonic() - begin < 15, "took",
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


@test("disconnect while the controller does not answer Connect")
def _():
    with bench() as b:
        seen = threading.Event()

        def act(_, command):
            if command.opcode == fake.FABRICS and command.sqe[4] == 1:
                seen.set()
                return True
            return False
        b.target.hook = act
        b.target.drop()
        check(seen.wait(20), "no Connect")
        took = b.host.delete()
        check(took < 5, "disconnect took", took)
        b.host = None


@test("disconnect while the controller does not answer Identify")
def _():
    with bench() as b:
        seen = threading.Event()

        def act(_, command):
            if command.qid == 0 and command.opcode == fake.IDENTIFY:
                seen.set()
                return True
            return False
        b.target.hook = act
        b.target.drop()
        check(seen.wait(20), "no Identify")
        took = b.host.delete()
        check(took < 5, "disconnect took", took)
        b.host = None


@test("disconnect of a live controller that has gone silent")
def _():
    with bench() as b:
        job_seen = threading.Event()

        def act(_, command):
            if command.io:
                job_seen.set()
            return True
        b.target.hook = act
        job = b.host.start_read(0, 4096)
        check(job_seen.wait(20), "no read")
        took = b.host.delete()
        check(took < 12, "disconnect took", took)
        b.host = None
        check(isinstance(job.exception(20), OSError), "the read succeeded")


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
        job.exception(20)
        check(time.monotonic() - begin < 40, "it took too long")


# Anything


@test("random PDUs")
def _():
    rnd = random.Random(4711)
    with bench(hdr_digest=False, ctrl_loss_tmo=600) as b:
        for round_ in range(20):
            def act(queue, command, r=round_):
                kind = rnd.choice((RSP, C2HDATA, fake.R2T, rnd.randrange(256)))
                body = bytearray(rnd.randbytes(16))
                if rnd.random() < 0.7:
                    struct.pack_into("<H", body, 12 if kind == RSP else 0,
                                     command.cid)
                pdu = header(kind, rnd.choice((0, 0, 4, 12,
                                               rnd.randrange(256))),
                             rnd.choice((24, 24, 24, rnd.randrange(256))),
                             rnd.choice((0, 24, rnd.randrange(256))),
                             rnd.choice((24, 24 + 512, rnd.randrange(1 << 32))),
                             bytes(body)) + rnd.randbytes(rnd.randrange(4096))
                queue.send(pdu)
                queue.sock.shutdown(2)
                raise fake.Gone
            b.target.hook = Once(rnd.choice(("reads", "writes")), act)
            if b.target.hook.wanted == "reads":
                offset = rnd.randrange(1024) * 512
                try:
                    data = b.host.read(offset, 512)
                except OSError:
                    # A random status is one, too.
                    continue
                check(data == b.target.disk[offset:offset + 512] or
                      False, "wrong data was read in round", round_)
            else:
                with contextlib.suppress(OSError):
                    b.host.write(1 << 20, pattern(16384, round_))
        b.target.hook = None
        b.host.wait_state("live")
        b.read_is_right()


def run(name, function):
    begin = time.monotonic()
    try:
        skipped = function()
    except BaseException:  # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print("#", line)
        print("not ok", name, flush=True)
        return False
    print(f"# {time.monotonic() - begin:.1f} s")
    print("ok", name + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    return True


def main():
    patterns = sys.argv[1:]
    fine = True
    for name, function in TESTS:
        if patterns and not any(p in name for p in patterns):
            continue
        fine &= run(name, function)
    left = os.listdir(DEBUGFS)
    if left:
        print("# left over:", left)
    sys.exit(0 if fine and not left else 1)


if __name__ == "__main__":
    main()
