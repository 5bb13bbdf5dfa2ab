#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts that connect, do a little, and go, until they are stopped.

usage: storm.py ADDRESS PORT SUBNQN

Each end of a connection is tried: before ICReq, between any two steps, with
commands outstanding, by FIN and by RST. Errors are what this is about.
"""

import random
import sys
import threading

import peer


def visit(address, subnqn, rng):
    end = rng.randrange(6)
    host = peer.Host(address, handshake=end > 0, timeout=5)
    try:
        if end > 1:
            cntlid = host.connect(subnqn)
        if end > 2:
            host.enable()
        if end > 3:
            with peer.Host(address, timeout=5) as io:
                io.connect(subnqn, 1, 31, cntlid)
                io.start_write(0, 8 * peer.BLOCK)
                if end > 4:
                    io.read(0, 8)
    finally:
        if rng.random() < 0.5:
            host.reset()
        host.close()


def guests(address, subnqn, seed):
    rng = random.Random(seed)
    while True:
        try:
            visit(address, subnqn, rng)
        except (OSError, peer.Failure):
            pass


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    for seed in range(6):
        threading.Thread(target=guests, daemon=True,
                         args=(address, sys.argv[3], seed)).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
