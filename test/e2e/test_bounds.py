# SPDX-License-Identifier: Apache-2.0
"""Bounds: a stranger or a token holder pushes each limit to its end, while another account's visitor and webhook are served.

What is pushed stands in `PUSHED` by the names of `aditd -T`; what nobody from outside can push stands in `INSIDE` with the reason.
"""
import contextlib
import glob
import os
import re
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time
import warnings

import pytest
from conftest import ROOT
from hostile import CONTROL, FakeAgent, client_hello
from http1 import Closed
from lab import ADITD, SANITIZED
from origin import silent
from process import WAIT_S, until

HOOK = "/hook"
N_ADDRESSES = 200
# Of bob, while a limit is at its end: p95 within so many times of what it is where nobody pushes, or below what nobody notices.
TIMES, UNNOTICED_S = 3, 0.5
ROUND, ROUNDS, ROUNDS_S = 12, 3, 20


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


def p95(took):
    return sorted(took)[len(took) * 95 // 100]


class Bob:
    """bob on an edge: his visitor and his webhook, served one after the other."""

    def __init__(self, lab, config=""):
        self.edge, self.origin = lab.edge(config=config), lab.origin()
        self.token, _ = self.edge.new_token("bob")
        self.lab, self.faults = lab, []
        lab.agent(self.edge, "http", self.origin.address, "--name", "web", token=self.token)
        lab.agent(self.edge, "http", self.origin.address, "--name", "mine", "--store", "--unsigned", token=self.token)
        for name in ("web", "mine"):
            self.edge.wait_up(name)

    def serve(self):
        """One of each, with a deadline that a loaded machine keeps: how long they took."""
        took = []
        for name, method, want in (("web", "GET", 200), ("mine", "POST", 202)):
            start = time.monotonic()
            try:
                with self.edge.visitor(f"{name}.localhost", deadline_s=6 * WAIT_S) as v:
                    got = v.ask(method, HOOK, b"x" * 1000 if method == "POST" else b"").status
            except Exception as e:
                got = repr(e)
            took.append(time.monotonic() - start)
            if got != want:
                self.faults.append((name, got))
        return took


class Others(Bob):
    """bob is served while somebody pushes; each must go well. Beside it stands an edge that nobody pushes: what bob may expect there."""

    def __init__(self, lab, config=""):
        super().__init__(lab, config)
        self.took, self.stop = [], threading.Event()
        self.quiet = Bob(lab, config)
        self.serve()
        self.quiet.serve()

    @contextlib.contextmanager
    def served(self, what):
        """bob is served while this goes on, and at the end once more; memory comes back."""
        before, peak = self.edge.rss_kb(), []
        self.took.clear()
        self.stop.clear()

        def work():
            while not self.stop.is_set():
                self.took += self.serve()
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
        print(f"\n{what}: {len(self.took)} served while it began, p95 {1e3 * p95(self.took):.0f} ms, memory {before} -> {max(peak)} KiB")
        assert not self.faults, self.faults[:5]
        self.before, self.peak = before, max(peak)
        self.as_quick_as_elsewhere(what)
        assert not self.faults + self.quiet.faults, (self.faults[:5], self.quiet.faults[:5])

    def as_quick_as_elsewhere(self, what):
        """
        The limit is at its end. In turn bob is served here and where nobody pushes, so that a slow moment of the machine meets both;
        one round of a few in which it is as quick is enough: who is locked out waits in all of them, or is refused.
        """
        if SANITIZED:
            warnings.warn(f"{what}: p95 is not judged under sanitizers", stacklevel=2)
            return
        end, seen = time.monotonic() + ROUNDS_S, []
        while len(seen) < ROUNDS or time.monotonic() < end:
            pushed, quiet = [], []
            for _ in range(ROUND):
                quiet += self.quiet.serve()
                pushed += self.serve()
            seen.append((p95(quiet), p95(pushed)))
            if self.faults or p95(pushed) <= max(TIMES * p95(quiet), UNNOTICED_S):
                break
        else:
            pytest.fail(f"{what}: p95 of others is beyond {TIMES} times in each round (quiet, pushed): {seen}")
        print(f"{what}: p95 quiet {1e3 * seen[-1][0]:.0f} ms, pushed {1e3 * seen[-1][1]:.0f} ms, round {len(seen)}")

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


def shaken(edge, alpn, n, each=lambda i, s: None):
    """So many TLS connections; some may have made room for later ones already."""
    context, socks = ssl.create_default_context(cafile=edge.ca), []
    context.set_alpn_protocols([alpn])
    for i in range(n):
        with contextlib.suppress(OSError):
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
    hello = client_hello(others.edge.ca, alpn)
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


def mallory(others, origin, name, *options):
    """A tunnel of another account."""
    token, _ = others.edge.new_token(f"mallory-{name}")
    others.lab.agent(others.edge, "http", origin, "--name", name, *options, token=token)
    others.edge.wait_up(name)


def cut(socks):
    """Gone without a farewell: behind a whole request an end in order would be waited for."""
    for s in socks:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def said_no(socks):
    """How many were answered 503."""
    n = 0
    for s in socks:
        s.setblocking(False)
        with contextlib.suppress(OSError):
            n += s.recv(4096).startswith(b"HTTP/1.1 503")
    return n


def plain(edge, i, data):
    s = socket.create_connection(edge.http, timeout=6 * WAIT_S, source_address=(address(i), 0))
    s.sendall(data)
    return s


@pytest.mark.parametrize("from_one", (False, True), ids=("everywhere", "one address"))
def test_a_tunnel_that_swallows_everything_leaves_room_for_others(lab, from_one):
    """Requests under way are three quarters of `visitors`, and all of them wait for a silent server."""
    descriptors(1000)
    others = Others(lab, "workers: 1\nlimits:\n  visitors: 400\n")
    names = ("s1", "s2") if from_one else ("s1",)
    for name in names:
        mallory(others, lab.origin({"/": silent}).address, name)
    with others.served("silent servers"):
        socks = []
        for i in range(350):
            get = f"GET / HTTP/1.1\r\nHost: {names[i % len(names)]}.localhost\r\n\r\n"
            with contextlib.suppress(OSError):
                socks.append(plain(others.edge, 0 if from_one else i, get.encode()))
        until(lambda: said_no(socks[:100]) > 0, 6 * WAIT_S)
    cut(socks)


def test_streams_of_a_link_have_a_ceiling(lab):
    n = 4200
    descriptors(2 * n)
    others = Others(lab, "workers: 1\n")
    token, _ = others.edge.new_token("mallory")
    agent = FakeAgent(others.edge, [{"id": 1, "kind": "http", "name": "m"}], token=token)
    assert "error" not in agent.wait_control("welcome")["tunnels"][0]
    reader = threading.Thread(target=agent.end, daemon=True)  # takes what comes, and answers PINGs alone
    reader.start()
    with others.served("streams"):
        socks = [plain(others.edge, i, b"GET / HTTP/1.1\r\nHost: m.localhost\r\n\r\n") for i in range(n)]
        until(lambda: others.edge.status()["streams"] >= 4096, 6 * WAIT_S)
        until(lambda: said_no(socks[4000:]) > 0, 6 * WAIT_S)
    cut(socks)
    # Not closed while it is read: the next file with its number would lose its first bytes to that thread.
    socket.socket.shutdown(agent.sock, socket.SHUT_RDWR)
    reader.join(2 * WAIT_S)
    assert not reader.is_alive()
    agent.close()


@pytest.mark.skipif(SANITIZED, reason="takes 256 MiB, and as much again that a sanitizer keeps")
def test_slow_webhooks_leave_room_for_others(lab):
    """A stranger's bodies, whole but for their last bytes, are all the memory that a worker has for webhooks; no account of the three has more than its share."""
    descriptors(1000)
    others = Others(lab, "workers: 1\nlimits:\n  head_ms: 600000\n")
    for name in ("m1", "m2", "m3"):
        mallory(others, others.origin.address, name, "--store", "--unsigned")
    length, socks = 1000000, []
    body = b"x" * (length - 10)
    with others.served("slow webhooks"):
        for i in range(320):
            head = f"POST /hook HTTP/1.1\r\nHost: m{1 + i % 3}.localhost\r\nContent-Length: {length}\r\n\r\n"
            socks.append(plain(others.edge, i, head.encode()))
            with contextlib.suppress(OSError):  # room was made of it already
                socks[-1].sendall(body)
        until(lambda: said_no(socks[:60]) > 0, 6 * WAIT_S, "the oldest made room")
    assert others.peak - others.before > 150 << 10, "most of it is held"
    cut(socks)
    others.memory_comes_back()


def test_visitors_of_one_address_have_a_ceiling(lab):
    others = Others(lab, "workers: 1\nlimits:\n  visitors_per_address: 50\n")
    with others.served("visitors of one address"):
        socks = [plain(others.edge, 0, b"") for _ in range(80)]
        until(lambda: gone(socks) == 30, 6 * WAIT_S)
    for s in socks:
        s.close()


def test_heads_in_part_have_a_ceiling(lab):
    n = 8400
    descriptors(n)
    others = Others(lab, "workers: 1\n")
    with others.served("heads in part"):
        socks = [plain(others.edge, i, b"GET / HTTP/1.1\r\nHost: web") for i in range(n)]
        until(lambda: gone(socks[:400]) > 0, 6 * WAIT_S)
    for s in socks:
        s.close()
    others.memory_comes_back()


def refused(edge, data):
    """The edge's answer to these bytes is a refusal, or the end."""
    with edge.visitor("mine.localhost", tls=False, source=address(0), deadline_s=6 * WAIT_S) as v:
        with contextlib.suppress(OSError):
            v.send(data)
        try:
            return v.response().status >= 400
        except Closed:
            return True


POST = b"POST /hook HTTP/1.1\r\nHost: mine.localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MESSAGES = {
    "HEAD_BYTES": POST + b"".join(b"X%d: %s\r\n" % (i, b"x" * 1000) for i in range(40)) + b"\r\n",
    "HEAD_FIELDS": POST + b"".join(b"X%d: 1\r\n" % i for i in range(120)) + b"\r\n",
    "REQUEST_LINE_BYTES": b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: mine.localhost\r\n\r\n",
    "CHUNK_EXT_BYTES": CHUNKED + b"1;" + b"x" * 300 + b"\r\nx\r\n0\r\n\r\n",
    "TRAILER_BYTES": CHUNKED + b"0\r\n" + b"X: " + b"x" * 9000 + b"\r\n\r\n",
    "WEBHOOK_BYTES": POST + b"Content-Length: 2000000\r\n\r\n",
}


def test_messages_beyond_the_limits_are_refused(lab):
    others = Others(lab)
    with others.served("messages"):
        for name, data in MESSAGES.items():
            assert refused(others.edge, data), name


def test_what_a_token_holder_asks_for_has_bounds(lab):
    """mallory has a token, and asks for more than one may have."""
    others = Others(lab, "limits:\n  names_per_account: 5\n  ports_per_account: 2\n")
    token, _ = others.edge.new_token("mallory")

    def welcome(tunnels):
        agent = FakeAgent(others.edge, [{"id": i + 1, **t} for i, t in enumerate(tunnels)], token=token)
        said = agent.wait_control("welcome")["tunnels"]
        agent.close()
        return [t.get("error") for t in said]
    with others.served("a token holder"):
        assert "limit" in welcome([{"kind": "http", "name": f"m{i}"} for i in range(8)])
        assert "limit" in welcome([{"kind": "tcp", "key": f"k{i}"} for i in range(4)])
        for policy in ({"mode": "store", "scheme": "github", "secrets": [f"s{i}" for i in range(9)]},
                       {"mode": "store", "fan_out": [f"m{i}" for i in range(9)]}):
            assert welcome([{"kind": "http", "name": "m0", "policy": policy}]) == ["bad-policy"]
        for tunnels in ([{"id": i + 1, "kind": "http"} for i in range(65)],
                        [{"id": 1, "kind": "http", "policy": {"paths": ["/" + "x" * 70000]}}]):
            agent = FakeAgent(others.edge, hello=False, token=token)
            with contextlib.suppress(OSError):  # it may be over before all is sent
                agent.control(type="hello", protocol=1, agent="fake/1", token=agent.token, tunnels=tunnels)
            agent.end()
            agent.close()


HERE, SLOW, LINKS = "test/e2e/test_bounds.py", "test/e2e/test_slow.py", "test/e2e/test_links.py"
WORDS, PASSWORDS, REFUSE = "test_messages_beyond_the_limits_are_refused", "test/e2e/test_passwords.py", "test/unit/tunnel/link_refuse_test.c"
DNS = "test/unit/dns"
ACME, H2 = "test/unit/acme/acme_test.c", "test/unit/h2/h2_test.c"
FLOW, POLICY, SIGN = "test/unit/tunnel/link_flow_test.c", "test/unit/hook/policy_test.c", "test/unit/hook/sign_test.c"
SILENCE, SHAKES = "test_silent_connections_lock_nobody_out", "test_handshakes_that_do_not_go_on_lock_nobody_out"
UNKNOWN, IDLE = "test_links_without_a_token_lock_nobody_out", "test_visitors_that_ask_nothing_lock_nobody_out"
HOLDER, COSTS = "test_what_a_token_holder_asks_for_has_bounds", "costs_of_hashes_have_a_ceiling"
STRANGER, AGENT, CA = "a stranger", "a token holder", "a CA"
# Which limit, who pushes it, and in which test it is at its end.
ACTIVITY = (("ROWS", "refusals_make_room_for_deliveries"), ("CTL_BYTES", "an_agent_that_reads_nothing_keeps_its_link"))
PUSHED = {
    **{name: (STRANGER, HERE, WORDS) for name in MESSAGES},
    "DDNS_CHANGES": (AGENT, "test/e2e/test_ddns.py", "test_a_name_that_changes_too_often"),
    **{name: (STRANGER, "test/e2e/test_acme_dns.py", "test_few_in_an_hour") for name in ("ACME_DNS", "ACME_DNS_REGISTER")},
    "ACME_DNS_NETWORKS": (STRANGER, "test/e2e/test_acme_dns.py", "test_networks"),
    "OWN_BODIES": (STRANGER, "test/e2e/test_own_host.py", "test_slow_bodies_are_cut_and_many_make_room"),
    "OWN_BODY_BYTES": (STRANGER, "test/e2e/test_own_host.py", "test_bodies_are_small"),
    "TRAILER_FIELDS": (STRANGER, "test/unit/http/trailer_test.c", "limits"),
    "SILENT": (STRANGER, HERE, SILENCE), "SILENT_PER_ADDRESS": (STRANGER, HERE, "test_silent_connections_of_one_address_are_few"),
    "HANDSHAKES": (STRANGER, HERE, SHAKES), "HANDSHAKES_LINKS": (STRANGER, HERE, SHAKES), "HANDSHAKES_PER_ADDRESS": (STRANGER, HERE, SHAKES),
    "LINKS_UNKNOWN": (STRANGER, HERE, UNKNOWN), "LINKS_UNKNOWN_PER_ADDRESS": (STRANGER, HERE, UNKNOWN), "CONTROL_BYTES": (STRANGER, HERE, UNKNOWN),
    "VISITORS": (STRANGER, HERE, IDLE), "PARTIAL_BYTES": (STRANGER, HERE, IDLE), "TRIM_MS": (STRANGER, HERE, IDLE),
    "PROXY_GREETING_MS": (STRANGER, "test/e2e/test_proxy_protocol.py", "test_who_is_no_such_proxy_or_says_no_header_is_cut"),
    "TLS_HANDSHAKE_MS": (STRANGER, SLOW, "test_s14_tls_handshake_that_does_not_go_on"),
    "CLIENTHELLO_MS": (STRANGER, SLOW, "test_s14_tls_handshake_that_does_not_go_on"),
    "CLIENTHELLO_BYTES": (STRANGER, "test/unit/net/clienthello_test.c", "large_hellos_are_read_up_to_the_limit"),
    "HELLO_MS": (STRANGER, "test/e2e/test_protocol.py", "test_s14_hello_that_never_comes"),
    "VISITOR_HEAD_MS": (STRANGER, SLOW, "test_s14_slow_heads_are_cut"), "VISITOR_IDLE_MS": (STRANGER, SLOW, "test_s14_silence_is_cut"),
    "BODY_GRACE_MS": (STRANGER, SLOW, "test_s14_slow_body_is_cut"), "BODY_RATE_BYTES": (STRANGER, SLOW, "test_s14_slow_body_is_cut"),
    "NOTSENT_BYTES": (STRANGER, SLOW, "test_s15_slow_readers_cost_no_more_than_the_ceiling"),
    "VISITORS_PER_ADDRESS": (STRANGER, HERE, "test_visitors_of_one_address_have_a_ceiling"),
    "LOGIN_FAILS": (STRANGER, LINKS, "test_s04_bad_tokens_are_slowed_down_and_do_not_hurt_others"),
    "LOGIN_SOURCES": (STRANGER, "test/unit/edge/source_test.c", "guard_is_bounded"),
    "INCIDENTS": (STRANGER, "test/unit/edge/incident_test.c", "routes_have_a_ceiling"),
    "PASSWORD_QUEUE_ACCOUNT": (STRANGER, PASSWORDS, "test_a_flood_of_guesses_stops_no_other_account"),
    "PASSWORD_GUESSES": (STRANGER, PASSWORDS, "test_guesses_from_one_address_are_limited"),
    "PASSWORD_SHARED": (STRANGER, PASSWORDS, "test_a_page_of_fifty_parts_is_hashed_once"),
    "PASSWORD_BYTES": (STRANGER, POLICY, "a_password_that_is_too_long_is_not_hashed"),
    "PASSWORD_KNOWN": (AGENT, POLICY, "right_credentials_are_known_for_a_while"),
    "PASSWORD_KNOWN_MS": (AGENT, POLICY, "right_credentials_are_known_for_a_while"),
    **{f"PASSWORD_{name}": (AGENT, POLICY, COSTS) for name in ("SHA_ROUNDS", "BCRYPT_COST", "KIB", "PASSES", "LANES")},
    "RATE_REQUESTS": (AGENT, POLICY, "rates_have_bounds"), "RATE_SECONDS": (AGENT, POLICY, "rates_have_bounds"),
    "RATE_SOURCES": (STRANGER, POLICY, "s14_rates_are_per_tunnel_and_address"),
    **{name: (AGENT, HERE, HOLDER) for name in ("NAMES_PER_ACCOUNT", "PORTS_PER_ACCOUNT", "TUNNELS_PER_LINK", "POLICY_BYTES", "FAN_OUT")},
    **{name: (AGENT, "test/unit/edge/wish_test.c", "new_domains_are_few_in_an_hour") for name in ("DOMAINS_NEW", "DOMAINS_NEW_PER_ACCOUNT")},
    "DOMAIN_WISHES": (AGENT, "test/unit/edge/wish_test.c", "wishes_for_one_domain_are_few"),
    "DOMAIN_CNAMES": (AGENT, "test/e2e/test_own_domains.py", "test_cnames_that_go_on_and_on_prove_nothing"),
    "HOOK_SECRETS": (AGENT, SIGN, "ninth_secret_is_not_tried"),
    **{name: (AGENT, REFUSE, "s17_floods_end_the_link") for name in ("LINK_GLITCHES", "LINK_GLITCHES_RATE")},
    "EXCHANGES": (AGENT, HERE, "test_a_tunnel_that_swallows_everything_leaves_room_for_others"),
    "INTAKE_BYTES": (STRANGER, HERE, "test_slow_webhooks_leave_room_for_others"),
    "INTAKE_BYTES_SHARE": (STRANGER, "test/unit/edge/shares_test.c", "no_account_and_no_network_takes_more_than_its_share"),
    "LINK_STREAMS": (STRANGER, HERE, "test_streams_of_a_link_have_a_ceiling"), "PARTIAL_HEADS": (STRANGER, HERE, "test_heads_in_part_have_a_ceiling"),
    **{name: (AGENT, "test/unit/edge/login_sim_test.c", "s14_links_of_an_account_are_counted") for name in ("LINKS", "LINKS_PER_ACCOUNT")},
    "ACME_ANSWER_BYTES": (CA, ACME, "no_answer"), "ACME_TRIES": (CA, ACME, "no_answer"), "ACME_ORDERS": (CA, ACME, "orders_have_a_ceiling"),
    "ACME_ORDER_GAP_S": (CA, ACME, "orders_have_a_ceiling"), "ACME_POLL_S": (CA, ACME, "patience"), "ACME_NONCE_TRIES": (CA, ACME, "patience"),
    "ACME_LIMITED_S": (CA, ACME, "faults"), "ACME_URL_BYTES": (CA, "test/unit/acme/problem_test.c", "links"),
    "ACME_ALTERNATES": (CA, "test/unit/acme/problem_test.c", "links"),
    "DNS_SET_BYTES": (AGENT, f"{DNS}/zone_test.c", "large_sets"), "DNS_JOURNAL": (AGENT, f"{DNS}/zone_test.c", "journal_is_bounded"),
    "DNS_NAMES": (AGENT, f"{DNS}/zone_test.c", "names_have_a_ceiling"), "DNS_CNAMES": (AGENT, f"{DNS}/authority_test.c", "long_chains"),
    "DNS_UDP_BYTES": (STRANGER, f"{DNS}/authority_test.c", "sizes"), "DNS_UPDATE_RECORDS": (AGENT, f"{DNS}/update_test.c", "nothing_by_halves"),
    **{name: (STRANGER, "test/e2e/test_name_server.py", "test_connections_have_a_ceiling") for name in ("DNS_TCP", "DNS_TCP_PER_ADDRESS")},
    "DNS_NAMES_PER_ACCOUNT": (AGENT, "test/unit/edge/name_server_test.c", "an_account_has_so_many_names"),
    "DNS_TEXTS": (AGENT, "test/e2e/test_name_server.py", "test_a_name_has_so_many_texts"),
    "DNS_UPDATES": (AGENT, "test/e2e/test_name_server.py", "test_many_updates_at_a_time"),
    "DNS_TCP_IDLE_MS": (STRANGER, "test/e2e/test_name_server.py", "test_slow_readers_and_silence_are_cut"),
    "DNS_TCP_STALL_MS": (STRANGER, "test/e2e/test_name_server.py", "test_slow_readers_and_silence_are_cut"),
    **{name: (STRANGER, f"{DNS}/rrl_test.c", test) for name, test in (("DNS_RATE", "equal_answers"), ("DNS_RATE_ROWS", "many_networks"))},
    "OPENING_BYTES": (AGENT, REFUSE, "opening_of_every_length"), "DATA_FRAME_BYTES": (AGENT, REFUSE, "lengths_and_numbers_are_judged"),
    **{f"H2_{name}": (STRANGER, H2, test) for name, test in (
        ("STREAMS", "streams_have_a_ceiling"), ("STREAMS_TOTAL", "a_connection_is_not_for_ever"), ("CLOSES", "rapid_resets_are_counted"),
        ("CLOSES_RATE", "tokens_come_back_with_time"), ("GLITCHES", "floods_of_frames_that_move_nothing_are_counted"),
        ("GLITCHES_RATE", "floods_of_frames_that_move_nothing_are_counted"), ("RX_BYTES", "a_body_waits_until_it_is_taken"),
        ("STREAM_RX_BYTES", "a_body_waits_until_it_is_taken"), ("STREAM_TX_BYTES", "an_answer_waits_for_the_credit_of_its_reader"),
        ("SETTINGS_MS", "who_says_nothing_or_half_a_head_is_waited_for_in_vain"), ("STALL_MS", "who_grants_no_credit_loses_the_stream"),
        ("RATE_BYTES", "who_grants_no_credit_loses_the_stream"))},
    **{f"ACTIVITY_{name}": (STRANGER, "test/unit/edge/activity_sim_test.c", test) for name, test in ACTIVITY},
    "LINK_WINDOW_BYTES_MIN": (AGENT, REFUSE, "s17_floods_end_the_link"),
    "CONTROL_DEPTH": (AGENT, "test/unit/tunnel/hello_test.c", "brackets_in_strings_are_no_depth"),
    "LINK_CTL_BYTES": (AGENT, REFUSE, "s17_refusals_are_bounded"),
    **{name: (AGENT, FLOW, "stalled_readers_are_bounded") for name in ("LINK_RX_BYTES_MAX", "LINK_RX_BYTES_ALL", "STREAM_RX_BYTES_MAX")},
}
OURS = "the edge or the agent chooses it; nobody outside makes it more"
CLOCK = "a pause or a wait of our own: who makes it end late gains nothing"
FILE = "what the operator or the agent's owner writes"
ROW = "a step of our own work: what is more comes in the next step"
COUNT = "cut by the counts above it: what is more of one thing is refused or waits"
PROXIES = "only proxies that the operator has named come so far, and each connection for 3 s"
HUGE = "a ceiling for all workers' memory that a test cannot fill in its time; the smaller ones before it are pushed"
NEAR = "clients of this machine push it, and tests of its own room do; no stranger reaches it"
# What nobody from outside can push by itself, and why.
INSIDE = {
    **dict.fromkeys("DASHBOARD_SESSIONS DASHBOARD_LINKS DASHBOARD_LINK_MS DASHBOARD_IDLE_MS DASHBOARD_SESSION_MS WEB_CONNECTIONS WEB_HEAD_MS WEB_IDLE_MS "
                    "WEB_STALL_MS WEB_BODY_BYTES WEB_BODIES_BYTES WEB_JSON_DEPTH WEB_PAIRS WEB_FIELDS_BYTES WEB_OUT_BYTES WEB_STREAM_BYTES WEB_EVENT_BYTES "
                    "WEB_HEARTBEAT_MS REPLAYS REPLAYS_AT_ONCE REPLAY_TIMES MCP_LINE_BYTES MCP_ANSWER_BYTES".split(), NEAR),
    **dict.fromkeys("SINK_RULES SINK_PATH_BYTES SINK_HEADER_BYTES SINK_BODY_BYTES SINK_DELAY_MS FILES_LISTED FILES_LIST_BYTES".split(), FILE),
    **dict.fromkeys("LOG_TAIL_BYTES AUDIT_FILE_BYTES AUDIT_SHOWN TUNNELS_SHOWN INCIDENTS_SHOWN ACTIVITY_MESSAGE_ROWS ACTIVITY_MESSAGE_BYTES".split(), ROW),
    **dict.fromkeys("ACTIVITY_MS ACTIVITY_INBOX_MS".split(), CLOCK), "METRICS_TUNNELS": FILE,
    **dict.fromkeys("LINK_RX_BYTES_MIN STREAM_RX_BYTES_MIN STREAM_RX_BYTES_INIT STREAM_RX_BYTES_FIRST STREAMS_RX_FIRST LINK_OUT_BYTES "
                    "ORIGIN_POOL REFUSED_SEND_MS LOOP_CHUNKS_KEPT WORKERS DIAL_ADDRESSES LOOKUPS COURIER_BYTES PROBE_MS PROBED_MS STATUS_BYTES DOMAIN_SERVERS "
                    "ACME_NONCES ACME_DIRECTORY_S CERT_ORDERS CERT_ORDERS_BURST CERT_ORDER_S CERT_DOMAIN CERT_DOMAIN_S CERT_SAME CERT_SAME_S "
                    "CERT_NEW_EDGE AGENT_TUNNELS BIND_MS NGROK_RAW_BYTES NGROK_START_MS SETUP_FILE_BYTES SETUP_ANSWER_BYTES".split(), OURS),
    **dict.fromkeys("LINK_IDLE_MS LINK_DEAD_MS TCP_PROBE_IDLE_MS TCP_PROBE_MS TCP_PROBES ORIGIN_CONNECT_MS ORIGIN_SILENT_MS LOOK_MS LOOK_MS_MAX "
                    "STREAM_STALL_MS H2_PING_MS ORIGIN_POOL_IDLE_MS RETRY_MS_MIN RETRY_MS_MAX STABLE_MS READER_MS LINGER_MS EDGE_SILENT_MS RELAY_MS HOUSEKEEPING_MS "
                    "DOMAIN_PROOF_MS ALERT_URL_MS ALERT_TRIES ALERT_MS KNOCK_MS SEEN_MS DDNS_LOOK_MS DDNS_SETTLE_MS DDNS_GONE_MS DDNS_LEFT_MS STOP_MS DRAIN_MS INBOX_DEDUPE_MS STORE_LATE_MS CERT_ASK_S CERT_DOWN_S CERT_KEEP_S CERT_FETCH_MS "
                    "CERT_TOLD_MS CERT_LOOK_MS CERT_STORE_MS SETUP_WAIT_S SETUP_ASK_MS SETUP_DNS_MS SETUP_EDGE_MS".split(), CLOCK),
    **dict.fromkeys("SCREEN_COLUMNS SCREEN_LINES SCREEN_OUT_BYTES SCREEN_SCAN".split(), OURS),
    **dict.fromkeys("SCREEN_FRAME_MS SCREEN_ASK_MS".split(), CLOCK),
    **dict.fromkeys("ORIGIN_H2_STREAMS ORIGIN_H2_CONNS ORIGIN_H2_RX_BYTES ORIGIN_H2_TX_BYTES".split(), OURS), "ORIGIN_H2_PING_MS": CLOCK,
    **dict.fromkeys("CAPTURE_ROWS CAPTURE_TEXT_BYTES CAPTURE_WORDS CAPTURE_TARGET_BYTES CAPTURE_TAPS CAPTURE_RING_BYTES CAPTURE_SEGMENT_BYTES CAPTURE_PINNED_BYTES CAPTURE_BODY_BYTES "
                    "CAPTURE_PINNINGS INSPECT_DOCTOR_MS INSPECT_DOCTOR_BYTES CAPTURE_RECORDS CAPTURE_BYTES_RATE CAPTURE_EXCHANGES_RATE CAPTURE_WEBHOOKS CAPTURE_WEBHOOK_BYTES "
                    "INSPECT_ROWS INSPECT_EVENT_ROWS INSPECT_RELATIVES INSPECT_PIECES INSPECT_WORDS INSPECT_SEND_BYTES INSPECT_EXPORT INSPECT_IMPORT_BYTES INSPECT_SEARCHES INSPECT_HITS INSPECT_LOOK_BYTES INSPECT_REDACT_BYTES".split(), OURS),
    **dict.fromkeys("CONFIG_BYTES CONFIG_DEPTH CONFIG_NODES ACME_NAMES CERTIFICATES CERTIFICATE_BYTES SETUP_ADDRESSES BOARD_NOTES DNS_ZONES CONTROL_CLIENTS CONTROL_LINE_BYTES "
                    "CHECKURL_BYTES TOKEN_NAMES".split(), FILE),
    **dict.fromkeys("STORE_BATCH STORE_BATCH_BYTES STORE_LATE STORE_ROWS STORE_POLICIES STORE_CACHE_BYTES STORE_WAL_BYTES STORE_CHECK_MS STORE_SPACE_BYTES "
                    "STORE_SPARE_BYTES ITEM_BYTES DOMAIN_PROOFS INBOX_LEASE INBOX_STEP INBOX_SCAN AUDIT_ROWS CERT_SHOWN".split(), ROW),
    **dict.fromkeys("TLS_MESSAGES EARLY_DRAIN_BYTES INTERIM_HEADS HOOK_SIGNATURES HOOK_PARAMS HOOK_FORM_BYTES HOOK_EXPLAIN_BYTES "
                    "HOOK_JSON_DEPTH RELAY_BYTES CERT_ROWS INBOX_BODY_BYTES INBOX_ATTEMPTS ANSWER_BYTES INBOX_ANSWER_BYTES INBOX_DEDUPE_RUNS "
                    "PASSWORD_QUEUE DOMAINS DOMAINS_PER_ACCOUNT DOMAINS_PER_TUNNEL".split(), COUNT),
    **dict.fromkeys("DNS_TRANSFERS".split(), FILE),
    **dict.fromkeys("DNS_NOTIFY_MS DNS_NOTIFY_TRIES".split(), CLOCK),
    **dict.fromkeys("PROXY_GREETINGS".split(), PROXIES),
    **dict.fromkeys("LOOP_CHUNKS H2_BYTES".split(), HUGE),
}


def test_each_wait_and_buffer_of_setup_has_a_row():
    """What is a number with a unit in its name stands in limits.h, where aditd -T and the manual find it."""
    found = []
    for path in glob.glob(os.path.join(ROOT, "src", "edge", "setup", "*.[ch]")):
        with open(path) as f:
            found += re.findall(r"^#define (\w+_(?:MS|S|BYTES)) ", f.read(), re.M)
    assert not found


def test_each_limit_is_pushed_or_cannot_be():
    """A new row of `aditd -T` belongs into one of the two tables."""
    said = subprocess.run([ADITD, "-T"], capture_output=True, text=True, check=True, timeout=4 * WAIT_S).stdout
    rows = {line.split()[0] for line in said.splitlines() if line.strip()}
    assert not set(PUSHED) & set(INSIDE)
    assert rows == set(PUSHED) | set(INSIDE), rows ^ (set(PUSHED) | set(INSIDE))
    for name, (_, path, test) in PUSHED.items():
        with open(path) as f:
            assert f"{test}(" in (text := f.read()) or f"TEST({test})" in text, (name, path, test)
