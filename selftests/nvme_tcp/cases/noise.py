# SPDX-License-Identifier: Apache-2.0
"""Anything at all."""

import contextlib
import random
import struct

import fake
from bench import bench, check, Once
from fake import C2HDATA, header, RSP
from pytap import pattern, test


@test("random PDUs")
def _():
    rnd = random.Random(4711)
    with bench(hdr_digest=False, ctrl_loss_tmo=600) as b:
        for round_ in range(20):
            def act(queue, command, r=round_):
                kind = rnd.choice((RSP, C2HDATA, fake.R2T, rnd.randrange(256)))
                body = bytearray(rnd.randbytes(16))
                if rnd.random() < 0.7:
                    struct.pack_into("<H", body, 12 if kind == RSP else 0,
                                     command.cid)
                pdu = header(kind, rnd.choice((0, 0, 4, 12,
                                               rnd.randrange(256))),
                             rnd.choice((24, 24, 24, rnd.randrange(256))),
                             rnd.choice((0, 24, rnd.randrange(256))),
                             rnd.choice((24, 24 + 512,
                                         rnd.randrange(1 << 32))),
                             bytes(body)) + rnd.randbytes(rnd.randrange(4096))
                queue.send(pdu)
                queue.sock.shutdown(2)
                raise fake.Gone
            b.target.hook = Once(rnd.choice(("reads", "writes")), act)
            if b.target.hook.wanted == "reads":
                offset = rnd.randrange(1024) * 512
                try:
                    data = b.host.read(offset, 512)
                except OSError:
                    # A random status is one, too.
                    continue
                check(data == b.target.disk[offset:offset + 512] or
                      False, "wrong data was read in round", round_)
            else:
                with contextlib.suppress(OSError):
                    b.host.write(1 << 20, pattern(16384, round_))
        b.target.hook = None
        b.host.wait_state("live")
        b.read_is_right()
