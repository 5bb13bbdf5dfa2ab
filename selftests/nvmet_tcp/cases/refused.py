# SPDX-License-Identifier: Apache-2.0
"""Commands that fail, on connections that stay."""

import peer
from bench import BLOCK1
from peer import BLOCK, Failure, sgl, SGL_IN_CAPSULE, SGL_TRANSPORT
from pytap import pattern, test


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
