# SPDX-License-Identifier: Apache-2.0
"""WebSocket (RFC 6455), as little of it as an echo needs, both sides."""
import base64
import hashlib
import os
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def send(wire, opcode, payload, mask):
    n = len(payload)
    head = bytes([0x80 | opcode])
    bit = 0x80 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 1 << 16:
        head += struct.pack("!BH", bit | 126, n)
    else:
        head += struct.pack("!BQ", bit | 127, n)
    if mask:
        key = os.urandom(4)
        head += key
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes((key * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
    wire.send(head + payload)


def receive(wire):
    """(opcode, payload) of one whole frame."""
    first, second = wire.exactly(2)
    n = second & 0x7f
    if n == 126:
        n, = struct.unpack("!H", wire.exactly(2))
    elif n == 127:
        n, = struct.unpack("!Q", wire.exactly(8))
    key = wire.exactly(4) if second & 0x80 else None
    payload = wire.exactly(n)
    if key:
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes((key * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
    return first & 15, payload


def echo_server(c, request):
    """A behaviour of an Origin: upgrades and sends every message back."""
    assert request.get("upgrade").lower() == "websocket", request
    c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           f"Sec-WebSocket-Accept: {accept_key(request.get('sec-websocket-key'))}\r\n\r\n")
    while True:
        opcode, payload = receive(c)
        send(c, PONG if opcode == PING else opcode, payload, mask=False)
        if opcode == CLOSE:
            c.keep = False
            return


def connect(v, path="/ws", early=b""):
    """Upgrades a visitor's connection; `early` are bytes right behind the request."""
    key = base64.b64encode(os.urandom(16)).decode()
    v.send(f"GET {path} HTTP/1.1\r\nHost: {v.host}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode() + early)
    m = v.head()
    assert m.status == 101, m
    assert m.get("sec-websocket-accept") == accept_key(key)
    assert m.get("upgrade").lower() == "websocket" and "upgrade" in m.get("connection").lower()
    return m
