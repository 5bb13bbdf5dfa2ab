#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Generated datagrams there and back, of which not one may be missing.

    echo.py serve ADDRESS PORT
    echo.py ask COUNT SEED PORT ADDRESS...

Of random length, up to three fragments, and content. Few are under way at a
time, so that no queue of a socket is what loses them.
"""
import os
import random
import socket
import sys

WINDOW = 16
LONGEST = 4000
# Long enough for a busy machine: whoever waits for it has lost a datagram.
PATIENCE = 10 * int(os.environ.get("CLOAK_SLOW", "1"))


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        while True:
            data, sender = server.recvfrom(65536)
            server.sendto(data, sender)


def window(client, generator, first, count):
    """Sends so many and waits for all of them, in any order."""
    missing = set()
    for number in range(first, first + count):
        data = number.to_bytes(4, "big") + generator.randbytes(
            generator.choice((0, 1, 100, generator.randrange(LONGEST))))
        missing.add(data)
        client.send(data)
    while missing:
        missing.remove(client.recv(65536))


def ask(count, seed, port, *addresses):
    generator = random.Random(int(seed))
    clients = []
    for address in addresses:
        client = socket.socket(family(address), socket.SOCK_DGRAM)
        client.settimeout(PATIENCE)
        client.connect((address, int(port)))
        clients.append(client)
    for first in range(0, int(count), WINDOW):
        window(clients[first // WINDOW % len(clients)], generator, first,
               min(WINDOW, int(count) - first))
    print(f"{count} datagrams came back as they were")


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
