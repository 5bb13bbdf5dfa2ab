# SPDX-License-Identifier: Apache-2.0
"""What comes before a queue is connected."""

import contextlib

import peer
from bench import counters, FLUSH, parameter, witness_alone
from peer import BLOCK, Failure, sgl, SGL_IN_CAPSULE
from pytap import test


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


@test("a host has eight tries to connect, and no more")
def _tries(bench):
    with bench.host() as host:
        for _ in range(8):
            try:
                host.connect("nqn.2026-01.net.nowhere:x")
                raise Failure("connected to nowhere")
            except peer.Refused:
                pass
        host.send(host.capsule(FLUSH))
        host.expect_term(peer.SEQUENCE, 0)


@test("in-capsule data of a stranger is Connect's at most")
def _large_stranger(bench):
    with bench.host() as host:
        host.send(host.capsule(
            peer.rw(peer.OP_WRITE, 1, 0, 17,
                    sgl(SGL_IN_CAPSULE, 17 * BLOCK)), bytes(17 * BLOCK)))
        host.expect_term(peer.LIMIT, 0, echo=host.sent[:72])


@test("connections beyond the limit are refused")
def _limit(bench):
    peer.wait_until(10, witness_alone)
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
