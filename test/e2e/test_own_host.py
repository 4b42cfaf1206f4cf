# SPDX-License-Identifier: Apache-2.0
"""What visitors ask of the edge itself: its bare domain, its address."""
import socket

import pytest

from http1 import Visitor
from lab import SANITIZED
from process import WAIT_S, until


@pytest.fixture(scope="module")
def edge(shared_lab):
    return shared_lab.edge(config="http: serve\ntrusted_proxies: [127.0.0.9]\nlimits: { head_ms: 3000 }\n")


def ask(edge, path, method="GET", host="localhost", tls=False, headers="", body="", **kw):
    with Visitor(edge.https if tls else edge.http, host, edge.ca if tls else None, **kw) as v:
        v.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}")
        return v.response(method) if method == "HEAD" else v.response()


def test_which_address_it_sees(edge):
    for tls in (True, False):
        got = ask(edge, "/checkip", tls=tls)
        assert (got.status, got.body) == (200, b"127.0.0.1\n")
        assert got.get("content-type").startswith("text/plain") and got.get("cache-control") == "no-store"
    for host in ("localhost", "LocalHost.:8443", "127.0.0.1", "[::1]"):
        assert ask(edge, "/checkip?x", host=host).body == b"127.0.0.1\n"
    assert ask(edge, "/checkip", source="127.0.0.9", headers="X-Forwarded-For: 2606:4700::9\r\n").body == b"2606:4700::9\n"
    assert ask(edge, "/checkip", source="127.0.0.7", headers="X-Forwarded-For: 2606:4700::9\r\n").body == b"127.0.0.7\n"


def test_only_what_is_its_own(edge):
    for host, path in (("localhost", "/"), ("localhost", "/checkip/"), ("no.localhost", "/checkip"), ("example.org", "/checkip"),
                       ("a.b.localhost", "/checkip"), ("localhost.example.org", "/checkip")):
        assert ask(edge, path, host=host).status == 404, (host, path)
    got = ask(edge, "/checkip", method="DELETE")
    assert got.status == 405 and got.get("allow") == "GET, HEAD"


def test_a_connection_serves_many(edge):
    with Visitor(edge.http, "localhost", None) as v:
        for method, more, body in (("GET", "", b""), ("HEAD", "", b""), ("GET", "Content-Length: 5\r\n", b"hello"),
                                   ("GET", "Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n")):
            v.send(f"{method} /checkip HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode() + body)
            got = v.response(method)
            assert got.status == 200 and got.get("content-length") == "10"
            assert got.body == (b"" if method == "HEAD" else b"127.0.0.1\n")
        v.send("GET /checkip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert v.head().status == 100
        v.send("hi" + "GET /checkip HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)  # and what was sent ahead
        for _ in range(3):
            assert v.response().body == b"127.0.0.1\n"


def test_bodies_are_small(edge):
    assert ask(edge, "/checkip", headers="Content-Length: 8192\r\n", body="x" * 8192).status == 200
    assert ask(edge, "/checkip", headers="Content-Length: 8193\r\n").status == 413
    chunk = "1000\r\n" + "x" * 4096 + "\r\n"
    assert ask(edge, "/checkip", headers="Transfer-Encoding: chunked\r\n", body=3 * chunk).status == 413
    assert ask(edge, "/checkip", headers="Transfer-Encoding: chunked\r\n", body="5\r\nhelloworld").status == 400


def test_slow_bodies_are_cut_and_many_make_room(edge):
    """256 of them on a worker; who comes later is served all the same, and what never ends is ended."""
    socks = [socket.create_connection(edge.http, WAIT_S) for _ in range(600)]
    try:
        for s in socks:
            s.sendall(b"GET /checkip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell")
        assert ask(edge, "/checkip", headers="Content-Length: 5\r\n", body="hello").status == 200
        got = []

        def ended():
            for s in list(socks):
                s.setblocking(False)
                try:
                    got.append(s.recv(100)[9:12])
                    socks.remove(s)
                    s.close()
                except BlockingIOError:
                    pass
            return not socks
        until(ended, 6 * WAIT_S)
        assert set(got) == {b"503", b"408"} or SANITIZED, set(got)
    finally:
        for s in socks:
            s.close()


def test_a_stop_meanwhile(lab):
    """A body that is coming when the edge stops holds it no longer than any other visitor."""
    edge = lab.edge(config="limits: { drain_ms: 1000 }\n")
    s = socket.create_connection(edge.http, WAIT_S)
    s.sendall(b"GET /checkip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell")
    until(lambda: edge.status()["visitors"] == 1)
    edge.stop()
    s.close()
