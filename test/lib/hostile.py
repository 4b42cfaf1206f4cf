# SPDX-License-Identifier: Apache-2.0
"""The link protocol from its text (doc/protocol.txt), for ends that do not keep to it."""
import json
import os
import socket
import ssl
import struct
import time

from http1 import Closed, Wire
from process import WAIT_S

DATA, RST, WINDOW, PING, GOAWAY, CONTROL, TRAILERS = range(7)
SYN, FIN, ACK = 1, 2, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!II", len(payload) << 8 | kind << 4 | flags, stream) + payload


def client_hello(ca, alpn):
    """The bytes of a ClientHello for web.localhost, and nothing behind it."""
    out, context = ssl.MemoryBIO(), ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([alpn])
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="web.localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class Link(Wire):
    """One end of a link over TLS, frame by frame."""

    def __init__(self, sock):
        super().__init__(sock, 2 * WAIT_S)
        self.next_stream = 1
        self.seen = []

    def put(self, kind, flags=0, stream=0, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def control(self, **members):
        self.put(CONTROL, payload=json.dumps(members).encode())

    def take_frame(self):
        """(type, flags, stream, payload); PINGs are answered on the way."""
        give_up = time.monotonic() + 2 * WAIT_S
        while True:
            assert time.monotonic() < give_up, "nothing but PINGs came"
            word, stream = struct.unpack("!II", self.exactly(8))
            got = (word >> 4 & 15, word & 15, stream, self.exactly(word >> 8))
            self.seen.append(got)
            if got[0] == PING and not got[1] & ACK:
                self.put(PING, ACK, 0, got[3])
                continue
            return got

    def wait(self, kind, stream=None):
        while True:
            got = self.take_frame()
            if got[0] == kind and stream in (None, got[2]):
                return got

    def wait_control(self, wanted):
        while True:
            message = json.loads(self.wait(CONTROL)[3])
            if message["type"] == wanted:
                return message

    def end(self):
        """How the other side ends the link: the code of its GOAWAY, or None; its connection must end."""
        code = None
        give_up = time.monotonic() + 2 * WAIT_S
        try:
            while True:
                assert time.monotonic() < give_up, "the other side goes on with the link"
                kind, _, _, payload = self.take_frame()
                if kind == GOAWAY:
                    code = struct.unpack("!I", payload[4:8])[0]
        except Closed:
            return code


def opening(tunnel, kind=1, request_id=b"0123456789abcdef", more=b""):
    text = struct.pack("!BBH", 1, 2, tunnel) + bytes([2, 1, kind]) + bytes([3, len(request_id)]) + request_id + more
    return struct.pack("!H", len(text)) + text


def syn(tunnel, data=b"", credit=16384, **kw):
    return struct.pack("!II", len(data), credit) + opening(tunnel, **kw) + data


class FakeAgent(Link):
    """Says HELLO to a real edge."""

    def __init__(self, edge, tunnels=(), hello=None, token=None):
        context = ssl.create_default_context(cafile=edge.ca)
        context.set_alpn_protocols(["adit/1"])
        sock = context.wrap_socket(socket.create_connection(edge.https, timeout=2 * WAIT_S), server_hostname="localhost")
        assert sock.selected_alpn_protocol() == "adit/1"
        super().__init__(sock)
        with open(token or edge.token) as f:
            self.token = f.read().strip()
        if hello is None:
            hello = {"type": "hello", "protocol": 1, "agent": "fake/1", "token": self.token, "tunnels": list(tunnels)}
        if hello:
            self.control(**hello)


class FakeEdge:
    """Listens with a real edge's certificate and lets a test speak to the agent that comes."""

    def __init__(self, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        self.context.set_alpn_protocols(["adit/1"])
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(8)
        self.sock.settimeout(2 * WAIT_S)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.links = []

    def accept(self):
        sock, _ = self.sock.accept()
        link = EdgeLink(self.context.wrap_socket(sock, server_side=True))
        self.links.append(link)
        link.hello = link.wait_control("hello")
        return link

    def close(self):
        for s in (*self.links, self.sock):
            s.close()


class EdgeLink(Link):
    hello = None

    def welcome(self, tunnels):
        self.control(type="welcome", protocol=1, edge="fake/1", account="a", generation=1, tunnels=tunnels)

    def open_stream(self, tunnel, data, fin=True, **kw):
        stream, self.next_stream = self.next_stream, self.next_stream + 1
        self.put(DATA, SYN | (FIN if fin else 0), stream, syn(tunnel, data, **kw))
        return stream

    def open_and_wait(self, tunnel, data, **kw):
        """("rst", code) or ("data", bytes so far) for the first thing that comes back on the stream."""
        stream = self.open_stream(tunnel, data, **kw)
        while True:
            kind, _, of, payload = self.take_frame()
            if of == stream and kind == RST:
                return "rst", struct.unpack("!I", payload)[0]
            if of == stream and kind == DATA:
                return "data", payload
