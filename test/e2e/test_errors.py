# SPDX-License-Identifier: Apache-2.0
"""Answers people can act on: what is wrong, whose fault it is, what to do."""
import json

import pytest

from lab import refusing_address
from origin import chunked, fixed, ok, raw_then_close, silent


def expect(m, status, error, retry_after=False):
    assert (m.status, m.error) == (status, error), m
    assert m.get("adit-request-id"), m
    assert (m.get("retry-after") is not None) == retry_after, m
    assert m.get("cache-control") == "no-store", m
    assert len(m.body) > 40, m
    return m


def test_unknown_name_404(lab):
    edge = lab.edge()
    expect(edge.get(host="nobody.localhost"), 404, "unknown-name")
    expect(edge.get(host="localhost"), 404, "unknown-name")
    expect(edge.get(host="a.b.localhost", tls=False), 404, "unknown-name")
    expect(edge.get(host="example.org", tls=False), 404, "unknown-name")


def test_agent_away_503_and_back(lab):
    edge, agent, origin = lab.web()
    assert edge.get().body == b"ok"
    agent.stop()
    expect(edge.get(), 503, "agent-away", retry_after=True)
    lab.agent(edge, "http", origin.address, "--name", "web")
    assert edge.get().body == b"ok"


def test_released_name_410(lab):
    edge, agent, origin = lab.web()
    agent.stop()
    edge.ctl("name", "release", "web")
    expect(edge.get(), 410, "released-name")
    token, _ = edge.new_token("stranger")
    late = lab.agent(edge, "http", origin.address, "--name", "web", up=False, token=token)
    assert late.wait_event("refused")["code"] == "name-released"
    late.exits(3)
    expect(edge.get(), 410, "released-name")


def test_released_name_of_a_living_agent_stops_at_once(lab):
    edge, agent, _ = lab.web()
    assert edge.get().status == 200
    edge.ctl("name", "release", "web")
    expect(edge.get(), 410, "released-name")
    agent.kill()  # or it has left by itself, since it serves nothing any more


def test_origin_refused_502(lab):
    address, keeper = refusing_address()
    lab.keep(keeper)
    edge = lab.edge()
    lab.agent(edge, "http", address, "--name", "web")
    expect(edge.get(), 502, "origin-refused", retry_after=True)
    with edge.visitor() as v:  # a body under way changes nothing
        expect(v.ask("POST", "/", b"x" * 100000), 502, "origin-refused", retry_after=True)


def test_origin_socket_missing_502(lab):
    edge = lab.edge()
    lab.agent(edge, "http", f"unix:{lab.folder}/nothing.sock", "--name", "web")
    expect(edge.get(), 502, "origin-refused", retry_after=True)


@pytest.mark.slow
def test_origin_silent_504(lab):
    edge, _, _ = lab.web(lab.origin(silent))
    expect(edge.get(deadline_s=90), 504, "origin-silent")


@pytest.mark.parametrize("raw", [
    b"", b"HTTP/1.1 200 OK\r\nContent-", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\nX: 1\n\n",
    b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46",
], ids=repr)
def test_origin_broke_502(shared_lab, raw):
    origin = shared_lab.origin(raw_then_close(raw))
    edge = getattr(shared_lab, "one_edge", None) or shared_lab.edge()
    shared_lab.one_edge = edge
    agent = shared_lab.agent(edge, "http", origin.address, "--name", "broken")
    try:
        m = edge.get(host="broken.localhost")
        assert m.status == 502 and m.error in ("origin-broke", "origin-bad-response", "origin-tls"), m
    finally:
        agent.stop()


def test_origin_closes_within_the_body(lab):
    """What was promised and did not come is not made up: the visitor sees that the answer is cut."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500
    edge, _, origin = lab.web(lab.origin(raw_then_close(cut)))
    with edge.visitor() as v:
        v.request("GET", "/")
        m = v.head()
        assert m.status == 502 or m.status == 200 and len(v.rest()) < 1000, m


def test_origin_closes_within_a_chunk(lab):
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 50
    edge, _, _ = lab.web(lab.origin(raw_then_close(cut)))
    with edge.visitor() as v:
        v.request("GET", "/")
        m = v.head()
        assert m.status == 502 or m.status == 200 and not v.rest().endswith(b"0\r\n\r\n"), m


def test_too_large(lab):
    edge = lab.edge(config="limits:\n  body_bytes: 1000\n")
    origin = lab.origin(ok)
    lab.agent(edge, "http", origin.address, "--name", "web")
    with edge.visitor() as v:
        assert v.ask("POST", "/", b"x" * 1000).status == 200
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 1001\r\n\r\n")
        expect(v.response("POST"), 413, "body-too-large")
    with edge.visitor() as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        v.send("3e8\r\n" + "x" * 1000 + "\r\n1\r\n")
        expect(v.response("POST"), 413, "body-too-large")
    with edge.visitor() as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        v.send("3e7\r\n" + "x" * 999 + "\r\n1\r\nx\r\n0\r\n\r\n")
        assert v.response("POST").status == 200
    with edge.visitor() as v:
        v.send("GET / HTTP/1.1\r\nHost: web.localhost\r\nX: " + "y" * 40000 + "\r\n\r\n")
        assert v.response().status == 431
    with edge.visitor() as v:
        v.send("GET / HTTP/1.1\r\nHost: web.localhost\r\n" + "A: b\r\n" * 101 + "\r\n")
        assert v.response().status == 431
    with edge.visitor() as v:
        v.send("GET /" + "y" * 9000 + " HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert v.response().status == 414
    edge.nothing_left()
    assert sum(len(r.body) for r in origin.requests) == 2000


def test_body_of_an_error_by_accept(lab):
    edge = lab.edge()
    page = edge.get(host="no.localhost", headers="Accept: text/html,*/*;q=0.8\r\n")
    assert page.get("content-type").startswith("text/html") and b"<html" in page.body.lower()
    data = edge.get(host="no.localhost", headers="Accept: application/json\r\n")
    assert data.get("content-type").startswith("application/json")
    assert json.loads(data.body)["error"] == "unknown-name"
    plain = edge.get(host="no.localhost", headers="Accept: */*\r\nUser-Agent: curl/8\r\n")
    assert plain.get("content-type").startswith("text/plain")
    assert b"unknown-name" in plain.body or b"No tunnel" in plain.body
    with edge.visitor(host="no.localhost") as v:
        m = v.ask("HEAD", "/")
        assert m.status == 404 and m.error == "unknown-name" and m.body == b""


def test_error_pages_escape_what_they_show(lab):
    edge = lab.edge()
    with edge.visitor(host="x.localhost", tls=False) as v:
        v.send("GET /<script>alert(1)</script> HTTP/1.1\r\nHost: x.localhost\r\nAccept: text/html\r\n\r\n")
        m = v.response()
    assert b"<script>alert" not in m.body


def test_a_connection_lives_on_after_an_error(lab):
    address, keeper = refusing_address()
    lab.keep(keeper)
    edge = lab.edge()
    lab.agent(edge, "http", address, "--name", "web")
    with edge.visitor() as v:
        for _ in range(3):
            expect(v.ask("GET", "/"), 502, "origin-refused", retry_after=True)


def test_request_id_is_the_same_on_both_ends(lab):
    edge, _, origin = lab.web(lab.origin(chunked([b"x"])))
    m = edge.get()
    request = origin.requests[0]
    assert m.get("adit-request-id") == request.get("X-Request-ID") or m.get("adit-request-id") == request.get("adit-request-id")


def test_silent_origin_and_a_visitor_that_gives_up(lab):
    """Who goes away takes his exchange along: nothing waits for an answer that nobody wants."""
    edge, _, origin = lab.web(lab.origin(silent))
    with edge.visitor() as v:
        v.request("GET", "/")
        origin.wait_requests(1)
    edge.nothing_left()
    origin.wait_no_connection()


def test_answer_without_reason_phrase(lab):
    edge, _, _ = lab.web(lab.origin(fixed(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok")))
    assert edge.get().body == b"ok"
