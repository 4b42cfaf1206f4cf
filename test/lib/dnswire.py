# SPDX-License-Identifier: Apache-2.0
"""DNS messages for tests: written as they are meant, well formed or not, and read into names, flags and sections."""
import socket
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DS": 43, "HTTPS": 65, "ANY": 255,
         "CAA": 257, "OPT": 41}
# How many bytes stand before a name in the RDATA of these.
NAMED = {2: 0, 5: 0, 6: 0, 12: 0, 15: 2, 33: 6}
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010


def name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        out += bytes([len(label)]) + label.encode() if label else b""
    return out + b"\0"


def opt(size=1232, version=0, do=False, options=b""):
    return b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, 0x8000 if do else 0, len(options)) + options


def question(qname, qtype, ident=1, flags=0, qclass=1, extra=b"", n_extra=None):
    head = struct.pack("!HHHHHH", ident, flags, 1, 0, 0, (1 if extra else 0) if n_extra is None else n_extra)
    return head + name(qname) + struct.pack("!HH", qtype, qclass) + extra


def read_name(message, at):
    """(lower-case text, place behind it)"""
    labels, behind = [], None
    while True:
        n = message[at]
        if n >= 0xc0:
            behind = behind or at + 2
            at = (n & 0x3f) << 8 | message[at + 1]
        elif n == 0:
            return ".".join(labels).lower() or ".", behind or at + 1
        else:
            labels.append(message[at + 1:at + 1 + n].decode("latin-1"))
            at += 1 + n


def read_rdata(message, at, n, kind):
    if kind not in NAMED:
        return message[at:at + n].hex()
    before = message[at:at + NAMED[kind]].hex()
    text, end = read_name(message, at + NAMED[kind])
    if kind == 6:
        mailbox, end = read_name(message, end)
        text += " " + mailbox
    return f"{before} {text} {message[end:at + n].hex()}"


class Message:
    """ident, flags, rcode, question as bytes, three sections of (name, type, ttl, rdata), edns: None or its fields."""

    def __init__(self, message):
        self.ident, self.flags, *counts = struct.unpack("!HHHHHH", message[:12])
        self.rcode, at = self.flags & 15, 12
        for _ in range(counts[0]):
            _, at = read_name(message, at)
            at += 4
        self.question, self.sections, self.edns = message[12:at], [], None
        for count in counts[1:]:
            section = []
            for _ in range(count):
                owner, at = read_name(message, at)
                kind, klass, ttl, n = struct.unpack("!HHIH", message[at:at + 10])
                at += 10
                if kind == 41:
                    self.edns = {"size": klass, "version": ttl >> 16 & 255, "do": bool(ttl & 0x8000)}
                    self.rcode |= ttl >> 24 << 4
                else:
                    section.append((owner, kind, ttl, read_rdata(message, at, n, kind)))
                at += n
            self.sections.append(sorted(section))
        assert at == len(message), "bytes behind the message"


class Asker:
    """Asks one server over UDP and TCP; None: no answer."""

    def __init__(self, port, patience_s=5, address="127.0.0.1"):
        self.port, self.patience_s, self.address = port, patience_s, address
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect((address, port))
        self.udp.settimeout(patience_s)
        self.tcp = None

    def close(self):
        self.udp.close()
        if self.tcp:
            self.tcp.close()

    def ask(self, message, tcp=False):
        return self.ask_tcp(message) if tcp else self.ask_udp(message)

    def ask_udp(self, message):
        for _ in range(3):  # the machine may be so busy that the kernel drops one
            self.udp.send(message)
            try:
                while True:
                    answer = self.udp.recv(65536)
                    if answer[:2] == message[:2]:
                        return answer
            except (TimeoutError, ConnectionRefusedError):
                continue
        return None

    def ask_tcp(self, message):
        for again in (True, False):
            if self.tcp is None:
                self.tcp = socket.create_connection((self.address, self.port), self.patience_s)
            try:
                self.tcp.sendall(struct.pack("!H", len(message)) + message)
                head = self.take(2)
                return self.take(*struct.unpack("!H", head))
            except (EOFError, ConnectionError):  # the server ends connections that were idle, or have served enough
                self.tcp.close()
                self.tcp = None
                if not again:
                    raise
        return None

    def take(self, n):
        got = b""
        while len(got) < n:
            more = self.tcp.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got
