# SPDX-License-Identifier: Apache-2.0
"""What a local server of HTTP/2 may do to the agent: early and late answers, resets, GOAWAY, nonsense."""
import socket
import threading

import pytest

from process import until

h2_origin = pytest.importorskip("h2_origin", reason="Python's h2 is missing: apt install python3-h2")
H2Origin = h2_origin.H2Origin

CANCEL, REFUSED, INTERNAL, NO_ERROR = 8, 7, 2, 0
POST = "POST /up HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def serve(lab, behave, **kw):
    edge = lab.edge()
    origin = lab.keep(H2Origin(behave, **kw))
    lab.agent(edge, "http", origin.address, "--name", "web")
    return edge, origin


def at_end(fn):
    return lambda call, when: fn(call) if when == "end" else None


def test_what_arrives(lab):
    """Names in lower case, pseudo-fields, trailers; nothing of a connection."""
    edge, origin = serve(lab, at_end(lambda c: c.answer(b"ok", fields=[("x-a", "b")], trailers=[("x-sum", "7")])))
    with edge.visitor() as v:
        v.send("POST /up?q HTTP/1.1\r\nHost: web.localhost\r\nX-Case: Y\r\nTE: trailers\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
               "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nHost: evil\r\n\r\n")
        m = v.response("POST")
    assert m.status == 200 and m.get("x-a") == "b" and m.body == b"ok" and m.trailers == [("x-sum", "7")]
    call = origin.calls[0]
    assert call.headers[:4] == [(":method", "POST"), (":scheme", "http"), (":authority", "web.localhost"), (":path", "/up?q")]
    names = [n for n, _ in call.headers]
    assert call.get("x-case") == "Y" and call.get("te") == "trailers" and call.get("x-forwarded-for") == "127.0.0.1"
    assert not {"connection", "host", "transfer-encoding", "x-hop"} & set(names), names
    assert call.body == b"abc" and call.trailers == [("x-t", "1")]


def test_both_directions_at_once(lab):
    """Each piece of the answer comes before the next of the request is sent."""
    def talk(call, when):
        if when == "head":
            call.answer(b"", end=False)
        elif when == "body":
            call.connection.h2.send_data(call.stream, call.body[::-1])
            call.body = b""
        else:
            call.connection.h2.end_stream(call.stream)
    edge, _ = serve(lab, talk)
    with edge.visitor() as v:
        v.send(POST)
        m = v.head()
        assert m.status == 200
        pieces = v.chunks(m)
        for i in range(50):
            piece = b"%05d" % i
            v.send(b"5\r\n%s\r\n" % piece)
            assert next(pieces) == piece[::-1]
        v.send("0\r\n\r\n")
        assert list(pieces) == []


def test_answer_before_the_request_is_whole(lab):
    """It reaches the visitor; the rest of the request is nobody's."""
    def early(call, when):
        if when == "head":
            call.answer(b"no", 403)
            if call.get(":method") == "POST":
                call.reset = NO_ERROR
                call.connection.h2.reset_stream(call.stream, NO_ERROR)
    edge, origin = serve(lab, early)
    with edge.visitor() as v:
        v.send(POST + "5\r\nhello\r\n")
        m = v.response("POST")
        assert m.status == 403 and m.body == b"no"
    assert edge.get().status == 403 and len(origin.connections) == 1


@pytest.mark.parametrize("code, status, error", [
    (CANCEL, 502, "origin-broke"), (INTERNAL, 502, "origin-broke"), (1, 502, "origin-broke"), (13, 502, "origin-broke"),
    (11, 503, "too-many-streams"),
])
def test_reset_instead_of_an_answer(lab, code, status, error):
    edge, origin = serve(lab, lambda call, when: call.connection.h2.reset_stream(call.stream, code) if when == "head" else None)
    m = edge.get()
    assert m.status == status and m.error == error
    assert len(origin.calls) == 1 and len(origin.connections) == 1


def test_reset_in_the_middle(lab):
    """The visitor sees that it is not whole."""
    def half(call, when):
        if when == "end":
            call.answer(b"half", end=False)
            call.connection.h2.reset_stream(call.stream, INTERNAL)
    edge, _ = serve(lab, half)
    with edge.visitor() as v:
        v.request("GET", "/")
        data = v.rest()
    assert not data.endswith(b"0\r\n\r\n")


def test_refused_streams_are_sent_once_more(lab):
    """The origin says that it has done nothing with it: safe for any method without a body."""
    def second(call, when):
        if when != "end":
            return
        if len(origin.calls) % 2 == 1:
            call.connection.h2.reset_stream(call.stream, REFUSED)
        else:
            call.answer(b"again")
    edge, origin = serve(lab, second)
    assert edge.get().body == b"again"
    with edge.visitor() as v:
        assert v.ask("POST", "/").body == b"again"
        v.send(POST + "5\r\nhello\r\n0\r\n\r\n")  # its bytes are gone
        m = v.response("POST")
        assert m.status == 503 and m.error == "too-many-streams" and m.get("retry-after")
    assert len(origin.calls) == 5


def test_goaway(lab):
    """What runs ends in order; what comes later takes another connection."""
    go = threading.Event()

    def behave(call, when):
        if when != "end":
            return
        if call.get(":path") == "/slow":
            c = call.connection
            c.h2.send_headers(call.stream, [(":status", "200")])
            c.h2.send_data(call.stream, b"begun,")
            c.sock.sendall(b"\0\0\x08\7\0\0\0\0\0" + call.stream.to_bytes(4, "big") + b"\0\0\0\0" + c.h2.data_to_send())

            def rest():
                go.wait(30)
                with c.lock:
                    c.h2.send_data(call.stream, b"done", end_stream=True)
                    c.flush()
            threading.Thread(target=rest, daemon=True).start()
        else:
            call.answer(b"other")
    edge, origin = serve(lab, behave)
    with edge.visitor() as slow:
        slow.request("GET", "/slow")
        m = slow.head()
        assert edge.get("/").body == b"other" and len(origin.connections) == 2
        go.set()
        assert b"".join(slow.chunks(m)) == b"begun,done"


def test_connection_that_breaks(lab):
    """A safe request on a connection that was used before is sent once more; an answer that has begun is cut."""
    def behave(call, when):
        if when == "end" and call.get(":path") == "/break" and call.connection.number == 0:
            call.connection.sock.shutdown(socket.SHUT_RDWR)
        elif when == "end":
            call.answer(b"%d" % call.connection.number)
    edge, origin = serve(lab, behave)
    assert edge.get().body == b"0"
    assert edge.get("/break").body == b"1"
    with edge.visitor() as v:
        assert v.ask("POST", "/x").body == b"1"


def test_few_streams_at_a_time(lab):
    """One at a time: others get connections of their own, and wait behind the sixteenth."""
    edge, origin = serve(lab, at_end(lambda c: c.answer(b"ok")), settings={3: 1})
    faults = []

    def visit():
        try:
            with edge.visitor() as v:
                for _ in range(10):
                    assert v.ask("GET", "/").body == b"ok"
        except Exception as e:
            faults.append(e)
    threads = [threading.Thread(target=visit) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not faults, faults[0]
    assert 1 <= len(origin.connections) <= 17


def test_visitor_who_goes_is_told_to_the_origin(lab):
    edge, origin = serve(lab, lambda call, when: None)
    with edge.visitor() as v:
        v.send(POST + "5\r\nhello\r\n")
        origin.wait(lambda: origin.calls and origin.calls[0].body == b"hello")
        v.sock.close()
    origin.wait(lambda: origin.calls[0].reset == CANCEL)


def test_origin_that_reads_nothing(lab):
    """The visitor is stopped after what fits on the way, and nobody else is."""
    def behave(call, when):
        if call.get(":path") == "/" and when == "end":
            call.answer(b"ok")
    edge, origin = serve(lab, behave, reads=False)
    with edge.visitor(rcvbuf=4096) as v:
        v.send("POST /up HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 100000000\r\n\r\n")
        v.sock.settimeout(2)
        sent = 0
        with pytest.raises(OSError):
            while True:
                sent += v.sock.send(b"x" * 65536)
        assert sent < 30 << 20
        assert edge.get().body == b"ok"
    origin.close()  # an edge that reads nothing of a visitor does not see that he has gone


def test_pings_are_answered(lab):
    def behave(call, when):
        if when == "end":
            call.connection.h2.ping(b"12345678")
            call.answer(b"ok")
    edge, origin = serve(lab, behave)
    assert edge.get().body == b"ok"
    origin.wait(lambda: origin.connections[0].pongs == 1)


@pytest.mark.slow
def test_a_connection_that_has_died(lab):
    """Nothing came for so long that one PING asks; no answer ends it, and the next request has a new one."""
    thaw = threading.Event()

    def behave(call, when):
        if when == "end" and call.get(":path") == "/freeze":
            thaw.wait(60)
        elif when == "end":
            call.answer(b"%d" % call.connection.number)
    edge = lab.edge()
    origin = lab.keep(H2Origin(behave))
    lab.agent(edge, "http", origin.address, "--name", "web", "--origin-silent", "8")
    assert edge.get().body == b"0"
    assert edge.get("/freeze").error == "origin-silent"
    assert edge.get().body == b"1"  # it waits until the PING has been given up, and is sent once more
    thaw.set()


@pytest.mark.parametrize("fields, error", [
    ([("x-a", "y" * 20000), ("x-b", "y" * 20000)], "origin-large-head"),
    ([(f"x-{i}", "y") for i in range(120)], "origin-large-head"),
])
def test_large_heads(lab, fields, error):
    edge, _ = serve(lab, at_end(lambda c: c.answer(b"ok", fields=fields)), settings={})
    m = edge.get()
    assert m.status == 502 and m.error == error


@pytest.mark.parametrize("nonsense", [b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\x63\0\0\0\0\0junk" * 3 + b"\0\0\5\0\0\0\0\0\0hello", b"\xff" * 100,
                                      b"\0\0\0\4\0\0\0\0\0\xff\xff\xff\1\4\0\0\0\1"])
def test_nonsense(lab, nonsense):
    """The connection ends, with a page for whoever waits; the agent lives."""
    edge = lab.edge()
    origin = lab.origin(connected=lambda c: (c.send(nonsense), c.rest()))
    agent = lab.agent(edge, "http", "h2c://" + origin.address, "--name", "web")
    for _ in range(3):
        assert edge.get().status in (502, 504)
    assert agent.alive()
    until(lambda: edge.status()["streams"] == 0)


def test_a_server_that_takes_no_head_is_there(lab):
    """The edge asks with HEAD, which servers of gRPC reset: people are told that the tunnel leads somewhere."""
    edge = lab.edge()
    origin = lab.keep(H2Origin(at_end(lambda c: c.answer(b"ok")), probe=lambda call: call.connection.h2.reset_stream(call.stream, 1)))
    agent = lab.agent(edge, "http", origin.address, "--name", "web")
    assert agent.up["probe"] == "ok" and agent.up["status"] == 405
    assert edge.get().body == b"ok"
