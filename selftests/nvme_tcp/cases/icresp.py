# SPDX-License-Identifier: Apache-2.0
"""ICResp, and what comes in its place."""

import struct
import time

from bench import check, refused_connect
from client import KernelLog
from fake import header, RSP, SLOW, Target
from pytap import test


def icresp_is_refused(reason, code=None, **changes):
    target, log = Target(), KernelLog()
    try:
        target.icresp = lambda d: target.good_icresp(d, **changes)
        begin = time.monotonic()
        refused_connect(target)
        check(time.monotonic() - begin < 5 * SLOW, "it took long")
        check(log.has(reason), f"no '{reason}' in", log.lines)
    finally:
        target.close()
        log.close()


@test("ICResp that is none, or is wrong")
def _():
    icresp_is_refused("is no ICResp", kind=RSP)
    icresp_is_refused("wrong header length", hlen=24)
    icresp_is_refused("wrong length", plen=132)
    icresp_is_refused("format version", pfv=1)
    icresp_is_refused("alignment", cpda=32)
    icresp_is_refused("MAXH2CDATA", maxh2cdata=4092)
    icresp_is_refused("MAXH2CDATA", maxh2cdata=4098)


@test("digests other than asked for, said in words")
def _():
    for want, got, reason in (
            ({"hdr_digest": True}, 0, "refuses the header digest"),
            ({"data_digest": True}, 0, "refuses the data digest"),
            ({}, 1, "insists on a header digest"),
            ({}, 2, "insists on a data digest")):
        target, log = Target(), KernelLog()
        try:
            target.icresp = lambda d, t=target, g=got: t.good_icresp(
                d, digest=g)
            refused_connect(target, **want)
            check(log.has(reason), f"no '{reason}' in", log.lines)
        finally:
            target.close()
            log.close()


@test("C2HTermReq instead of ICResp, however short")
def _():
    for echo in (128, 0):
        target, log = Target(), KernelLog()
        try:
            target.icresp = lambda d, n=echo: header(
                3, plen=24 + n, hlen=24,
                body=struct.pack("<HI10x", 6, 10)) + bytes(n)
            refused_connect(target)
            check(log.has("Unsupported Parameter"), log.lines)
        finally:
            target.close()
            log.close()
