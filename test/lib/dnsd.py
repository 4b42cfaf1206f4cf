# SPDX-License-Identifier: Apache-2.0
"""A name server on loopback: answers A, AAAA and CAA from tables, or fails as it is told."""
import ipaddress
import socket
import struct
import threading

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
CAA = 257


class NameServer:
    """
    names: name -> list of addresses, or an answer code; "" (nothing) for all others: NXDOMAIN. None: silent.
    caa: name -> list of (tag, value).
    """

    def __init__(self, names, ttl=300):
        self.names = names
        self.caa = {}
        self.ttl = ttl
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                question, peer = self.sock.recvfrom(4096)
                answer = self.answer(question)
                if answer is not None:
                    self.sock.sendto(answer, peer)
            except OSError:
                return

    def answer(self, question):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, = struct.unpack("!H", question[at + 1:at + 3])
        section = question[12:at + 5]
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        entry = self.names.get(name, [] if name in self.caa else NXDOMAIN)
        if entry is None:
            return None
        records = []
        if isinstance(entry, list):
            addresses = [ipaddress.ip_address(a) for a in entry]
            records = [a.packed for a in addresses if kind == (1 if a.version == 4 else 28)]
            if kind == CAA:
                records = [b"\0" + bytes([len(tag)]) + tag.encode() + value.encode() for tag, value in self.caa.get(name, ())]
        code = entry if isinstance(entry, int) else NOERROR
        out = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0) + section
        for packed in records:
            out += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(packed)) + packed
        return out

    def close(self):
        self.sock.close()
