#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Right and wrong PDUs for an NVMe/TCP target, and what must come of each.

usage: wire.py ADDRESS PORT SUBNQN [PATTERN...]

Prints "ok NAME" or "not ok NAME" for each test, and why. While a test runs, a
second connection, the witness, must go on as if nothing had happened.
"""

import contextlib
import os
import random
import socket
import struct
import sys
import threading
import time
import traceback

import peer
from peer import (BLOCK, Closed, Controller, Failure, Host, SGL_IN_CAPSULE,
                  SGL_TRANSPORT, sgl)

PARAMETERS = "/sys/module/nvmet_tcp/parameters"
COUNTERS = "/sys/kernel/debug/nvmet_tcp/port-1/counters"

BLOCK1 = sgl(SGL_TRANSPORT, BLOCK)

TESTS = []


def test(name):
    def register(function):
        assert name not in (n for n, _ in TESTS), name
        TESTS.append((name, function))
        return function
    return register


@contextlib.contextmanager
def parameter(name, value):
    """A module parameter with another value for a while."""
    path = os.path.join(PARAMETERS, name)
    with open(path, encoding="ascii") as file:
        before = file.read().strip()
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
    try:
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)


@contextlib.contextmanager
def small_send_buffers():
    """New sockets take 64 KiB at most before they have to be read."""
    path = "/proc/sys/net/ipv4/tcp_wmem"
    with open(path, encoding="ascii") as file:
        before = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write("4096 16384 65536")
    try:
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)


def counters():
    with open(COUNTERS, encoding="ascii") as file:
        return {name: int(value)
                for name, value in (line.split() for line in file)}


def pattern(length, seed=0):
    return random.Random(seed * 7919 + length).randbytes(length)


class Bench:
    """The target under test, and a witness that is never disturbed."""

    def __init__(self, address, subnqn):
        self.address = address
        self.subnqn = subnqn
        self.witness = self.controller(hdgst=True, ddgst=True)
        self.data = pattern(4 * BLOCK, 99)
        self.witness.io.write_in_capsule(4096, self.data)

    def host(self, **options):
        return Host(self.address, **options)

    def controller(self, **options):
        return Controller(self.address, self.subnqn, **options)

    def check_witness(self):
        if self.witness.io.read(4096, 4) != self.data:
            raise Failure("the witness read something else")
        admin = self.witness.admin
        admin.send(admin.capsule(peer.property_get(admin.next_cid(), 0x1C)))
        if admin.expect_status(peer.SUCCESS).result != 1:
            raise Failure("the controller of the witness is not ready")

    def still_serves(self):
        """A new connection works from beginning to end."""
        with self.controller() as io:
            data = pattern(8 * BLOCK, 5)
            io.write(128, data)
            if io.read(128, 8) != data:
                raise Failure("read back something else")


# -- what is right ---------------------------------------------------------

DIGESTS = [("no digest", {}), ("header digest", {"hdgst": True}),
           ("data digest", {"ddgst": True}),
           ("both digests", {"hdgst": True, "ddgst": True})]


def register_io(name, options):
    @test(f"in-capsule write, R2T write and read with {name}")
    def _(bench):
        with bench.controller(**options) as io:
            for blocks in (1, 8, 16):
                data = pattern(blocks * BLOCK, blocks)
                io.write_in_capsule(0, data)
                if io.read(0, blocks) != data:
                    raise Failure("in-capsule data differs")
                data = pattern(blocks * BLOCK, blocks + 50)
                io.write(64, data)
                if io.read(64, blocks) != data:
                    raise Failure("data differs")


for _name, _options in DIGESTS:
    register_io(_name, _options)


@test("ICResp offers what is configured")
def _icresp(bench):
    with parameter("maxh2cdata", 8192), parameter("cpda", 3), \
            bench.host() as host:
        if (host.maxh2cdata, host.cpda) != (8192, 3):
            raise Failure(f"MAXH2CDATA {host.maxh2cdata} CPDA {host.cpda}")


@test("HPDA from 0 to 31 is honoured")
def _hpda(bench):
    for hpda in (0, 1, 2, 5, 15, 30, 31):
        with bench.controller(hpda=hpda, hdgst=hpda % 2 == 1,
                              ddgst=True) as io:
            data = pattern(3 * BLOCK, hpda)
            io.write_in_capsule(8, data)
            if io.read(8, 3) != data:
                raise Failure(f"data differs with HPDA {hpda}")


@test("our CPDA pads capsules and H2CData")
def _cpda(bench):
    for cpda in (1, 7, 31):
        with parameter("cpda", cpda), \
                bench.controller(hdgst=True, ddgst=True) as io:
            data = pattern(4 * BLOCK, cpda)
            io.write_in_capsule(8, data)
            if io.read(8, 4) != data:
                raise Failure("in-capsule data differs")
            io.write(16, data, piece=3 * BLOCK)
            if io.read(16, 4) != data:
                raise Failure("data differs")


@test("H2CData may be split as the host likes, each with its digest")
def _split_h2cdata(bench):
    with bench.controller(hdgst=True, ddgst=True) as io:
        for piece in (4, 100, 512, 1000, 4096):
            data = pattern(8 * BLOCK, piece)
            io.write(32, data, piece=piece)
            if io.read(32, 8) != data:
                raise Failure(f"data differs in pieces of {piece}")


@test("R2Ts come one at a time for MAXR2T 0")
def _one_r2t(bench):
    with parameter("max_r2t_len", 4096), bench.controller() as io:
        data = pattern(32 * BLOCK)
        r2t = io.start_write(0, len(data))
        for at in range(0, len(data), 4096):
            if (r2t.offset, r2t.length) != (at, 4096):
                raise Failure(f"got {r2t} at {at}")
            io.expect_silence(0.2)
            io.answer_r2t(r2t, data)
            r2t = io.next_pdu()
        if r2t.type != peer.RSP or r2t.status:
            raise Failure(f"got {r2t}")
        if io.read(0, 32) != data:
            raise Failure("data differs")


@test("several R2Ts are outstanding where MAXR2T allows it")
def _many_r2ts(bench):
    with parameter("max_r2t_len", 4096), \
            bench.controller(maxr2t=2, ddgst=True) as io:
        data = pattern(40 * BLOCK)
        r2ts = [io.start_write(0, len(data)), io.expect(peer.R2T),
                io.expect(peer.R2T)]
        io.expect_silence(0.2)
        pdu = None
        while r2ts:
            io.answer_r2t(r2ts.pop(0), data, piece=1536)
            pdu = io.next_pdu() if r2ts and r2ts[-1].offset + 4096 < \
                len(data) or not r2ts else None
            if pdu and pdu.type == peer.R2T:
                r2ts.append(pdu)
        if pdu.type != peer.RSP or pdu.status:
            raise Failure(f"got {pdu}")
        if io.read(0, 40) != data:
            raise Failure("data differs")


@test("success goes with the data where SQ flow control is off")
def _success_flag(bench):
    before = counters()["tx_responses_saved"]
    with bench.controller(cattr=peer.NO_SQ_FLOW_CONTROL) as io:
        io.read(0, 8)
        io.expect_silence(0.2)
    if counters()["tx_responses_saved"] != before + 1:
        raise Failure("the response was not saved")


@test("a failed read is answered without data")
def _failed_read(bench):
    with bench.controller(cattr=peer.NO_SQ_FLOW_CONTROL) as io:
        cid = io.next_cid()
        io.send(io.capsule(peer.rw(peer.OP_READ, cid, 0, 1, BLOCK1, 77)))
        io.expect_status(0x0B, cid)
        io.read(0, 1)


@test("many commands at once are all answered")
def _depth(bench):
    with bench.controller(sqsize=127, hdgst=True) as io:
        batch = b"".join(
            io.capsule(peer.rw(peer.OP_READ, cid, cid, 1,
                               sgl(SGL_TRANSPORT, BLOCK)))
            for cid in range(128))
        io.send(batch)
        answered = set()
        while len(answered) < 128:
            pdu = io.next_pdu()
            if pdu.type == peer.RSP:
                if pdu.status:
                    raise Failure(f"got {pdu}")
                answered.add(pdu.cid)


@test("an admin queue that asks for 65536 entries is answered")
def _huge_admin(bench):
    with bench.host() as host:
        data = peer.connect_data(bench.subnqn)
        host.send(host.capsule(peer.connect_sqe(
            1, 0, 65535, sgl(SGL_IN_CAPSULE, len(data))), data))
        # nvmet of 6.1 refuses it, that of 6.12 does not mind.
        status = host.expect(peer.RSP).status & 0x7FF
        if status == peer.SUCCESS:
            host.enable()
        elif status != peer.CONNECT_INVALID:
            raise Failure(f"status {status:#x}")


@test("ICReq and Connect in one segment")
def _pipelined(bench):
    with bench.host(handshake=False) as host:
        host.hpda = 0
        data = peer.connect_data(bench.subnqn)
        entry = peer.connect_sqe(7, 0, 31, sgl(SGL_IN_CAPSULE, len(data)))
        enable = peer.property_set(8, 0x14, 0x460001)
        host.send(host.icreq() + host.capsule(entry, data) +
                  host.capsule(enable))
        host.expect(peer.ICRESP)
        host.expect_status(peer.SUCCESS, 7)
        host.expect_status(peer.SUCCESS, 8)


@test("one byte a segment, from ICReq to the read")
def _bytewise(bench):
    class Slow(Host):
        def send(self, data):
            self.sent = data
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])

    admin = bench.host()
    with parameter("connect_timeout", 300), admin:
        cntlid = admin.connect(bench.subnqn)
        admin.enable()
        with Slow(bench.address, hdgst=True, ddgst=True) as io:
            io.connect(bench.subnqn, 1, 31, cntlid)
            data = pattern(BLOCK, 3)
            io.write_in_capsule(9, data)
            io.write(10, data, piece=256)
            if io.read(9, 1) != data or io.read(10, 1) != data:
                raise Failure("data differs")


def pause_until_read(sock):
    """Until the other end has taken the bytes from its socket."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        left = struct.unpack("I", bytes(ioctl_outq(sock)))[0]
        if not left:
            return
    raise Failure("the target does not acknowledge")


def ioctl_outq(sock):
    import fcntl
    import termios
    buf = bytearray(4)
    fcntl.ioctl(sock, termios.TIOCOUTQ, buf)
    return buf


def at_every_boundary(host, data, answer):
    for cut in range(1, len(data)):
        host.sock.sendall(data[:cut])
        pause_until_read(host.sock)
        host.sock.sendall(data[cut:])
        answer()


@test("a capsule with data split at every byte boundary")
def _split_capsule(bench):
    with parameter("cpda", 2), bench.controller(hdgst=True,
                                                ddgst=True) as io:
        data = pattern(BLOCK, 4)
        entry = peer.rw(peer.OP_WRITE, 5, 77, 1,
                        sgl(SGL_IN_CAPSULE, len(data)))
        at_every_boundary(io, io.capsule(entry, data),
                          lambda: io.expect_status(peer.SUCCESS, 5))
        if io.read(77, 1) != data:
            raise Failure("data differs")


@test("H2CData split at every byte boundary")
def _split_data(bench):
    with bench.controller(hdgst=True, ddgst=True) as io:
        data = pattern(BLOCK, 6)
        size = len(io.h2cdata(0, 0, 0, data))
        for cut in range(1, size):
            r2t = io.start_write(78, BLOCK)
            pdu = io.h2cdata(r2t.cid, r2t.ttag, 0, data)
            io.sock.sendall(pdu[:cut])
            pause_until_read(io.sock)
            io.sock.sendall(pdu[cut:])
            io.expect_status(peer.SUCCESS, r2t.cid)
        if io.read(78, 1) != data:
            raise Failure("data differs")


@test("ICReq split at every byte boundary")
def _split_icreq(bench):
    for cut in range(1, 128):
        with bench.host(handshake=False) as host:
            icreq = host.icreq()
            host.sock.sendall(icreq[:cut])
            pause_until_read(host.sock)
            host.sock.sendall(icreq[cut:])
            host.expect(peer.ICRESP)


# -- commands that fail, on connections that stay --------------------------

def register_refused(name, status, entry, data=b"", **options):
    @test(name)
    def _(bench):
        with bench.controller(**options) as io:
            io.send(io.capsule(entry, data))
            io.expect_status(status, 3)
            io.read(0, 1)


register_refused("T16 an SGL of 4 GiB is refused", peer.INVALID_FIELD,
                 peer.rw(peer.OP_READ, 3, 0, 1,
                         sgl(SGL_TRANSPORT, 0xFFFFFFFF)))
register_refused("T16 a write above MDTS is refused", peer.INVALID_FIELD,
                 peer.rw(peer.OP_WRITE, 3, 0, 4096,
                         sgl(SGL_TRANSPORT, 4096 * BLOCK)))
register_refused("an SGL length that is not the command's is refused (read)",
                 peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_READ, 3, 0, 2, BLOCK1))
register_refused("an SGL length that is not the command's is refused (write)",
                 peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_WRITE, 3, 0, 2, BLOCK1))
register_refused("a read without an SGL is refused", peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_READ, 3, 0, 2, bytes(16)))
register_refused("an unknown SGL type is refused", peer.SGL_INVALID_TYPE,
                 peer.rw(peer.OP_READ, 3, 0, 1, sgl(0x30, BLOCK)))
register_refused("a keyed SGL is refused", peer.SGL_INVALID_TYPE,
                 peer.rw(peer.OP_WRITE, 3, 0, 1, sgl(0x40, BLOCK)))
register_refused("an in-capsule SGL for a read is refused",
                 peer.INVALID_FIELD,
                 peer.rw(peer.OP_READ, 3, 0, 1, sgl(SGL_IN_CAPSULE, BLOCK)))
register_refused("an in-capsule offset is refused", peer.SGL_INVALID_OFFSET,
                 peer.rw(peer.OP_WRITE, 3, 0, 1,
                         sgl(SGL_IN_CAPSULE, BLOCK, 64)), bytes(BLOCK))
register_refused("an in-capsule SGL longer than the data is refused",
                 peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_WRITE, 3, 0, 2,
                         sgl(SGL_IN_CAPSULE, 2 * BLOCK)), bytes(BLOCK))
register_refused("an in-capsule SGL shorter than the data is refused",
                 peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_WRITE, 3, 0, 1,
                         sgl(SGL_IN_CAPSULE, BLOCK)), bytes(2 * BLOCK))
register_refused("in-capsule data that no SGL describes is refused",
                 peer.SGL_INVALID_DATA,
                 peer.rw(peer.OP_WRITE, 3, 0, 1, BLOCK1), bytes(BLOCK))
register_refused("a command without SGLs is refused", peer.INVALID_FIELD,
                 peer.sqe(peer.OP_FLUSH, 3, 1, flags=0))
register_refused("an unknown opcode with in-capsule data is refused",
                 peer.INVALID_OPCODE,
                 peer.sqe(0x7D, 3, 1, sgl(SGL_IN_CAPSULE, 4096)),
                 bytes(4096))
register_refused("a namespace that is not there is refused", 0x0B,
                 peer.rw(peer.OP_READ, 3, 0, 1, BLOCK1, nsid=77))


@test("a wrong data digest fails the command and nothing else")
def _bad_ddgst(bench):
    with bench.controller(ddgst=True) as io:
        io.write_in_capsule(0, pattern(BLOCK), bad_ddgst=True,
                            status=peer.TRANSIENT_TRANSPORT)
        io.write_in_capsule(0, pattern(BLOCK))
        if io.read(0, 1) != pattern(BLOCK):
            raise Failure("data differs")


@test("T12 a wrong data digest behind a command that is refused")
def _t12(bench):
    with bench.controller(ddgst=True) as io:
        for opcode, nsid in ((0x7D, 1), (peer.OP_WRITE, 77)):
            cid = io.next_cid()
            io.send(io.capsule(
                peer.sqe(opcode, cid, nsid, sgl(SGL_IN_CAPSULE, BLOCK)),
                bytes(BLOCK), bad_ddgst=True))
            io.expect_status(peer.TRANSIENT_TRANSPORT, cid)
        io.read(0, 1)


@test("T13 a wrong data digest on an H2CData that is not the last")
def _t13(bench):
    with bench.controller(ddgst=True) as io:
        r2t = io.start_write(0, 2 * BLOCK)
        io.send(io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK), last=False,
                           bad_ddgst=True))
        io.send(io.h2cdata(r2t.cid, r2t.ttag, BLOCK, bytes(BLOCK)))
        io.expect_status(peer.TRANSIENT_TRANSPORT, r2t.cid)
        io.write(0, pattern(2 * BLOCK))
        if io.read(0, 2) != pattern(2 * BLOCK):
            raise Failure("data differs")


@test("T13 a connection lost between two H2CData with a wrong digest")
def _t13_lost(bench):
    with bench.controller(ddgst=True) as io:
        r2t = io.start_write(0, 2 * BLOCK)
        io.send(io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK), last=False,
                           bad_ddgst=True))
        io.reset()


def connect_status(bench, data, status, **fields):
    with bench.host() as host:
        cid = host.next_cid()
        length = fields.pop("length", len(data))
        entry = peer.connect_sqe(cid, fields.get("qid", 0),
                                 fields.get("sqsize", 31),
                                 sgl(SGL_IN_CAPSULE, length))
        host.send(host.capsule(entry, data))
        host.expect_status(status, cid)


@test("T2 Connect with names that do not end")
def _t2(bench):
    connect_status(bench, peer.connect_data(b"n" * 256, b"h" * 256),
                   peer.CONNECT_INVALID)


@test("Connect with short data is refused")
def _short_connect(bench):
    connect_status(bench, peer.connect_data(bench.subnqn)[:512],
                   peer.SGL_INVALID_DATA)


@test("Connect to a subsystem that is not there is refused")
def _no_subsystem(bench):
    connect_status(bench, peer.connect_data("nqn.2026-01.net.nowhere:x"),
                   peer.CONNECT_INVALID)


@test("Connect of no entries is refused")
def _no_entries(bench):
    connect_status(bench, peer.connect_data(bench.subnqn),
                   peer.CONNECT_INVALID, sqsize=0)


@test("a command before Connect is refused")
def _command_first(bench):
    with bench.host() as host:
        host.send(host.capsule(peer.sqe(peer.OP_IDENTIFY, 9)))
        host.expect_status(peer.INVALID_OPCODE, 9)
        host.connect(bench.subnqn)


@test("Connect by R2T works as well")
def _connect_r2t(bench):
    with bench.host() as host:
        data = peer.connect_data(bench.subnqn)
        cid = host.next_cid()
        host.send(host.capsule(peer.connect_sqe(
            cid, 0, 31, sgl(SGL_TRANSPORT, len(data)))))
        host.answer_r2t(host.expect(peer.R2T), data, piece=1000)
        host.expect_status(peer.SUCCESS, cid)


@test("T5 an I/O command whose execution cannot even start")
def _t5(bench):
    with bench.controller() as io:
        for lba, blocks in ((1 << 31, 1), (0, 65536)):
            for opcode in (peer.OP_READ, peer.OP_WRITE):
                cid = io.next_cid()
                io.send(io.capsule(peer.rw(opcode, cid, lba, blocks, BLOCK1)))
                pdu = io.next_pdu()
                if pdu.type == peer.R2T:
                    io.answer_r2t(pdu, bytes(BLOCK))
                    pdu = io.next_pdu()
                if pdu.type != peer.RSP or not pdu.status:
                    raise Failure(f"got {pdu}")


# -- PDUs that end the connection ------------------------------------------

def register_fatal(name, fes, fei, build, **options):
    """build(io) sends what is wrong; a C2HTermReq must answer it."""
    @test(name)
    def _(bench):
        with bench.controller(**options) as io:
            build(io)
            io.expect_term(fes, fei)
            io.send(bytes(1000))
            io.sock.shutdown(socket.SHUT_WR)
            io.expect_closed()


def fatal(name, fes, fei=None, **options):
    def register(build):
        register_fatal(name, fes, fei, build, **options)
        return build
    return register


FLUSH = peer.sqe(peer.OP_FLUSH, 3, 1)


def register_bad_header(name, fes, fei, fields, kind=peer.CMD, rest=FLUSH,
                        data=b"", **options):
    @fatal(name, fes, fei, **options)
    def _(io):
        io.send(io.pdu(kind, rest, data, **fields))


for _kind in (1, 3, 5, 7, 8, 9, 0x0A, 0x0B, 0x40, 0xFF):
    register_bad_header(f"PDU type {_kind:#04x} from a host",
                        peer.INVALID_HEADER, 0, {"hlen": 72}, kind=_kind)
for _hlen in (0, 8, 71, 73, 128, 255):
    register_bad_header(f"a capsule with HLEN {_hlen}", peer.INVALID_HEADER,
                        2, {"hlen": _hlen})
for _plen in (0, 8, 71):
    register_bad_header(f"a capsule with PLEN {_plen} below HLEN",
                        peer.INVALID_HEADER, 4, {"plen": _plen})
register_bad_header("a capsule with PLEN below HLEN and digest",
                    peer.INVALID_HEADER, 4, {"plen": 72}, hdgst=True)
register_bad_header("T5 a capsule of 4 GiB", peer.LIMIT, 0,
                    {"plen": 0xFFFFFFFF, "pdo": 72})
register_bad_header("T25 more in-capsule data than offered", peer.LIMIT, 0,
                    {}, data=bytes(64 * 1024))
for _pdo in (0, 8, 71, 73, 74, 255):
    register_bad_header(f"in-capsule data at PDO {_pdo}",
                        peer.INVALID_HEADER, 3, {"pdo": _pdo},
                        data=bytes(BLOCK))
register_bad_header("data that starts behind the end of the PDU",
                    peer.INVALID_HEADER, 4, {"pdo": 252, "plen": 200},
                    data=bytes(BLOCK))
register_bad_header("a header digest flag that was not negotiated",
                    peer.INVALID_HEADER, 1, {"flags": peer.F_HDGST})
register_bad_header("a data digest flag that was not negotiated",
                    peer.INVALID_HEADER, 1, {"flags": peer.F_DDGST},
                    data=bytes(BLOCK))
register_bad_header("no data digest flag where it was negotiated",
                    peer.INVALID_HEADER, 1, {"data_flag": False},
                    data=bytes(BLOCK), ddgst=True)


@fatal("no header digest flag where it was negotiated", peer.INVALID_HEADER,
       1, hdgst=True)
def _no_hdgst_flag(io):
    io.send(struct.pack("<BBBBI", peer.CMD, 0, 72, 0, 76) + FLUSH + bytes(4))


@fatal("a wrong header digest", peer.HDGST, hdgst=True)
def _bad_hdgst(io):
    io.send(io.capsule(FLUSH, bad_hdgst=True))


@fatal("a wrong header digest in front of data", peer.HDGST, hdgst=True,
       ddgst=True)
def _bad_hdgst_data(io):
    io.send(io.capsule(peer.rw(peer.OP_WRITE, 3, 0, 1,
                               sgl(SGL_IN_CAPSULE, BLOCK)),
                       bytes(BLOCK), bad_hdgst=True))


@fatal("T14 a second ICReq with header digests on", peer.SEQUENCE, 0,
       hdgst=True, ddgst=True)
def _t14(io):
    io.send(io.icreq(True, True) + b"\xff" * 4)


@fatal("a second ICReq", peer.SEQUENCE, 0)
def _second_icreq(io):
    io.send(io.icreq())


@fatal("more commands than the queue has entries", peer.SEQUENCE,
       sqsize=3)
def _too_many(io):
    burst = [io.capsule(peer.rw(peer.OP_WRITE, cid, 0, 1, BLOCK1))
             for cid in range(5)]
    io.send(b"".join(burst))
    io.sent = burst[-1]


@fatal("T6 H2CData for a slot beyond the queue", peer.INVALID_HEADER, 10)
def _t6(io):
    io.send(io.h2cdata(1, 0x3FF, 0, bytes(BLOCK)))


@fatal("T6 H2CData for transfer tag 65535", peer.INVALID_HEADER, 10)
def _t6_ffff(io):
    io.send(io.h2cdata(1, 0xFFFF, 0, bytes(BLOCK)))


@fatal("T7 H2CData for a slot that is not in use", peer.INVALID_HEADER, 10)
def _t7c(io):
    io.send(io.h2cdata(1, 0, 0, bytes(BLOCK)))


@fatal("T7 H2CData for a read", peer.INVALID_HEADER, 10)
def _t7b(io):
    r2t = io.start_write(0, BLOCK)
    io.answer_r2t(r2t, bytes(BLOCK))
    io.expect_status(peer.SUCCESS)
    # The next command takes the slot that has just become free.
    read = io.capsule(peer.rw(peer.OP_READ, 3, 0, 256,
                              sgl(SGL_TRANSPORT, 256 * BLOCK)))
    lie = io.h2cdata(3, r2t.ttag + 0x400 & 0xFFFF, 0, bytes(BLOCK))
    io.send(read + lie)
    io.sent = lie


@fatal("T4 H2CData for a write that is complete", peer.INVALID_HEADER, 10)
def _t4(io):
    r2t = io.start_write(0, BLOCK)
    io.answer_r2t(r2t, bytes(BLOCK))
    io.expect_status(peer.SUCCESS)
    io.send(io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK)))


@fatal("T4 H2CData with the tag that its slot had before",
       peer.INVALID_HEADER, 10)
def _t4_stale(io):
    old = io.start_write(0, BLOCK)
    io.answer_r2t(old, bytes(BLOCK))
    io.expect_status(peer.SUCCESS)
    new = io.start_write(0, BLOCK)
    if new.ttag == old.ttag:
        raise Failure("a transfer tag came back at once")
    io.send(io.h2cdata(new.cid, old.ttag, 0, bytes(BLOCK)))


def register_bad_h2cdata(name, fes, fei, blocks=4, **options):
    def register(build):
        @fatal(name, fes, fei, **options)
        def _(io):
            r2t = io.start_write(0, blocks * BLOCK)
            io.send(build(io, r2t))
        return build
    return register


@register_bad_h2cdata("H2CData with another CCCID", peer.INVALID_HEADER, 8)
def _cccid(io, r2t):
    return io.h2cdata(r2t.cid + 1, r2t.ttag, 0, bytes(4 * BLOCK))


@register_bad_h2cdata("H2CData that leaves a gap", peer.OUT_OF_RANGE, None)
def _gap(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, BLOCK, bytes(3 * BLOCK))


@register_bad_h2cdata("T8 H2CData longer than the command", peer.OUT_OF_RANGE,
                      None)
def _t8(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(5 * BLOCK))


@register_bad_h2cdata("T8 H2CData at an offset of almost 4 GiB",
                      peer.OUT_OF_RANGE, None)
def _t8_offset(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0xFFFFFE00, bytes(BLOCK))


@register_bad_h2cdata("H2CData without data", peer.INVALID_HEADER, 16)
def _empty(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, b"", length=0)


@register_bad_h2cdata("T3 DATAL below the data in the PDU",
                      peer.INVALID_HEADER, 4)
def _t3_short(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(4 * BLOCK), length=BLOCK)


@register_bad_h2cdata("T3 DATAL above the data in the PDU",
                      peer.INVALID_HEADER, 4)
def _t3_long(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK), length=4 * BLOCK)


@register_bad_h2cdata("T3 DATAL of 4 GiB", peer.LIMIT, 0)
def _t3_huge(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK), length=0xFFFFFFFF)


@register_bad_h2cdata("H2CData at a PDO within the header",
                      peer.INVALID_HEADER, 3)
def _h2c_pdo(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(4 * BLOCK), pdo=20)


@register_bad_h2cdata("the last H2CData without LAST_PDU",
                      peer.INVALID_HEADER, 1)
def _no_last(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(4 * BLOCK), last=False)


@register_bad_h2cdata("LAST_PDU before the last H2CData",
                      peer.INVALID_HEADER, 1)
def _early_last(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK), last=True)


@register_bad_h2cdata("a wrong header digest on H2CData", peer.HDGST, None,
                      hdgst=True)
def _h2c_hdgst(io, r2t):
    return io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(4 * BLOCK), bad_hdgst=True)


@test("T3 H2CData above MAXH2CDATA")
def _above_maxh2cdata(bench):
    with parameter("maxh2cdata", 4096), bench.controller() as io:
        r2t = io.start_write(0, 16 * BLOCK)
        io.send(io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(4100), last=False))
        io.expect_term(peer.LIMIT, 0)


@test("T9 payload that goes on after it was refused")
def _t9(bench):
    with bench.controller() as io:
        r2t = io.start_write(0, 4 * BLOCK)
        io.send(io.h2cdata(r2t.cid, r2t.ttag, 3 * BLOCK, bytes(4 * BLOCK)))
        io.sock.sendall(bytes(256 * 1024))
        io.expect_term(peer.OUT_OF_RANGE)
        io.sock.sendall(bytes(256 * 1024))
        io.expect_silence(0.3)


@test("T15 H2CData before its R2T was sent")
def _t15(bench):
    with small_send_buffers(), \
            bench.controller(rcvbuf=4096, sqsize=127) as io:
        old = io.start_write(0, BLOCK)
        io.answer_r2t(old, bytes(BLOCK))
        io.expect_status(peer.SUCCESS)
        reads = [io.capsule(peer.rw(peer.OP_READ, 100 + i, 0, 2048,
                                    sgl(SGL_TRANSPORT, 2048 * BLOCK)))
                 for i in range(12)]
        before = counters()["rx_capsules"]
        io.send(b"".join(reads))
        peer.wait_until(10, lambda: counters()["rx_capsules"] >= before + 12)
        write = io.capsule(peer.rw(peer.OP_WRITE, 9, 0, 1, BLOCK1))
        seen = counters()["rx_capsules"]
        io.send(write)
        peer.wait_until(10, lambda: counters()["rx_capsules"] > seen)
        # The tag that the R2T will have, once it is sent.
        io.send(io.h2cdata(9, (old.ttag + 0x400 * 13 & 0xFC00) + 12, 0,
                           bytes(BLOCK)))
        io.expect_term(peer.SEQUENCE, 0)


# -- before a queue is connected -------------------------------------------

def register_bad_icreq(name, fes, fei, **fields):
    @test(name)
    def _(bench):
        with bench.host(handshake=False) as host:
            host.send(host.icreq(**fields))
            host.expect_term(fes, fei)
            host.send(host.icreq())
            host.expect_silence(0.2)


register_bad_icreq("T22 ICReq with PFV 1, and a good one after it",
                   peer.UNSUPPORTED, 8, pfv=1)
register_bad_icreq("T1 ICReq with HPDA 32 and both digests",
                   peer.INVALID_HEADER, 10, hpda=32, hdgst=True, ddgst=True)
register_bad_icreq("ICReq with HPDA 255", peer.INVALID_HEADER, 10, hpda=255)
register_bad_icreq("T1 ICReq with PLEN 132", peer.INVALID_HEADER, 4,
                   hdgst=True, plen=132)
register_bad_icreq("ICReq with PLEN 4", peer.INVALID_HEADER, 4, plen=4)
register_bad_icreq("T1 ICReq with HLEN 132", peer.INVALID_HEADER, 2,
                   hdgst=True, hlen=132)


@test("a capsule before ICReq")
def _capsule_first(bench):
    with bench.host(handshake=False) as host:
        host.send(host.capsule(FLUSH))
        host.expect_term(peer.SEQUENCE, 0)


@test("T7 H2CData before Connect")
def _t7a(bench):
    with bench.host() as host:
        host.send(host.h2cdata(1, 0, 0, bytes(BLOCK)))
        host.expect_term(peer.INVALID_HEADER, 10)


@test("H2CTermReq is understood, before and after Connect")
def _h2cterm(bench):
    before = counters()["rx_h2cterm"]
    for host in (bench.host(handshake=False), bench.host()):
        with host:
            host.send(host.h2cterm(peer.HDGST, 0x1234, bytes(24)))
            host.expect_closed()
    with bench.controller() as io:
        io.send(io.h2cterm(peer.OUT_OF_RANGE))
        io.expect_closed()
    peer.wait_until(5, lambda: counters()["rx_h2cterm"] == before + 3)


@test("an H2CTermReq that is too long")
def _long_h2cterm(bench):
    with bench.host() as host:
        host.send(host.h2cterm(1, 0, bytes(129)))
        host.expect_term(peer.INVALID_HEADER, 4)


@test("a peer that does not send ICReq is not waited for")
def _silent_icreq(bench):
    with parameter("icreq_timeout", 1), \
            bench.host(handshake=False, timeout=15) as host:
        host.send(b"\0\0\x80")
        host.expect_closed()


@test("a peer that does not connect is not waited for")
def _silent_connect(bench):
    with parameter("connect_timeout", 1), bench.host(timeout=15) as host:
        host.expect_closed()


@test("a peer that sends half a Connect is not waited for")
def _half_connect(bench):
    with parameter("connect_timeout", 1), bench.host(timeout=15) as host:
        entry = peer.connect_sqe(1, 0, 31, sgl(SGL_IN_CAPSULE, 1024))
        host.send(host.capsule(entry, bytes(1024))[:700])
        host.expect_closed()


@test("a peer that does not close after C2HTermReq is not waited for")
def _term_timeout(bench):
    with parameter("term_timeout", 1), bench.host(timeout=15) as host:
        host.send(host.icreq())
        host.expect_term(peer.SEQUENCE)
        host.expect_closed()


@test("the oldest of too many half-open connections goes")
def _half_open(bench):
    before = counters()["evicted"]
    with parameter("max_half_open", 4), contextlib.ExitStack() as stack:
        hosts = [stack.enter_context(bench.host()) for _ in range(6)]
        hosts[0].expect_closed()
        hosts[1].expect_closed()
        hosts[5].connect(bench.subnqn)
        hosts[2].connect(bench.subnqn)
    if counters()["evicted"] != before + 2:
        raise Failure("evictions are not counted")


@test("connections beyond the limit are refused")
def _limit(bench):
    def alone():
        return counters()["connections"] == 2
    peer.wait_until(10, alone)
    before = counters()["refused"]
    with parameter("max_connections", 4), bench.controller():
        try:
            with bench.host(handshake=False) as third:
                third.expect_closed()
        except ConnectionResetError:
            pass
    if counters()["refused"] != before + 1:
        raise Failure("the refusal is not counted")
    bench.still_serves()


# -- storms ----------------------------------------------------------------

@test("T10 ICReq and reset at once, again and again")
def _t10(bench):
    for i in range(300):
        host = bench.host(handshake=False)
        host.sock.sendall(host.icreq(i % 2 == 0, i % 3 == 0))
        if i % 4 < 2:
            host.reset()
        else:
            host.close()


@test("T20 connections that are reset before they are served")
def _t20(bench):
    for _ in range(300):
        bench.host(handshake=False).reset()


@test("T17 connections that fail after their first command")
def _t17(bench):
    for i in range(100):
        with bench.host(hdgst=i % 2 == 0) as host:
            host.send(host.capsule(FLUSH))
            if i % 3:
                host.expect(peer.RSP)
            if i % 5 == 0:
                host.reset()


@test("T11 controllers that come and go in many threads")
def _t11(bench):
    errors = []

    def storm(seed):
        rng = random.Random(seed)
        try:
            for _ in range(12):
                controller = bench.controller(hdgst=rng.random() < 0.5)
                if rng.random() < 0.5:
                    controller.io.send(controller.io.capsule(peer.rw(
                        peer.OP_READ, 1, 0, 64,
                        sgl(SGL_TRANSPORT, 64 * BLOCK))))
                if rng.random() < 0.5:
                    controller.io.reset()
                controller.close()
        except Failure as error:
            errors.append(error)

    threads = [threading.Thread(target=storm, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@test("a peer that stops reading holds up nobody else")
def _stuck(bench):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            io = stack.enter_context(bench.controller(rcvbuf=4096,
                                                      sqsize=63))
            io.send(b"".join(io.capsule(peer.rw(
                peer.OP_READ, cid, 0, 2048,
                sgl(SGL_TRANSPORT, 2048 * BLOCK))) for cid in range(16)))
        for _ in range(20):
            bench.check_witness()
        bench.still_serves()


@test("a lost connection with commands in every phase")
def _lost(bench):
    for end in ("close", "reset"):
        with bench.controller(sqsize=63, ddgst=True) as io:
            io.start_write(0, 4 * BLOCK)
            r2t = io.start_write(0, 4 * BLOCK)
            io.send(io.h2cdata(r2t.cid, r2t.ttag, 0, bytes(BLOCK),
                               last=False))
            for cid in range(40, 60):
                io.send(io.capsule(peer.rw(peer.OP_READ, cid, 0, 1024,
                                           sgl(SGL_TRANSPORT,
                                               1024 * BLOCK))))
            io.send(io.capsule(peer.rw(peer.OP_WRITE, 61, 0, 8,
                                       sgl(SGL_IN_CAPSULE, 4096)),
                               bytes(4096))[:600])
            getattr(io, end)()
    with bench.host() as admin:
        admin.connect(bench.subnqn)
        admin.enable()
        admin.send(admin.capsule(peer.sqe(peer.OP_AER, 5)))


def random_pdu(host, rng):
    """A PDU with a header that is valid, mostly."""
    kind = rng.choice([peer.CMD] * 4 + [peer.H2CDATA] * 2 +
                      [peer.ICREQ, peer.H2CTERM, rng.randrange(256)])
    data = rng.randbytes(rng.choice([0, 0, 4, 512, 4096, 8192]))
    if kind == peer.CMD:
        opcode = rng.choice([0, 1, 2, 4, 5, 6, 8, 9, 12, 13, 0x18, 0x7F,
                             rng.randrange(256)])
        length = rng.choice([0, 512, len(data), 4096, rng.getrandbits(32)])
        entry = bytearray(peer.sqe(
            opcode, rng.getrandbits(16),
            rng.choice([0, 2, 2, 2, 3, 0xFFFFFFFF]),
            sgl(rng.choice([SGL_IN_CAPSULE, SGL_TRANSPORT]), length),
            [rng.getrandbits(rng.choice([3, 32])) for _ in range(6)]))
        # Connect and Property Set would only end the test early.
        if opcode == peer.OP_FABRICS:
            entry[4] = rng.choice([4, 5, 6, 8])
        return host.pdu(kind, bytes(entry), data)
    if kind == peer.H2CDATA:
        return host.h2cdata(rng.getrandbits(4), rng.getrandbits(16),
                            rng.getrandbits(10), data or bytes(4))
    rest = rng.randbytes(peer.HLEN.get(kind, 24) - 8)
    return host.pdu(kind, rest, hlen=peer.HLEN.get(kind, 24))


@test("random PDUs with valid headers")
def _random(bench):
    for seed in range(60):
        rng = random.Random(seed)
        try:
            with bench.controller(hdgst=seed % 2 == 0,
                                  ddgst=seed % 3 == 0) as io:
                for _ in range(rng.randrange(1, 12)):
                    io.sock.sendall(random_pdu(io, rng))
                io.sock.shutdown(socket.SHUT_WR)
                while True:
                    io.next_pdu()
        except (Closed, OSError):
            pass


@test("random bytes instead of PDUs")
def _garbage(bench):
    for seed in range(60):
        rng = random.Random(seed)
        try:
            with bench.host(handshake=seed % 2 == 0) as host:
                host.hpda = 0
                host.sock.sendall(rng.randbytes(rng.randrange(1, 3000)))
                host.sock.shutdown(socket.SHUT_WR)
                while True:
                    host.next_pdu()
        except (Closed, OSError):
            pass


@test("counters tell what happened")
def _counters(bench):
    before = counters()
    with bench.controller(ddgst=True) as io:
        io.write_in_capsule(0, bytes(BLOCK))
        io.write_in_capsule(0, bytes(BLOCK), bad_ddgst=True,
                            status=peer.TRANSIENT_TRANSPORT)
        io.write(0, bytes(2 * BLOCK), piece=BLOCK)
        io.read(0, 4)
        io.send(io.capsule(FLUSH, hlen=9))
        io.expect_term(peer.INVALID_HEADER)
    after = counters()
    expected = {"accepted": 2, "connected": 2, "failed": 1, "rx_icreq": 2,
                "tx_icresp": 2, "rx_capsules": 7, "rx_h2cdata": 2,
                "rx_h2cdata_bytes": 2 * BLOCK, "tx_r2t": 1,
                "tx_r2t_bytes": 2 * BLOCK, "tx_c2hdata": 1,
                "tx_c2hdata_bytes": 4 * BLOCK, "rx_ddgst_errors": 1,
                "rx_icd_bytes": 2 * (1024 + BLOCK),
                "tx_term_invalid_header": 1, "tx_responses": 7}
    for name, value in expected.items():
        if after[name] - before[name] != value:
            raise Failure(f"{name} rose by {after[name] - before[name]}, "
                          f"not {value}")


def run(bench, name, function):
    try:
        function(bench)
        bench.check_witness()
    except (Failure, OSError, AssertionError) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"not ok {name}\n# {type(error).__name__}: {error} "
              f"({os.path.basename(where.filename)}:{where.lineno})")
        return False
    print(f"ok {name}", flush=True)
    return True


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    bench = Bench(address, sys.argv[3])
    good = True
    for name, function in TESTS:
        if not sys.argv[4:] or any(p in name for p in sys.argv[4:]):
            good &= run(bench, name, function)
    bench.witness.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
