# SPDX-License-Identifier: Apache-2.0
"""A company's proxy: HTTP CONNECT or SOCKS5 with a password; leads everything to one place."""
import base64
import socket
import struct
import threading

from http1 import Closed, Wire


class Proxy:
    def __init__(self, kind, target):
        self.kind, self.target = kind, target
        self.asked = []
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(8)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Wire(sock),), daemon=True).start()

    def _serve(self, near):
        try:
            (self._connect if self.kind == "http" else self._socks5)(near)
            far = socket.create_connection(self.target)
            threading.Thread(target=self._pump, args=(near.sock, far), daemon=True).start()
            self._pump(far, near.sock)
        except (Closed, OSError):
            near.close()

    def _connect(self, c):
        m = c.head()
        host, port = m.target.rsplit(":", 1)
        login = base64.b64decode(m.get("proxy-authorization").split(" ")[1]).decode()
        self.asked.append((host, int(port), login))
        c.send("HTTP/1.1 200 Connection established\r\n\r\n")

    def _socks5(self, c):
        c.exactly(c.exactly(2)[1])
        c.send(b"\x05\x02")
        user = c.exactly(c.exactly(2)[1])
        password = c.exactly(c.exactly(1)[0])
        c.send(b"\x01\x00")
        assert c.exactly(4) == b"\x05\x01\x00\x03"
        host = c.exactly(c.exactly(1)[0]).decode()
        port, = struct.unpack("!H", c.exactly(2))
        self.asked.append((host, port, (user + b":" + password).decode()))
        c.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    @staticmethod
    def _pump(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.close()
