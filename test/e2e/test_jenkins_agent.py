# SPDX-License-Identifier: Apache-2.0
"""What a Jenkins needs beside webhooks: inbound agents over WebSocket and over TCP, its self-test, consoles that grow."""
import os
import socket
import threading
import time

import pytest

import websocket
from http1 import Visitor
from jenkins import VERSION, Jenkins
from lab import split
from process import WAIT_S

AGENT = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Node-Name: builder-1", "Secret-Key: s3cret",
         "X-Remoting-Capability: rO0ABXNyABpodWRzb24", "User-Agent: Jenkins agent"]


def connect(v, headers=AGENT):
    v.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = "x3JJHMbDL1EzLkh9GBhXDw=="
    v.send(f"GET /wsagents/ HTTP/1.1\r\nHost: {v.host}\r\n" + "\r\n".join([*headers, f"Sec-WebSocket-Key: {key}"]) + "\r\n\r\n")
    m = v.head()
    if m.status == 101:
        assert m.get("sec-websocket-accept") == websocket.accept_key(key)
    return m


@pytest.fixture(scope="module")
def place(shared_lab):
    jenkins = shared_lab.keep(Jenkins())
    edge = shared_lab.edge()
    shared_lab.agent(edge, "http", jenkins.address, "--name", "web")
    return edge, jenkins


def serve_agent(v, rounds, size):
    """What agent.jar does: answers pings, sends its own, and moves data between."""
    opcode, payload = websocket.receive(v)
    assert (opcode, payload) == (websocket.BINARY, b"\0\0\0\0hello from the controller")
    for i in range(rounds):
        opcode, payload = websocket.receive(v)
        assert (opcode, payload) == (websocket.PING, b"jenkins")
        websocket.send(v, websocket.PONG, payload, mask=True)
        block = os.urandom(size)
        websocket.send(v, websocket.BINARY, block, mask=True)
        assert websocket.receive(v) == (websocket.BINARY, block), i
    opcode, payload = websocket.receive(v)
    websocket.send(v, websocket.CLOSE, b"\x03\xe8", mask=True)


def test_agent_by_websocket(place):
    """/wsagents/: fields of the handshake arrive, pings go both ways, and so do 200 blocks."""
    edge, jenkins = place
    before = jenkins.n_pings
    with edge.visitor() as v:
        m = connect(v)
        assert m.status == 101 and m.get("X-Remoting-Capability") and m.get("X-Jenkins") == VERSION
        serve_agent(v, 200, 8000)
    assert jenkins.n_pings - before == 200
    request = next(r for r in jenkins.requests if r.target == "/wsagents/")
    assert request.get("Node-Name") == "builder-1" and request.get("Secret-Key") == "s3cret"


def test_many_agents_at_once(place):
    edge, _ = place
    faults = []

    def one():
        try:
            with edge.visitor() as v:
                assert connect(v).status == 101
                serve_agent(v, 20, 30000)
        except AssertionError as e:
            faults.append(e)
    threads = [threading.Thread(target=one) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(6 * WAIT_S)
    assert not faults and not any(t.is_alive() for t in threads), faults[:1]


def ping_both_ways(v):
    assert websocket.receive(v) == (websocket.PING, b"jenkins")
    websocket.send(v, websocket.PONG, b"jenkins", mask=True)
    websocket.send(v, websocket.PING, b"agent", mask=True)
    assert websocket.receive(v) == (websocket.PONG, b"agent")


def test_agent_outlives_every_limit(lab):
    """
    Nothing but pings, for twelve seconds: four times the longest limit of the edge for what is idle (set to 3 s here, 5 min as
    a rule), and longer than the fixed 10 s after which a slow body is cut and a silent link is asked. One that does not ping
    is cut, so it is the pings that keep the other.
    """
    jenkins = lab.keep(Jenkins())
    edge = lab.edge(config="limits:\n  head_ms: 500\n  idle_ms: 500\n  stream_idle_ms: 3000\n")
    lab.agent(edge, "http", jenkins.address, "--name", "web")
    start, pause, n = time.monotonic(), threading.Event(), 0
    with edge.visitor() as v, edge.visitor() as mute:
        for one in (v, mute):
            assert connect(one).status == 101
            websocket.receive(one)
        while time.monotonic() - start < 12:
            ping_both_ways(v)
            n += 1
            pause.wait(0.5)  # what makes it idle in between is the point
        assert mute.rest() and time.monotonic() - start < 12 + WAIT_S
        ping_both_ways(v)
    assert 6 < n < 26 and jenkins.n_pings == n + 1


@pytest.mark.slow
def test_agent_stays_connected(place):
    """Kept open for three minutes, with a ping every 10 s and nothing else (Jenkins sends one every 30 s)."""
    edge, _ = place
    pause = threading.Event()
    with edge.visitor(deadline_s=60) as v:
        assert connect(v).status == 101
        websocket.receive(v)
        for _ in range(18):
            ping_both_ways(v)
            pause.wait(10)


def test_probe_and_wrong_secret(place):
    edge, _ = place
    m = edge.get("/wsagents/")
    assert m.status == 400 and b"only for use from agent.jar" in m.body
    with edge.visitor() as v:
        assert connect(v, [x.replace("s3cret", "wrong") for x in AGENT]).status == 403


def test_listener_of_tcp_agents(place):
    edge, _ = place
    m = edge.get("/tcpSlaveAgentListener/")
    assert m.status == 200 and m.get("X-Jenkins-JNLP-Port") == "50000"


def test_agent_by_tcp(lab):
    """Remoting over a raw TCP tunnel: the banner comes at once, bytes go both ways, half a close is one."""
    def listener(c):
        hello = c.exactly(2 + 22)
        assert hello == b"\0\x16Protocol:JNLP4-connect", hello
        c.send(b"\0\x03ACK")
        while c.more():
            c.send(c.take(len(c.buffer)))
        c.send(b"bye")
    origin = lab.origin(connected=listener)
    edge = lab.edge()
    agent = lab.agent(edge, "tcp", origin.address)
    with Visitor(split(agent.url.replace("tcp://", "").replace("localhost", "127.0.0.1")), "x") as v:
        v.send(b"\0\x16Protocol:JNLP4-connect")
        assert v.exactly(5) == b"\0\x03ACK"
        for size in (1, 100, 70000, 1 << 20):
            block = os.urandom(size)
            sender = threading.Thread(target=v.send, args=(block,))
            sender.start()
            assert v.exactly(size) == block
            sender.join(WAIT_S)
        v.sock.shutdown(1)
        assert v.rest() == b"bye"


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_reverse_proxy_self_test(place, tls):
    """Jenkins computes its own URL from what the edge sets, and %2F in a path stays what it is."""
    edge, _ = place
    port = (edge.https if tls else edge.http)[1]
    scheme = "https" if tls else "http"
    base = "/manage/administrativeMonitor/hudson.diagnosis.ReverseProxySetupMonitor/"
    root = f"{scheme}://web.localhost:{port}"
    with edge.visitor(tls=tls) as v:
        m = v.ask("GET", base + "test", host=f"web.localhost:{port}")
        location = m.get("Location")
        assert m.status == 302 and location.startswith(root + base) and "%2F" in location and "%3A" in location, m
        m = v.ask("GET", location[len(root):], host=f"web.localhost:{port}")
        assert m.status == 200, m.body


def test_progressive_console(place):
    """The console is asked for again from where it ended; headers that say so pass."""
    edge, jenkins = place
    job = jenkins.jobs["web"]
    job["console"] = b"Started by a push\n"
    auth = [f"Authorization: {jenkins.basic}"]
    with edge.visitor() as v:
        m = v.ask("GET", "/job/web/1/logText/progressiveText?start=0", headers=auth)
        assert m.get("X-More-Data") == "true" and m.get("X-Text-Size") == "18" and m.body == job["console"]
        job["console"] += b"+ make check\n" * 1000 + b"Finished: SUCCESS\n"
        m = v.ask("GET", "/job/web/1/logText/progressiveText?start=18", headers=auth)
        assert m.get("X-More-Data") is None and m.body == job["console"][18:]


def test_slash_is_redirected_to_the_public_name(place):
    edge, _ = place
    with edge.visitor() as v:
        m = v.ask("POST", "/bitbucket-hook", b"{}", host=f"web.localhost:{edge.https[1]}")
    assert m.status == 302 and m.get("Location") == f"https://web.localhost:{edge.https[1]}/bitbucket-hook/"
