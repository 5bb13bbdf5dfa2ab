# SPDX-License-Identifier: Apache-2.0
"""What is right, though some of it is rare."""

import struct
import time

import peer
from bench import BLOCK1, counters, parameter
from peer import BLOCK, Failure, Host, sgl, SGL_IN_CAPSULE, SGL_TRANSPORT
from pytap import pattern, test

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


@test("what a report leaves of its memory is zeros")
def _short_report(bench):
    length, zones = 32 * BLOCK, 16
    with bench.controller() as io:
        io.write(0, pattern(length, 7))
        cid = io.next_cid()
        io.send(io.capsule(peer.sqe(peer.OP_ZONE_REPORT, cid, 3,
                                    sgl(SGL_TRANSPORT, length),
                                    (0, 0, length // 4 - 1))))
        report = io.take_read(cid, length)
        if struct.unpack_from("<Q", report)[0] != zones:
            raise Failure(f"a report of {report[:8].hex()} zones")
        rest = report[64 + zones * 64:]
        if any(rest):
            raise Failure(f"{rest[:32].hex()} behind the last zone")


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
