# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as bytes: a visitor that sends what it is told, and a reader that insists on the rules."""
import re
import socket
import ssl

from process import WAIT_S


class Closed(Exception):
    """The connection ended where more was expected."""


class Message:
    """start: the first line; fields: [(name, value)] as they came; raw_head: every byte of the head."""

    def __init__(self, raw_head):
        self.raw_head = raw_head
        lines = raw_head[:-4].split(b"\r\n")
        assert all(b"\r" not in x and b"\n" not in x for x in lines), f"bare CR or LF: {raw_head!r}"
        self.start = lines[0].decode("latin-1")
        self.fields = []
        for line in lines[1:]:
            m = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line, re.S)
            assert m, f"not a header field: {line!r}"
            self.fields.append((m[1].decode(), m[2].decode("latin-1")))
        self.body = b""
        self.trailers = []

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        """The only field of that name."""
        values = self.all(name)
        assert len(values) < 2, f"{name} stands there {len(values)} times"
        return values[0] if values else default

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def error(self):
        return self.get("adit-error")

    def __repr__(self):
        return f"<{self.start} {self.fields} {len(self.body)} bytes {self.body[:200]!r}>"


class Wire:
    """A socket with a read buffer and deadlines."""

    def __init__(self, sock, deadline_s=None):
        self.sock = sock
        self.sock.settimeout(deadline_s or 2 * WAIT_S)
        self.buffer = bytearray()
        self.n_read = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def more(self):
        """Reads once; False at the end."""
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            data = b""
        except OSError as e:
            if not isinstance(e, (TimeoutError, socket.timeout)):
                data = b""
            else:
                raise AssertionError(f"nothing came in time; so far: {bytes(self.buffer[:500])!r}") from None
        self.n_read += len(data)
        self.buffer += data
        return bool(data)

    def take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def exactly(self, n):
        while len(self.buffer) < n:
            if not self.more():
                raise Closed(f"{len(self.buffer)} of {n} bytes: {bytes(self.buffer[:200])!r}")
        return self.take(n)

    def through(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise Closed(f"no {mark!r} in {bytes(self.buffer[:500])!r}")
        return self.take(self.buffer.index(mark) + len(mark))

    def rest(self):
        """Everything up to the end of the connection."""
        while self.more():
            pass
        return self.take(len(self.buffer))

    def at_end(self):
        """True when the other side ends here, with nothing more."""
        return not self.buffer and not self.more()

    def head(self):
        return Message(self.through(b"\r\n\r\n"))

    def chunks(self, message):
        """The pieces of a chunked body, one by one; trailers go to the message."""
        while True:
            size = self.through(b"\r\n")
            assert re.fullmatch(rb"[0-9A-Fa-f]+\r\n", size), f"not a chunk size: {size!r}"
            n = int(size, 16)
            if n == 0:
                break
            piece = self.exactly(n)
            assert self.exactly(2) == b"\r\n"
            yield piece
        while (line := self.through(b"\r\n")) != b"\r\n":
            name, value = line[:-2].decode("latin-1").split(":", 1)
            message.trailers.append((name, value.strip()))


class Visitor(Wire):
    """A client of the edge. ca None: plain. source: the address that it comes from, such as 127.0.0.2."""

    def __init__(self, address, host, ca=None, deadline_s=None, rcvbuf=0, alpn=("http/1.1",), max_version=None, source=None):
        unix = isinstance(address, str)
        sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.settimeout(deadline_s or 2 * WAIT_S)
        if source:
            sock.bind((source, 0))
        sock.connect(address)
        self.host = host
        if ca is not None:
            context = ssl.create_default_context(cafile=ca)
            if alpn:
                context.set_alpn_protocols(list(alpn))
            if max_version:
                context.maximum_version = max_version
            sock = context.wrap_socket(sock, server_hostname=host)
        super().__init__(sock, deadline_s)

    def request(self, method, path, body=b"", headers=(), host=None):
        """Sends a request with Content-Length; header names and values as they are given."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}", *headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def response(self, method="GET", interim=None):
        """The next final response with its body. Interim ones go to the list `interim`, or are a fault."""
        while True:
            m = self.head()
            if m.status >= 200 or m.status == 101:
                break
            assert interim is not None, f"an interim response came: {m}"
            interim.append(m)
        self.body_of(m, method)
        return m

    def body_of(self, m, method="GET"):
        lengths, codings = m.all("content-length"), m.all("transfer-encoding")
        assert not (lengths and codings), f"both lengths: {m}"
        if method == "HEAD" or m.status in (101, 204, 304):
            return
        if codings:
            assert codings == ["chunked"], codings
            m.body = b"".join(self.chunks(m))
        elif lengths:
            assert len(lengths) == 1 and lengths[0].isdigit()
            m.body = self.exactly(int(lengths[0]))
        else:
            m.body = self.rest()

    def ask(self, method, path, body=b"", headers=(), host=None):
        self.request(method, path, body, headers, host)
        return self.response(method)
