# SPDX-License-Identifier: Apache-2.0
"""Bodies and byte streams: whole, in order, and no later than they must be."""
import hashlib
import os
import queue
import socket
import ssl
import threading
import time

import pytest

from http1 import Visitor, Wire
from lab import SANITIZED
from origin import big, chunked, digest, echo, fixed, ok, pattern, raw_then_close, silent
from process import WAIT_S

BIG = (1 << 30) if os.environ.get("ADIT_LONG") else (64 << 20)


def test_big_download_has_the_same_sha256(lab):
    base = os.urandom(1 << 16)
    edge, _, _ = lab.web(lab.origin(big(BIG, base)))
    want = hashlib.sha256()
    for block in pattern(BIG, base):
        want.update(block)
    with edge.visitor() as v:
        v.request("GET", "/big")
        m = v.head()
        assert (m.status, m.get("content-length")) == (200, str(BIG))
        got, left = hashlib.sha256(), BIG
        while left > 0:
            assert v.buffer or v.more()
            data = v.take(left)
            got.update(data)
            left -= len(data)
    assert got.hexdigest() == want.hexdigest()


def test_big_upload_has_the_same_sha256(lab):
    base = os.urandom(1 << 16)

    got = hashlib.sha256()

    def connected(c):
        m = c.head()
        left = int(m.get("content-length"))
        while left > 0:
            if not c.buffer and not c.more():
                return
            data = c.take(left)
            got.update(data)
            left -= len(data)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    edge, _, _ = lab.web(lab.origin(connected=connected))
    want = hashlib.sha256()
    with edge.visitor() as v:
        v.send(f"POST /up HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: {BIG}\r\n\r\n")
        for block in pattern(BIG, base):
            want.update(block)
            v.send(block)
        assert v.response("POST").body == b"ok"
    assert got.hexdigest() == want.hexdigest()


def test_chunked_both_ways(lab):
    """Pieces of any size, chunk extensions and trailers of the visitor do not reach the origin as data."""
    edge, _, origin = lab.web(lab.origin(echo))
    pieces = [b"a", b"b" * 100, b"c" * 20000, b"\r\n0\r\n\r\n", b"d"]
    with edge.visitor() as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            v.send(b"%X;ext=1\r\n%s\r\n" % (len(piece), piece))
        v.send("0\r\nX-Trailer: t\r\n\r\n")
        assert v.response("POST").body == b"".join(pieces)
        assert v.ask("GET", "/again").status == 200  # the connection is still in step
    assert [r.method for r in origin.requests] == ["POST", "GET"]


def test_chunked_answer_for_1_1_and_1_0(lab):
    edge, _, _ = lab.web(lab.origin(chunked([b"one", b"two" * 1000, b"three"], "X-T: 1\r\n")))
    want = b"one" + b"two" * 1000 + b"three"
    m = edge.get()
    assert m.body == want and m.get("transfer-encoding") == "chunked"
    with edge.visitor() as v:
        v.send("GET / HTTP/1.0\r\nHost: web.localhost\r\n\r\n")
        m = v.response()
    assert m.body == want and not m.all("transfer-encoding")


def test_answer_that_ends_with_the_connection(lab):
    edge, _, _ = lab.web(lab.origin(raw_then_close(b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n" + b"z" * 50000)))
    with edge.visitor() as v:
        assert v.ask("GET", "/").body == b"z" * 50000
        assert v.ask("GET", "/").body == b"z" * 50000  # the visitor's connection outlives the origin's


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_statuses(lab, status):
    edge, _, _ = lab.web(lab.origin(fixed(f"HTTP/1.1 {status} x\r\nETag: \"a\"\r\n\r\n".encode())))
    with edge.visitor() as v:
        for _ in range(3):
            m = v.ask("GET", "/")
            assert m.status == status and m.get("etag") == '"a"'
            assert status != 204 or not m.all("content-length")


def test_head(lab):
    edge, _, origin = lab.web(lab.origin(fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")))
    with edge.visitor() as v:
        for _ in range(2):
            m = v.ask("HEAD", "/")
            assert m.get("content-length") == "1000"
    assert [r.method for r in origin.requests] == ["HEAD", "HEAD"]


def test_pipelined_requests_are_answered_in_order(lab):
    edge, _, origin = lab.web(lab.origin(echo))
    with edge.visitor() as v:
        v.send(b"".join(b"POST /%d HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 3\r\n\r\n%03d" % (i, i)
                        for i in range(20)))
        for i in range(20):
            m = v.response("POST")
            assert (m.status, m.body, m.get("x-target")) == (200, b"%03d" % i, f"/{i}")


def test_s08_expect_100_continue_is_answered_by_the_edge(lab):
    edge, _, origin = lab.web(lab.origin(echo))
    with edge.visitor() as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        interim = v.head()
        assert interim.status == 100
        v.send("hello")
        assert v.response("POST").body == b"hello"
    assert not origin.requests[0].all("expect")


def test_interim_responses_of_the_origin_pass(lab):
    edge, _, _ = lab.web(lab.origin(fixed(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                          b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
    with edge.visitor() as v:
        interim = []
        v.request("GET", "/")
        assert v.response(interim=interim).body == b"ok"
        assert [m.status for m in interim] == [103]


def test_server_sent_events_pass_at_once(lab):
    events = queue.Queue()

    def sse(c, request):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while (event := events.get()) is not None:
            c.send(event)
        c.keep = False

    edge, _, _ = lab.web(lab.origin(sse))
    worst = []
    with edge.visitor() as v:
        v.request("GET", "/events")
        m = v.head()
        assert m.status == 200
        pieces = v.chunks(m)
        for i in range(20):
            start = time.monotonic()
            events.put(b"data: %d\n\n" % i)
            assert next(pieces) == b"data: %d\n\n" % i
            worst.append(time.monotonic() - start)
        events.put(None)
        assert list(pieces) == []
    worst.sort()
    assert worst[-3] < (0.5 if SANITIZED else 0.05), worst


def test_request_body_is_not_held_back(lab):
    """The origin sees the first bytes of an upload while the rest has not been sent."""
    seen = queue.Queue()

    def connected(c):
        c.head()
        seen.put(c.exactly(5))
        seen.put(c.exactly(5))
        c.answer(b"done")

    edge, _, _ = lab.web(lab.origin(connected=connected))
    with edge.visitor() as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 10\r\n\r\nfirst")
        assert seen.get(timeout=10) == b"first"
        v.send("later")
        assert seen.get(timeout=10) == b"later"
        assert v.response("POST").body == b"done"


def test_s08_early_answer_does_not_desynchronise(lab):
    """The origin answers before it has read the body: what follows is the next request, never the body's rest."""
    def connected(c):
        c.head()
        c.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")

    edge, _, origin = lab.web(lab.origin(connected=connected))
    body = b"GET /smuggled HTTP/1.1\r\nHost: web.localhost\r\n\r\n" * 20000
    with edge.visitor() as v:
        v.send(f"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: {len(body)}\r\n\r\n")
        try:
            v.send(body)
        except OSError:
            pass
        m = v.response("POST")
        assert (m.status, m.body) == (413, b"big")
        # Either the connection ends, or the body was drained to its end.
        assert m.get("connection") == "close" and v.at_end()


class HalfClosed(Visitor):
    """A visitor over TLS that says close_notify and ends its direction behind what it sends, and still reads."""

    def __init__(self, edge, data):
        Wire.__init__(self, socket.create_connection(edge.https))
        context = ssl.create_default_context(cafile=edge.ca)
        self.rx, self.tx = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.rx, self.tx, server_hostname="web.localhost")
        self._run(self.tls.do_handshake)
        self.tls.write(data)
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # ours is said, the edge's has not come
        self.sock.sendall(self.tx.read())
        self.sock.shutdown(socket.SHUT_WR)

    def _run(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                if said := self.tx.read():
                    self.sock.sendall(said)
                if got := self.sock.recv(65536):
                    self.rx.write(got)
                else:
                    self.rx.write_eof()

    def more(self):
        try:
            data = self._run(lambda: self.tls.read(65536))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            data = b""
        self.buffer += data
        return bool(data)


@pytest.mark.parametrize("form", ["plain", "tls", "close_notify"])
def test_end_behind_a_request_is_no_farewell(lab, form):
    """printf ... | nc: the answer comes, then the end; so do those of two requests in one piece."""
    go = threading.Event()

    def late(c, request):
        assert go.wait(20)
        c.answer(request.target.encode())

    edge = lab.edge(config="workers: 1\n")
    lab.agent(edge, "http", lab.origin({"": late, "/other": ok}).address, "--name", "web")
    with edge.visitor() as other:
        for paths in (["/a"], ["/b", "/c"]):
            go.clear()
            data = "".join(f"GET {path} HTTP/1.1\r\nHost: web.localhost\r\n\r\n" for path in paths).encode()
            if form == "close_notify":
                v = HalfClosed(edge, data)
            else:
                v = edge.visitor(tls=form == "tls")
                v.send(data)
                socket.socket.shutdown(v.sock, socket.SHUT_WR)
            other.ask("GET", "/other")  # the one worker has seen the end by now
            go.set()
            for path in paths:
                assert v.response().body == path.encode()
            assert v.at_end()
            v.close()
    edge.nothing_left()


def test_visitor_that_has_gone_is_found_out(lab):
    """By its reset while the answer is waited for; by what it does not take any more while one goes on."""
    def endless(c, request):
        c.send("HTTP/1.1 200 OK\r\n\r\n")
        while True:
            c.send(b"x" * 65536)

    edge = lab.edge()
    origin = lab.origin({"/silent": silent, "/endless": endless})
    lab.agent(edge, "http", origin.address, "--name", "web")
    for n, tls in ((1, True), (2, False)):
        v = edge.visitor(tls=tls)
        v.request("GET", "/silent")
        origin.wait_requests(2 * n - 1)
        v.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        v.close()
        origin.wait_no_connection()
        v = edge.visitor(tls=tls)
        v.request("GET", "/endless")
        v.head()
        socket.socket.shutdown(v.sock, socket.SHUT_WR)
        v.close()
        origin.wait_no_connection()
        origin.wait_requests(2 * n)
    edge.nothing_left()


def test_unix_origin(lab):
    origin = lab.origin(echo, unix=True)
    edge = lab.edge()
    lab.agent(edge, "http", origin.address, "--name", "web")
    with edge.visitor() as v:
        assert v.ask("POST", "/x", b"body").body == b"body"


# --- TCP tunnels ---

def tcp(lab, origin, *args):
    edge = lab.edge()
    agent = lab.agent(edge, "tcp", origin.address, *args)
    host, port = agent.url.removeprefix("tcp://").rsplit(":", 1)
    return edge, agent, int(port)


def connect(port):
    return Wire(socket.create_connection(("127.0.0.1", port), timeout=20))


def test_tcp_half_close_visitor_first(lab):
    """The visitor ends its direction; the origin still answers with all that it got."""
    def connected(c):
        c.send(hashlib.sha256(c.rest()).hexdigest())

    edge, _, port = tcp(lab, lab.origin(connected=connected))
    data = os.urandom(3 << 20)
    with connect(port) as v:
        v.send(data)
        v.sock.shutdown(socket.SHUT_WR)
        assert v.rest().decode() == hashlib.sha256(data).hexdigest()


def test_tcp_half_close_origin_first(lab):
    got = queue.Queue()

    def connected(c):
        c.send("greeting")
        c.sock.shutdown(socket.SHUT_WR)
        got.put(c.rest())

    edge, _, port = tcp(lab, lab.origin(connected=connected))
    with connect(port) as v:
        assert v.rest() == b"greeting"
        v.send("still listening?")
        v.sock.shutdown(socket.SHUT_WR)
        assert got.get(timeout=10) == b"still listening?"


def test_tcp_big_both_ways_at_once(lab):
    def connected(c):
        while c.more():
            c.send(c.take(len(c.buffer)))
        c.sock.shutdown(socket.SHUT_WR)

    n = BIG // 4
    edge, _, port = tcp(lab, lab.origin(connected=connected))
    base = os.urandom(1 << 16)
    want = hashlib.sha256()

    def write(v):
        for block in pattern(n, base):
            want.update(block)
            v.send(block)
        v.sock.shutdown(socket.SHUT_WR)

    with connect(port) as v:
        writer = threading.Thread(target=write, args=(v,), daemon=True)
        writer.start()
        got, total = hashlib.sha256(), 0
        while v.more():
            total += len(v.buffer)
            got.update(v.take(len(v.buffer)))
        writer.join(20)
    assert total == n and got.hexdigest() == want.hexdigest()


def test_tcp_reset_of_the_origin_reaches_the_visitor(lab):
    def connected(c):
        c.exactly(1)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.sock.close()

    edge, _, port = tcp(lab, lab.origin(connected=connected))
    with connect(port) as v:
        v.send("x")
        assert v.rest() == b""


def test_tcp_reset_of_the_visitor_reaches_the_origin(lab):
    """An end in order would tell it that it has all that the visitor had to say."""
    seen = queue.Queue()

    def connected(c):
        c.exactly(1)
        c.send("y")
        try:
            seen.put(c.sock.recv(1))
        except ConnectionResetError:
            seen.put("reset")

    edge, _, port = tcp(lab, lab.origin(connected=connected))
    with connect(port) as v:
        v.send("x")
        assert v.exactly(1) == b"y"
        v.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert seen.get(timeout=2 * WAIT_S) == "reset"


def test_tcp_wanted_port_stays(lab):
    """The port belongs to the account: the same agent gets it again."""
    origin = lab.origin(connected=lambda c: c.send("hi"))
    edge, agent, port = tcp(lab, origin)
    agent.stop()
    again = lab.agent(edge, "tcp", origin.address, "--port", str(port))
    assert again.url.endswith(f":{port}")
    with connect(port) as v:
        assert v.rest() == b"hi"


def test_many_connections_share_one_link(lab):
    edge, _, origin = lab.web(lab.origin(ok))
    visitors = [lab.keep(edge.visitor()) for _ in range(100)]
    for _ in range(3):
        for v in visitors:
            v.request("GET", "/")
        for v in visitors:
            assert v.response().body == b"ok"
    assert edge.status()["links"] == 1
    for v in visitors:
        v.close()
