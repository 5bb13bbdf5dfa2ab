# SPDX-License-Identifier: Apache-2.0
"""What tests in Python share: their list, data, and settings for a while."""

import contextlib
import random

TESTS = []


def test(name):
    """A function is a test of that name, in the order of registration."""
    def register(function):
        assert name not in (n for n, _ in TESTS), name
        TESTS.append((name, function))
        return function
    return register


def pattern(length, seed=0):
    """Bytes as if by chance, the same ones each time."""
    return random.Random(seed * 7919 + length).randbytes(length)


@contextlib.contextmanager
def setting(path, value):
    """A file of /proc or /sys with another content for a while."""
    with open(path, encoding="ascii") as file:
        before = file.read().strip()
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
    try:
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)
