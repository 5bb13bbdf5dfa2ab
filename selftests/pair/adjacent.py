#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes and reads over the border between two huge pages that are neighbours
in physical memory: the block layer merges them into one element, and a driver
may send that as one fragment.

usage: adjacent.py DEVICE
"""

import ctypes
import mmap
import os
import struct
import sys

HUGE = 2 << 20
PAGE = 4096
COUNT = 16
MAP_HUGETLB = 0x40000
PRESENT = 1 << 63
FRAME = (1 << 55) - 1
# On each side of the border, in bytes: not the same, so that whatever size the
# driver or TCP cuts at, some fragment lies across it.
SIDES = [(PAGE, PAGE), (PAGE, 7 * PAGE), (24 * PAGE, 8 * PAGE),
         (33 * PAGE, 31 * PAGE), (512, 512), (1536, 2560)]


def frame(address):
    """Number of the physical page at an address of this process."""
    with open('/proc/self/pagemap', 'rb') as pagemap:
        pagemap.seek(address // PAGE * 8)
        entry = struct.unpack('<Q', pagemap.read(8))[0]
    assert entry & PRESENT, f'{address:#x} is not there'
    return entry & FRAME


def reserve():
    """Memory of COUNT huge pages, in use."""
    with open('/proc/sys/vm/nr_hugepages', 'w') as file:
        file.write(str(COUNT))
    memory = mmap.mmap(-1, COUNT * HUGE, flags=mmap.MAP_PRIVATE |
                       mmap.MAP_ANONYMOUS | MAP_HUGETLB)
    for i in range(COUNT):
        memory[i * HUGE] = 1
    return memory


def address_of(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def neighbours(memory):
    """Pairs (i, j): huge page j follows huge page i in physical memory."""
    start = address_of(memory)
    at = {frame(start + i * HUGE): i for i in range(COUNT)}
    step = HUGE // PAGE
    return [(i, at[f + step]) for f, i in at.items() if f + step in at]


def over_border(disk, memory, pair, before, behind):
    """Write over the border, read back there, compare."""
    view = memoryview(memory)
    end, start = (pair[0] + 1) * HUGE, pair[1] * HUGE
    parts = [view[end - before:end], view[start:start + behind]]
    data = os.urandom(before + behind)
    parts[0][:], parts[1][:] = data[:before], data[before:]
    assert os.pwritev(disk, parts, 0) == len(data)
    parts[0][:], parts[1][:] = bytes(before), bytes(behind)
    assert os.preadv(disk, parts, 0) == len(data)
    if bytes(parts[0]) + bytes(parts[1]) != data:
        sys.exit(f'{before} + {behind} bytes over the border {pair} differ')


def main():
    memory = reserve()
    pairs = neighbours(memory)
    if not pairs:
        sys.exit('no two huge pages are neighbours')
    disk = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
    for pair in pairs[:4]:
        for before, behind in SIDES:
            over_border(disk, memory, pair, before, behind)
    print(f'# {len(pairs)} borders')


if __name__ == '__main__':
    main()
