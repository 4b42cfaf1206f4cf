# SPDX-License-Identifier: Apache-2.0
"""TLS that ends at the agent, with a certificate that it gets through the edge: Pebble is the CA."""
import hashlib
import json
import mmap
import os
import re
import shutil
import stat
import subprocess

import pytest

from acmelab import CHALLTESTSRV, PEBBLE, Pebble, World, ask
from conftest import ROOT
from dnsd import NameServer
from http1 import Visitor
from lab import ADIT, SANITIZED, refusing_address
from origin import raw_then_close
from process import WAIT_S, Process, free_port, until
from test_guides import blocks
from test_passthrough import ALERT_INTERNAL, Tls, curl, hello, s_client, said

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


def test_the_doctor_says_what_it_cannot_see_and_looks_for_the_record(lab):
    edge, agent, _, ca = ending(lab)
    record = agent.wait_event("certificate", 6 * WAIT_S)["caa"]
    value = record[len('web.localhost. CAA 0 issue "'):-1]
    assert value.endswith("; validationmethods=tls-alpn-01,http-01") and "; accounturi=https://" in value
    dns = lab.keep(NameServer({"web.localhost": ["127.0.0.1"]}))
    path = os.path.join(edge.folder, "adit.yml")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"edge: {edge.ready['https']}\nca: {edge.ca}\ntoken_file: {edge.token}\nacme: {{ directory: '{ca.pebble.directory}' }}\n")

    def doctor():
        done = subprocess.run([ADIT, "doctor", "web", "-f", path, "--json", "--dns", dns.address, "--connect", "%s:%d" % edge.https],
                              capture_output=True, text=True, timeout=8 * WAIT_S, env={**os.environ, "HOME": edge.folder})
        said = json.loads(done.stdout)
        return {f["code"]: f for f in said["findings"]}, {s["stage"]: s for s in said["stages"]}
    codes, stages = doctor()
    assert codes["tls-caa"]["remedy"] == f"Add the record {record}"
    assert all("TLS ends at the other side" in stages[s]["text"] for s in ("edge", "origin", "inbox")), stages
    for records, open_to_others in (([("issue", value)], False), ([("issue", value), ("issue", ";")], False),
                                    ([("issue", value), ("issue", "other.example")], True), ([("issue", value + "x")], False),
                                    ([("issue", "letsencrypt.org")], True), ([("iodef", "mailto:x@example.org")], True)):
        dns.caa = {"web.localhost": records}
        assert ("tls-caa" in doctor()[0]) == open_to_others, records


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


def test_a_ca_that_wants_its_certificate_back_gets_it(lab):
    """A window in the past, as before a revocation: the certificate is renewed at once, and visitors of both are served."""
    edge, agent, origin, ca = ending(lab)
    agent.wait_event("certificate", 6 * WAIT_S)
    with open(state(edge, ".pem")[0]) as f:
        first = f.read()
    agent.stop()
    body = {"suggestedWindow": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}, "explanationURL": "https://ca.example.org/why"}
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", first, re.S)[0]
    status, _, text = ask("POST", f"https://127.0.0.1:{ca.pebble.management}/set-renewal-info/",
                          json.dumps({"Certificate": pem, "ARIResponse": json.dumps(body)}))
    assert status == 200, text
    _, again, _, _ = ending(lab, edge=edge, origin=origin, ca=ca)
    again.wait_event("certificate", 6 * WAIT_S)
    with Visitor(edge.https, "web.localhost", ca.root) as old:
        old_serial = old.sock.getpeercert()["serialNumber"]

        def renewed():
            with open(state(edge, ".pem")[0]) as f:
                return f.read() != first
        until(renewed, 8 * WAIT_S)
        assert old.ask("GET", "/").body == b"ok"
    with Visitor(edge.https, "web.localhost", ca.root) as new:
        assert new.sock.getpeercert()["serialNumber"] != old_serial
        assert new.ask("GET", "/").body == b"ok"


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


def test_openssl_s_client_in_single_octets(lab):
    edge, agent, origin, ca = ending(lab, origin=lab.origin(raw_then_close(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")))
    agent.wait_event("certificate", 6 * WAIT_S)
    got = s_client(lab, edge, ca.root)
    assert got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"ok") and [r.target for r in origin.requests] == ["/"], got


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
    edge = lab.edge()
    # Pebble chooses among its profiles by chance: one of six days would be found fault with.
    usual = {"default": {"description": "the usual one", "validityPeriod": 7776000}}
    ca = lab.keep(Authority(os.path.join(lab.folder, "ca"), edge, profiles=usual))
    _, agent, _, _ = ending(lab, edge=edge, ca=ca)
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


class Reader:
    """Somebody who types what doc/end-to-end-tls.md says, with other addresses, and Pebble for Let's Encrypt."""

    def __init__(self, lab):
        self.edge = lab.edge()
        self.ca = lab.keep(Authority(os.path.join(lab.folder, "ca"), self.edge))
        self.vault = lab.keep(Tls(lab.folder, "vault.localhost"))
        self.origin = lab.origin()
        self.dns = lab.keep(NameServer({"app.localhost": ["127.0.0.1"]}))
        self.agent, self.log = None, os.path.join(lab.folder, "guide.log")
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.edge.folder, "no_proxy": "*"}
        self.config = os.path.join(self.edge.folder, ".config/adit/adit.yml")

    def run(self, *argv):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=8 * WAIT_S, env=self.env)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout

    def serve(self, words, certificate):
        self.close()
        more = ["--acme-directory", self.ca.pebble.directory, "--acme-ca-file", self.ca.ca_file] if words[1] == "http" else []
        self.agent = Process([ADIT, *words[1:], *more], self.log, self.env, "adit")
        self.agent.wait_line(lambda x: " -> " in x, 4 * WAIT_S)
        self.agent.wait_line(lambda x: "TLS ends:" in x, 4 * WAIT_S)
        if certificate:
            self.agent.wait_line(lambda x: ": certificate of Pebble" in x, 6 * WAIT_S)
            self.agent.wait_line(lambda x: x.startswith("  add to DNS:       app.localhost. CAA 0 issue "), 4 * WAIT_S)

    def type(self, line):
        line = line.replace("tunnel.example.org", "localhost")
        words = line.split()
        if line.startswith("adit login "):
            assert words[3:] == ["--token-file", "token.txt"]
            self.run(ADIT, "login", "https://" + self.edge.ready["https"], "--token-file", self.edge.token, "--ca", self.edge.ca)
        elif line == "adit tls 8443 --name vault":
            self.serve(["adit", "tls", self.vault.address, *words[3:]], False)
        elif line.startswith("adit http 8080 "):
            self.serve(["adit", "http", self.origin.address, *words[3:]], True)
        elif line.startswith("adit start "):
            with open(self.config, "a") as f:
                f.write("\n".join(self.yaml).replace("8080", self.origin.address)
                        .replace("acme:", f"acme:\n  directory: '{self.ca.pebble.directory}'\n  ca_file: '{self.ca.ca_file}'") + "\n")
            self.serve(words, True)
        elif line.startswith("curl https://"):
            host = line.split("/")[2]
            ca = self.vault.authority.ca if host.startswith("vault") else self.ca.root
            port = self.edge.https[1]
            assert self.run("curl", "-sS", "--cacert", ca, "--connect-to", f"{host}:443:127.0.0.1:{port}", *words[1:]) in ("far end", "ok")
        elif line.startswith("adit status "):
            assert "TLS ends at the other side" in self.run(ADIT, *words[1:])
        elif line.startswith("adit doctor "):
            done = subprocess.run([ADIT, *words[1:], "--dns", self.dns.address, "--connect", "%s:%d" % self.edge.https], capture_output=True,
                                  text=True, timeout=8 * WAIT_S, env=self.env)
            assert "Add the record app.localhost. CAA 0 issue" in re.sub(r"\s+", " ", done.stdout), done.stdout
        else:
            raise AssertionError(f"no test runs this command: {line}")

    def close(self):
        if self.agent is not None:
            self.agent.stop()
        self.agent = None


def test_the_guide(lab):
    with open(os.path.join(ROOT, "doc", "end-to-end-tls.md"), encoding="utf-8") as f:
        text = f.read()
    reader, n = Reader(lab), 0
    try:
        for language, lines, _ in blocks(text):
            if language == "yaml":
                reader.yaml = lines
                continue
            for line in lines:
                reader.type(line)
                n += 1
    finally:
        reader.close()
    assert n == 8
