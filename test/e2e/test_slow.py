# SPDX-License-Identifier: Apache-2.0
"""Slow and absent-minded visitors: they wait at their own cost (S-14, S-15)."""
import socket
import ssl
import struct
import threading
import time

import pytest

from lab import SANITIZED
from origin import big, ok
from process import WAIT_S, until

MB = 1024  # in KiB
# A sanitizer's heap keeps what was freed and pads what was not; there the bound is only "no multiple of the load".
SLACK = 6 if SANITIZED else 1
FAST = "limits:\n  head_ms: 500\n  idle_ms: 500\n"


def ended(v, deadline_s):
    """The edge ends the connection by itself; returns after how long."""
    start = time.monotonic()
    v.sock.settimeout(deadline_s)
    v.rest()
    return time.monotonic() - start


def good_request_while(edge):
    """The worst of 50 good requests, in seconds."""
    worst = 0
    with edge.visitor() as v:
        for _ in range(50):
            start = time.monotonic()
            assert v.ask("GET", "/").status == 200
            worst = max(worst, time.monotonic() - start)
    return worst


def test_s14_slow_heads_are_cut(lab):
    """A byte now and then does not move the deadline."""
    edge = lab.edge(config=FAST)
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    for tls in (False, True):
        with edge.visitor(tls=tls) as v:
            start = time.monotonic()
            pause = threading.Event()
            try:
                for c in "GET / HTTP/1.1\r\nHost: web.localhost\r\nX: " + "y" * 200:
                    v.send(c)
                    pause.wait(0.02)
            except OSError:
                pass
            v.rest()
            assert time.monotonic() - start < 4
    assert not origin.requests


def test_s14_silence_is_cut(lab):
    """Nothing at all after the connect, after the handshake, and between two requests."""
    edge = lab.edge(config=FAST)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    for tls in (False, True):
        with edge.visitor(tls=tls) as v:
            assert ended(v, 5) < 4
        with edge.visitor(tls=tls) as v:
            assert v.ask("GET", "/").status == 200
            assert ended(v, 5) < 4


@pytest.mark.slow
def test_s14_tls_handshake_that_does_not_go_on(lab):
    """5 s for a ClientHello, whether nothing came, half of it, or the head of a long record; 10 s for the whole handshake."""
    edge = lab.edge()
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    hello = ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=edge.ca).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="web.localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    data = hello.read()
    start = time.monotonic()
    socks = [socket.create_connection(edge.https) for _ in range(4)]
    socks[1].sendall(data[:100])
    socks[2].sendall(data)
    socks[3].sendall(struct.pack("!BHH", 22, 0x0301, 16000))
    for s, least, most in ((socks[0], 4, 8), (socks[1], 4, 8), (socks[3], 4, 8), (socks[2], 9, 13)):
        s.settimeout(20)
        try:
            while s.recv(65536):
                pass
        except ConnectionResetError:
            pass
        assert least < time.monotonic() - start < most
        s.close()
    assert edge.get().status == 200


@pytest.mark.slow
def test_s14_slow_body_is_cut(lab):
    """Below 1 KiB a second after 10 s of grace: 408, and the origin's connection is let go."""
    edge, _, origin = lab.web()
    with edge.visitor(deadline_s=40) as v:
        v.send("POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 100000\r\n\r\n")
        start = time.monotonic()
        pause = threading.Event()
        got = b""
        try:
            while time.monotonic() - start < 35:
                v.send("x")
                pause.wait(0.5)
                v.sock.settimeout(0.01)
                try:
                    data = v.sock.recv(4096)
                    got += data
                    break
                except (TimeoutError, ssl.SSLWantReadError):
                    pass
                finally:
                    v.sock.settimeout(20)
        except OSError:
            pass
        took = time.monotonic() - start
        assert 8 < took < 25, took
        assert got == b"" or b" 408 " in got
    edge.nothing_left()
    origin.wait_no_connection()


def test_s14_a_thousand_slow_visitors_do_not_slow_a_good_one(lab):
    edge, _, _ = lab.web()
    good_request_while(edge)
    alone = good_request_while(edge)
    slow = []
    for i in range(1000):
        s = socket.create_connection(edge.http)
        s.sendall(b"GET / HTTP/1.1\r\nHost: web.localhost\r\nX-Slow: ")
        slow.append(s)
    until(lambda: edge.status()["visitors"] >= 1000, what="a thousand visitors")
    crowded = good_request_while(edge)
    for s in slow:
        s.close()
    assert crowded < max(10 * alone, 0.25), (alone, crowded)


def stalled(edge, n, path="/big"):
    """n visitors that ask for a large body and never read it."""
    out = []
    for _ in range(n):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(edge.http)
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: web.localhost\r\n\r\n".encode())
        out.append(s)
    return out


@pytest.mark.parametrize("n", [1, 1000])
def test_s15_slow_readers_cost_no_more_than_the_ceiling(lab, n):
    """Visitors that never read: memory of both ends stays below the printed ceiling, others are served as before."""
    size = 1 << 30
    edge, agent, origin = lab.web(lab.origin({"/": ok, "/big": big(size), "/fast": big(16 << 20)}))
    assert len(edge.get("/fast").body) == 16 << 20
    good_request_while(edge)
    start = time.monotonic()
    edge.get("/fast")
    alone = time.monotonic() - start
    before = edge.rss_kb(), agent.rss_kb()
    readers = stalled(edge, n)
    origin.wait_requests(2 + 50 + n, 60)
    settle(edge, agent)
    grown = edge.rss_kb() - before[0], agent.rss_kb() - before[1]
    start = time.monotonic()
    assert len(edge.get("/fast").body) == 16 << 20
    crowded = time.monotonic() - start
    assert good_request_while(edge) < 1.0
    for s in readers:
        s.close()
    # The ceiling of one link: its largest receive budget, plus what each visitor and stream costs by itself.
    ceiling = (40 * MB + n * 24) * SLACK
    assert grown[0] < ceiling, (grown, ceiling)
    assert grown[1] < (16 * MB + n * 40) * SLACK, grown
    assert crowded < max(8 * alone, 5.0), (alone, crowded)


def settle(*processes):
    """Until their memory does not grow any more."""
    last = [0]

    def quiet():
        now = [p.rss_kb() for p in processes]
        same = now == last[0]
        last[0] = now
        time_to_grow.wait(0.3)
        return same
    time_to_grow = threading.Event()
    until(quiet, 60, "memory comes to rest")


def test_s15_a_slow_origin_slows_the_uploader(lab):
    """Bytes that the origin does not take wait with their sender."""
    hold = threading.Event()

    def connected(c):
        c.head()
        hold.wait(6 * WAIT_S)
        total = 0
        while total < 64 << 20:
            total += len(c.take(len(c.buffer)))
            if total < 64 << 20:
                assert c.more()
        c.answer(b"all")

    edge, agent, _ = lab.web(lab.origin(connected=connected, rcvbuf=4096))
    before = edge.rss_kb(), agent.rss_kb()
    with edge.visitor(deadline_s=60) as v:
        v.send(f"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: {64 << 20}\r\n\r\n")
        v.sock.setblocking(False)
        sent = 0
        quiet_since = time.monotonic()
        block = b"u" * 65536
        pause = threading.Event()
        while time.monotonic() - quiet_since < 1.0:
            try:
                sent += v.sock.send(block[:min(len(block), (64 << 20) - sent)])
                quiet_since = time.monotonic()
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pause.wait(0.02)
        assert sent < 48 << 20  # it had to wait
        assert edge.rss_kb() - before[0] < 40 * MB * SLACK
        assert agent.rss_kb() - before[1] < 40 * MB * SLACK
        hold.set()
        v.sock.setblocking(True)
        v.sock.settimeout(60)
        # What was handed to TLS in part must be sent again as it was.
        while sent < 64 << 20:
            n = min(len(block), (64 << 20) - sent)
            v.sock.sendall(block[:n])
            sent += n
        assert v.response("POST").body == b"all"


def test_s25_a_bomb_passes_flat(lab):
    """Nothing is decompressed on the way: a compressed body is only bytes."""
    import gzip
    bomb = gzip.compress(b"\0" * (64 << 20))

    def behave(c, request):
        c.answer(bomb, headers=["Content-Encoding: gzip"])
    edge, agent, _ = lab.web(lab.origin(behave))
    edge.get()
    before = edge.rss_kb(), agent.rss_kb()
    m = edge.get(headers="Accept-Encoding: gzip\r\n")
    assert m.body == bomb and m.get("content-encoding") == "gzip"
    assert edge.rss_kb() - before[0] < 4 * MB * SLACK and agent.rss_kb() - before[1] < 4 * MB * SLACK


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_memory_comes_back(lab):
    """After a burst both programs hold about what they held before."""
    edge, agent, origin = lab.web(lab.origin({"/": ok, "/big": big(8 << 20)}))

    def burst():
        def one():
            with edge.visitor() as v:
                for _ in range(3):
                    assert len(v.ask("GET", "/big").body) == 8 << 20
        threads = [threading.Thread(target=one, daemon=True) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
    burst()
    edge.nothing_left()
    first = edge.rss_kb(), agent.rss_kb()
    for _ in range(3):
        burst()
    edge.nothing_left()
    now = edge.rss_kb(), agent.rss_kb()
    assert now[0] - first[0] < 4 * MB * SLACK and now[1] - first[1] < 4 * MB * SLACK, (first, now)
