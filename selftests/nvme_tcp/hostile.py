#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong and unusual controllers, and what the initiator must make of them.

usage: hostile.py [PATTERN...]

Prints "ok NAME" or "not ok NAME" for each test, and why. What is wrong must be
answered with an H2CTermReq that names it, and after that the initiator has to
connect again and finish the command with the right data; nothing that was not
asked for may go to the target, nothing that was not read may reach the reader.
The tests are in cases/, a file for each kind of misbehaviour.
"""

import os
import sys
import time
import traceback

from cases import (triggers, headers, commands, unusual, icresp, termreq,
                   silence, noise)
from client import DEBUGFS
from pytap import TESTS

# In this order; each module adds its tests as it is read.
CASES = (triggers, headers, commands, unusual, icresp, termreq, silence,
         noise)


def run(name, function):
    begin = time.monotonic()
    try:
        skipped = function()
    except BaseException:  # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print("#", line)
        print("not ok", name, flush=True)
        return False
    print(f"# {time.monotonic() - begin:.1f} s")
    print("ok", name + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    return True


def main():
    patterns = sys.argv[1:]
    fine = True
    for name, function in TESTS:
        if patterns and not any(p in name for p in patterns):
            continue
        fine &= run(name, function)
    left = os.listdir(DEBUGFS)
    if left:
        print("# left over:", left)
    sys.exit(0 if fine and not left else 1)


if __name__ == "__main__":
    main()
