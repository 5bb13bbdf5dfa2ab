#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Controllers that do nothing until the target ends them, or a signal does.

usage: hold.py ADDRESS PORT SUBNQN [QUEUES [DEPTH [NSID]]]

Prints "ready" when QUEUES I/O queues (default 1) of DEPTH entries (default
128) are connected, 127 at most for each controller. With NSID, each has a write
to that namespace outstanding, whose answer is not waited for.
"""

import sys

import peer

PER_CONTROLLER = 127


def controller(address, subnqn, queues, depth, nsid):
    admin = peer.Host(address, timeout=None)
    cntlid = admin.connect(subnqn)
    admin.enable()
    hosts = [admin]
    for qid in range(1, queues + 1):
        hosts.append(peer.Host(address, timeout=None))
        hosts[-1].connect(subnqn, qid, depth - 1, cntlid)
        if nsid:
            hosts[-1].send(hosts[-1].capsule(peer.rw(
                peer.OP_WRITE, 1, 0, 1,
                peer.sgl(peer.SGL_IN_CAPSULE, peer.BLOCK), nsid),
                bytes(peer.BLOCK)))
    return hosts


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    queues = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    depth = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    nsid = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    hosts = []
    while queues > 0:
        n = min(queues, PER_CONTROLLER)
        hosts += controller(address, sys.argv[3], n, depth, nsid)
        queues -= n
    print("ready", flush=True)
    for host in hosts:
        host.expect_closed()


if __name__ == "__main__":
    main()
