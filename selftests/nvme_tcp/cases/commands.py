# SPDX-License-Identifier: Apache-2.0
"""Answers to commands that are not there."""

import contextlib
import socket
import threading

import fake
from bench import (bench, check, disk, INVALID_HEADER, Once, refuses_on_read,
                   refuses_on_write, SEQUENCE)
from client import Controller, KernelLog, until
from fake import Queue, Target
from pytap import test


@test("a response for a command id that no tag has")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(0x0FFF)), INVALID_HEADER, 20,
                    "no such command")


@test("a response for a command of another generation")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp(c.cid ^ 0x1000)),
                    INVALID_HEADER, 20, "no such command")


@test("a response for a tag that is not in use")
def _():
    refuses_on_read(lambda q, c: q.send(q.rsp((c.cid & 0xF000) |
                                              (c.cid + 7 & 0x7F))),
                    INVALID_HEADER, 20, "no such command")


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
        b.refused(INVALID_HEADER, 20, "no such command")


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
        b.refused(INVALID_HEADER, 20, "no such command")


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


def freed(b, afterwards):
    """Reads and writes, and loses the connection before it answers: target.freed
    has the ids that the host gave up with it. afterwards is the next hook."""
    cids = b.target.freed = {}

    def act(_, command):
        # Others read as well, and whoever opens the disk may wait for them.
        if not command.io or command.start not in (at, at + 65536):
            return False
        cids["read" if command.reads else "write"] = command.cid
        if len(cids) == 2:
            b.target.hook = afterwards
            b.target.drop()
        return True
    at = 1 << 20
    b.target.hook = act
    write = threading.Thread(target=b.write_is_right,
                             args=(at + 65536, 65536))
    write.start()
    b.read_is_right(at)
    write.join()


def is_io_connect(command):
    return (command.opcode == fake.FABRICS and command.sqe[4] == 1 and
            command.sqe[42:44] == b"\1\0")


@test("what a lost connection left is nothing to the next one")
def _():
    for pdu in (lambda q, cids: q.c2h(cids["read"], bytes(4096)),
                lambda q, cids: q.r2t(cids["write"], 0, 65536),
                lambda q, cids: q.rsp(cids["read"])):
        with bench() as b:
            told = []

            def meddle(queue, command, p=pdu, t=told, target=b.target):
                # Before what was given up has been issued again.
                if not t and is_io_connect(command):
                    t.append(command.cid)
                    queue.send(p(queue, target.freed))
                return False
            freed(b, meddle)
            check(told, "no Connect came")
            until(lambda t=b.target: t.terms, 20, "H2CTermReq")
            check(b.log.has("no such command"), b.log.lines)
            b.host.wait_state("live")
            b.read_is_right(0, 1 << 20)


@test("PDUs between ICResp and Connect")
def _():
    for pdu in (lambda q: q.rsp(0), lambda q: q.c2h(0, bytes(512)),
                lambda q: q.r2t(0, 0, 512)):
        for connection in (1, 2):
            target, log = Target(), KernelLog()
            early = pdu(Queue(target, socket.socket()))

            def icresp(dgst, t=target, n=connection, p=early):
                return t.good_icresp(dgst) + (p if t.icreqs == n else b"")
            try:
                target.icresp = icresp
                # Whether Connect was sent by the time it is looked at decides
                # who finds out first, and whether there is another attempt.
                with contextlib.suppress(OSError):
                    Controller(target).delete()
                check(log.has(f"queue {connection - 1}: bad "), log.lines)
            finally:
                target.close()
                log.close()
