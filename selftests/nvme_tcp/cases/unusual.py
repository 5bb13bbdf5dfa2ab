# SPDX-License-Identifier: Apache-2.0
"""What is allowed, though unusual."""

from bench import (bench, check, disk, INVALID_HEADER, Once, parameter, Pieces,
                   refuses_on_read)
from fake import F_LAST, F_SUCCESS
from pytap import test


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
        before = b.host.stats()["rx_responses"]
        for n in range(10):
            b.read_is_right(n * 8192, 8192)
        # Others read, too, and may have begun earlier.
        check(b.host.stats()["rx_responses"] < before + 10, b.host.stats())


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
