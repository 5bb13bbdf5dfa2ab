# SPDX-License-Identifier: Apache-2.0
"""C2HTermReq: being told off."""

import socket

from bench import (bench, check, disk, INVALID_HEADER, Once,
                   refuses_on_read)
from client import until
from fake import header
from pytap import test


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


@test("what the controller says before it closes is heard")
def _():
    def act(queue, command):
        queue.send(queue.c2h(command.cid, disk(queue, command)) +
                   queue.rsp(command.cid) + queue.term(2))
        # A socket with something left to read would be reset instead.
        queue.sock.shutdown(socket.SHUT_WR)
        queue.hang()
    with bench() as b:
        # The log is rate limited.
        for _ in range(3):
            b.target.hook = Once("reads", act)
            b.read_is_right(4096)
            check(b.target.hook.used == 1, "the hook was not used")
            until(lambda: b.log.has("PDU Sequence Error"), 20, "the log")
            b.log.lines.clear()
            b.host.wait_state("live")


@test("firmware activation that ends the connections")
def _():
    with bench() as b:
        admin, io = b.target.live[0], b.target.live[1]
        b.target.wait(lambda: admin.events, what="event request")
        # Processing Paused: nvme-core waits for its end.
        admin.csts |= 0x20
        admin.send(admin.rsp(admin.events[0], 0, 0x0102))
        b.host.wait_state("resetting")
        io.sock.shutdown(socket.SHUT_RDWR)
        until(lambda: b.host.queue()["state"] == "idle", 20, "closed queue")
        admin.csts &= ~0x20
        b.read_is_right(4096)
        b.host.wait_state("live")
        check(b.host.resets() == 1, "resets:", b.host.resets())


@test("C2HTermReq of a wrong length")
def _():
    for plen in (8, 23, 153, 0xFFFFFFFF):
        refuses_on_read(lambda q, c, p=plen: q.send(header(
            3, plen=p, hlen=24, body=bytes(16))), INVALID_HEADER, 4,
            "length of the C2HTermReq")
