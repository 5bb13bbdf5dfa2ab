#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Right and wrong PDUs for an NVMe/TCP target, and what must come of each.

usage: wire.py ADDRESS PORT SUBNQN [PATTERN...]

Prints "ok NAME" or "not ok NAME" for each test, and why. While a test runs, a
second connection, the witness, must go on as if nothing had happened. The
tests are in cases/, a file for each kind.
"""

import os
import sys
import traceback

from bench import Bench
from cases import right, refused, fatal, connecting, polling, storms
from peer import Failure
from pytap import TESTS

# In this order; each module adds its tests as it is read.
CASES = (right, refused, fatal, connecting, polling, storms)


def run(bench, name, function):
    try:
        function(bench)
        bench.check_witness()
    except (Failure, OSError, AssertionError) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"not ok {name}\n# {type(error).__name__}: {error} "
              f"({os.path.basename(where.filename)}:{where.lineno})")
        return False
    print(f"ok {name}", flush=True)
    return True


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    bench = Bench(address, sys.argv[3])
    good = True
    for name, function in TESTS:
        if not sys.argv[4:] or any(p in name for p in sys.argv[4:]):
            good &= run(bench, name, function)
    bench.witness.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
