# SPDX-License-Identifier: Apache-2.0
"""PDUs that end the connection."""

import socket
import struct

import peer
from bench import BLOCK1, counters, FLUSH, parameter, small_send_buffers
from peer import BLOCK, Failure, sgl, SGL_IN_CAPSULE, SGL_TRANSPORT
from pytap import test


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
