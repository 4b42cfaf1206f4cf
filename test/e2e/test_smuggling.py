# SPDX-License-Identifier: Apache-2.0
"""S-08: a message that two readers could read differently is refused, and nothing of it reaches the origin."""
import os
import socket

import pytest

from conftest import ROOT
from http1 import Closed, Message
from origin import echo
from smuggling import load

PATH = os.path.join(ROOT, "test", "fixtures", "smuggling.txt")


@pytest.fixture(scope="module")
def web(shared_lab):
    return shared_lab.web(shared_lab.origin(echo))


def answers(v):
    """Status and error of every final response until the edge ends the connection."""
    got = []
    while True:
        try:
            m = v.head()
            if m.status >= 200:
                v.body_of(m)
                got.append((m.status, m.error))
        except Closed:
            return got


def send_and_end(v, data, bytewise):
    v.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for i in range(0, len(data), 1 if bytewise else len(data)):
            v.send(data[i:i + 1] if bytewise else data)
        v.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # refused before all was sent


def judge(vector, got, rows):
    """What is wrong with the answers to a vector, or None."""
    good, rest = got[:vector.good], got[vector.good:]
    if vector.row == "ok":
        refused = [g for g in got if g[1] in rows - {"bad-host"}]  # that one is about routing, too
        return f"refused with {refused}" if refused or not got else None
    if vector.row == "early-end":
        return None if len(got) <= vector.good + 1 else f"answered with {got}"
    if len(good) != vector.good or any(error for _, error in good):
        return f"the good requests before it were answered with {got}"
    if len(rest) != 1 or rest[0][1] != vector.row:
        return f"answered with {rest}"
    return None


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
def test_s08_smuggling_corpus(web, bytewise):
    edge, _, origin = web
    vectors = load(PATH, "web.localhost")
    assert len(vectors) > 100
    rows = {v.row for v in vectors} - {"ok"}
    faults = []
    for vector in vectors:
        if bytewise and len(vector.data) > 2000:
            continue
        n = len(origin.requests)
        with edge.visitor(tls=False) as v:
            send_and_end(v, vector.data, bytewise)
            fault = judge(vector, answers(v), rows)
        if fault:
            faults.append(f"{vector.name}: wanted {vector.row}; {fault}")
        edge.nothing_left() if vector.where == "body" else None
        seen = len(origin.requests) - n
        if vector.row != "ok" and seen != vector.good:
            raw = [r.raw_head for r in origin.requests[n:]]
            faults.append(f"{vector.name}: the origin saw {seen} whole requests, not {vector.good}: {raw}")
    assert not faults, "\n".join(faults)


# A message that is legal, though odd: it is seen by the origin as exactly one, with exactly this body.
LEGAL = [
    (b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    (b"POST / HTTP/1.1\r\nhost:web.localhost\r\ncontent-length:  5 \t\r\n\r\nhello", b"hello"),
    (b"POST / HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n005\r\nhello\r\n000\r\n\r\n", b"hello"),
    (b"POST / HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: CHUNKED\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 0\r\n\r\n", b""),
    (b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 33\r\n\r\nGET /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
     b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    (b"\r\nGET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n", b""),
    (b"OPTIONS * HTTP/1.1\r\nHost: web.localhost\r\n\r\n", b""),
    (b"PROPFIND / HTTP/1.1\r\nHost: web.localhost\r\nConnection: x-hop\r\nX-Hop: secret\r\n\r\n", b""),
]


@pytest.mark.parametrize("data,body", LEGAL, ids=[str(i) for i in range(len(LEGAL))])
def test_s08_legal_messages_are_seen_as_exactly_one(web, data, body):
    edge, _, origin = web
    n = len(origin.requests)
    with edge.visitor(tls=False) as v:
        v.send(data)
        m = v.response(data.lstrip().split(b" ")[0].decode())
        assert (m.status, m.body) == (200, body), m
        v.send("GET /marker HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert v.response().get("x-target") == "/marker"
    got = origin.requests[n:]
    assert len(got) == 2 and got[0].body == body and got[1].target == "/marker"
    assert not got[0].all("x-hop")


def test_s08_connection_is_closed_after_a_refusal(web):
    """What follows an ambiguous message in the same bytes is never read as a request."""
    edge, _, origin = web
    n = len(origin.requests)
    with edge.visitor(tls=False) as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
               "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        m = v.response("POST")
        assert m.status == 400 and m.get("connection") == "close", m
        assert v.at_end()
    assert len(origin.requests) == n


def test_s10_header_injection_through_the_host(web):
    edge, _, origin = web
    n = len(origin.requests)
    for bad in (b"web.localhost\rX: 1", b"web.localhost\nX: 1", b"web.localhost\0", b"web.localhost\tx", b"\xc3\xa9.localhost"):
        with edge.visitor(tls=False) as v:
            v.send(b"GET / HTTP/1.1\r\nHost: " + bad + b"\r\n\r\n")
            assert v.response().status == 400
    assert len(origin.requests) == n


def test_s08_origin_answers_twice(lab):
    """A second answer that nobody asked for is not the answer to the next request."""
    def twice(c, request):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
               b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
    edge, _, _ = lab.web(lab.origin(twice))
    with edge.visitor() as v:
        for _ in range(5):
            assert v.ask("GET", "/").body == b"first"


def test_s08_head_answer_with_a_body(lab):
    def liar(c, request):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + (b"body" if request.method == "GET" else b"BODY"))
    edge, _, _ = lab.web(lab.origin(liar))
    with edge.visitor() as v:
        for _ in range(3):
            assert v.ask("HEAD", "/").status == 200
            assert v.ask("GET", "/").body == b"body"


def test_reader_of_this_suite_insists():
    """The suite's own reader is strict, or its verdicts would be worth nothing."""
    for bad in (b"HTTP/1.1 200 OK\nA: b\r\n\r\n", b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n"):
        with pytest.raises(AssertionError):
            Message(bad)
