# SPDX-License-Identifier: Apache-2.0
"""What is known to have broken initiators, H1 to H20."""

import concurrent.futures
import contextlib
import mmap
import os
import socket
import subprocess
import threading

import fake
from bench import (bench, check, disk, HDGST, INVALID_HEADER, LIMIT, Once,
                   OUT_OF_RANGE, Pieces, refused_connect, refuses_on_read,
                   refuses_on_write)
from client import Controller, read_file, until
from fake import BLOCK, F_LAST, F_SUCCESS, SLOW, Target
from pytap import pattern, setting, test


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
            b.host.start(os.fsync, fd).result(40 * SLOW)
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
        seen = watcher.result(20 * SLOW)
        check(any("src_addr=127.0.0.1" in text for text in seen), seen)
        b.read_is_right()


@test("H9: Connect is refused, again and again")
def _():
    target = Target()
    try:
        refusal = fake.CONNECT_INVALID | fake.DNR
        target.connect_status = lambda qid: refusal
        for _ in range(10):
            refused_connect(target)
        target.connect_status = lambda qid: refusal if qid else 0
        for _ in range(10):
            refused_connect(target)
    finally:
        target.close()
    check(not target.wrong, target.wrong)


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
            process.wait(20 * SLOW)


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
            job.result(40 * SLOW)
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
            go_on.wait(60 * SLOW)
            with contextlib.suppress(OSError):
                while piece := queue.sock.recv(65536):
                    late.append(len(piece))
            raise fake.Gone
        b.target.hook = act
        memory = mmap.mmap(-1, length)
        memory[:] = bytes(length)
        path = b.host.device()
        job = b.host.start(write_memory, path, memory)
        check(stopped.wait(20 * SLOW), "no write")
        until(lambda: in_socket(b.host.stats(), length), 20,
              "as much in the socket as it takes")
        deleter = threading.Thread(target=b.host.delete)
        deleter.start()
        try:
            job.result(40 * SLOW)
            raise AssertionError("the write succeeded")
        except OSError:
            pass
        # From here on nothing may leave. What the target has received, but not
        # read, is there already.
        received = fake.unread(b.target.live[1].sock)
        go_on.set()
        deleter.join(40 * SLOW)
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
    with setting("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 131072"), \
            bench({"rcvbuf": 4096}, data_digest=True) as b:
        jobs = [b.host.start_write(n * 131072, pattern(131072, n))
                for n in range(8)]
        for job in jobs:
            job.result(60 * SLOW)
        for n in range(8):
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
            output = job.communicate(timeout=30 * SLOW)[0]
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
