#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of the control socket who send requests without end, and others who
ask for much and do not read it. One who is left comes again, until a signal
ends them all.

usage: clients.py SOCKET SENDERS SILENT"""

import json
import select
import socket
import sys
import time

PIECE = b"x" * (1 << 18)
ASKED = json.dumps({"command": "sources", "arguments": {"limit": 65536}})
QUESTIONS = (ASKED + "\n").encode() * 64


class Client:
    """One connection; told counts what clients have heard, by its code."""

    def __init__(self, path, reads):
        self.path = path
        self.reads = reads
        self.left = QUESTIONS
        self.socket = None

    def connect(self):
        """Comes, if there is room in the queue of those who come."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.setblocking(False)
        self.left = QUESTIONS
        try:
            self.socket.connect(self.path)
        except OSError:
            self.leave()

    def leave(self):
        """Comes again another time."""
        self.socket.close()
        self.socket = None

    def send(self):
        """Sends a request without end, or questions without end."""
        if self.reads:
            self.socket.send(PIECE)
        else:
            sent = self.socket.send(self.left)
            self.left = self.left[sent:] or QUESTIONS

    def hear(self, told):
        """Reads an answer, which nobody has asked for."""
        answer = self.socket.recv(65536)
        if not answer:
            raise ConnectionError
        line = json.loads(answer.split(b"\n")[0])
        code = line.get("error", {}).get("code", "none")
        told[code] = told.get(code, 0) + 1


def turn(clients, told):
    """Lets everybody do what he can."""
    here = {client.socket: client for client in clients if client.socket}
    listening = [s for s, client in here.items() if client.reads]
    heard, ready, _ = select.select(listening, list(here), [], 0.1)
    for end, act in [(s, lambda c: c.hear(told)) for s in heard] + [
            (s, Client.send) for s in ready]:
        client = here[end]
        if client.socket is not end:
            continue
        try:
            act(client)
        except BlockingIOError:
            pass
        except OSError:
            client.leave()


def main():
    """Says now and then what was heard, one line of JSON each time."""
    path, senders, silent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    clients = [Client(path, True) for _ in range(senders)]
    clients += [Client(path, False) for _ in range(silent)]
    told = {}
    said = 0.0
    while True:
        for client in clients:
            if client.socket is None:
                client.connect()
        turn(clients, told)
        if time.monotonic() - said > 0.5:
            print(json.dumps(told), flush=True)
            said = time.monotonic()


main()
