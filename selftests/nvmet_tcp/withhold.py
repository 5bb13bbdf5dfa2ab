#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that asks to write, and never sends the data.

usage: withhold.py ADDRESS PORT SUBNQN

Prints "ready" when the target waits for the data of a write on an I/O queue.
"""

import sys

import peer


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    with peer.Controller(address, sys.argv[3], timeout=None) as io:
        io.start_write(0, 64 * peer.BLOCK)
        print("ready", flush=True)
        io.expect_closed()


if __name__ == "__main__":
    main()
