# SPDX-License-Identifier: Apache-2.0
"""A client of HTTP/2 that sends just the frames that a test wants it to. Needs hpack (Debian: python3-h2)."""
import socket
import ssl
import struct

from hpack import Decoder, Encoder
from process import WAIT_S

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ORIGIN = 12
END_STREAM, ACK, END_HEADERS = 1, 1, 4
REFUSED_STREAM, STREAM_CLOSED, ENHANCE_YOUR_CALM = 7, 5, 11


class Client:
    def __init__(self, edge, host="web.localhost", settings=(), deadline_s=4 * WAIT_S):
        context = ssl.create_default_context(cafile=edge.ca)
        context.set_alpn_protocols(["h2"])
        self.sock = context.wrap_socket(socket.create_connection(edge.https, deadline_s), server_hostname=host)
        assert self.sock.selected_alpn_protocol() == "h2"
        self.host, self.encoder, self.decoder, self.next_id = host, Encoder(), Decoder(), -1
        self.goaway, self.resets, self.headers, self.body, self.ended, self.seen = None, {}, {}, {}, set(), []
        self.buffer = b""
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.frame(SETTINGS, 0, 0, b"".join(struct.pack("!HI", *s) for s in settings))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    @staticmethod
    def made(kind, flags, stream, payload=b""):
        return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload

    def frame(self, kind, flags, stream, payload=b""):
        self.send(self.made(kind, flags, stream, payload))

    def request(self, path="/", method="GET", fields=(), ends=True, host=None, send=True):
        """The number of its stream; send=False: and the frame, instead of sending it."""
        self.next_id += 2
        block = self.encoder.encode([(":method", method), (":scheme", "https"), (":path", path), (":authority", host or self.host), *fields])
        made = self.made(HEADERS, END_HEADERS | (END_STREAM if ends else 0), self.next_id, block)
        if not send:
            return self.next_id, made
        self.send(made)
        return self.next_id

    def take(self, credit=True):
        """The next frame: kind, flags, stream, payload; None at the end of the connection."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                more = b""
            if not more:
                return None
            self.buffer += more
        n = 9 + int.from_bytes(self.buffer[:3], "big")
        frame, self.buffer = self.buffer[:n], self.buffer[n:]
        kind, flags, stream, payload = frame[3], frame[4], int.from_bytes(frame[5:9], "big") & 0x7fffffff, frame[9:]
        self.note(kind, flags, stream, payload, credit)
        return kind, flags, stream, payload

    def note(self, kind, flags, stream, payload, credit):
        self.seen.append(kind)
        if kind == GOAWAY:
            self.goaway = struct.unpack("!II", payload[:8])
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == HEADERS:
            self.headers.setdefault(stream, []).append(self.decoder.decode(payload))
        elif kind == DATA:
            self.body[stream] = self.body.get(stream, b"") + payload
            if credit and payload:
                self.frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", len(payload)))
                if not flags & END_STREAM:
                    self.frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", len(payload)))
        elif kind == SETTINGS and not flags & ACK:
            self.frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            self.frame(PING, ACK, 0, payload)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)

    def wait(self, streams=()):
        """Until these streams have ended, or the connection has."""
        while not all(s in self.ended or s in self.resets for s in streams):
            if self.take() is None:
                break
        return self

    def status(self, stream):
        self.wait([stream])
        return int(dict(self.headers[stream][-1])[":status"])

    def until_goaway(self):
        """The code of the GOAWAY that ends the connection; None: it ended without one."""
        try:
            while self.take() is not None:
                pass
        except TimeoutError:
            return "it is still there"
        return None if self.goaway is None else self.goaway[1]
