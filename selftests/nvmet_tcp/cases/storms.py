# SPDX-License-Identifier: Apache-2.0
"""Storms of connections, and noise."""

import contextlib
import random
import socket
import threading

import peer
from bench import counters, FLUSH, parameter, queue_of
from peer import BLOCK, Closed, Failure, sgl, SGL_IN_CAPSULE, SGL_TRANSPORT
from pytap import test

MIB = 1 << 20


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


def held_by(host, most, commands):
    """What commands of a host that does not read hold stays bounded."""
    host.send(b"".join(commands))
    peer.wait_until(20, lambda: int(queue_of(host)["rx_waits_data"]) > 0 and
                    int(queue_of(host)["rx_capsules"]) > len(commands))
    held = int(queue_of(host)["data"])
    if held > most:
        raise Failure(f"{held} bytes are held")


def no_data_held(host):
    return int(queue_of(host)["data"]) == 0


@test("a stranger who does not read makes discovery hold two transfers")
def _stuck_discovery(bench):
    with bench.host(rcvbuf=4096) as host:
        host.connect(peer.DISCOVERY, sqsize=127)
        host.enable()
        first = host.cid + 1
        # Log page 0x70, 0x40000 dwords.
        held_by(host, 2 * MIB, [host.capsule(peer.sqe(
            peer.OP_GET_LOG, host.next_cid(), 0, sgl(SGL_TRANSPORT, MIB),
            (0xFFFF0070, 3))) for _ in range(100)])
        bench.still_serves()
        for cid in range(first, first + 100):
            host.take_read(cid, MIB)
        peer.wait_until(5, lambda: no_data_held(host))


@test("reads wait for those that nobody fetches")
def _stuck_reads(bench):
    with parameter("max_queue_data", 4 * MIB), \
            bench.controller(rcvbuf=4096, sqsize=63) as io:
        blocks = MIB // BLOCK
        held_by(io, 5 * MIB, [io.capsule(peer.rw(
            peer.OP_READ, cid, 0, blocks, sgl(SGL_TRANSPORT, MIB)))
            for cid in range(40)])
        for cid in range(40):
            io.take_read(cid, MIB)
        peer.wait_until(5, lambda: no_data_held(io))


@test("writes wait for those whose data is withheld")
def _withheld_writes(bench):
    with parameter("max_queue_data", 4 * MIB), \
            bench.controller(sqsize=63) as io:
        blocks = MIB // BLOCK
        held_by(io, 5 * MIB, [io.capsule(peer.rw(
            peer.OP_WRITE, cid, 0, blocks, sgl(SGL_TRANSPORT, MIB)))
            for cid in range(12)])
        if int(queue_of(io)["r2ts"]) not in (4, 5):
            raise Failure("R2Ts outstanding are not counted")
        # What needs no memory of its own passes by.
        io.send(io.capsule(peer.rw(peer.OP_WRITE, 50, 0, 1,
                                   sgl(SGL_IN_CAPSULE, BLOCK)), bytes(BLOCK)))
        asked, answered = [], set()
        while len(answered) < 13:
            pdu = io.next_pdu()
            if pdu.type == peer.R2T:
                asked.append(pdu)
            else:
                answered.add(pdu.cid)
            while asked and 50 in answered:
                io.answer_r2t(asked.pop(), bytes(MIB))
        if int(queue_of(io)["r2ts"]):
            raise Failure("R2Ts are outstanding still")


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
