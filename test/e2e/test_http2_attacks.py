# SPDX-License-Identifier: Apache-2.0
"""
What is known of attacks on HTTP/2, on a real edge while somebody else is served. That each guard lets the attack through when its limit
is raised is shown in test/unit/h2/h2_test.c, with virtual time; here a tenth of each is nothing.
"""
import contextlib
import os
import struct
import time

import pytest

import origin as behave
from process import WAIT_S, until
from test_bounds import Others

pytest.importorskip("hpack", reason="no hpack: apt-get install python3-h2")
from http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS,  # noqa: E402
                   WINDOW_UPDATE, Client)


def rapid_reset(c):
    stream, made = c.request(send=False)
    return made + c.made(RST_STREAM, 0, stream, struct.pack("!I", 8))


def large_update(c):
    stream, made = c.request(method="POST", ends=False, send=False)
    return made + c.made(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")


def too_much_body(c):
    stream, made = c.request(method="POST", fields=[("content-length", "1")], ends=False, send=False)
    return made + c.made(DATA, 0, stream, b"xx")


def malformed(c):
    return c.request(fields=[("connection", "close")], send=False)[1]


ATTACKS = {
    "rapid reset": (300, rapid_reset),
    "made you reset: window": (300, large_update),
    "made you reset: body": (300, too_much_body),
    "made you reset: head": (300, malformed),
    "settings": (1500, lambda c: c.made(SETTINGS, 0, 0)),
    "ping": (3000, lambda c: c.made(PING, 0, 0, b"12345678")),
    "priority": (3000, lambda c: c.made(PRIORITY, 0, 1, b"\0\0\0\0\1")),
    "window updates of one octet": (3000, lambda c: c.made(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
    "empty data": (1500, lambda c: c.made(DATA, 0, 1)),
    "frames of an unknown type": (1500, lambda c: c.made(0x7e, 0, 0, b"x")),
}


def strike(edge, kind, part=1):
    """As much of it at once as the connection takes; how it ended."""
    times, one = ATTACKS[kind]
    with Client(edge) as c:
        c.request(method="POST", ends=False)  # stream 1, for what needs one that lives
        with contextlib.suppress(OSError):
            c.send(b"".join(one(c) for _ in range(times // part)))
        if part == 1:
            return c.until_goaway()
        stream = c.request()
        return c.status(stream), c.goaway


def test_floods_end_the_connection_and_hurt_nobody(lab):
    others = Others(lab, "workers: 1\n")
    for kind in ATTACKS:
        with others.served(kind):
            for _ in range(5):
                assert strike(others.edge, kind) in (ENHANCE_YOUR_CALM, None), kind
        assert others.peak - others.before < 48 << 10, (kind, others.before, others.peak)
        assert strike(others.edge, kind, 10) == (200, None), kind


def test_continuation_without_an_end(lab):
    edge, _, _ = lab.web()
    with Client(edge) as c:
        c.frame(HEADERS, END_STREAM, 1, c.encoder.encode([(":method", "GET")]))
        with contextlib.suppress(OSError):
            for _ in range(1000):
                c.frame(CONTINUATION, 0, 1)
        assert c.until_goaway() in (None, ENHANCE_YOUR_CALM)
    assert edge.get("/").status == 200


def test_hpack_bombs_cost_nothing(lab):
    """CVE-2026-49975: a field of 4 KB in the table, and an octet for each time it is meant."""
    edge, _, origin = lab.web()
    before = edge.rss_kb()
    with Client(edge) as c:
        bomb = [("x-big", "y" * 3000)] * 5000
        assert c.status(c.request(fields=bomb[:5])) == 200
        assert c.status(c.request(fields=bomb)) == 431
        with contextlib.suppress(OSError):
            c.request(fields=bomb)
        assert c.until_goaway() == ENHANCE_YOUR_CALM
    with Client(edge) as c:
        assert c.status(c.request(fields=[("cookie", "a")] * 95)) == 200
        assert origin.requests[-1].get("cookie") == "; ".join(["a"] * 95)
        assert c.status(c.request(fields=[("cookie", "a")] * 101)) == 431
    assert edge.rss_kb() - before < 8 << 10


def test_a_thousand_stalled_streams(lab):
    """Ten connections of a hundred streams each, of which nobody reads the answers: 10 MB each, were they read."""
    others = Others(lab, "workers: 1\n")
    origin = lab.origin(behave.big(10_000_000))
    lab.agent(others.edge, "http", origin.address, "--name", "fake")
    with contextlib.ExitStack() as stack, others.served("a thousand streams whose answers nobody reads"):
        clients = [stack.enter_context(Client(others.edge, "fake.localhost", settings=[(4, 0)])) for _ in range(10)]
        for c in clients:
            c.send(b"".join(c.request(send=False)[1] for _ in range(100)))
        until(lambda: others.edge.status()["streams"] >= 1000, 12 * WAIT_S)
    # A window of the link each, two chunks here, and what stands in between.
    assert others.peak - others.before < 300 << 10, (others.before, others.peak)


@pytest.mark.slow
def test_readers_of_an_octet_lose_their_streams(lab):
    edge, _, _ = lab.web(lab.origin(behave.big(1_000_000)))
    with Client(edge, settings=[(4, 0)], deadline_s=100) as c:
        slow, dead = c.request(), c.request()
        started = time.monotonic()
        while slow not in c.resets or dead not in c.resets:
            c.frame(WINDOW_UPDATE, 0, slow, b"\0\0\0\1")
            c.sock.settimeout(1)
            with contextlib.suppress(TimeoutError):
                while c.take() is not None:
                    pass
            assert time.monotonic() - started < 90
        assert set(c.resets.values()) == {ENHANCE_YOUR_CALM} and time.monotonic() - started > 55


def test_half_a_request_is_not_passed_off_as_whole(lab):
    """Without an end in order the origin sees a broken connection, never a shorter message."""
    edge, _, origin = lab.web()
    for how in ("reset", "gone"):
        before = len(origin.requests)
        with Client(edge) as c:
            stream = c.request(method="POST", ends=False)
            c.frame(DATA, 0, stream, os.urandom(5000))
            if how == "reset":
                c.frame(RST_STREAM, 0, stream, struct.pack("!I", 8))
        until(lambda: edge.status()["streams"] == 0)
        assert len(origin.requests) == before
    origin.faults.clear()  # each of the two was cut there


def test_head_and_trailers_are_judged_as_those_of_http_1(lab):
    edge, _, origin = lab.web()
    with Client(edge) as c:
        # What nghttp2 refuses by itself has no answer but the reset of its stream.
        for fields, kw, want in (([("host", "other.localhost")], {}, 400), ([("content-length", "1x")], {"ends": False}, "reset"),
                                 ([], {"path": "/a b"}, "reset"), ([], {"path": "/a#b"}, 400), ([], {"host": "u@web.localhost"}, 400),
                                 ([("expect", "200-ok")], {}, 417), ([("authorization", "a"), ("authorization", "b")], {}, 400)):
            stream = c.request(fields=fields, **kw)
            c.wait([stream])
            assert (c.resets.get(stream) == 1 and "reset" or c.status(stream)) == want, (fields, kw)
        assert c.status(c.request(fields=[("host", "web.localhost")])) == 200
        stream = c.request(method="POST", ends=False)
        c.frame(DATA, 0, stream, b"abc")
        c.frame(HEADERS, END_HEADERS | END_STREAM, stream, c.encoder.encode([("x-sum", "7")]))
        assert c.status(stream) == 200
    assert origin.requests[-1].body == b"abc"


def test_a_request_and_bad_trailers_at_once(lab):
    edge, _, _ = lab.web()
    for bad in ((b"a", b" x"), (b"A", b"x"), (b":path", b"/"), (b"a", b"x\0")):
        with Client(edge) as c:
            stream, made = c.request(method="POST", ends=False, send=False)
            block = b"\0" + bytes([len(bad[0])]) + bad[0] + bytes([len(bad[1])]) + bad[1]
            c.send(made + c.made(DATA, 0, stream, b"abc") + c.made(HEADERS, END_HEADERS | END_STREAM, stream, block))
            assert c.wait([stream]).resets.get(stream) == 1 or c.goaway, bad
    assert edge.get("/").status == 200


def test_odd_methods_and_early_answers(lab):
    edge, _, _ = lab.web()
    with Client(edge) as c:
        c.next_id += 2
        c.frame(HEADERS, END_HEADERS, c.next_id, c.encoder.encode([(":method", "CONNECT"), (":authority", "web.localhost:443")]))
        assert c.status(c.next_id) == 501
        assert c.status(c.request("*", "OPTIONS")) == 200
        assert c.status(c.request("/", "TRACE", fields=[("max-forwards", "0")])) == 200
        head = c.request("/", "HEAD")
        assert c.status(head) == 200 and head not in c.body
        # The answer comes before the body does, of which nothing more is wanted then.
        early = c.request(method="POST", ends=False, fields=[("content-length", "50000000")], host="none.localhost")
        assert c.status(early) == 421
        while early not in c.resets:
            c.take()
        assert c.resets[early] == 0
        c.frame(DATA, 0, early, b"x" * 1000)  # on its way already
        assert c.status(c.request()) == 200
