# SPDX-License-Identifier: Apache-2.0
"""Tunnels whose TLS ends at the other end: the edge looks at a ClientHello, and passes every byte on."""
import os
import socket
import ssl
import subprocess

from certs import Authority, TlsServer
from process import WAIT_S, until

ALERT_INTERNAL = bytes.fromhex("15030300020250")


class Tls(TlsServer):
    """A local TLS server with a certificate of its own for a name."""

    def __init__(self, folder, *names, answer=b"far end", **kw):
        self.authority = Authority(folder)
        super().__init__(self.authority.leaf(*(names or ("web.localhost",))), b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer), **kw)


def passing(lab, *args, edge=None, **kw):
    edge = edge or lab.edge()
    origin = lab.keep(Tls(lab.folder))
    agent = lab.agent(edge, "tls", origin.address, "--name", "web", *args, **kw)
    return edge, agent, origin


def curl(edge, ca, *args, host="web.localhost", path="/"):
    port = edge.https[1]
    return subprocess.run(["curl", "-sS", "--cacert", ca, "--resolve", f"{host}:{port}:127.0.0.1", *args, f"https://{host}:{port}{path}"],
                          capture_output=True, text=True, timeout=8 * WAIT_S, env={**os.environ, "no_proxy": "*"})


def hello(host, alpn=(), **kw):
    """The bytes of a ClientHello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=host, **kw)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def said(edge, data):
    """What the edge answers to these bytes, up to its end."""
    with socket.create_connection(edge.https, 2 * WAIT_S) as s:
        s.sendall(data)
        s.settimeout(2 * WAIT_S)
        got = b""
        while True:
            try:
                more = s.recv(4096)
            except ConnectionResetError:
                return got + b"reset"
            if not more:
                return got
            got += more


def test_curl_reaches_the_certificate_at_the_other_end(lab):
    edge, agent, origin = passing(lab)
    assert agent.url == f"https://web.localhost:{edge.https[1]}"
    done = curl(edge, origin.authority.ca)
    assert (done.returncode, done.stdout) == (0, "far end"), done
    # The control: by the edge's own certificates it is not trusted, as it is none of them.
    assert curl(edge, edge.ca).returncode == 60
    status = edge.status()["all"]
    assert sum(w["tls_total"] for w in status["workers"]) == 2
    until(lambda: edge.logged().count("event=stream") == 2)


def test_the_agent_is_away(lab):
    edge, agent, origin = passing(lab)
    agent.stop()
    until(lambda: "event=tunnel-down" in edge.logged() or edge.status()["links"] == 0)
    assert said(edge, hello("web.localhost")) == ALERT_INTERNAL
    done = curl(edge, origin.authority.ca)
    assert done.returncode == 35 and "internal error" in done.stderr, done
    assert "event=tls-refused name=web.localhost" in edge.logged()
