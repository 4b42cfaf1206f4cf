# SPDX-License-Identifier: Apache-2.0
"""Autobahn's cases through a WebSocket tunnel: what it finds, and every byte and end, is as without the tunnel.

The families of its cases are sent raw, by both sides, in `make check`; the suite itself (`wstest`, which needs a Python 2.7) runs where
there is one: `make autobahn` runs all of its cases, `make check` those that take no time.
"""
import json
import os
import queue
import random
import shutil
import select
import socket
import ssl
import struct
import subprocess
import threading
import zlib

import pytest

import websocket
from http1 import Wire
from origin import Origin
from process import WAIT_S, Process, free_port, until

LONG = os.environ.get("ADIT_LONG")


# --- the families, as bytes ---

def frame(opcode, payload=b"", fin=True, rsv=0, mask=False):
    n = len(payload)
    bit = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += bytes([bit | n]) if n < 126 else struct.pack("!BH", bit | 126, n) if n < 1 << 16 else struct.pack("!BQ", bit | 127, n)
    if not mask:
        return head + payload
    key = b"\x37\xfa\x21\x3d"
    long_key = int.from_bytes((key * (n // 4 + 1))[:n], "big")
    return head + key + (int.from_bytes(payload, "big") ^ long_key).to_bytes(n, "big")


def framing(dice):
    return [(op, dice.randbytes(n)) for op in (1, 2) for n in (0, 1, 125, 126, 127, 128, 65535, 65536)]


def pings(dice):
    return [(9, dice.randbytes(n)) for n in (0, 1, 125, 126, 4096)] + [(10, b"unasked"), (9, b""), (10, b"")] * 5


def reserved_bits(dice):
    return [(op, b"reserved", {"rsv": rsv}) for op in (1, 2, 8, 9, 10) for rsv in range(1, 8)]


def opcodes(dice):
    return [(op, dice.randbytes(n)) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15) for n in (0, 8)]


def fragmentation(dice):
    one = [(1, b"frag", {"fin": False}), (9, b"between"), (0, b"", {"fin": False}), (0, b"ment")]
    return one + [(0, b"of nothing")] + one + [(1, b"a", {"fin": False}), (1, b"another")] + \
        [(2, b"", {"fin": False})] + [(0, dice.randbytes(64), {"fin": False})] * 200 + [(0, b"")]


def utf8(dice):
    texts = ["κόσμε".encode(), b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xff\xfe",
             b"\xf8\x88\x80\x80\x80", "\U0010ffff".encode(), b"\xef\xbf\xbe", b"\x00\x7f\xc2\x80"]
    whole = [(1, t) for t in texts]
    return whole + [(1 if i == 0 else 0, t[i:i + 1], {"fin": i == len(t) - 1}) for t in texts for i in range(len(t))]


def closes(dice):
    codes = [0, 999, *range(1000, 1017), 1100, 2000, 2999, 3000, 4999, 5000, 65535]
    return [(8, struct.pack("!H", c) + b"why") for c in codes] + \
        [(8, b""), (8, b"\x03"), (8, b"\x03\xe8" + b"r" * 123), (8, b"\x03\xe8" + b"r" * 124), (8, b"\x03\xe8\xce\xba\xed\xa0\x80"),
         (1, b"after the close"), (9, b"too")]


def limits(dice):
    big = dice.randbytes(4 << 20)
    return [(2, big[:1 << n]) for n in (16, 18, 20, 22)] + [(1, b"%d" % i) for i in range(1000)] + \
        [(2, b"", {"fin": False})] + [(0, big[i:i + 4096], {"fin": False}) for i in range(0, 1 << 20, 4096)] + [(0, b"")]


def compression(dice):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return [(op, (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4], {"rsv": 4}) for op in (1, 2)
            for text in (b"", b"Hello" * 1000, dice.randbytes(5000), json.dumps([1] * 20000).encode())]


FAMILIES = [framing, pings, reserved_bits, opcodes, fragmentation, utf8, closes, limits, compression]


def frames(family, mask):
    """All bytes of a family."""
    return b"".join(frame(op, payload, mask=mask, **(how[0] if how else {})) for op, payload, *how in family(random.Random(13)))


def pieces(data, size):
    """size: of each; 0: of the dice, from one byte on."""
    dice, at = random.Random(13), 0
    while at < len(data):
        n = size or dice.choice([1, 2, 3, 7, 100, 1400, 16384, 100000])
        yield data[at:at + n]
        at += n


# --- the two ends ---

class End:
    """One end of the upgraded connection: reads all the while, knows how it ended."""

    def __init__(self, wire):
        self.wire, self.got, self.how = wire, bytearray(wire.take(len(wire.buffer))), None
        self.tls = threading.Lock() if isinstance(wire.sock, ssl.SSLSocket) else None
        if self.tls:
            wire.sock.setblocking(False)
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _turn(self, call, arg):
        """Two threads read and write, and an OpenSSL connection is one thread's at a time."""
        while True:
            with self.tls:
                try:
                    return call(arg)
                except ssl.SSLWantReadError:
                    waits = ([self.wire.sock], [])
                except ssl.SSLWantWriteError:
                    waits = ([], [self.wire.sock])
            select.select(*waits, [], 6 * WAIT_S)

    def _read(self):
        how = None
        while how is None:
            try:
                data = self._turn(self.wire.sock.recv, 262144) if self.tls else self.wire.sock.recv(262144)
                how = None if data else "end"
            except OSError:
                data, how = b"", "reset"
            with self.changed:
                self.got += data
                self.how = self.how or how
                self.changed.notify_all()

    def wait(self, ready, what):
        with self.changed:
            assert self.changed.wait_for(ready, 6 * WAIT_S), f"{what}; {len(self.got)} bytes came, {self.how}"

    def has(self, data):
        """Exactly this has come, and no end."""
        self.wait(lambda: len(self.got) >= len(data) or self.how, f"not {len(data)} bytes")
        assert self.got == data and self.how is None, (len(self.got), len(data), self.how)

    def ended(self):
        self.wait(lambda: self.how, "no end")
        return bytes(self.got), self.how

    def send(self, data):
        while self.tls and data:
            data = data[self._turn(self.wire.sock.send, data):]
        if data:
            self.wire.send(data)

    def half(self):
        self.wire.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.how = "left"
        self.close()

    def close(self):
        try:
            self.wire.sock.shutdown(socket.SHUT_RD)  # wakes the reader, which holds the socket
        except OSError:
            pass
        # Its number is somebody else's as soon as the socket is closed.
        self.reader.join(6 * WAIT_S)
        self.wire.close()


class Town:
    """An edge, an agent, and an origin that hands its upgraded connections over."""

    def __init__(self, lab):
        self.upgraded = queue.Queue()
        self.over = threading.Event()
        self.origin = lab.keep(Origin(connected=self._connected))
        self.edge, _, _ = lab.web(self.origin)

    def _connected(self, c):
        request = c.head()
        done = threading.Event()
        self.upgraded.put((c, request, done))
        done.wait(60 * WAIT_S)

    def visitor(self, way):
        if way == "direct":
            sock = socket.create_connection(("127.0.0.1", self.origin.port))
            v = Wire(sock, 6 * WAIT_S)
            v.host = "web.localhost"
            return v
        return self.edge.visitor(tls=way == "tls", deadline_s=6 * WAIT_S)

    def open(self, way, extensions=None, early=b"", late=b""):
        """(visitor's end, origin's end, done, request, answer); early and late: right behind the heads."""
        v = self.visitor(way)
        offered = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        v.send(f"GET /ws HTTP/1.1\r\nHost: {v.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, b\r\n{offered}\r\n".encode() + early)
        c, request, done = self.upgraded.get(timeout=6 * WAIT_S)
        c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: b\r\n{offered}"
               f"Sec-WebSocket-Accept: {websocket.accept_key('dGhlIHNhbXBsZSBub25jZQ==')}\r\n\r\n".encode() + late)
        answer = v.head()
        assert answer.status == 101, answer
        return End(v), End(c), done, request, answer


@pytest.fixture(scope="module")
def town(shared_lab):
    return Town(shared_lab)


@pytest.mark.parametrize("way", ["plain", "tls"])
@pytest.mark.parametrize("family", FAMILIES, ids=[f.__name__ for f in FAMILIES])
def test_bytes_of_a_family_arrive_as_they_were_sent(town, family, way):
    """Both sides send it at once, in pieces of every size; the last ends its direction, and all had come before the end."""
    extensions = "permessage-deflate; client_max_window_bits, x-unknown; a=\"b\"" if family is compression else None
    up, down = frames(family, mask=True), frames(family, mask=False)
    v, o, done, request, answer = town.open(way, extensions, up[:10], down[:10])
    assert request.get("sec-websocket-extensions") == answer.get("sec-websocket-extensions") == extensions
    assert request.get("sec-websocket-protocol") == "a, b" and answer.get("sec-websocket-protocol") == "b"
    other = threading.Thread(target=lambda: [o.send(p) for p in pieces(down[10:], 0)], daemon=True)
    other.start()
    for p in pieces(up[10:], 0 if len(up) > 100000 else 1 if len(up) < 2000 else 0):
        v.send(p)
    other.join(6 * WAIT_S)
    assert not other.is_alive()
    o.has(up)
    v.has(down)
    o.half()
    assert v.ended() == (down, "end")
    v.close()
    assert o.ended()[0] == up
    o.close()
    done.set()


def act(town, way, script):
    """What both ends saw of it: [what the visitor got, how it ended, what the origin got, how]."""
    v, o, done, *_ = town.open(way)
    script(v, o)
    saw = [*v.ended(), *o.ended()]
    v.close()
    o.close()
    done.set()
    return saw


def close_in_order(v, o):
    v.send(frame(8, b"\x03\xe8", mask=True))
    o.has(frame(8, b"\x03\xe8", mask=True))
    o.send(frame(8, b"\x03\xe8"))
    o.half()
    v.ended()
    v.half()


def visitor_ends_its_direction(v, o):
    """And is still told what the origin says then."""
    v.send(frame(1, b"last", mask=True))
    v.half()
    assert o.ended() == (frame(1, b"last", mask=True), "end")
    o.send(frame(2, b"r" * 200000) + frame(8, b"\x03\xe9"))
    o.half()


def origin_ends_its_direction(v, o):
    o.send(frame(2, b"r" * 200000) + frame(8, b"\x03\xe9"))
    o.half()
    v.ended()
    v.send(frame(1, b"u" * 200000, mask=True) + frame(8, b"\x03\xe9", mask=True))
    v.half()


def visitor_resets(v, o):
    o.send(frame(1, b"one"))
    v.has(frame(1, b"one"))
    v.reset()


def origin_resets(v, o):
    v.send(frame(1, b"one", mask=True))
    o.has(frame(1, b"one", mask=True))
    o.reset()


@pytest.mark.parametrize("script", [close_in_order, visitor_ends_its_direction, origin_ends_its_direction, visitor_resets, origin_resets])
def test_ends_are_as_without_the_tunnel(town, script):
    assert act(town, "plain", script) == act(town, "direct", script)


# --- the suite itself ---

WSTEST = os.environ.get("WSTEST") or shutil.which("wstest")
QUICK = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", "12.1.1", "13.1.1"]
# The names of tunnels lead to this machine, whatever its resolver says.
RESOLVER = """import socket
by_name, info = socket.gethostbyname, socket.getaddrinfo
def here(name):
    return "127.0.0.1" if name.endswith(".localhost") else name
socket.gethostbyname = lambda name: by_name(here(name))
socket.getaddrinfo = lambda name, *rest: info(here(name), *rest)
"""


def fuzzing_client(folder, name, url):
    """A run of the suite against a server, under way."""
    with open(f"{folder}/{name}.json", "w") as f:
        json.dump({"outdir": f"{folder}/{name}", "servers": [{"agent": name, "url": url}], "cases": ["*"] if LONG else QUICK,
                   "exclude-cases": [], "exclude-agent-cases": {}}, f)
    return Process([WSTEST, "-m", "fuzzingclient", "-s", f"{folder}/{name}.json"], f"{folder}/{name}.log", {"PYTHONPATH": folder},
                   "wstest")


def verdicts(folder, name):
    with open(f"{folder}/{name}/index.json") as f:
        return {case: (v["behavior"], v["behaviorClose"], v["remoteCloseCode"]) for case, v in json.load(f)[name].items()}


@pytest.mark.skipif(not WSTEST, reason="no wstest (CONTRIBUTING.md tells how to get Autobahn's suite)")
def test_verdicts_of_autobahn_are_as_without_the_tunnel(lab):
    folder = lab.folder
    with open(f"{folder}/sitecustomize.py", "w") as f:
        f.write(RESOLVER)
    port = free_port()
    server = lab.keep(Process([WSTEST, "-m", "testeeserver", "-w", f"ws://127.0.0.1:{port}"], f"{folder}/server.log", name="testee"))
    server.close, server.expected_code = server.stop, 0

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    until(listens, 6 * WAIT_S)
    edge = lab.edge()
    lab.agent(edge, "http", str(port), "--name", "web", "--origin-host", f"127.0.0.1:{port}")
    edge.wait_up("web")
    runs = [fuzzing_client(folder, name, url) for name, url in (("direct", f"ws://127.0.0.1:{port}"),
                                                               ("tunnel", f"ws://web.localhost:{edge.http[1]}"))]
    for run in runs:
        run.exits(0, deadline_s=3600 if LONG else 60 * WAIT_S)
        run.stop()
    direct, tunnel = verdicts(folder, "direct"), verdicts(folder, "tunnel")
    assert len(direct) > (500 if LONG else 240)
    different = {case: (direct[case], tunnel.get(case)) for case in direct if direct[case] != tunnel.get(case)}
    assert not different, different
    bad = {case: v for case, v in tunnel.items() if v[0] not in ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED")}
    assert not bad, bad
    print(f"{len(tunnel)} cases, the same verdicts")
