# SPDX-License-Identifier: Apache-2.0
"""Answers to commands that are not there."""

from bench import (bench, check, disk, INVALID_HEADER, Once, refuses_on_read,
                   refuses_on_write, SEQUENCE)
from client import until
from pytap import test


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
