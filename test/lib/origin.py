# SPDX-License-Identifier: Apache-2.0
"""A local server that does what a test says, and keeps every byte that reached it."""
import hashlib
import os
import socket
import tempfile
import threading

from http1 import Closed, Message, Wire
from process import WAIT_S


class Answering(Wire):
    """A connection of the origin's, as behaviours see it."""

    def __init__(self, sock, origin):
        super().__init__(sock, 12 * WAIT_S)
        self.origin = origin
        self.keep = True

    def head(self):
        """
        The edge asks by itself whether a tunnel that has come up leads anywhere: that is no affair of a test's behaviours.
        """
        while (message := super().head()).get("user-agent", "").startswith("adit-probe/"):
            self.origin.n_probes += 1
            self.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        return message

    def read_request(self):
        request = self.head()
        codings, length = request.all("transfer-encoding"), request.get("content-length")
        assert not (codings and length), f"both lengths reached the origin: {request.raw_head!r}"
        if codings:
            assert codings == ["chunked"], codings
            request.body = b"".join(self.chunks(request))
        elif length:
            request.body = self.exactly(int(length))
        return request

    def answer(self, body=b"ok", status=200, headers=(), reason="OK"):
        lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *headers]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


# --- behaviours: called with (connection, request) for each request ---

def ok(c, request):
    c.answer(b"ok")


def echo(c, request):
    c.answer(request.body, headers=[f"X-Target: {request.target}"])


def digest(c, request):
    c.answer(hashlib.sha256(request.body).hexdigest().encode())


def fixed(raw):
    """Sends these bytes, whatever they are."""
    def behave(c, request):
        c.send(raw)
    return behave


def raw_then_close(raw):
    def behave(c, request):
        c.send(raw)
        c.keep = False
    return behave


def silent(c, request):
    """Holds the connection until the other side ends it, or the test is over."""
    while c.more():
        pass
    c.keep = False


def chunked(pieces, trailer=""):
    def behave(c, request):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        c.send(f"0\r\n{trailer}\r\n")
    return behave


def big(n, piece=None):
    """n bytes of a pattern that shows a lost or doubled block."""
    def behave(c, request):
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n")
        for block in pattern(n, piece):
            c.send(block)
    return behave


def pattern(n, piece=None):
    """Blocks of 1 MiB, each of other bytes than the last."""
    base = piece or os.urandom(1 << 16)
    at = 0
    while at < n:
        block = (at.to_bytes(8, "big") + base[8:]) * 16
        block = block[:min(len(block), n - at)]
        yield block
        at += len(block)


class Origin:
    """behave: for every request; or a dict of path -> behaviour with "" for the others; connected: for raw bytes."""

    def __init__(self, behave=ok, unix=False, connected=None, rcvbuf=0, port=0):
        self.behave = behave
        self.connected = connected
        self.requests = []
        self.n_connections = 0
        self.n_probes = 0
        self.faults = []
        self.changed = threading.Condition()
        self.open = set()
        if unix:
            self.folder = tempfile.TemporaryDirectory(prefix="adit-origin-")
            path = os.path.join(self.folder.name, "o.sock")
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(path)
            self.address = "unix:" + path
        else:
            self.sock = socket.socket()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            self.sock.bind(("127.0.0.1", port))
            self.port = self.sock.getsockname()[1]
            self.address = f"127.0.0.1:{self.port}"
        self.sock.listen(1024)
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            with self.changed:
                if self.closing:
                    sock.close()
                    return
                self.n_connections += 1
                self.open.add(sock)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        c = Answering(sock, self)
        try:
            if self.connected is not None:
                self.connected(c)
                return
            while c.keep:
                request = c.read_request()
                with self.changed:
                    self.requests.append(request)
                    self.changed.notify_all()
                behave = self.behave
                if isinstance(behave, dict):
                    behave = behave.get(request.target.split("?")[0], behave.get("", ok))
                behave(c, request)
        except (Closed, OSError):
            pass
        except AssertionError as e:
            if not self.closing:
                self.faults.append(str(e))
        finally:
            with self.changed:
                self.open.discard(sock)
                self.changed.notify_all()
            sock.close()

    def _wait(self, ready, deadline_s, what):
        with self.changed:
            if not self.changed.wait_for(ready, deadline_s or 2 * WAIT_S):
                raise AssertionError(f"the origin saw {what()}")

    def wait_requests(self, n, deadline_s=None):
        """Waits for the n-th request; returns all so far."""
        self._wait(lambda: len(self.requests) >= n, deadline_s, lambda: f"{len(self.requests)} requests, not {n}")
        return list(self.requests)

    def wait_connections(self, n, deadline_s=None):
        self._wait(lambda: self.n_connections >= n, deadline_s, lambda: f"{self.n_connections} connections")

    def wait_no_connection(self, deadline_s=None):
        self._wait(lambda: not self.open, deadline_s, lambda: f"{len(self.open)} open connections, not none")

    def close(self):
        with self.changed:
            self.closing = True
            for sock in list(self.open):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        assert not self.faults, self.faults
