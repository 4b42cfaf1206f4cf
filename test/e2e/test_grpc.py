# SPDX-License-Identifier: Apache-2.0
"""gRPC whole: its own client and server through edge and agent, and what the edge says by itself to such a client."""
import os
import subprocess
import sys
import threading
import warnings

import pytest

from origin import chunked, silent
from process import free_port

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "grpc_lab.py")
HEAD = "POST /a.B/C HTTP/1.1\r\nHost: web.localhost\r\nContent-Type: application/grpc\r\nTE: trailers\r\n"


def interpreter():
    """One that has grpcio: GRPC_PYTHON names another than ours."""
    for python in (os.environ.get("GRPC_PYTHON"), sys.executable, "/usr/bin/python3"):
        if python and subprocess.run([python, "-c", "import grpc"], capture_output=True).returncode == 0:
            return python
    return None


@pytest.fixture(scope="module")
def python():
    found = interpreter()
    if found is None:
        warnings.warn("SKIPPED: gRPC's own client and server: no Python with grpcio (python3-grpcio, or GRPC_PYTHON=...)", stacklevel=1)
        pytest.skip("no Python with grpcio")
    return found


class Served:
    def __init__(self, lab, python):
        self.python = python
        self.child = subprocess.Popen([python, LIB, "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        lab.keep(self)
        self.port = int(self.child.stdout.readline())
        self.edge = lab.edge()
        self.agent = lab.agent(self.edge, "http", f"h2c://127.0.0.1:{self.port}", "--name", "web")

    def client(self, case, *args):
        done = subprocess.run([self.python, LIB, "client", "%s:%d" % self.edge.https, "web.localhost", self.edge.ca, case, *args],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def close(self):
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()


@pytest.mark.parametrize("case", ["four_kinds", "errors", "deadlines", "cancellations"])
def test_grpcio(lab, python, case):
    Served(lab, python).client(case)


def test_ten_thousand_calls(lab, python):
    served = Served(lab, python)
    print(served.client("many", "10000" if os.environ.get("ADIT_LONG") else "2000"))


def test_grpcio_is_told_that_nobody_is_there(lab, python):
    served = Served(lab, python)
    served.agent.kill()
    assert "agent of this tunnel is not connected" in served.client("unavailable")


# --- what the edge says by itself, to a client of HTTP/1.1 ---

def ask(edge, fields="", host="web.localhost"):
    with edge.visitor(host) as v:
        v.send(HEAD.replace("web.localhost", host) + fields + "Content-Length: 0\r\n\r\n")
        return v.response("POST")


def refused(m, status, error):
    assert m.status == 200 and m.get("content-type") == "application/grpc" and m.body == b"" and m.trailers == []
    assert m.get("grpc-status") == status and m.error == error and m.get("grpc-message")


def test_faults_are_told_in_its_own_way(lab):
    edge = lab.edge()
    lab.agent(edge, "http", f"h2c://127.0.0.1:{free_port()}", "--name", "web")
    refused(ask(edge), "14", "origin-refused")
    refused(ask(edge, host="nobody.localhost"), "12", "unknown-name")
    m = edge.get()
    assert m.status == 502 and not m.all("grpc-status")  # to others it is what it was


def test_outcome_in_trailers_of_http_1(lab):
    """A local server that speaks gRPC over HTTP/1.1 is no less of one to the proxy."""
    edge, _, origin = lab.web(lab.origin(chunked([b"\0\0\0\0\0"], "grpc-status: 0\r\ngrpc-message: fine\r\n")))
    m = ask(edge, "grpc-timeout: 5S\r\n")
    assert m.body == b"\0\0\0\0\0" and m.trailers == [("grpc-status", "0"), ("grpc-message", "fine")]
    assert origin.requests[0].get("te") == "trailers" and origin.requests[0].get("grpc-timeout") == "5S"


def test_its_own_deadline_counts(lab):
    """The tunnel's patience is a second: others wait no longer, such a client as long as it says."""
    edge, over = lab.edge(), threading.Event()

    def late(c, request):
        if "1H" in request.all("grpc-timeout"):
            over.wait(30)
            c.answer(b"at last")
        else:
            silent(c, request)
    origin = lab.origin(late)
    lab.agent(edge, "http", origin.address, "--name", "web", "--origin-silent", "1")
    with edge.visitor() as v:
        v.send(HEAD + "grpc-timeout: 1H\r\nContent-Length: 0\r\n\r\n")
        assert edge.get().error == "origin-silent"
        assert edge.get().error == "origin-silent"
        over.set()
        assert v.response("POST").body == b"at last"
    refused(ask(edge, "grpc-timeout: 1S\r\n"), "14", "origin-silent")
