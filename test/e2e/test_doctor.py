# SPDX-License-Identifier: Apache-2.0
"""adit doctor: the newcomer's way to a first build, and every way of breaking it, one at a time, each found by its code."""
import glob
import json
import os
import shlex
import socket
import subprocess
import threading
import time

import pytest

from certs import Authority, TlsServer
from dnsd import SERVFAIL, NameServer
from doctor_lab import DOMAIN, HOST, PUBLIC, SECRET, Town, repository
from hostile import FakeEdge
from jenkins import Jenkins, job
from lab import ADIT, refusing_address
from origin import fixed, silent
from process import WAIT_S, Process, until

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
WEB = {"web": job(repository(), SECRET)}


def jenkins(**kw):
    return Jenkins({"web": job(repository(), SECRET)}, **kw)


def one_finding(said, code, stage=None):
    """The finding is there, with sentences that are filled in; nothing in front of it fails."""
    assert code in said["codes"], (code, said["findings"], said["stages"])
    f = said["codes"][code]
    for text in (f["text"], f["remedy"]):
        assert text and "{" not in text, f
    if f["severity"] == "failure":
        assert not said["ok"] and said["first_code"] == code, (said["first_code"], code)
        assert said["first_stage"] == f["stage"]
    return f


def test_newcomer(lab):
    """localhost in Bitbucket: "Invalid URL" -> check-url explains -> the printed command -> doctor -> a push builds."""
    town = Town(lab, jenkins())
    env = {"PATH": "/usr/bin:/bin", "HOME": town.home, "no_proxy": "*"}

    def adit(*args):
        done = subprocess.run([ADIT, *args], capture_output=True, text=True, timeout=6 * WAIT_S, env=env)
        return done.returncode, done.stdout, done.stderr
    code, out, _ = adit("check-url", f"http://localhost:{town.jenkins.port}/bitbucket-hook")
    assert code == 2 and "refused localhost: " in out
    command = next(x for x in out.splitlines() if x.startswith("type: "))[len("type: "):]
    assert command == f"adit http {town.jenkins.port} --name jenkins --for jenkins-bitbucket"
    assert adit("login", "https://" + town.edge.ready["https"], "--ca", town.edge.ca, "--token-file", town.edge.token)[0] == 0
    agent = Process([ADIT, *shlex.split(command)[1:]], os.path.join(lab.folder, "agent.log"), env, "adit")
    lab.keep(Stopped(agent))
    line, _ = agent.wait_line(lambda x: "URL to paste:" in x)
    url = line.split()[-1]
    line, _ = agent.wait_line(lambda x: "secret is in:" in x)
    with open(line.split("secret is in:")[1].split("(")[0].strip()) as f:
        secret = f.read().strip()
    assert url == f"https://{HOST}/bitbucket-hook/" and len(secret) >= 32
    town.jenkins.jobs["web"]["secret"] = secret
    here = ["--dns", town.dns.address, "--connect", "127.0.0.1:%d" % town.edge.https[1]]
    code, out, err = adit("check-url", url, "--ca", town.edge.ca, *here)
    assert code == 0, out
    code, out, err = adit("doctor", "jenkins", "--origin", town.jenkins.address, *here)
    assert code == 0 and "Nothing fails" in out and secret not in out, out + err
    assert town.jenkins.jobs["web"]["builds"] == []
    assert town.push(secret=secret).status == 202
    assert town.jenkins.wait_builds("web", 1)[0]["cause"] == "repo:push"


class Stopped:
    def __init__(self, process):
        self.process = process

    def close(self):
        self.process.stop()


def test_green_and_not_counted(lab):
    """A probe goes end to end, is shown as one, and is neither stored nor counted nor built."""
    town = Town(lab, jenkins())
    town.connect()
    before = town.edge.status()["all"]["workers"]
    code, said = town.doctor()
    assert code == 0 and said["first_code"] == ""
    assert {s["stage"]: s["state"] for s in said["stages"]} == {
        "hook": "warning", "dns": "ok", "tcp": "ok", "tls": "ok", "edge": "ok", "link": "ok", "origin": "ok", "inbox": "ok", "job": "skipped"}
    after = town.edge.status()["all"]["workers"]
    assert sum(w["requests"] for w in before) == sum(w["requests"] for w in after)
    assert town.edge.logged().count("event=probe") >= 2 or "event=request" not in town.edge.logged()
    probes = [r for r in town.jenkins.requests if r.get("X-Adit-Probe")]
    assert probes and all(json.loads(r.body)["repository"]["full_name"] == "adit-probe/doctor" for r in probes)
    assert all(r.get("adit-probe") is None for r in town.jenkins.requests), "the ticket is the edge's alone"
    assert town.jenkins.jobs["web"]["builds"] == []
    assert town.push().status == 202
    town.jenkins.wait_builds("web", 1)
    code, said = town.doctor()
    assert code == 0 and said["findings"] == []


def test_ticket_is_not_for_strangers(lab):
    """Without a ticket, or with one of another name or an altered one, the field means nothing: the event is stored."""
    town = Town(lab, jenkins())
    town.connect()
    for n, ticket in enumerate(["edge", "0" * 48 + " edge", "f" * 48, "", "x" * 48 + " edge"], 1):
        m = town.push(extra=[f"adit-probe: {ticket}"], headers=["X-Event-Key: repo:push", "User-Agent: Bitbucket-Webhooks/2.0",
                                                                f"X-Request-UUID: u{n}", "X-Hook-UUID: h"])
        assert m.status == 202 and "probe" not in m.body.decode(), m
        town.jenkins.wait_builds("web", n)


# --- the webhook's URL ---

@pytest.mark.parametrize("url, code", [
    ("http://localhost:8080/bitbucket-hook/", "hook-localhost"),
    ("http://127.0.0.1:8080/bitbucket-hook/", "hook-localhost"),
    ("http://10.0.0.7:8080/bitbucket-hook/", "hook-private"),
    ("https://192.168.178.20/bitbucket-hook/", "hook-private"),
    ("https://[fd00::7]/bitbucket-hook/", "hook-private"),
    ("https://100.64.3.4/bitbucket-hook/", "hook-private"),
    ("https://jenkins.hooks.adit-lab.net#frag/bitbucket-hook/", "hook-url"),
    ("https://user:pw@jenkins.hooks.adit-lab.net/bitbucket-hook/", "hook-url"),
    ("ftp://jenkins.hooks.adit-lab.net/bitbucket-hook/", "hook-url"),
])
def test_url(lab, url, code):
    address, keeper = refusing_address()
    said = doctor_alone(url, "--connect", address)
    one_finding(said, code)
    keeper.close()


def doctor_alone(url, *args, home="/nonexistent", json_out=True):
    """Without any login of the lab's."""
    done = subprocess.run([ADIT, "doctor", url, *(["--json"] if json_out else []), *args], capture_output=True, text=True, timeout=8 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": home, "no_proxy": "*"})
    assert done.returncode in (0, 1), done.stderr
    if not json_out:
        return done.stdout
    said = json.loads(done.stdout)
    said["codes"] = {f["code"]: f for f in said["findings"]}
    said["by_stage"] = {s["stage"]: s for s in said["stages"]}
    return said


@pytest.fixture(scope="class")
def town(shared_class_lab):
    """For breakages that leave nothing behind."""
    made = Town(shared_class_lab, jenkins())
    made.connect()
    return made


@pytest.fixture(scope="class")
def shared_class_lab():
    import tempfile

    from lab import Lab
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = Lab(folder)
        yield made
        made.close(judge=True)


class TestFromOutside:
    """One healthy town, looked at by other names, servers and tokens."""

    def test_slash(self, town):
        f = one_finding(town.doctor(f"https://{HOST}/bitbucket-hook")[1], "hook-slash")
        assert f"https://{HOST}/bitbucket-hook/" in f["remedy"]

    def test_other_path(self, town):
        """Another plugin's path: it is the tunnel that refuses it, Jenkins was not asked."""
        said = town.doctor(f"https://{HOST}/github-webhook/")[1]
        f = one_finding(said, "edge-path")
        assert "--for jenkins-github" in f["remedy"] and f"https://{HOST}/bitbucket-hook/" in f["remedy"]
        assert [c for c in said["codes"] if c.startswith("origin-")] == []

    def test_silent_and_history(self, town):
        said = town.doctor()[1]
        assert one_finding(said, "hook-silent")["severity"] == "warning"
        assert one_finding(said, "hook-history")["severity"] == "info"

    @pytest.mark.parametrize("entry, word", [(3, "NXDOMAIN"), (SERVFAIL, "SERVFAIL"), ([], "no address")])
    def test_dns_missing(self, town, entry, word):
        dns = NameServer({HOST: entry})
        f = one_finding(town.doctor("jenkins", "--dns", dns.address, dns=False)[1], "dns-missing")
        assert word in f["text"]
        dns.close()

    def test_dns_private(self, town):
        dns = NameServer({HOST: ["10.11.12.13"]})
        f = one_finding(town.doctor("jenkins", "--dns", dns.address, dns=False)[1], "hook-private")
        assert "RFC 1918" in f["text"]
        dns.close()

    def test_dns_elsewhere(self, town):
        dns = NameServer({HOST: ["203.0.114.9"], "edge.adit-lab.net": ["203.0.114.77"]})
        said = town.doctor(f"https://{HOST}/bitbucket-hook/", "--dns", dns.address, dns=False,
                           login=town.login(edge="https://edge.adit-lab.net:1"))[1]
        f = one_finding(said, "dns-elsewhere")
        assert "203.0.114.9" in f["text"] and "203.0.114.77" in f["text"]
        dns.close()

    def test_dns_ipv6(self, town):
        dns = NameServer({HOST: ["127.0.0.1", "::1"]})
        said = town.doctor(f"https://{HOST}:{town.edge.https[1]}/bitbucket-hook/", "--dns", dns.address, dns=False, connect=False)[1]
        assert one_finding(said, "dns-ipv6")["severity"] == "warning"
        dns.close()

    def test_dns_ttl(self, town):
        dns = NameServer({HOST: [PUBLIC]}, ttl=86400)
        code, said = town.doctor("jenkins", "--dns", dns.address, dns=False)
        assert code == 0 and "86400" in one_finding(said, "dns-ttl")["text"]
        dns.close()

    def test_tcp_closed(self, town):
        address, keeper = refusing_address()
        f = one_finding(town.doctor(connect=address)[1], "tcp-closed")
        assert "refused" in f["text"]
        keeper.close()

    @pytest.mark.parametrize("leaf, code", [
        ({"end": -0.5}, "tls-expired"), ({"start": 1}, "tls-expired"), ({"self_signed": True}, "tls-untrusted"),
        ({"chain": False, "aia": True}, "tls-chain"), ({"name": "*.adit-lab.net"}, "tls-name"),
    ])
    def test_tls(self, town, leaf, code):
        server = TlsServer(town.pki.leaf(**{"name": HOST, **leaf}))
        one_finding(town.doctor(connect=server.address)[1], code)
        server.close()

    @pytest.mark.parametrize("caa, said", [
        ({DOMAIN: [("issue", "pki.goog"), ("issue", "sectigo.com; cansignhttpexchanges=yes")]},
         f"the CAA record of {DOMAIN} allows only pki.goog, sectigo.com."),
        ({HOST: [("issue", ";")], DOMAIN: [("issue", "letsencrypt.org")]}, f"the CAA record of {HOST} allows nobody."),
        ({"net": [("ISSUE", "pki.goog")]}, "the CAA record of net allows only pki.goog."),
        # what stands nearer counts alone; parameters and case do not matter; a record may say nothing of issuing
        ({HOST: [("issue", " LetsEncrypt.org ; validationmethods=dns-01")], DOMAIN: [("issue", ";")]}, None),
        ({HOST: [("iodef", "mailto:a@b")], DOMAIN: [("issue", ";")]}, None),
        ({DOMAIN: [("issue", "pki.goog"), ("issue", "letsencrypt.org")]}, None),
        ({DOMAIN: [("issuewild", ";")]}, None),
        ({}, None),
    ])
    def test_tls_acme(self, town, caa, said):
        """An expired certificate, and whether it could have been renewed at all."""
        server = TlsServer(town.pki.leaf(HOST, end=-0.5))
        town.dns.caa = caa
        got = town.doctor(connect=server.address)[1]
        town.dns.caa = {}
        server.close()
        if said is None:
            assert "tls-acme" not in got["codes"] and got["first_code"] == "tls-expired"
        else:
            f = one_finding(got, "tls-acme")
            assert f["text"].endswith(said) and 'issue "letsencrypt.org"' in f["remedy"], f

    def test_tls_acme_without_any_certificate(self, town):
        server = TlsServer(town.pki.leaf(HOST, self_signed=True))
        town.dns.caa = {HOST: [("issue", "pki.goog")]}
        assert "tls-untrusted" in (got := town.doctor(connect=server.address)[1])["codes"]
        one_finding(got, "tls-acme")
        town.dns.names["net"] = SERVFAIL  # DNS that does not tell forbids nothing
        town.dns.caa = {}
        assert "tls-acme" not in town.doctor(connect=server.address)[1]["codes"]
        del town.dns.names["net"]
        server.close()

    def test_tls_stranger(self, town):
        server = TlsServer(town.pki.leaf(HOST, signer=town.pki.stranger))
        assert "Corp Proxy CA" in one_finding(town.doctor(connect=server.address)[1], "tls-untrusted")["text"]
        server.close()

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_tls_old(self, town):
        server = TlsServer(town.pki.leaf(HOST), old=True)
        assert "TLSv1.1" in one_finding(town.doctor(connect=server.address)[1], "tls-version")["text"]
        server.close()

    def test_tls_none(self, town):
        one_finding(town.doctor(connect="127.0.0.1:%d" % town.edge.http[1])[1], "tls-version")

    def test_wrong_secret_here(self, town):
        wrong = town.file("wrong", "another-secret")
        one_finding(town.doctor(secret=wrong)[1], "edge-secret")

    def test_bad_token(self, town):
        bad = town.file("bad-token", "adit_" + "x" * 43)
        said = town.doctor(login=town.login(token=bad))[1]
        one_finding(said, "link-refused")

    def test_edge_unreachable(self, town):
        address, keeper = refusing_address()
        f = one_finding(town.doctor(f"https://{HOST}/bitbucket-hook/", login=town.login(edge="https://" + address))[1], "link-down")
        assert "refused" in f["text"] and "--proxy" not in f["remedy"]
        keeper.close()

    def test_tls_interception(self, town):
        """A network that opens TLS: the issuer that is seen has its name in the sentence."""
        proxy = TlsServer(town.pki.leaf("localhost", signer=town.pki.stranger))
        port = proxy.address.rsplit(":", 1)[1]
        f = one_finding(town.doctor(f"https://{HOST}/bitbucket-hook/", login=town.login(edge="https://localhost:" + port))[1],
                        "link-blocked")
        assert "Corp Proxy CA" in f["text"]
        proxy.close()

    def test_unknown_tunnel(self, town):
        dns = NameServer({"nobody." + DOMAIN: [PUBLIC]})
        one_finding(town.doctor("https://nobody.%s/bitbucket-hook/" % DOMAIN, "--dns", dns.address, dns=False)[1], "link-unknown")
        dns.close()

    def test_name_of_another_account(self, town):
        token, _ = town.edge.new_token("stranger")
        said = town.doctor(f"https://{HOST}/bitbucket-hook/", login=town.login(token=token))
        f = one_finding(said[1], "link-taken")
        assert "another account" in f["text"] and "adit login" not in f["remedy"]
        assert "signatures" not in said[1]["by_stage"]["edge"]["text"], "nothing is told of it"

    def test_disabled_name(self, town):
        dns = NameServer({"off." + DOMAIN: [PUBLIC]})
        town.edge.ctl("name", "reserve", "off", "dev")
        town.edge.ctl("name", "disable", "off")
        f = one_finding(town.doctor("https://off.%s/bitbucket-hook/" % DOMAIN, "--dns", dns.address, dns=False)[1], "link-disabled")
        assert "operator" in f["text"] and "adit start" in f["remedy"]
        dns.close()

    def test_report_without_secrets(self, town):
        path = os.path.join(town.lab.folder, "report")
        assert town.doctor(f"https://{HOST}/bitbucket-hook/?token=t0psecret", "--report", path)[0] in (0, 1)
        with open(path) as f:
            text = f.read()
        with open(town.edge.token) as f:
            assert f.read().strip() not in text
        assert SECRET not in text and "t0psecret" not in text and "ticket" not in text
        lines = [json.loads(x) for x in text.splitlines()]
        assert lines[0]["adit"] and "system" in lines[1] and lines[2]["edge"]["policy"]["preset"] == "jenkins-bitbucket"

    def test_mistakes(self, town):
        for args, said in ((["doctor"], "name the tunnel"), (["doctor", "x"], "log in first"),
                           (["doctor", "https://x.example.net/", "--connect", "x"], "HOST:PORT"),
                           (["doctor", "https://x.example.net/", "--jenkins-user", "u"], "belong together")):
            done = subprocess.run([ADIT, *args], capture_output=True, text=True, timeout=WAIT_S,
                                  env={"PATH": "/usr/bin", "HOME": "/nonexistent"})
            assert done.returncode == 2 and said in done.stderr, (args, done.stderr)


# --- the edge ---

def test_edge_address(lab):
    town = Town(lab, jenkins())
    town.connect("--deny", "127.0.0.0/8")
    assert town.push().status == 403
    f = one_finding(town.doctor()[1], "edge-address")
    assert "127.0.0.1" in f["text"] and "Bitbucket-Webhooks/2.0" in f["text"]


def test_edge_login(lab):
    town = Town(lab, jenkins())
    users = town.file("users", "rosa:$6$saltsalt$" + "x" * 86)
    town.connect("--user-file", users)
    assert town.push().status == 401
    one_finding(town.doctor()[1], "edge-login")


def test_edge_too_big(lab):
    town = Town(lab, jenkins())
    town.connect("--body-max", "1500")
    assert town.push(body=b"{" + b" " * 2000 + b"}").status == 413
    f = one_finding(town.doctor()[1], "edge-too-big")
    assert "2002" in f["text"] and "1500" in f["text"]


def test_edge_http(lab):
    """http:// in the webhook, seen by calling it, and by a hook that came so."""
    town = Town(lab, jenkins(), http="redirect")
    town.connect()
    plain = "127.0.0.1:%d" % town.edge.http[1]
    one_finding(town.doctor(f"http://{HOST}/bitbucket-hook/", connect=plain)[1], "edge-http")
    assert town.doctor()[0] == 0
    assert town.push(tls=False).status == 308
    one_finding(town.doctor()[1], "edge-http")


def test_edge_signatures(lab):
    """Unsigned, then wrongly signed; a good event makes both history."""
    town = Town(lab, jenkins())
    town.connect()
    assert town.push(secret=None).status == 401
    said = town.doctor()[1]
    one_finding(said, "edge-unsigned")
    assert one_finding_of(said, "hook-refused") == "warning" and "hook-silent" not in said["codes"]
    assert town.push(secret=SECRET + "\n").status == 401
    said = town.doctor()[1]
    assert "edge-signature" in said["codes"] and "white space" in said["codes"]["edge-signature"]["text"].lower()
    assert town.push().status == 202
    town.jenkins.wait_builds("web", 1)
    assert town.doctor()[1]["findings"] == []
    with town.edge.visitor(host=HOST) as v:
        assert v.ask("POST", "/bitbucket-hook/", b"{}").status == 401
    code, said = town.doctor()
    assert code == 0 and one_finding_of(said, "edge-stray") == "warning", said
    assert "POST /bitbucket-hook/, was not signed" in said["codes"]["edge-stray"]["text"]


def one_finding_of(said, code):
    assert code in said["codes"], said["findings"]
    return said["codes"][code]["severity"]


def test_an_edge_for_trying(lab):
    """That it has no public name is no fault of what is tried; a fault is told all the same, with its stage."""
    edge, origin = lab.edge(), lab.origin()
    right, bad = (os.path.join(lab.folder, n) for n in ("right.secret", "bad.secret"))
    for path, text in ((right, SECRET), (bad, "another")):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text + "\n")
    lab.agent(edge, "http", origin.address, "--name", "gh", "--scheme", "github", "--secret-file", right)

    def doctor(*args):
        done = subprocess.run([ADIT, "doctor", "gh", "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token,
                               *args], capture_output=True, text=True, timeout=8 * WAIT_S,
                              env={"PATH": "/usr/bin:/bin", "HOME": lab.folder, "no_proxy": "*"})
        return done.returncode, done.stdout + done.stderr
    code, said = doctor("--secret-file", right)
    assert code == 0 and all(x in said for x in ("hook-trying", "Your edge has no public name", "GitHub cannot reach it")), said
    assert "Nothing fails" in said and "Bitbucket" not in said and "(port-odd)" not in said, said
    code, said = doctor("--secret-file", bad)
    assert code == 1 and "edge-secret" in said and "It fails at: edge, edge-secret\n" in said, said
    assert f"the secret in {bad} is not the one that the tunnel checks with" in said, said


def test_slash_of_the_sender(lab):
    town = Town(lab, jenkins())
    town.connect()
    assert town.push(path="/bitbucket-hook").status == 403
    one_finding(town.doctor()[1], "hook-slash")


def test_edge_ping_and_duplicate(lab):
    town = Town(lab, jenkins())
    town.connect()
    ping = town.push(secret=None, body=b'{"test": true}', headers=["X-Event-Key: diagnostics:ping", "X-Request-Id: 1",
                                                                   "Content-Type: application/json"])
    assert ping.status == 200
    assert town.push().status == 202 and town.push().status == 202
    town.jenkins.wait_builds("web", 1)
    code, said = town.doctor()
    assert code == 0 and one_finding(said, "edge-duplicate")["severity"] == "info"
    assert town.push(secret=None, body=b'{"test": true}', headers=["X-Event-Key: diagnostics:ping", "X-Request-Id: 2",
                                                                   "Content-Type: application/json"]).status == 200
    code, said = town.doctor()
    assert code == 0 and one_finding(said, "edge-ping")["severity"] == "info"


def test_released(lab):
    town = Town(lab, jenkins())
    agent = town.connect()
    agent.stop()
    town.edge.ctl("name", "release", "jenkins")
    one_finding(town.doctor(f"https://{HOST}/bitbucket-hook/")[1], "dns-released")


# --- the link ---

def test_link_away(lab):
    town = Town(lab, jenkins())
    agent = town.connect()
    agent.stop()
    assert town.push().status == 202
    f = one_finding(town.doctor()[1], "link-away")
    assert "1 stored event waits" in f["text"]
    said = doctor_alone(f"https://{HOST}/bitbucket-hook/", "--connect", "127.0.0.1:%d" % town.edge.https[1], "--ca", town.edge.ca)
    assert said["by_stage"]["link"]["state"] == "skipped"


def test_link_away_in_mode_pass(lab):
    """Without any login: what the edge answers tells it."""
    town = Town(lab, jenkins())
    agent = town.connect(preset=None)
    agent.stop()
    said = doctor_alone(f"https://{HOST}/bitbucket-hook/", "--connect", "127.0.0.1:%d" % town.edge.https[1], "--ca", town.edge.ca)
    one_finding(said, "link-away")


def test_link_two(lab):
    town = Town(lab, jenkins())
    for _ in range(3):
        agent = town.connect()
        agent.expected_code = 4
    agent.expected_code = 0
    assert one_finding(town.doctor()[1], "link-two")["severity"] == "warning"


def test_link_revoked(lab):
    town = Town(lab, jenkins())
    token, token_id = town.edge.new_token("dev")
    town.connect()
    town.edge.ctl("token", "revoke", token_id)
    one_finding(town.doctor(login=town.login(token=token))[1], "link-refused")


STATES = [("parked", "dead"), ("received", "queued", "leased"), ("delivered",)]


class Played:
    """An edge that says of a tunnel what the test wants; the public side is a TLS server."""

    def __init__(self, lab, rows=None, **members):
        self.lab = lab
        self.pki = Authority(lab.folder)
        real = lab.edge()
        self.fake = lab.keep(FakeEdge(real.folder))
        self.real = real
        self.public = lab.keep(TlsServer(self.pki.leaf(HOST)))
        with open(real.ca) as f, open(self.pki.ca) as g:
            self.ca = self.pki.write("both.pem", (f.read() + g.read()).encode())
        self.members = {"state": "up", "url": f"https://{HOST}", "edge": "aditd/9", "account": "a", "now_ms": int(time.time() * 1000),
                        "since_ms": 1, "link": {"peer": "192.0.2.1:1", "agent": "adit/9", "rtt_us": 900, "silent_ms": 10}, "notes": [],
                        "inbox": {"queued": 0}, **members}
        self.rows = rows or {}

    def doctor(self, json_out=True):
        def serve():
            link = self.fake.accept()
            link.welcome([])
            question = link.wait_control("probe")
            link.control(type="probe", name=question.get("name", "jenkins"), **self.members)
            for _ in range(sum(1 for states in STATES if sum(dict(self.members["inbox"] or {}).get(s, 0) for s in states))):
                asked = link.wait_control("inbox")
                assert asked["op"] == "list" and asked["tunnel"] == "jenkins"
                link.control(type="inbox", seq=asked["seq"], ok=True, more=False,
                             rows=[r for r in self.rows if r["state"] in asked["states"]])
            link.end()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        said = doctor_alone(f"https://{HOST}/", "--edge", "https://localhost:" + self.fake.address.rsplit(":", 1)[1], "--ca", self.ca,
                            "--token-file", self.real.token, "--connect", self.public.address, home=self.lab.folder, json_out=json_out)
        thread.join(WAIT_S)
        return said


@pytest.mark.parametrize("members, code", [
    ({"now_ms": int((time.time() - 400) * 1000)}, "link-clock"),
    ({"now_ms": int((time.time() + 400) * 1000)}, "link-clock"),
    ({"link": {"peer": "192.0.2.1:1", "agent": "adit/9", "rtt_us": 900, "silent_ms": 44000}}, "link-silent"),
    ({"notes": [{"code": "edge-disk", "count": 1, "at_ms": 5, "text": "the disk is full"}]}, "edge-disk"),
    ({"last": {"received_ms": 5, "event": "repo:push", "order_key": "acme/web main", "state": "parked", "attempts": 1,
               "note": "200, but Jenkins built nothing: no project has this repository (Matched 0)."}}, "job-none"),
])
def test_what_the_edge_says(lab, members, code):
    said = Played(lab, **members).doctor()
    one_finding(said, code)


MINUTE_MS = 60000


def stored(state, age_min, note="", **kw):
    return {"id": 7, "state": state, "event": "repo:push", "repository": "acme/web main", "attempts": 2, "note": note,
            "received_ms": int(time.time() * 1000) - age_min * MINUTE_MS, **kw}


@pytest.mark.parametrize("rows, code, words", [
    ([stored("dead", 5, "The server failed. Look into its log.")], "inbox-dead", "The server failed."),
    ([stored("queued", 9, "Nobody answers.")], "inbox-late", "Nobody answers."),
    ([stored("queued", 9, attempts=0)], "inbox-late", "no attempt"),
    ([stored("delivered", 1), stored("parked", 9, "No valid crumb.")], "inbox-left", "No valid crumb."),
    ([stored("delivered", 9), stored("parked", 1, "No valid crumb.")], "inbox-parked", "No valid crumb."),
])
def test_what_lies_in_the_inbox(lab, rows, code, words):
    counts = {s: sum(r["state"] == s for r in rows) for s in ("parked", "dead", "queued", "delivered")}
    waits = [r["received_ms"] for r in rows if r["state"] == "queued"]
    counts["oldest_ms"] = min(waits, default=0)
    said = Played(lab, rows, inbox=counts, policy={"mode": "store", "preset": "jenkins-bitbucket"}, last=rows[0]).doctor()
    assert words in one_finding(said, code)["text"]
    assert [c for c in said["codes"] if c.startswith("inbox-")] == [code]


def test_an_inbox_that_is_young(lab):
    """What came a moment ago is no fault; and an edge that says nothing of its inbox is none either."""
    said = Played(lab, [stored("queued", 0)], inbox={"queued": 1, "oldest_ms": int(time.time() * 1000)},
                  policy={"mode": "store"}).doctor()
    assert [c for c in said["codes"] if c.startswith("inbox-")] == []


def test_parked_since_jenkins_refuses_the_signature(lab):
    """The doctor's own push is for no job and goes through; the real one lies parked, and that is what it says."""
    town = Town(lab, Jenkins({"web": job(repository(), "another-secret")}))
    town.connect()
    assert town.push().status == 202

    def parked():
        said = town.doctor()[1]
        return said if "inbox-parked" in said["codes"] else None
    said = until(parked, what="the delivery is parked")
    f = one_finding(said, "inbox-parked")
    assert said["by_stage"]["origin"]["state"] == "ok" and "same secret" in f["text"], f
    town.jenkins.jobs["web"]["secret"] = SECRET
    words = shlex.split(f["remedy"].split(": ")[1])
    assert words[:3] == ["adit", "inbox", "replay"]
    subprocess.run([ADIT, *words[1:], *town.login()], check=True, capture_output=True, timeout=4 * WAIT_S,
                   env={"PATH": "/usr/bin:/bin", "HOME": town.home, "no_proxy": "*"})
    town.jenkins.wait_builds("web", 1)
    until(lambda: town.doctor()[0] == 0, what="nothing fails any more")


def test_nonsense_of_the_edge(lab):
    """Members of other types and terminal codes do no harm."""
    said = Played(lab, policy=[1], notes={"x": 1}, last="x", link=7, since_ms="x", state="\x1b[31m", inbox=[]).doctor()
    assert [s["stage"] for s in said["stages"]] == ["hook", "dns", "tcp", "tls", "edge", "link", "origin", "inbox", "job"]
    out = Played(lab, edge="\x1b[31maditd", link={"peer": "\x07\n", "agent": "\x9b", "rtt_us": 1}).doctor(json_out=False)
    assert not [c for c in out if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)], out


# --- the local server ---

def test_origin_refused(lab):
    town = Town(lab, jenkins())
    address, keeper = refusing_address()
    town.connect(address=address)
    f = one_finding(town.doctor(origin=address)[1], "origin-refused")
    assert address in f["text"]
    one_finding(town.doctor(origin=False)[1], "origin-refused")
    keeper.close()


def test_origin_listens_on_ipv6(lab):
    town = Town(lab, jenkins())
    with socket.socket(socket.AF_INET6) as six:
        six.bind(("::1", 0))
        six.listen()
        address = "127.0.0.1:%d" % six.getsockname()[1]
        town.connect(address=address)
        f = one_finding(town.doctor(origin=address)[1], "origin-refused")
        assert "[::1]" in f["text"]


def test_not_jenkins(lab):
    town = Town(lab, jenkins())
    other = lab.origin(fixed(b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"))
    town.connect(address=other.address)
    f = one_finding(town.doctor(origin=other.address)[1], "origin-not-jenkins")
    assert "nginx" in f["text"]


def test_context_path(lab):
    town = Town(lab, jenkins(prefix="/jenkins"))
    town.connect()
    f = one_finding(town.doctor()[1], "origin-context")
    assert f"https://{HOST}/jenkins/bitbucket-hook/" in f["remedy"]


def test_crumb(lab):
    town = Town(lab, jenkins(plugins=()))
    town.connect()
    one_finding(town.doctor()[1], "origin-crumb")


def test_other_plugin(lab):
    town = Town(lab, jenkins(plugins=("branch-source",)))
    town.connect()
    f = one_finding(town.doctor()[1], "hook-plugin")
    assert "/bitbucket-scmsource-hook/notify" in f["text"]


@pytest.mark.parametrize("location", ["/login?from=%2Fbitbucket-hook%2F", "https://sso.example.org/", "/bitbucket-hook//"])
def test_redirects(lab, location):
    town = Town(lab, jenkins())
    town.jenkins.behave = lambda c, r: town.jenkins.say(c, 302, "", [f"Location: {location}"])
    town.connect()
    one_finding(town.doctor()[1], "origin-redirect")


def test_starting(lab):
    town = Town(lab, jenkins(starting=True))
    town.connect()
    code, said = town.doctor()
    assert one_finding(said, "origin-starting")["severity"] == "warning"


def test_slow(lab):
    town = Town(lab, jenkins())
    town.jenkins.behave = silent
    town.connect()
    said = town.doctor("jenkins", "--patience", "1")[1]
    assert one_finding(said, "origin-slow")["severity"] == "warning" and not said["ok"]


def test_server_url(lab):
    """A Data Center calls the branch source plugin without ?server_url=."""
    town = Town(lab, jenkins())
    town.connect(preset="jenkins-bitbucket-branch-source")
    m = town.push(path="/bitbucket-scmsource-hook/notify", headers=["X-Event-Key: repo:refs_changed", "X-Request-Id: 77",
                                                                    "Content-Type: application/json"])
    assert m.status == 202
    until(lambda: town.doctor()[1]["codes"].get("hook-server-url"), what="the delivery is parked")


# --- the job ---

def with_jenkins(town, **kw):
    return town.doctor("jenkins", "--jenkins-user", "admin", "--jenkins-token-file", town.file("api-token", "11apitoken"), **kw)


@pytest.mark.parametrize("change, reason", [
    ({"trigger": False}, "is not ticked"),
    ({"built": False}, "never built by hand"),
    ({"buildable": False}, "disabled"),
    ({"repository": repository().upper()}, "differs in case"),
    ({"repository": "other/" + repository().split("/")[1]}, "another owner"),
    ({"repository": "x/y"}, "no job"),
])
def test_no_build(lab, change, reason):
    town = Town(lab, Jenkins({"web": {**job(repository(), SECRET), **change}}))
    town.connect()
    assert town.push().status == 202

    def delivered():
        said = with_jenkins(town)[1]
        return said if "job-none" in said["codes"] else None
    said = until(delivered, what="the push was delivered")
    f = one_finding(said, "job-none")
    assert repository() in f["text"] and reason in said["by_stage"]["job"]["text"], said["by_stage"]["job"]


def test_build_started(lab):
    town = Town(lab, jenkins())
    town.connect()
    assert town.push().status == 202
    town.jenkins.wait_builds("web", 1)
    said = until(lambda: next((s for s in [with_jenkins(town)[1]] if "a build started" in s["by_stage"]["job"]["text"]), None))
    assert said["ok"]


def test_job_links(lab):
    town = Town(lab, jenkins(root="http://localhost:8080/"))
    town.connect()
    assert one_finding(with_jenkins(town)[1], "job-links")["severity"] == "warning"


def test_jenkins_token_refused(lab):
    town = Town(lab, jenkins())
    town.connect()
    said = town.doctor("jenkins", "--jenkins-user", "admin", "--jenkins-token-file", town.file("no", "wrong"))[1]
    assert one_finding(said, "job-token")["severity"] == "warning"


def test_manual_names_every_code():
    """adit-doctor(1) and adit-check-url(1) have a line for each code that can be printed."""
    import re

    from conftest import ROOT

    def read(path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            return f.read()
    codes = re.findall(r'\{ "([a-z0-9-]+)", \d+, DOCTOR_', read("src/hook/doctor.c"))
    urls = re.findall(r'X\(\w+, "([a-z0-9-]+)", \w,', read("src/hook/checkurl_private.h"))
    urls += re.findall(r'\[P_\w+\] = \{ "([a-z0-9-]+)"', read("src/agent/command/checkurl_probe.c"))
    assert len(codes) >= 48 and len(urls) > 60
    for page, known in (("man/adit-doctor.1", codes), ("man/adit-check-url.1", urls)):
        manual = read(page)
        assert [c for c in known if not re.search(rf"^\.It Li {c}( Ta .*)?$", manual, re.M)] == []


def test_every_code_is_shown_here():
    """All of them."""
    import re

    from conftest import ROOT
    with open(os.path.join(ROOT, "src/hook/doctor.c"), encoding="utf-8") as f:
        codes = set(re.findall(r'\{ "([a-z0-9-]+)", \d+, DOCTOR_', f.read()))
    text = ""
    for path in (__file__, *(__file__.replace("test_doctor.py", other) for other in ("test_doctor_situations.py", "test_tls_at_agent.py"))):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    missing = {c for c in codes if not re.search(rf'"{c}"[\]),]', text)}
    assert len(codes) >= 48 and missing == set()
