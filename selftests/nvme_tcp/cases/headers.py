# SPDX-License-Identifier: Apache-2.0
"""Headers that lie."""

from bench import disk, INVALID_HEADER, OUT_OF_RANGE, refuses_on_read, SEQUENCE
from fake import F_LAST, F_SUCCESS, header, ICRESP
from pytap import test


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
