#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Publishes a subsystem on a port with one allocation after the other failing.

usage: no_memory.py SUBSYSTEM PORT      folders of configfs

Whichever it is, the port is not there, or listens.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))
# pylint: disable=wrong-import-position
from fail_nth import every_allocation


def main():
    subsystem, port = sys.argv[1:3]
    link = f"{port}/subsystems/{os.path.basename(subsystem)}"

    failed, succeeded = every_allocation(
        lambda: os.symlink(subsystem, link), lambda _: os.unlink(link))
    print(f"{dict(failed)}, and {succeeded} did not mind")
    sys.exit(0 if failed.total() > 3 else "too few failed to be true")


if __name__ == "__main__":
    main()
