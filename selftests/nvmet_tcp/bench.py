# SPDX-License-Identifier: Apache-2.0
"""What the tests of the target are made of."""

import os
import sys

import peer
from peer import BLOCK, Controller, Failure, Host, sgl, SGL_TRANSPORT

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))
# pylint: disable=wrong-import-position
from pytap import pattern, setting

DEBUGFS = "/sys/kernel/debug/nvmet_tcp/port-1"

BLOCK1 = sgl(SGL_TRANSPORT, BLOCK)

def parameter(name, value):
    """A module parameter with another value for a while."""
    return setting(f"/sys/module/nvmet_tcp/parameters/{name}", value)


def small_send_buffers():
    """New sockets take 64 KiB at most before they have to be read."""
    return setting("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 65536")


def counters():
    with open(f"{DEBUGFS}/counters", encoding="ascii") as file:
        return {name: int(value)
                for name, value in (line.split() for line in file)}


def witness_alone():
    """No connection is left but the two of the witness."""
    return counters()["connections"] == 2


def queue_of(host):
    """What the target tells of the queue at the other end."""
    peer_is = "peer={}:{}".format(*host.sock.getsockname())
    with open(f"{DEBUGFS}/queues", encoding="ascii") as file:
        words = next(w for w in map(str.split, file) if peer_is in w)
    return dict(word.split("=") for word in words)


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


FLUSH = peer.sqe(peer.OP_FLUSH, 3, 1)
