# SPDX-License-Identifier: Apache-2.0
"""A local server that speaks HTTP/2, behind h2c:// and h2://: streams of many visitors on one connection."""
import os
import shutil
import socket
import subprocess
import threading

import pytest

from certs import Authority
from origin import ok
from process import free_port, until

needs_nghttpd = pytest.mark.skipif(not shutil.which("nghttpd"), reason="nghttpd is missing: apt install nghttp2-server")


class Nghttpd:
    """nghttp2's own server over a folder with the files small and big."""

    def __init__(self, folder, *args, tls=()):
        self.port = free_port()
        self.folder = folder
        os.makedirs(folder)
        with open(os.path.join(folder, "small"), "w") as f:
            f.write("hello\n")
        self.big = os.urandom(1 << 20) * 8
        with open(os.path.join(folder, "big"), "wb") as f:
            f.write(self.big)
        self.log = open(os.path.join(folder, "log"), "wb+")
        argv = ["nghttpd", "-a", "127.0.0.1", "-d", folder, "-v", *args, *([] if tls else ["--no-tls"]), str(self.port), *tls]
        self.process = subprocess.Popen(argv, stdout=self.log, stderr=self.log)
        until(self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def connections(self):
        """How many it has had on which a request came."""
        with open(self.log.name, "rb") as f:
            lines = [line for line in f.read().decode("latin-1").splitlines() if " recv " in line and "(stream_id=" in line]
        return len({line.split("]")[0] for line in lines if "HEADERS" in line or ":path" in line})

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def serve(lab, *args, scheme="h2c", tls=(), options=()):
    edge = lab.edge()
    origin = lab.keep(Nghttpd(os.path.join(lab.folder, "docs"), *args, tls=tls))
    lab.agent(edge, "http", f"{scheme}://127.0.0.1:{origin.port}", "--name", "web", *options)
    return edge, origin


@needs_nghttpd
def test_answers(lab):
    edge, origin = serve(lab)
    with edge.visitor() as v:
        for _ in range(3):
            m = v.ask("GET", "/small")
            assert m.status == 200 and m.body == b"hello\n"
        assert v.ask("GET", "/none").status == 404
        assert v.ask("GET", "/big").body == origin.big
        m = v.ask("HEAD", "/small")
        assert m.status == 200 and m.get("content-length") == "6"
        assert v.ask("GET", "/small").body == b"hello\n"
    assert origin.connections() == 1


@needs_nghttpd
def test_bodies_and_trailers(lab):
    """Both framings of a request, and an answer with trailers."""
    edge, _ = serve(lab, "--echo-upload", "--trailer", "x-sum: 7")
    body = os.urandom(300000)
    with edge.visitor() as v:
        for n in (0, 1, 16384, 32736, 300000):
            assert v.ask("POST", "/up", body[:n]).body == body[:n], n
        v.send("POST /up HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        v.send(b"%x\r\n%s\r\n" % (len(body), body) + b"0\r\nA: 1\r\n\r\n")
        m = v.response("POST")
        assert m.body == body and m.trailers == [("x-sum", "7")]


@needs_nghttpd
def test_many_at_once(lab):
    """More visitors than streams: another connection is made, and each gets its own answer."""
    edge, origin = serve(lab, "-m", "4")
    faults = []

    def visit():
        try:
            with edge.visitor() as v:
                for _ in range(5):
                    assert v.ask("GET", "/big").body == origin.big
        except Exception as e:
            faults.append(e)
    threads = [threading.Thread(target=visit) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not faults, faults[0]
    assert 1 < origin.connections() <= 16


@needs_nghttpd
def test_slow_reader_stops_nobody(lab):
    edge, origin = serve(lab)
    with edge.visitor(rcvbuf=4096) as slow, edge.visitor() as v:
        slow.request("GET", "/big")
        assert slow.head().status == 200
        for _ in range(5):
            assert v.ask("GET", "/big").body == origin.big
        assert origin.connections() == 1
        assert slow.exactly(len(origin.big)) == origin.big


@needs_nghttpd
def test_visitors_who_go(lab):
    """Their streams are reset, the connection serves on."""
    edge, origin = serve(lab)
    for _ in range(10):
        with edge.visitor(rcvbuf=4096) as v:
            v.request("GET", "/big")
            v.head()
    until(lambda: edge.status()["streams"] == 0)
    assert edge.get("/small").body == b"hello\n"
    assert origin.connections() == 1


@needs_nghttpd
def test_tls(lab):
    authority = Authority(lab.folder)
    cert, key = authority.leaf("web.test")
    edge, origin = serve(lab, scheme="h2", tls=(key, cert), options=("--origin-ca", authority.ca, "--origin-host", "web.test"))
    assert edge.get("/small").body == b"hello\n"
    assert edge.get("/big").body == origin.big


def test_a_server_of_http_1(lab):
    """It is told by its first bytes; the visitor gets a page that names the local server."""
    edge = lab.edge()
    origin = lab.origin(ok)
    lab.agent(edge, "http", "h2c://" + origin.address, "--name", "web")
    m = edge.get("/")
    assert m.status == 502 and m.error in ("origin-bad-response", "origin-broke")


def test_nobody_is_there(lab):
    edge = lab.edge()
    lab.agent(edge, "http", f"h2c://127.0.0.1:{free_port()}", "--name", "web")
    m = edge.get("/")
    assert m.status == 502 and m.error == "origin-refused"


@pytest.mark.parametrize("args, words", [
    (("http", "h2c://127.0.0.1:1", "--proxy-protocol", "2"), "an HTTP/2 connection carries those of many"),
    (("tcp", "h2c://127.0.0.1:1"), "write HOST:PORT"),
    (("http", "h2c://127.0.0.1:1", "--origin-insecure"), "h2://"),
    (("http", "h2c://127.0.0.1:1/path"), "no path"),
    (("doctor", "web", "--origin", "h2c://127.0.0.1:1"), "asks in HTTP/1.1"),
])
def test_what_does_not_fit_together(lab, args, words):
    edge = lab.edge()
    agent = lab.agent(edge, *args, up=False)
    agent.expected_code = agent.child.wait(20)
    assert agent.expected_code != 0 and words in agent.everything()
