# SPDX-License-Identifier: Apache-2.0
"""Name servers on loopback: answer from tables, or fail as they are told."""
import ipaddress
import random
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


KINDS = {"A": 1, "NS": 2, "CNAME": 5, "TXT": 16, "AAAA": 28}


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class Internet:
    """
    Zones, each with a name server of its own at an address of loopback, and a resolver that knows where they
    are; all on one port, since an edge whose `resolver:` has a port asks authorities at it, too.

    records: (name, kind) -> list of texts; to be changed at any time. broken: zones whose server is silent.
    """

    def __init__(self, *zones):
        self.records = {}
        self.broken = set()
        self.asked = []  # (address, name, kind, recursion desired)
        self.at = {}
        self.sockets = self._bind(len(zones) + 1)
        self.address = "127.0.0.1:%d" % self.sockets[0].getsockname()[1]
        for i, zone in enumerate(zones):
            self.at[f"127.0.0.{i + 2}"] = zone
            self.records[zone, "NS"] = [f"ns.{zone}"]
            self.records[f"ns.{zone}", "A"] = [f"127.0.0.{i + 2}"]
        for s in self.sockets:
            threading.Thread(target=self._run, args=(s,), daemon=True).start()

    @staticmethod
    def _bind(n):
        while True:
            port, sockets = random.randrange(20000, 60000), []
            try:
                for i in range(n):
                    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    sockets[-1].bind((f"127.0.0.{i + 1}", port))
                return sockets
            except OSError:
                for s in sockets:
                    s.close()

    def set(self, name, kind, *values):
        self.records[name, kind] = list(values)

    def unset(self, name, kind):
        self.records.pop((name, kind), None)

    def _run(self, sock):
        address = sock.getsockname()[0]
        while True:
            try:
                question, peer = sock.recvfrom(4096)
                answer = self.answer(address, question)
                if answer is not None:
                    sock.sendto(answer, peer)
            except OSError:
                return

    def answer(self, address, question):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, = struct.unpack("!H", question[at + 1:at + 3])
        section, name = question[12:at + 5], ".".join(labels).lower()
        recursive = bool(question[2] & 1)
        self.asked.append((address, name, kind, recursive))
        zone = self.at.get(address)
        if zone in self.broken:
            return None
        if zone is not None and (recursive or not (name == zone or name.endswith("." + zone))):
            return question[:2] + struct.pack("!HHHHH", 0x8000 | REFUSED, 1, 0, 0, 0) + section
        found = []
        for _ in range(8):  # a resolver follows CNAMEs, an authority gives the first alone
            found += [(name, k, v) for k, v in KINDS.items() if v == kind and (name, k) in self.records]
            if found and found[-1][0] == name or (name, "CNAME") not in self.records:
                break
            found.append((name, "CNAME", 5))
            name = self.records[name, "CNAME"][0]
            if zone is not None:
                break
        known = found or any(n == name or n.endswith("." + name) for n, _ in self.records)
        rows = [(n, v, text) for n, k, v in found for text in self.records[n, k]]
        out = question[:2] + struct.pack("!HHHHH", (0x8080 if zone is None else 0x8400) | (NOERROR if known else NXDOMAIN), 1,
                                         len(rows), 0, 0) + section
        for n, v, text in rows:
            data = (ipaddress.ip_address(text).packed if v in (1, 28) else
                    bytes([len(text)]) + text.encode() if v == 16 else wire(text))
            out += wire(n) + struct.pack("!HHIH", v, 1, 300, len(data)) + data
        return out

    def close(self):
        for s in self.sockets:
            s.close()
