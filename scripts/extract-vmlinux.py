#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unpacks the ELF image inside an x86 boot image.

usage: extract-vmlinux.py BZIMAGE OUT

The boot protocol says where the compressed image lies; its last four bytes
are not part of the stream but its size unpacked.
"""
import struct
import subprocess
import sys

SECTOR = 512
SETUP_SECTORS = 0x1F1
MAGIC = 0x202
PAYLOAD = 0x248

UNPACKERS = {
    b"\x1f\x8b": ["gzip", "-dc"],
    b"\xfd7zXZ\0": ["xz", "-dc", "--single-stream"],
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\x02\x21\x4c\x18": ["lz4", "-dc"],
}


def payload(image):
    """Returns the compressed kernel in a boot image."""
    if image[MAGIC : MAGIC + 4] != b"HdrS":
        sys.exit("no boot image of x86")
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    start = (image[SETUP_SECTORS] + 1) * SECTOR + offset
    return image[start : start + length - 4]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        packed = payload(file.read())
    for magic, command in UNPACKERS.items():
        if packed.startswith(magic):
            break
    else:
        sys.exit("compressed in an unknown way")
    with open(sys.argv[2], "wb") as out:
        subprocess.run(command, input=packed, stdout=out, check=True)


main()
