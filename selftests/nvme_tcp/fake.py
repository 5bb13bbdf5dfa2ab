# SPDX-License-Identifier: Apache-2.0
"""An NVMe/TCP controller made of plain sockets, which can also speak wrongly.

It serves as much as a host needs to reach a live namespace: ICResp, Connect,
properties, Identify, a few features and logs, Read, Write, Flush. A test hangs
a hook into it, which sees every command first and may answer it as it likes.
Numbers and names are those of the NVMe/TCP Transport Specification 1.0.
"""

import contextlib
import fcntl
import itertools
import mmap
import os
import socket
import struct
import sys
import termios
import threading
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "nvmet_tcp"))
# pylint: disable=wrong-import-position
from peer import (CMD, C2HDATA, C2HTERM, F_DDGST, F_HDGST, F_LAST, F_SUCCESS,
                  H2CDATA, H2CTERM, ICREQ, ICRESP, R2T, RSP, SLOW, digest)

NQN = "nqn.2026-01.net.cloaklake:fake"
BLOCK = 512
SIZE = 8 << 20
DNR = 0x4000
INVALID_FIELD = 0x02 | DNR
CONNECT_INVALID = 0x182

REG_CAP, REG_VS, REG_CC, REG_CSTS = 0x00, 0x08, 0x14, 0x1C
FABRICS, IDENTIFY, SET_FEATURES, GET_LOG = 0x7F, 0x06, 0x09, 0x02
KEEP_ALIVE, ASYNC_EVENT = 0x18, 0x0C
SIOCOUTQ = 0x5411
FLUSH, WRITE, READ, WRITE_ZEROES, DSM = 0x00, 0x01, 0x02, 0x08, 0x09


def wait_acked(sock):
    """Until the host has acknowledged all that was sent."""
    while struct.unpack("i", fcntl.ioctl(sock, SIOCOUTQ, bytes(4)))[0]:
        time.sleep(0.0002)


def unread(sock):
    """Bytes that were received and wait to be read."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


class Gone(Exception):
    """The host closed the connection."""


class Command:
    """A received command capsule."""

    def __init__(self, sqe, data, qid):
        self.sqe = sqe
        self.data = data
        self.qid = qid
        self.opcode, self.flags, self.cid, self.nsid = struct.unpack_from(
            "<BBHI", sqe)
        (self.sgl_address, self.sgl_length,
         self.sgl_type) = struct.unpack_from("<QI3xB", sqe, 24)
        self.cdw10, self.cdw11, self.cdw12 = struct.unpack_from(
            "<III", sqe, 40)

    @property
    def io(self):
        return self.qid > 0 and self.opcode != FABRICS

    @property
    def reads(self):
        return self.io and self.opcode == READ

    @property
    def writes(self):
        return self.io and self.opcode == WRITE

    @property
    def start(self):
        """First byte on the medium of a Read or Write."""
        return (self.cdw10 | self.cdw11 << 32) * BLOCK

    @property
    def length(self):
        return ((self.cdw12 & 0xFFFF) + 1) * BLOCK


def header(kind, flags=0, hlen=None, pdo=0, plen=None, body=b""):
    """A PDU header without digest; body is what follows the first 8 bytes."""
    size = 8 + len(body)
    return struct.pack("<BBBBI", kind, flags, size if hlen is None else hlen,
                       pdo, size if plen is None else plen) + body


class Queue(threading.Thread):
    """The controller's end of one connection."""

    def __init__(self, target, sock):
        super().__init__(daemon=True)
        self.target = target
        self.sock = sock
        self.qid = None
        self.hdgst = self.ddgst = False
        self.hpda = self.maxr2t = 0
        self.events = []
        self.h2c_pdus = []
        self.csts = 0
        self.sent_icresp = False
        self.alive = True
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # What goes out

    def send(self, data):
        """Bytes as they are; split and delayed if the target says so."""
        split = self.target.split
        try:
            if split is None:
                self.sock.sendall(data)
            else:
                split(self, data)
        except OSError as error:
            raise Gone from error

    def seal(self, head, **changes):
        """The header with its digest, if digests are on."""
        if not self.hdgst:
            return head
        head = head[:1] + bytes([head[1] | F_HDGST]) + head[2:]
        if "plen" not in changes:
            plen = struct.unpack_from("<I", head, 4)[0] + 4
            head = head[:4] + struct.pack("<I", plen) + head[8:]
        return head + changes.get("hdgst", digest(head))

    def rsp(self, cid, status=0, result=0, **changes):
        """A CapsuleResp PDU."""
        body = struct.pack("<QHHHH", result, 0, self.qid or 0, cid,
                           status << 1 & 0xFFFF)
        return self.seal(header(RSP, body=body, **{
            k: v for k, v in changes.items() if k in ("hlen", "plen", "pdo",
                                                      "flags")}), **changes)

    def c2h(self, cid, data, offset=0, flags=F_LAST, **changes):
        """A C2HData PDU; changes: pdo, plen, hlen, length, ddgst, hdgst."""
        hlen = 24 + (4 if self.hdgst else 0)
        align = (self.hpda + 1) * 4
        pdo = changes.get("pad_to", (hlen + align - 1) // align * align)
        if self.ddgst:
            flags |= F_DDGST
        plen = pdo + len(data) + (4 if self.ddgst else 0)
        head = header(C2HDATA, flags, changes.get("hlen"),
                      changes.get("pdo", pdo), changes.get("plen", plen),
                      struct.pack("<HHIIxxxx", cid, 0, offset,
                                  changes.get("length", len(data))))
        pdu = self.seal(head, plen=plen,
                        **({"hdgst": changes["hdgst"]}
                           if "hdgst" in changes else {}))
        pdu += bytes(pdo - len(pdu)) + data
        if self.ddgst:
            pdu += changes.get("ddgst", digest(data))
        return pdu

    def r2t(self, cid, offset, length, ttag=1, **changes):
        """An R2T PDU."""
        body = struct.pack("<HHIIxxxx", cid, ttag, offset, length)
        return self.seal(header(R2T, body=body), **changes)

    def term(self, fes, fei=0, echo=b""):
        """A C2HTermReq PDU."""
        body = struct.pack("<HI10x", fes, fei)
        return header(C2HTERM, plen=24 + len(echo), body=body) + echo

    # What comes in

    def receive(self, length):
        data = bytearray()
        while len(data) < length:
            try:
                piece = self.sock.recv(min(length - len(data), 1 << 16))
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            data += piece
        return bytes(data)

    def receive_pdu(self):
        """Type, flags, header and data of the next PDU, all checked."""
        head = self.receive(8)
        kind, flags, hlen, pdo, plen = struct.unpack("<BBBBI", head)
        head += self.receive(hlen - 8)
        done = hlen
        if self.hdgst and kind > C2HTERM:
            self.target.expect(flags & F_HDGST, "header digest flag")
            self.target.expect(self.receive(4) == digest(head),
                               "header digest")
            done += 4
        data = b""
        if kind in (CMD, H2CDATA) and pdo:
            align = (self.target.cpda + 1) * 4
            self.target.expect(pdo == (done + align - 1) // align * align,
                               f"PDO {pdo} with CPDA {self.target.cpda}")
            pad = self.receive(pdo - done)
            self.target.expect(not any(pad), "padding is zero")
            tail = 4 if self.ddgst else 0
            data = self.receive(plen - pdo - tail)
            if tail:
                self.target.expect(self.receive(4) == digest(data),
                                   "data digest")
        elif plen > done:
            data = self.receive(plen - done)
        return kind, flags, head, data

    def handshake(self):
        kind, _, head, _ = self.receive_pdu()
        self.target.expect(kind == ICREQ and len(head) == 128, "ICReq")
        pfv, self.hpda, dgst, self.maxr2t = struct.unpack_from("<HBBI", head,
                                                               8)
        self.target.expect(pfv == 0, "PFV")
        self.target.icreqs += 1
        resp = self.target.icresp(dgst)
        if resp is None:
            self.hang()
        self.send(resp)
        self.hdgst, self.ddgst = bool(dgst & 1), bool(dgst & 2)

    def hang(self):
        """Say nothing until the host goes away."""
        while True:
            self.receive(1)

    def run(self):
        try:
            self.handshake()
            while True:
                self.serve_one()
        except Gone:
            pass
        finally:
            self.alive = False
            self.sock.close()

    def serve_one(self):
        kind, _, head, data = self.receive_pdu()
        if kind == H2CTERM:
            fes, fei = struct.unpack_from("<HI", head, 8)
            self.target.terms.append((fes, fei, data))
            self.target.news.set()
            raise Gone
        if kind == H2CDATA:
            cid, ttag, offset, length = struct.unpack_from("<HHII", head, 8)
            self.target.expect(length == len(data), "DATAL")
            self.target.expect(length <= self.target.maxh2cdata,
                               "MAXH2CDATA")
            self.h2c_pdus.append((cid, ttag, offset, head[1], data))
            self.target.h2c_bytes += len(data)
            return
        self.target.expect(kind == CMD, f"PDU type {kind}")
        command = Command(head[8:72], data, self.qid or 0)
        if not self.target.call_hook(self, command):
            self.execute(command)

    # What is done

    def execute(self, command):
        """The right answer to a command."""
        if command.opcode == FABRICS:
            self.fabrics(command)
        elif self.qid == 0:
            self.admin(command)
        elif command.opcode == READ:
            start = command.start
            self.answer_read(command,
                             self.target.disk[start:start + command.length])
        elif command.opcode == WRITE:
            self.answer_write(command)
        else:
            self.send(self.rsp(command.cid))

    def answer_read(self, command, data):
        self.send(self.c2h(command.cid, bytes(data)) +
                  self.rsp(command.cid))

    def collect(self, cid, length, start=0):
        """H2CData PDUs for a command from offset start on, until that many
        bytes are there."""
        got = {}
        while sum(len(d) for d in got.values()) < length:
            self.serve_one()
            for pdu in [p for p in self.h2c_pdus if p[0] == cid]:
                got[pdu[2]] = pdu[4]
                self.h2c_pdus.remove(pdu)
        data = bytearray()
        for offset in sorted(got):
            self.target.expect(offset == start + len(data),
                               "H2CData in order")
            data += got[offset]
        return bytes(data)

    def answer_write(self, command):
        data = command.data
        if not data:
            self.send(self.r2t(command.cid, 0, command.length))
            data = self.collect(command.cid, command.length)
        self.finish_write(command, data)

    def finish_write(self, command, data):
        self.target.expect(len(data) == command.length, "length of a write")
        self.target.disk[command.start:command.start + len(data)] = data
        self.send(self.rsp(command.cid))

    def fabrics(self, command):
        kind = command.sqe[4]
        if kind == 1:
            self.qid = struct.unpack_from("<H", command.sqe, 42)[0]
            status = self.target.connect_status(self.qid)
            self.send(self.rsp(command.cid, status, 1))
            if not status:
                self.target.connected(self)
        elif kind == 4:
            reg = struct.unpack_from("<I", command.sqe, 44)[0]
            value = {REG_CAP: 1 << 37 | 15 << 24 | 1 << 16 | 127,
                     REG_VS: 0x10300, REG_CSTS: self.csts}.get(reg, 0)
            self.send(self.rsp(command.cid, 0, value))
        else:
            reg, value = struct.unpack_from("<IQ", command.sqe, 44)
            if reg == REG_CC:
                self.csts = value & 1
                if value >> 14 & 3:
                    self.csts |= 2 << 2
            self.send(self.rsp(command.cid))

    def admin(self, command):
        if command.opcode == IDENTIFY:
            self.identify(command)
        elif command.opcode == SET_FEATURES:
            result = 0
            if command.cdw10 & 0xFF == 7:
                nr = min(self.target.queues - 1, command.cdw11 & 0xFFFF)
                result = nr | nr << 16
            self.send(self.rsp(command.cid, 0, result))
        elif command.opcode == GET_LOG:
            length = ((command.cdw10 >> 16) + 1) * 4
            self.answer_read(command, bytes(length))
        elif command.opcode == ASYNC_EVENT:
            self.events.append(command.cid)
        elif command.opcode == KEEP_ALIVE:
            self.send(self.rsp(command.cid))
        else:
            self.send(self.rsp(command.cid, INVALID_FIELD))

    def identify(self, command):
        page = bytearray(4096)
        cns = command.cdw10 & 0xFF
        if cns == 1:
            page[4:72] = b"1".ljust(20) + b"fake".ljust(40) + b"1".ljust(8)
            struct.pack_into("<HI", page, 78, 1, 0x10300)
            page[111] = 1
            struct.pack_into("<H", page, 320, 10)
            struct.pack_into("<BBHIH", page, 512, 0x66, 0x44, 128, 1, 0x0C)
            struct.pack_into("<I", page, 536, 1 | 1 << 20)
            struct.pack_into("<I", page, 92, 1 << 8)
            nqn = self.target.nqn.encode()
            page[768:768 + len(nqn)] = nqn
            struct.pack_into("<IIHBB", page, 1792,
                             (64 + self.target.icd) // 16, 1, 0, 0, 1)
        elif cns == 0:
            blocks = len(self.target.disk) // BLOCK
            struct.pack_into("<QQQ", page, 0, blocks, blocks, blocks)
            struct.pack_into("<HBB", page, 128, 0, 9, 0)
        elif cns == 2:
            if command.nsid < 1:
                struct.pack_into("<I", page, 0, 1)
        elif cns == 3:
            page[0:20] = bytes([3, 16, 0, 0]) + self.target.uuid
        else:
            self.send(self.rsp(command.cid, INVALID_FIELD))
            return
        self.answer_read(command, bytes(page))


class Target:
    """A listening controller, and what happened to it."""

    numbers = itertools.count(1)

    def __init__(self, **options):
        self.nqn = f"{NQN}-{next(Target.numbers)}"
        self.disk = mmap.mmap(-1, SIZE)
        self.uuid = os.urandom(16)
        self.cpda = options.get("cpda", 0)
        self.maxh2cdata = options.get("maxh2cdata", 131072)
        self.icd = options.get("icd", 8192)
        self.queues = options.get("queues", 1)
        self.hook = None
        self.split = None
        self.icresp = self.good_icresp
        self.connect_status = lambda qid: 0
        self.accepting = True
        self.terms = []
        self.wrong = []
        self.icreqs = 0
        self.h2c_bytes = 0
        self.live = {}
        self.news = threading.Event()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "rcvbuf" in options:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 options["rcvbuf"])
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.sock.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            if self.accepting:
                Queue(self, sock).start()
            else:
                sock.close()

    def expect(self, condition, what):
        if not condition:
            self.wrong.append(what)

    def good_icresp(self, dgst, **changes):
        """An ICResp PDU."""
        body = struct.pack("<HBBI112x", changes.get("pfv", 0),
                           changes.get("cpda", self.cpda),
                           changes.get("digest", dgst),
                           changes.get("maxh2cdata", self.maxh2cdata))
        return header(changes.get("kind", ICRESP), 0, changes.get("hlen"), 0,
                      changes.get("plen"), body)

    def call_hook(self, queue, command):
        return self.hook is not None and self.hook(queue, command)

    def connected(self, queue):
        self.live[queue.qid] = queue
        self.news.set()

    def wait(self, condition, seconds=20, what="news"):
        """Until the condition holds."""
        until = time.monotonic() + seconds * SLOW
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError(f"not within {seconds} s: {what}")
            self.news.wait(0.05)
            self.news.clear()

    def drop(self):
        """Close all connections."""
        for queue in list(self.live.values()):
            try:
                queue.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @contextlib.contextmanager
    def frozen(self, queue):
        """The host's TCP gets nothing acknowledged meanwhile: its socket
        fills, so that what it has to send waits."""
        queue.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        yield

    def close(self):
        self.accepting = False
        # Closing alone would not wake who accepts.
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.drop()
