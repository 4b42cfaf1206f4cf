# SPDX-License-Identifier: Apache-2.0
"""Bounds: a stranger or a token holder pushes each limit to its end, while another account's visitor and webhook are served.

What is pushed stands in `PUSHED` by the names of `aditd -T`; what nobody from outside can push stands in `INSIDE` with the reason.
"""
import contextlib
import resource
import socket
import ssl
import struct
import threading
import time

import pytest
from hostile import CONTROL, FakeAgent
from lab import SANITIZED
from process import WAIT_S, until

HOOK = "/hook"
N_ADDRESSES = 200


def descriptors(n):
    """So many sockets for this process, and for the edge; skips where the system gives fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * n + 1000:
        pytest.skip(f"{hard} descriptors are too few")
    if soft < n + 1000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def address(i):
    """One of N_ADDRESSES, in eight networks."""
    return f"127.7.{i % 8}.{1 + i // 8 % (N_ADDRESSES // 8)}"


class Others:
    """bob, his visitor and his webhooks, served all the time; each must go well, with a deadline that a loaded machine keeps."""

    def __init__(self, lab, config=""):
        self.edge, self.origin = lab.edge(config=config), lab.origin()
        self.token, _ = self.edge.new_token("bob")
        self.lab = lab
        lab.agent(self.edge, "http", self.origin.address, "--name", "web", token=self.token)
        lab.agent(self.edge, "http", self.origin.address, "--name", "mine", "--store", token=self.token)
        for name in ("web", "mine"):
            self.edge.wait_up(name)
        self.took, self.faults, self.stop = [], [], threading.Event()
        self.serve()

    def serve(self):
        """One of each."""
        for name, method, want in (("web", "GET", 200), ("mine", "POST", 202)):
            start = time.monotonic()
            try:
                with self.edge.visitor(f"{name}.localhost", deadline_s=6 * WAIT_S) as v:
                    got = v.ask(method, HOOK, b"x" * 1000 if method == "POST" else b"").status
            except Exception as e:
                got = repr(e)
            self.took.append(time.monotonic() - start)
            if got != want:
                self.faults.append((name, got))

    @contextlib.contextmanager
    def served(self, what):
        """bob is served while this goes on, and at the end once more; memory comes back."""
        before, peak = self.edge.rss_kb(), []
        self.took.clear()
        self.stop.clear()

        def work():
            while not self.stop.is_set():
                self.serve()
                peak.append(self.edge.rss_kb())
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
            n = len(peak)
            until(lambda: len(peak) > n + 1 or self.faults, 12 * WAIT_S, "bob is served")
        finally:
            self.stop.set()
            thread.join(20 * WAIT_S)
        took = sorted(self.took)
        print(f"\n{what}: {len(took)} served, p50 {1e3 * took[len(took) // 2]:.0f} ms, p95 {1e3 * took[len(took) * 95 // 100]:.0f} ms, "
              f"memory {before} -> {max(peak)} KiB")
        assert not self.faults, self.faults[:5]
        self.before, self.peak = before, max(peak)

    def memory_comes_back(self):
        """Nine tenths of what was taken, and a little for what a first use makes."""
        if SANITIZED:
            return  # a sanitizer keeps what was freed
        allowed = self.before + (self.peak - self.before) // 10 + 6 * 1024
        until(lambda: self.edge.rss_kb() <= allowed, 6 * WAIT_S, f"memory comes back to {allowed} of {self.peak} KiB")

    def new_link(self):
        """A new agent of bob's is let in."""
        agent = FakeAgent(self.edge, [{"id": 1, "kind": "http", "name": "fake"}], token=self.token)
        assert "error" not in agent.wait_control("welcome")["tunnels"][0]
        agent.close()


def connect(edge, i, data=b""):
    s = socket.create_connection(edge.https, timeout=4 * WAIT_S, source_address=(address(i), 0))
    if data:
        s.sendall(data)
    return s


def client_hello(edge, alpn):
    out, context = ssl.MemoryBIO(), ssl.create_default_context(cafile=edge.ca)
    context.set_alpn_protocols([alpn])
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="web.localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def shaken(edge, alpn, n, each=lambda i, s: None):
    """So many TLS connections; some may have made room for later ones already."""
    context, socks = ssl.create_default_context(cafile=edge.ca), []
    context.set_alpn_protocols([alpn])
    for i in range(n):
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            socks.append(context.wrap_socket(connect(edge, i), server_hostname="localhost" if alpn == "adit/1" else "web.localhost"))
            each(i, socks[-1])
    return socks


def gone(socks):
    """How many of them the edge has closed."""
    n = 0
    for s in socks:
        s.setblocking(False)
        try:
            n += s.recv(65536) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            n += 1
    return n


@pytest.mark.parametrize("first", (b"", b"\x16", b"\x16\x03\x01\x02\x00" + b"x" * 100), ids=("nothing", "a byte", "half a hello"))
def test_silent_connections_lock_nobody_out(lab, first):
    """4,096 of them locked out every new visitor and link for ten seconds."""
    descriptors(9000)
    others = Others(lab)
    with others.served("silent"):
        socks = [connect(others.edge, i, first) for i in range(9000)]
        until(lambda: gone(socks[:800]) > 0)  # the oldest made room
        others.new_link()
    for s in socks:
        s.close()
    others.memory_comes_back()


def test_silent_connections_of_one_address_are_few(lab):
    descriptors(2000)
    others = Others(lab)
    socks = [connect(others.edge, 0) for _ in range(700)]
    until(lambda: gone(socks) >= 180)
    assert gone(socks[-100:]) == 0  # the newest stay
    for s in socks:
        s.close()


@pytest.mark.parametrize("alpn,n", (("http/1.1", 2500), ("adit/1", 1300)), ids=("visitors", "links"))
def test_handshakes_that_do_not_go_on_lock_nobody_out(lab, alpn, n):
    descriptors(n)
    others = Others(lab)
    hello = client_hello(others.edge, alpn)
    with others.served(f"handshakes {alpn}"):
        socks = [connect(others.edge, i, hello) for i in range(n)]
        others.new_link()
    for s in socks:
        s.close()
    others.memory_comes_back()


@pytest.mark.parametrize("half", (False, True), ids=("silent", "half a HELLO"))
def test_links_without_a_token_lock_nobody_out(lab, half):
    """9,392 from one address took 771 MiB that stayed."""
    n = 700
    descriptors(n)
    others = Others(lab, "workers: 1\n")
    start = struct.pack("!II", 60000 << 8 | CONTROL << 4, 0) + b"x" * 50000
    with others.served("links without a token"):
        socks = shaken(others.edge, "adit/1", n, lambda i, s: s.sendall(start) if half else None)
        until(lambda: others.edge.status()["links"] <= 512 + 3)
        others.new_link()
    for s in socks:
        s.close()
    others.memory_comes_back()


@pytest.mark.parametrize("head", (b"", b"GET / HTTP/1.1\r\nHost: web.localhost\r\nX: " + b"x" * 30000), ids=("idle", "half a head"))
def test_visitors_that_ask_nothing_lock_nobody_out(lab, head):
    """As many as the edge takes, which is few here; then heads in part whose bytes are too many."""
    n = 900 if head else 400
    descriptors(n)
    others = Others(lab, "workers: 1\n" + ("" if head else "limits:\n  visitors: 300\n"))
    with others.served("visitors"):
        socks = shaken(others.edge, "http/1.1", n, lambda i, s: s.sendall(head) if head else None)
        others.new_link()
    for s in socks:
        s.close()
    others.memory_comes_back()
