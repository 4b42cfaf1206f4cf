# SPDX-License-Identifier: Apache-2.0
"""Upgrades: after 101 a stream of bytes, both ways, until either side ends it."""
import os
import shutil
import subprocess

import pytest

import websocket
from conftest import ROOT
from http1 import Closed
from lab import Process
from origin import fixed
from process import WAIT_S


def test_echo_of_every_size(lab):
    edge, _, origin = lab.web(lab.origin(websocket.echo_server))
    for tls in (True, False):
        with edge.visitor(tls=tls) as v:
            websocket.connect(v)
            for n in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                data = os.urandom(n)
                websocket.send(v, websocket.BINARY, data, mask=True)
                assert websocket.receive(v) == (websocket.BINARY, data)
            websocket.send(v, websocket.CLOSE, b"\x03\xe8", mask=True)
            assert websocket.receive(v) == (websocket.CLOSE, b"\x03\xe8")
            assert v.at_end()
    assert origin.requests[0].get("sec-websocket-version") == "13"


def test_many_messages_each_way_at_once(lab):
    edge, _, _ = lab.web(lab.origin(websocket.echo_server))
    with edge.visitor() as v:
        websocket.connect(v)
        for i in range(500):
            websocket.send(v, websocket.TEXT, b"%d" % i, mask=True)
        for i in range(500):
            assert websocket.receive(v) == (websocket.TEXT, b"%d" % i)


def test_upgrade_that_the_origin_refuses(lab):
    edge, _, _ = lab.web(lab.origin(fixed(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")))
    with edge.visitor() as v:
        with pytest.raises(AssertionError):
            websocket.connect(v)


def test_origin_ends_the_upgraded_connection(lab):
    def bye(c, request):
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {websocket.accept_key(request.get('sec-websocket-key'))}\r\n\r\n\x88\x00")
        c.keep = False
    edge, _, _ = lab.web(lab.origin(bye))
    with edge.visitor() as v:
        websocket.connect(v)
        assert websocket.receive(v)[0] == websocket.CLOSE
        assert v.at_end()


def test_visitor_vanishes(lab):
    edge, _, origin = lab.web(lab.origin(websocket.echo_server))
    with edge.visitor() as v:
        websocket.connect(v)
    edge.nothing_left()
    origin.wait_no_connection()


def test_s08_h2c_upgrade_is_not_passed(lab):
    """Upgrade: h2c would be a tunnel past every rule (research of 2020); it is stripped, never passed on."""
    edge, _, origin = lab.web()
    with edge.visitor(tls=False) as v:
        v.send("GET / HTTP/1.1\r\nHost: web.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
               "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
        try:
            m = v.response()
        except Closed:
            m = None
    assert m is None or m.status in (200, 400)
    for r in origin.requests:
        assert not r.all("upgrade") and not r.all("http2-settings")


WS = next((p for p in (os.path.join(ROOT, "build", "npm", "node_modules"), "/usr/share/nodejs", "/usr/lib/node_modules")
           if os.path.isdir(os.path.join(p, "ws"))), None)


@pytest.mark.skipif(not shutil.which("node") or not WS, reason="no node with the package ws (tools/deps ws)")
def test_npm_ws_echo(lab):
    """The most used implementation, on both ends."""
    env = {"NODE_PATH": WS}
    script = os.path.join(ROOT, "test", "lib", "ws_echo.js")
    server = Process(["node", script, "serve"], os.path.join(lab.folder, "ws.log"), env)
    lab.parts.append(server)
    port = server.wait_line(str.isdigit)[0]
    edge = lab.edge()
    lab.agent(edge, "http", port, "--name", "web")
    done = subprocess.run(["node", script, "visit", f"wss://web.localhost:{edge.https[1]}/", edge.ca, str(edge.https[1])],
                          env={**os.environ, **env}, capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.returncode == 0 and "echoed" in done.stdout, done
