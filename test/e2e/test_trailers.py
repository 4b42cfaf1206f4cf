# SPDX-License-Identifier: Apache-2.0
"""Trailer fields, byte for byte, of visitors and of origins over HTTP/1.1: what passes, what is dropped, what is refused."""
import os
import shutil
import subprocess

import pytest

from hostile import DATA, FIN, SYN, TRAILERS, FakeAgent, FakeEdge, syn
from origin import chunked, echo, fixed, ok

POST = "POST /up HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n"
# What frames, routes, admits or names the visitor has no meaning behind a body.
FORBIDDEN = [
    "Content-Length: 5", "Transfer-Encoding: chunked", "Host: other.localhost", "Connection: close", "Keep-Alive: timeout=1",
    "TE: trailers", "Trailer: X", "Upgrade: websocket", "Proxy-Connection: close", "Proxy-Authorization: Basic YTpi",
    "Authorization: Basic YTpi", "Cookie: a=b", "Set-Cookie: a=b", "Content-Type: text/html", "Content-Encoding: gzip",
    "Content-Range: bytes 0-1/2", "Expect: 100-continue", "Range: bytes=0-1", "If-Match: *", "Max-Forwards: 1",
    "Cache-Control: no-cache", "Location: /", "Www-Authenticate: Basic", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1",
    "X-Real-IP: 10.0.0.1", "adit-request-id: x", "adit-error: x", "Content_Length: 5", "content_type: text/html",
]


def post(v, trailer, head="", body=b"abc"):
    v.send(POST + head + "\r\n")
    v.send(b"%x\r\n%s\r\n0\r\n" % (len(body), body) + trailer.encode("latin-1") + b"\r\n")
    return v.response("POST")


def test_trailers_of_an_answer(lab):
    """In their order, case and value; the fields of the head stay as they are."""
    trailer = "X-Sum:  1 2 \r\ngrpc-status: 0\r\nX-sum: zwei\r\nEmpty:\r\n"
    edge, _, _ = lab.web(lab.origin(chunked([b"one", b"two" * 9000], trailer)))
    with edge.visitor() as v:
        for _ in range(3):
            m = v.ask("GET", "/")
            assert m.body == b"one" + b"two" * 9000
            assert m.trailers == [("X-Sum", "1 2"), ("grpc-status", "0"), ("X-sum", "zwei"), ("Empty", "")]
            assert not m.all("x-sum")


def test_trailers_of_an_answer_without_a_body(lab):
    edge, _, _ = lab.web(lab.origin(chunked([], "A: 1\r\n")))
    m = edge.get()
    assert m.body == b"" and m.trailers == [("A", "1")]


def test_trailers_of_a_request(lab):
    edge, _, origin = lab.web(lab.origin(echo))
    with edge.visitor() as v:
        for body in (b"abc", b"d" * 100000):
            assert post(v, "X-Sum: 7\r\nB: \tx y\t\r\n", "Trailer: X-Sum, B\r\n", body).body == body
        assert v.ask("GET", "/again").status == 200
    assert [r.trailers for r in origin.requests] == [[("X-Sum", "7"), ("B", "x y")]] * 2 + [[]]
    assert [r.get("trailer") for r in origin.requests] == ["X-Sum, B"] * 2 + [None]


def test_trailers_of_a_request_without_a_body(lab):
    edge, _, origin = lab.web()
    with edge.visitor() as v:
        v.send(POST + "\r\n0\r\nA: 1\r\n\r\n")
        assert v.response("POST").status == 200
    assert origin.requests[0].trailers == [("A", "1")] and origin.requests[0].body == b""


@pytest.mark.parametrize("field", FORBIDDEN)
def test_s08_what_means_something_in_a_head_alone_is_dropped(shared_lab, field):
    lab = shared_lab
    if not hasattr(lab, "web_of_trailers"):
        lab.web_of_trailers = lab.web(lab.origin({"": echo}))
    edge, _, origin = lab.web_of_trailers
    origin.behave["/down"] = chunked([b"abc"], f"X-A: 1\r\n{field}\r\nX-B: 2\r\n")
    n = len(origin.requests)
    with edge.visitor() as v:
        assert post(v, f"X-A: 1\r\n{field}\r\nX-B: 2\r\n").body == b"abc"
        m = v.ask("GET", "/down")
        assert m.trailers == [("X-A", "1"), ("X-B", "2")] and m.body == b"abc"
        assert v.ask("GET", "/again").status == 200
    up, down, again = origin.requests[n:]
    assert up.trailers == [("X-A", "1"), ("X-B", "2")] and up.target == "/up"
    name = field.split(":")[0].lower()
    assert name in ("host", "x-forwarded-for", "forwarded", "adit-request-id", "transfer-encoding") or not up.all(name)
    assert up.get("host") == "web.localhost" and up.get("x-forwarded-for") == "127.0.0.1"
    assert again.target == "/again"


@pytest.mark.parametrize("trailer, error", [
    (" X: folded\r\n", "obs-fold"),
    ("X : 1\r\n", "bad-field-name"),
    (": 1\r\n", "bad-field-name"),
    ("X\r\n", "bad-line-ending"),
    ("X: a\nY: b\r\n", "bad-line-ending"),
    ("X: a\x00b\r\n", "bad-field-value"),
    ("X: a\rY: b\r\n", "bad-line-ending"),
    ("X: " + "x" * 9000 + "\r\n", "trailer-too-large"),
    ("X: 1\r\n" * 65, "trailer-too-large"),
])
def test_s08_malformed_trailers_of_a_request(lab, trailer, error):
    edge, _, origin = lab.web(lab.origin(echo))
    with edge.visitor() as v:
        m = post(v, trailer)
        assert m.error == error and m.status in (400, 431)
        assert v.at_end()
    assert edge.get().status == 200


@pytest.mark.parametrize("trailer", [" X: folded\r\n", "X: a\nY: b\r\n", "X: 1\r\n" * 65, "X: " + "x" * 9000 + "\r\n"])
def test_s08_malformed_trailers_of_an_answer(lab, trailer):
    """The answer has begun: the visitor sees that it is not whole."""
    edge, _, _ = lab.web(lab.origin({"/bad": chunked([b"abc"], trailer), "": ok}))
    with edge.visitor() as v:
        v.request("GET", "/bad")
        head = v.rest()
        assert not head.endswith(b"0\r\n\r\n") and b"X: " not in head
    assert edge.get().status == 200


def test_dropped_where_nothing_is_chunked(lab):
    """For HTTP/1.0, behind a length, behind no body."""
    edge, _, origin = lab.web(lab.origin({
        "/length": fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTrailer: A\r\n\r\nabc"),
        "/head": fixed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"),
        "": chunked([b"abc"], "A: 1\r\n")}))
    with edge.visitor() as v:
        v.send("GET / HTTP/1.0\r\nHost: web.localhost\r\n\r\n")
        m = v.response()
    assert m.body == b"abc" and m.trailers == [] and not m.all("trailer")
    m = edge.get("/length")
    assert m.body == b"abc" and not m.all("trailer")
    with edge.visitor() as v:
        v.send("HEAD /head HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert v.response("HEAD").trailers == []
        m = v.ask("GET", "/")
        assert m.body == b"abc" and m.trailers == [("A", "1")], m


@pytest.mark.parametrize("head, asked", [
    ("TE: trailers\r\n", ["trailers"]),
    ("TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n", ["trailers"]),
    ("TE: deflate\r\n", []),
    ("", []),
])
def test_te(lab, head, asked):
    """Nothing but trailers is passed on, and it is named in Connection (RFC 9110 10.1.4)."""
    edge, _, origin = lab.web()
    with edge.visitor() as v:
        v.send(f"GET / HTTP/1.1\r\nHost: web.localhost\r\n{head}\r\n")
        assert v.response().status == 200
    assert origin.requests[0].all("te") == asked
    assert origin.requests[0].all("connection") == (["TE"] if asked else [])


# --- what goes over the link ---

TUNNEL = {"id": 1, "kind": "http", "name": "fake"}


def fake_agent(edge, policy=None, **more):
    link = FakeAgent(edge, hello=False)
    tunnel = {**TUNNEL, "policy": policy} if policy else TUNNEL
    link.control(type="hello", protocol=1, agent="fake/1", token=link.token, tunnels=[tunnel], **more)
    assert link.wait_control("welcome")["trailers"] is True
    return link


def send_fake(v):
    v.send(POST.replace("web.", "fake.") + "TE: trailers\r\nTrailer: A\r\n\r\n3\r\nabc\r\n0\r\nA: 1\r\nHost: x\r\n\r\n")


def message(link):
    """Frames of a stream up to its end: its number, its DATA without the opening, its trailers."""
    _, flags, stream, payload = link.wait(DATA)
    data, trailers = payload[10 + int.from_bytes(payload[8:10], "big"):], None
    while not flags & FIN:
        kind, flags, of, payload = link.take_frame()
        assert of in (stream, 0)
        if kind == DATA:
            data += payload
        elif kind == TRAILERS:
            trailers = payload
    return stream, data, trailers


def test_frame_of_an_agent_that_understands(lab):
    edge = lab.edge()
    with fake_agent(edge, trailers=True) as link, edge.visitor("fake.localhost") as v:
        send_fake(v)
        stream, data, trailers = message(link)
        assert data.endswith(b"\r\n\r\nabc") and trailers == b"A: 1\r\n"
        assert b"\r\nTE: trailers\r\n" in data and b"\r\nTrailer: A\r\n" in data
        link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\n\r\nabc")
        link.put(TRAILERS, FIN, stream, b"Content-Length: 7\r\nB: 2\r\nadit-error: x\r\nTransfer-Encoding: chunked\r\n")
        m = v.response("POST")
        assert m.body == b"abc" and m.trailers == [("B", "2")]
        send_fake(v)  # behind a head alone, and the connection is in step
        stream, _, _ = message(link)
        link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\n\r\n")
        link.put(TRAILERS, FIN, stream, b"B: 2\r\n")
        assert v.response("POST").trailers == [("B", "2")]


def test_what_a_route_removes_from_heads_it_removes_here(lab):
    edge = lab.edge()
    rules = {"request_headers": {"remove": ["A"]}, "response_headers": {"remove": ["X-Inner"], "set": {"X-Own": "1"}}}
    with fake_agent(edge, rules, trailers=True) as link, edge.visitor("fake.localhost") as v:
        v.send(POST.replace("web.", "fake.") + "\r\n3\r\nabc\r\n0\r\na: 1\r\nB: 2\r\n\r\n")
        stream, _, trailers = message(link)
        assert trailers == b"B: 2\r\n"
        link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\n\r\nabc")
        link.put(TRAILERS, FIN, stream, b"x-inner: 1\r\nx-own: 2\r\nC: 3\r\n")
        m = v.response("POST")
        assert m.trailers == [("C", "3")] and m.get("x-own") == "1"


def test_an_older_agent_gets_none(lab):
    edge = lab.edge()
    with fake_agent(edge) as link, edge.visitor("fake.localhost") as v:
        send_fake(v)
        stream, data, trailers = message(link)
        assert data.endswith(b"\r\n\r\nabc") and trailers is None
        assert b"\r\nTE:" not in data and b"\r\nTrailer:" not in data
        link.put(DATA, FIN, stream, b"HTTP/1.1 200 OK\r\n\r\nabc")
        assert v.response("POST").body == b"abc"


@pytest.mark.parametrize("lines", [b"A: 1\n", b"A: 1\r\n\r\nGET / HTTP/1.1\r\n", b"A: 1\r\n 2\r\n", b"A\r\n", b"A: \0\r\n", b"A: 1\r\n" * 65])
def test_s08_an_agent_is_not_believed(lab, lines):
    """Its stream ends, the visitor sees that the answer is not whole, the link goes on."""
    edge = lab.edge()
    with fake_agent(edge, trailers=True) as link:
        with edge.visitor("fake.localhost") as v:
            send_fake(v)
            stream, _, _ = message(link)
            link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\n\r\nabc")
            link.put(TRAILERS, FIN, stream, lines)
            assert not v.rest().endswith(b"0\r\n\r\n")
        with edge.visitor("fake.localhost") as v:
            send_fake(v)
            stream, _, _ = message(link)
            link.put(DATA, FIN, stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert v.response("POST").body == b"ok"


@pytest.mark.parametrize("n, code", [(16, 200), (17, 502)])
def test_interim_heads_of_an_agent_are_counted(lab, n, code):
    """An agent counts them itself; one that does not would fill what HTTP/2 has no window for."""
    edge = lab.edge()
    with fake_agent(edge, trailers=True) as link:
        with edge.visitor("fake.localhost") as v:
            send_fake(v)
            stream, _, _ = message(link)
            link.put(DATA, 0, stream, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * n)
            link.put(DATA, FIN, stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            interim = []
            assert v.response("POST", interim=interim).status == code
            assert [m.status for m in interim] == [103] * 16


@pytest.mark.parametrize("understands", [True, False])
def test_what_an_agent_tells_an_edge(lab, understands):
    edge = lab.edge()
    fake = lab.keep(FakeEdge(edge.folder))
    origin = lab.origin(chunked([b"abc"], "A: 1\r\n"))
    lab.agent(edge, "http", origin.address, "--name", "web", "--edge", fake.address, up=False)
    link = fake.accept()
    assert link.hello["trailers"] is True
    link.control(type="welcome", protocol=1, edge="fake/1", account="a", generation=1, trailers=understands,
                 tunnels=[{"id": 1, "name": "web", "url": "https://web.localhost"}])
    stream, head = 1, b"POST /x HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
    link.put(DATA, SYN, stream, (65536).to_bytes(4, "big") + syn(1, head + b"body")[4:])
    if understands:
        link.put(TRAILERS, FIN, stream, b"B: 2\r\nHost: evil\r\n")
    else:
        link.put(DATA, FIN, stream)
    data, flags, trailers = b"", 0, None
    while not flags & FIN:
        kind, flags, _, payload = link.take_frame()
        data, trailers = (data + payload, None) if kind == DATA else (data, payload if kind == TRAILERS else None)
    assert data.endswith(b"\r\n\r\nabc") and trailers == (b"A: 1\r\n" if understands else None)
    assert origin.requests[0].body == b"body"
    assert origin.requests[0].trailers == ([("B", "2")] if understands else [])


def test_trailers_wait_for_credit(lab):
    """More than the visitor has room for stands before them; nothing is lost."""
    big = [b"x" * 16384] * 200
    edge, _, _ = lab.web(lab.origin(chunked(big, "A: " + "y" * 8000 + "\r\n")))
    with edge.visitor(rcvbuf=4096) as v:
        v.request("GET", "/")
        m = v.response()
        assert len(m.body) == 16384 * 200 and m.trailers == [("A", "y" * 8000)]


def test_the_inbox_stores_none(lab):
    """What is stored is a request with a length; it is delivered without trailers, and does not ask for any."""
    edge = lab.edge()
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web", "--store", "--unsigned")
    with edge.visitor() as v:
        m = post(v, "A: 1\r\nHost: evil\r\n", "TE: trailers\r\nTrailer: A\r\n")
        assert m.status < 300, m
    r = origin.wait_requests(1)[0]
    assert r.body == b"abc" and r.trailers == [] and not r.all("te") and not r.all("trailer") and r.get("host") == "web.localhost"


@pytest.mark.skipif(not shutil.which("nghttp"), reason="nghttp is missing: apt install nghttp2-client")
def test_a_visitor_of_http_2(lab):
    """His trailers reach a local server of HTTP/1.1, and its own reach him; what is forbidden goes neither way."""
    edge, _, origin = lab.web(lab.origin(chunked([b"abc"], "X-Sum: 7\r\nSet-Cookie: a=b\r\n")))
    body = os.path.join(lab.folder, "body")
    with open(body, "w") as f:
        f.write("hello")
    said = subprocess.run(["nghttp", "-v", "-d", body, "--no-content-length", "--trailer", "x-t: 1", "--trailer", "authorization: x",
                           "-H", "te: trailers", "-H", ":authority: web.localhost", f"https://127.0.0.1:{edge.https[1]}/up"],
                          capture_output=True, text=True, timeout=30).stdout
    assert ":status: 200" in said and "x-sum: 7" in said and "set-cookie" not in said, said[-2000:]
    r = origin.requests[0]
    assert r.body == b"hello" and r.trailers == [("x-t", "1")] and r.get("te") == "trailers"
