# SPDX-License-Identifier: Apache-2.0
"""TLS that ends at the agent, with a certificate that it gets through the edge: Pebble is the CA."""
import hashlib
import json
import mmap
import os
import shutil
import stat
import subprocess

import pytest

from acmelab import CHALLTESTSRV, PEBBLE, Pebble, World
from http1 import Visitor
from lab import ADIT, SANITIZED, refusing_address
from process import WAIT_S, free_port, until
from test_passthrough import ALERT_INTERNAL, Tls, curl, hello, said

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of the agent are NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


class Authority:
    """Pebble, which finds every name at the edge."""

    def __init__(self, folder, edge, **kw):
        os.makedirs(folder, exist_ok=True)
        self.world = World(folder)
        self.pebble = Pebble(folder, self.world, **{"tlsPort": edge.https[1], "httpPort": edge.http[1], **kw})
        self.ca_file = os.path.join(folder, "ca.crt")
        self.root = os.path.join(folder, "root.pem")
        with open(self.root, "w") as f:
            f.write(self.pebble.root())

    def options(self):
        return ("--tls-at-agent", "--agree-to-terms", "--acme-directory", self.pebble.directory, "--acme-ca-file", self.ca_file)

    def close(self):
        self.pebble.stop()
        self.world.stop()


def ending(lab, *args, edge=None, origin=None, ca=None, **kw):
    edge = edge or lab.edge()
    ca = ca or lab.keep(Authority(os.path.join(lab.folder, "ca"), edge))
    origin = origin or lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", *ca.options(), *args, **kw)
    return edge, agent, origin, ca


def state(edge, ending):
    """The agent's files that end so."""
    found = []
    for folder, _, files in os.walk(os.path.join(edge.folder, ".local/state/adit")):
        found += [os.path.join(folder, f) for f in files if f.endswith(ending)]
    return found


def test_a_certificate_is_got_through_the_edge_and_shown(lab):
    edge, agent, origin, ca = ending(lab)
    assert agent.up["tls"] == "agent"
    event = agent.wait_event("certificate", 6 * WAIT_S)
    assert event["host"] == "web.localhost"
    done = curl(edge, ca.root)
    assert (done.returncode, done.stdout) == (0, "ok"), done
    # The control: it is the agent's, and not one of the edge's.
    assert curl(edge, edge.ca).returncode == 60
    for path in state(edge, ""):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    assert state(edge, ".pem") and state(edge, "account.json") and not state(edge, ".case")


def test_the_next_start_goes_on_with_what_is_there(lab):
    edge, agent, origin, ca = ending(lab)
    agent.wait_event("certificate", 6 * WAIT_S)
    with open(state(edge, ".pem")[0]) as f:
        first = f.read()
    with open(state(edge, "account.json")[0]) as f:
        account = json.load(f)
    agent.stop()
    # An alert in place of a certificate while it is away.
    assert said(edge, hello("web.localhost")) == ALERT_INTERNAL
    _, again, _, _ = ending(lab, edge=edge, origin=origin, ca=ca)
    assert curl(edge, ca.root).stdout == "ok"
    assert again.wait_event("certificate", 6 * WAIT_S)["caa"].startswith('web.localhost. CAA 0 issue "')
    with open(state(edge, ".pem")[0]) as f:
        assert f.read() == first
    with open(state(edge, "account.json")[0]) as f:
        assert json.load(f) == account
    # What cannot be read is got anew, and nobody is asked to delete anything.
    again.stop()
    with open(state(edge, ".pem")[0], "w") as f:
        f.write(first[:-200])
    _, third, _, _ = ending(lab, edge=edge, origin=origin, ca=ca)
    third.wait_event("certificate", 6 * WAIT_S)
    assert curl(edge, ca.root).stdout == "ok"


def test_a_kill_at_any_time_ends_with_a_certificate(lab):
    """The agent is killed again and again while it gets its first certificate: one order at a time, and never another key."""
    edge = lab.edge()
    ca = lab.keep(Authority(os.path.join(lab.folder, "ca"), edge))
    origin = lab.origin()
    for files in (["account.json"], ["account.json", ".case"]):
        _, agent, _, _ = ending(lab, edge=edge, origin=origin, ca=ca)
        until(lambda: all(state(edge, f) for f in files))
        agent.kill()
    _, agent, _, _ = ending(lab, edge=edge, origin=origin, ca=ca)
    # A second order for a name waits a minute: the one that was begun must be gone on with.
    agent.wait_event("certificate", 4 * WAIT_S)
    assert curl(edge, ca.root).stdout == "ok"
    until(lambda: not state(edge, ".case"))


def test_a_ca_that_makes_no_sense_is_told_and_asked_later(lab):
    server = lab.keep(Tls(lab.folder, "localhost"))
    edge = lab.edge()
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", "--tls-at-agent", "--agree-to-terms", "--acme-ca-file",
                      server.authority.ca, "--acme-directory", f"https://localhost:{server.address.split(':')[1]}/dir")
    said_no = agent.wait_event("no-certificate", 8 * WAIT_S)
    assert said_no["again_s"] >= 1, said_no


@pytest.mark.slow
def test_http_01_by_port_80_of_the_edge(lab):
    """A CA that offers nothing else, or cannot reach port 443, asks there."""
    edge = lab.edge()
    ca = lab.keep(Authority(os.path.join(lab.folder, "ca"), edge, env={"PEBBLE_VA_ALWAYS_VALID": "0"}, tlsPort=free_port()))
    _, agent, _, _ = ending(lab, edge=edge, ca=ca)
    agent.wait_event("certificate", 8 * WAIT_S)
    assert curl(edge, ca.root).stdout == "ok"


def test_a_ca_that_cannot_be_asked_is_told_and_asked_again(lab):
    edge = lab.edge()
    address, keeper = refusing_address()
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", "--tls-at-agent", "--agree-to-terms",
                      "--acme-directory", f"https://{address}/dir")
    said_no = agent.wait_event("no-certificate", 4 * WAIT_S)
    assert said_no["name"] == "web" and f"the CA https://{address}/dir does not answer" in said_no["text"]
    # Whoever comes now is told in TLS's words; the tunnel is up all the same.
    got = said(edge, hello("web.localhost"))
    assert got[:1] == b"\x15" and got[-2:] == b"\x02\x70", got
    keeper.close()


@pytest.mark.parametrize("args,words", [
    (["--tls-at-agent"], "--agree-to-terms"),
    (["--tls-at-agent", "--agree-to-terms", "--store"], "options that are about requests are off"),
    (["--tls-at-agent", "--agree-to-terms", "--origin-host", "x"], "options that are about requests are off"),
    (["--tls-at-agent", "--agree-to-terms", "--acme-directory", "http://127.0.0.1/"], "https:// URL"),
    (["--acme-email", "x@example.org"], "--tls-at-agent"),
])
def test_what_cannot_be_is_refused_with_a_sentence(shared_lab, args, words):
    done = subprocess.run([ADIT, "http", "8080", "--edge", "127.0.0.1:1", *args], capture_output=True, text=True, timeout=4 * WAIT_S,
                          env={**os.environ, "HOME": shared_lab.folder, "ADIT_TOKEN": "adit_x"})
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_requests_of_every_kind_pass_inside(lab):
    """Keep-alive, large bodies, an end of one direction, an upgrade: bytes pass as they are, whatever they mean."""
    def behave(c, request):
        c.answer(hashlib.sha256(request.body).hexdigest().encode(), headers=[f"X-Target: {request.target}", f"X-Host: {request.get('host')}"])
    edge, agent, origin, ca = ending(lab, origin=lab.origin(behave))
    agent.wait_event("certificate", 6 * WAIT_S)
    body = os.urandom(8 << 20)
    with Visitor(edge.https, "web.localhost", ca.root) as v:
        assert v.sock.selected_alpn_protocol() == "http/1.1"
        for n in (0, 1, 100_000, len(body)):
            got = v.ask("POST", f"/n{n}", body[:n])
            assert got.body.decode() == hashlib.sha256(body[:n]).hexdigest() and got.get("x-target") == f"/n{n}"
        assert got.get("x-host") == "web.localhost"
    assert all("x-forwarded-for" not in {k.lower() for k, _ in r.fields} for r in origin.requests)
    # One that goes in the middle leaves nothing behind (the lab looks).
    with Visitor(edge.https, "web.localhost", ca.root) as v:
        v.send(b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 100000\r\n\r\n" + body[:5000])


def core_has(process, folder, *markers):
    """Of each marker whether the memory of a process has it."""
    path = os.path.join(folder, "core")
    done = subprocess.run(["gcore", "-a", "-o", path, str(process.pid)], capture_output=True, text=True, timeout=12 * WAIT_S)
    core = f"{path}.{process.pid}"
    assert done.returncode == 0 and os.path.exists(core), done.stdout + done.stderr
    try:
        with open(core, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            return [memory.find(marker) >= 0 for marker in markers]
    finally:
        os.unlink(core)


@pytest.mark.skipif(not shutil.which("gcore") or SANITIZED, reason="NO GCORE (gdb), the edge's memory is NOT searched for plaintext")
def test_plaintext_is_nowhere_in_the_edges_memory(lab):
    def behave(c, request):
        c.answer(request.body + b"answer-" + request.body)
    edge, agent, origin, ca = ending(lab, origin=lab.origin(behave))
    agent.wait_event("certificate", 6 * WAIT_S)
    secret, control = (b"marker-" + os.urandom(12).hex().encode() for _ in range(2))
    with Visitor(edge.https, "web.localhost", ca.root) as v:
        for _ in range(20):
            got = v.ask("POST", f"/{secret.decode()}", secret * 500, headers=[f"Cookie: {secret.decode()}"])
            assert got.body.count(secret) == 1000
        # The control: what passes through a tunnel whose TLS ends at the edge is there; and the secret is where it may be.
        lab.agent(edge, "http", origin.address, "--name", "open")
        with edge.visitor("open.localhost") as w:
            assert w.ask("POST", "/", control * 500).body.count(control) == 1000
            assert core_has(edge, lab.folder, secret, control) == [False, True]
        assert core_has(agent, lab.folder, secret) == [True]


@pytest.mark.skipif(not shutil.which("testssl"), reason="NO TESTSSL.SH, the agent's TLS is NOT judged by it: apt install testssl.sh")
@pytest.mark.skipif(SANITIZED, reason="it opens hundreds of connections")
def test_testssl_finds_nothing(lab):
    """The agent's TLS through the edge, judged by somebody else: no finding above LOW. ADIT_SLOW=1 asks for all (a minute)."""
    edge, agent, _, ca = ending(lab)
    agent.wait_event("certificate", 6 * WAIT_S)
    out = os.path.join(lab.folder, "testssl.json")
    more = ["-S", "-s", "-f", "-R", "-C", "-B", "-I", "--heartbleed"] if os.environ.get("ADIT_SLOW") else []
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", out, "--add-ca", ca.root, "--ip", "127.0.0.1",
                    "-p", *more, f"web.localhost:{edge.https[1]}"],
                   capture_output=True, text=True, timeout=60 * WAIT_S, env={**os.environ, "no_proxy": "*"})
    with open(out) as f:
        found = json.load(f)
    assert len(found) > (30 if more else 8), found
    bad = [(row["id"], row["severity"], row["finding"]) for row in found if row["severity"] in ("MEDIUM", "HIGH", "CRITICAL")]
    # A CA for tests has neither CRL nor OCSP, and no CAA stands in DNS for "localhost".
    assert [row for row in bad if not row[0].startswith(("cert_crl", "cert_ocsp", "OCSP", "cert_revocation", "cert_chain_of_trust", "DNS_CAA"))] == []
    assert any(row["id"] == "TLS1_3" and row["severity"] == "OK" for row in found)
