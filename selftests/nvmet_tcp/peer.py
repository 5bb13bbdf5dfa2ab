# SPDX-License-Identifier: Apache-2.0
"""An NVMe/TCP host made of plain sockets, which can also speak wrongly.

Numbers and field names are those of the NVMe/TCP Transport Specification 1.0
and of NVMe over Fabrics. Nothing here is taken from a driver.
"""

import errno
import os
import socket
import struct
import time

# Limits of time are this many times as long, for a kernel with checkers.
SLOW = int(os.environ.get("CLOAK_SLOW", "1"))

ICREQ, ICRESP, H2CTERM, C2HTERM = 0, 1, 2, 3
CMD, RSP, H2CDATA, C2HDATA, R2T = 4, 5, 6, 7, 9
HLEN = {ICREQ: 128, ICRESP: 128, H2CTERM: 24, C2HTERM: 24, CMD: 72, RSP: 24,
        H2CDATA: 24, C2HDATA: 24, R2T: 24}

F_HDGST, F_DDGST, F_LAST, F_SUCCESS = 1, 2, 4, 8

# Fatal error status of a TermReq
INVALID_HEADER, SEQUENCE, HDGST, OUT_OF_RANGE, LIMIT, UNSUPPORTED = range(1, 7)

# Generic and fabrics status codes
SUCCESS = 0
INVALID_OPCODE, INVALID_FIELD = 0x01, 0x02
SGL_INVALID_DATA, SGL_INVALID_TYPE, SGL_INVALID_OFFSET = 0x0F, 0x11, 0x16
TRANSIENT_TRANSPORT = 0x22
CONNECT_INVALID = 0x182

OP_FLUSH, OP_WRITE, OP_READ, OP_DSM, OP_FABRICS = 0, 1, 2, 9, 0x7F
OP_ZONE_REPORT = 0x7A
OP_IDENTIFY, OP_KEEP_ALIVE, OP_GET_LOG, OP_AER = 0x06, 0x18, 0x02, 0x0C

SGL_IN_CAPSULE, SGL_TRANSPORT = 0x01, 0x5A
NO_SQ_FLOW_CONTROL = 4
BLOCK = 512

DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery"


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_CRC = _crc_table()


def crc32c(data):
    """CRC32C of bytes, as an integer."""
    crc, table = 0xFFFFFFFF, _CRC
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def digest(data):
    """The digest as it stands on the wire."""
    return struct.pack("<I", crc32c(data))


class Failure(Exception):
    """The target did something else than was expected."""


class Closed(Failure):
    """The target closed the connection."""


class Refused(Failure):
    """A command ended with another status than was expected."""

    def __init__(self, pdu, expected):
        self.status = pdu.status & 0x7FF
        super().__init__(f"got {pdu}, expected status {expected:#x}")


def sgl(kind, length, address=0):
    return struct.pack("<QI3xB", address, length, kind)


def sqe(opcode, cid, nsid=0, dptr=bytes(16), cdw=(), flags=0x40):
    """A submission queue entry; cdw are dwords 10 and up."""
    tail = struct.pack("<6I", *(tuple(cdw) + (0,) * 6)[:6])
    return struct.pack("<BBHI16x", opcode, flags, cid, nsid) + dptr + tail


def rw(opcode, cid, lba, blocks, dptr, nsid=1):
    return sqe(opcode, cid, nsid, dptr, (lba, 0, blocks - 1))


def connect_sqe(cid, qid, sqsize, dptr, cattr=0, kato=0):
    return (struct.pack("<BBHB19x", OP_FABRICS, 0x40, cid, 1) + dptr +
            struct.pack("<HHHBxI12x", 0, qid, sqsize, cattr, kato))


def connect_data(subnqn, hostnqn="nqn.2026-01.net.cloaklake:wire",
                 cntlid=0xFFFF):
    def field(nqn):
        return nqn if isinstance(nqn, bytes) else nqn.encode()
    return struct.pack("<16sH238x256s256s256x", b"wire-test-hostid",
                       cntlid, field(subnqn), field(hostnqn))


def property_set(cid, offset, value):
    return struct.pack("<BBHB35xB3xIQ8x", OP_FABRICS, 0x40, cid, 0, 0,
                       offset, value)


def property_get(cid, offset, size=0):
    return struct.pack("<BBHB35xB3xI16x", OP_FABRICS, 0x40, cid, 4, size,
                       offset)


class Pdu:
    """A received PDU, its header, its data, and what its header says."""

    def __init__(self, header, body):
        (self.type, self.flags, self.hlen, self.pdo,
         self.plen) = struct.unpack_from("<BBBBI", header)
        self.header = header
        self.body = body
        if self.type in (R2T, C2HDATA):
            (self.cid, self.ttag, self.offset,
             self.length) = struct.unpack_from("<HHII", header, 8)
        elif self.type == RSP:
            (self.result, self.sq_head, self.sq_id, self.cid,
             self.status) = struct.unpack_from("<QHHHH", header, 8)
            self.status >>= 1
        elif self.type == C2HTERM:
            self.fes, self.fei = struct.unpack_from("<HI", header, 8)

    def __repr__(self):
        names = {ICRESP: "ICResp", C2HTERM: "C2HTermReq", RSP: "CapsuleResp",
                 C2HDATA: "C2HData", R2T: "R2T"}
        text = names.get(self.type, f"PDU {self.type:#x}")
        if self.type == C2HTERM:
            text += f" FES={self.fes} FEI={self.fei}"
        elif self.type == RSP:
            text += f" cid={self.cid} status={self.status:#x}"
        elif self.type in (R2T, C2HDATA):
            text += f" cid={self.cid} {self.offset}+{self.length}"
        return text


class Host:
    """One connection to a target: the host's end of a queue."""

    def __init__(self, address, hdgst=False, ddgst=False, hpda=0, maxr2t=0,
                 handshake=True, rcvbuf=0, timeout=20):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout and timeout * SLOW)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.hdgst = self.ddgst = False
        self.cpda = 0
        self.maxh2cdata = 0
        self.cid = 0
        self.sent = b""
        self.buffer = bytearray()
        if handshake:
            self.handshake(hdgst, ddgst, hpda, maxr2t)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    # -- sending --

    def send(self, data):
        self.sent = data
        self.sock.sendall(data)

    def next_cid(self):
        self.cid = (self.cid + 1) % 0xFFFF
        return self.cid

    def pdu(self, kind, rest, data=b"", flags=0, hlen=None, pdo=None,
            plen=None, bad_hdgst=False, bad_ddgst=False, data_flag=True):
        """A PDU as negotiated, except for what is asked for."""
        has_hdgst = self.hdgst and kind > C2HTERM
        head = 8 + len(rest) + (4 if has_hdgst else 0)
        body = b""
        offset = 0
        if data:
            unit = (self.cpda + 1) * 4
            offset = -(-head // unit) * unit
            body = bytes(offset - head) + data
            if self.ddgst:
                good = digest(data)
                body += bytes(4) if bad_ddgst and good != bytes(4) else good
                flags |= F_DDGST if data_flag else 0
        if has_hdgst:
            flags |= F_HDGST
        header = struct.pack("<BBBBI", kind, flags,
                             HLEN[kind] if hlen is None else hlen,
                             offset if pdo is None else pdo,
                             head + len(body) if plen is None else plen)
        header += rest
        if has_hdgst:
            good = digest(header)
            header += bytes(b ^ 0xFF for b in good) if bad_hdgst else good
        return header + body

    def icreq(self, hdgst=False, ddgst=False, hpda=0, maxr2t=0, pfv=0,
              **lies):
        rest = struct.pack("<HBBI112x", pfv, hpda, hdgst | ddgst << 1, maxr2t)
        return self.pdu(ICREQ, rest, **lies)

    def capsule(self, entry, data=b"", **lies):
        return self.pdu(CMD, entry, data, **lies)

    def h2cdata(self, cid, ttag, offset, data, last=True, length=None,
                **lies):
        rest = struct.pack("<HHII4x", cid, ttag, offset,
                           len(data) if length is None else length)
        return self.pdu(H2CDATA, rest, data, flags=F_LAST if last else 0,
                        **lies)

    def h2cterm(self, fes, fei=0, data=b""):
        return self.pdu(H2CTERM, struct.pack("<HI10x", fes, fei),
                        plen=24 + len(data)) + data

    # -- receiving --

    def receive(self, n):
        while len(self.buffer) < n:
            try:
                piece = self.sock.recv(1 << 18)
            except OSError as error:
                if error.errno in (errno.ECONNRESET, errno.EPIPE):
                    raise Closed("connection reset") from error
                raise Failure(f"no answer: {error}") from error
            if not piece:
                raise Closed("connection closed")
            self.buffer += piece
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def next_pdu(self):
        """The next PDU, checked as far as the specification goes."""
        header = self.receive(8)
        kind, flags, hlen, pdo, plen = struct.unpack("<BBBBI", header)
        if hlen != HLEN.get(kind) or plen < hlen:
            raise Failure(f"target sent a header {header.hex()}")
        header += self.receive(hlen - 8)
        at = hlen
        if self.hdgst and kind > C2HTERM:
            if not flags & F_HDGST or self.receive(4) != digest(header):
                raise Failure("target sent a wrong header digest")
            at += 4
        body = self.receive(plen - at)
        if kind == C2HDATA:
            body = self._check_data(flags, at, pdo, body)
        return Pdu(header, body)

    def _check_data(self, flags, at, pdo, body):
        unit = (self.hpda + 1) * 4
        if pdo % unit or pdo < at or any(body[:pdo - at]):
            raise Failure(f"target sent PDO {pdo} for alignment {unit}")
        body = body[pdo - at:]
        if self.ddgst:
            if not flags & F_DDGST or body[-4:] != digest(body[:-4]):
                raise Failure("target sent a wrong data digest")
            body = body[:-4]
        return body

    def expect(self, kind):
        pdu = self.next_pdu()
        if pdu.type != kind:
            raise Failure(f"got {pdu} instead of type {kind:#x}")
        return pdu

    def expect_status(self, status, cid=None):
        """A response with this status, which may lack the DNR bit."""
        pdu = self.expect(RSP)
        if pdu.status & 0x7FF != status:
            raise Refused(pdu, status)
        if cid is not None and pdu.cid != cid:
            raise Failure(f"response for command {pdu.cid}, not {cid}")
        return pdu

    def expect_term(self, fes, fei=None, echo=None):
        """A C2HTermReq; PDUs that were on their way before are skipped."""
        pdu = self.next_pdu()
        while pdu.type != C2HTERM:
            pdu = self.next_pdu()
        if pdu.fes != fes or (fei is not None and pdu.fei != fei):
            raise Failure(f"got {pdu}, expected FES={fes} FEI={fei}")
        if pdu.plen > 152 or not pdu.body:
            raise Failure(f"C2HTermReq of {pdu.plen} bytes")
        echo = self.sent if echo is None else echo
        if not echo.startswith(pdu.body):
            raise Failure(f"C2HTermReq echoes {pdu.body.hex()}")
        return pdu

    def expect_closed(self):
        """The target closes, now or after what is still on its way."""
        try:
            while True:
                self.next_pdu()
        except Closed:
            return

    def expect_silence(self, seconds):
        if self.buffer:
            raise Failure("something came that should not")
        self.sock.settimeout(seconds)
        try:
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise Closed("connection closed")
            raise Failure("something came that should not")
        except socket.timeout:
            pass

    # -- what a good host does --

    def handshake(self, hdgst=False, ddgst=False, hpda=0, maxr2t=0):
        self.hpda = hpda
        self.send(self.icreq(hdgst, ddgst, hpda, maxr2t))
        pdu = self.expect(ICRESP)
        (pfv, self.cpda, bits,
         self.maxh2cdata) = struct.unpack_from("<HBBI", pdu.header, 8)
        if pfv or bits != (hdgst | ddgst << 1):
            raise Failure(f"ICResp with PFV {pfv}, digests {bits}")
        self.hdgst, self.ddgst = hdgst, ddgst

    def connect(self, subnqn, qid=0, sqsize=31, cntlid=0xFFFF, cattr=0,
                kato=0):
        """Connects the queue; returns the controller's number."""
        cid = self.next_cid()
        data = connect_data(subnqn, cntlid=cntlid)
        entry = connect_sqe(cid, qid, sqsize,
                            sgl(SGL_IN_CAPSULE, len(data)), cattr, kato)
        self.send(self.capsule(entry, data))
        return self.expect_status(SUCCESS, cid).result & 0xFFFF

    def enable(self):
        self.send(self.capsule(property_set(self.next_cid(), 0x14, 0x460001)))
        self.expect_status(SUCCESS)

    def read(self, lba, blocks, status=SUCCESS):
        """Sends a read and returns its data."""
        cid = self.next_cid()
        length = blocks * BLOCK
        self.send(self.capsule(rw(OP_READ, cid, lba, blocks,
                                  sgl(SGL_TRANSPORT, length))))
        return self.take_read(cid, length, status)

    def take_read(self, cid, length, status=SUCCESS):
        data = bytearray()
        while True:
            pdu = self.next_pdu()
            if pdu.type == RSP:
                break
            if pdu.type != C2HDATA or pdu.cid != cid or \
                    pdu.offset != len(data) or pdu.length != len(pdu.body):
                raise Failure(f"got {pdu} after {len(data)} bytes")
            data += pdu.body
            if pdu.flags & F_SUCCESS:
                pdu = None
                break
        if pdu and pdu.cid != cid:
            raise Failure(f"got {pdu}, expected command {cid}")
        if pdu and pdu.status & 0x7FF != status:
            raise Refused(pdu, status)
        if status == SUCCESS and len(data) != length:
            raise Failure(f"{len(data)} bytes instead of {length}")
        return bytes(data)

    def write_in_capsule(self, lba, data, status=SUCCESS, **lies):
        cid = self.next_cid()
        entry = rw(OP_WRITE, cid, lba, len(data) // BLOCK,
                   sgl(SGL_IN_CAPSULE, len(data)))
        self.send(self.capsule(entry, data, **lies))
        return self.expect_status(status, cid)

    def start_write(self, lba, length):
        """Sends a write without its data; returns the first R2T."""
        cid = self.next_cid()
        self.send(self.capsule(rw(OP_WRITE, cid, lba, length // BLOCK,
                                  sgl(SGL_TRANSPORT, length))))
        pdu = self.next_pdu()
        if pdu.type == RSP and pdu.status:
            raise Refused(pdu, SUCCESS)
        if pdu.type != R2T:
            raise Failure(f"got {pdu} instead of an R2T")
        return pdu

    def write(self, lba, data, piece=1 << 30):
        """Writes as the target's R2Ts ask, in H2CData of at most piece."""
        r2t = self.start_write(lba, len(data))
        while True:
            self.answer_r2t(r2t, data, piece)
            pdu = self.next_pdu()
            if pdu.type == RSP:
                break
            r2t = pdu
        if pdu.status:
            raise Refused(pdu, SUCCESS)

    def answer_r2t(self, r2t, data, piece=1 << 30):
        piece = min(piece, self.maxh2cdata)
        end = r2t.offset + r2t.length
        for at in range(r2t.offset, end, piece):
            part = data[at:min(at + piece, end)]
            self.send(self.h2cdata(r2t.cid, r2t.ttag, at, part,
                                   last=at + piece >= end))


class Controller:
    """An admin queue and one I/O queue of a subsystem."""

    def __init__(self, address, subnqn, sqsize=31, cattr=0, **options):
        self.admin = Host(address)
        self.io = None
        try:
            cntlid = self.admin.connect(subnqn)
            self.admin.enable()
            self.io = Host(address, **options)
            self.io.connect(subnqn, 1, sqsize, cntlid, cattr)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self.io

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.io:
            self.io.close()
        self.admin.close()


def wait_until(seconds, condition):
    """Waits for a state; fails when it does not come."""
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s")
        time.sleep(0.05)
