# SPDX-License-Identifier: Apache-2.0
"""C2HTermReq: being told off."""

from bench import bench, check, INVALID_HEADER, Once, refuses_on_read
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


@test("C2HTermReq of a wrong length")
def _():
    for plen in (8, 23, 153, 0xFFFFFFFF):
        refuses_on_read(lambda q, c, p=plen: q.send(header(
            3, plen=p, hlen=24, body=bytes(16))), INVALID_HEADER, 4,
            "length of the C2HTermReq")
