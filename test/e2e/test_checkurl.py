# SPDX-License-Identifier: Apache-2.0
"""adit check-url: what Bitbucket would say to a URL; text alone, and by calling there (200 URLs more are in test/unit/hook)."""
import json
import re
import subprocess

import pytest

from certs import Authority, TlsServer
from dnsd import SERVFAIL, NameServer
from lab import ADIT, refusing_address
from origin import Origin, fixed, silent
from process import WAIT_S

HOST = "ci.adit-lab.net"  # nobody is asked for it: every test brings its own name server


def check(url, *args, env=None):
    """(exit code, what it says as JSON)"""
    done = subprocess.run([ADIT, "check-url", url, "--json", *args], capture_output=True, text=True, timeout=6 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(env or {})})
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


def codes(said):
    return [f["code"] for f in said["findings"]]


# url, exit code for Cloud, exit code for Data Center, a code that is among the findings
TEXTS = [
    ("http://localhost:8080/bitbucket-hook/", 2, 1, "localhost"),
    ("localhost:8080", 2, 2, "scheme-missing"),
    ("https://localhost/", 2, 1, "localhost"),
    ("http://127.0.0.1:8080/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://127.1/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://0177.0.0.1/bitbucket-hook/", 2, 1, "address-spelling"),
    ("http://2130706433/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://0x7f.1/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://[::1]:8080/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://[::ffff:127.0.0.1]/bitbucket-hook/", 2, 1, "address-loopback"),
    ("http://0.0.0.0:8080/bitbucket-hook/", 2, 2, "address-unspecified"),
    ("http://10.1.2.3/bitbucket-hook/", 2, 0, "address-private"),
    ("http://172.31.255.255/bitbucket-hook/", 2, 0, "address-private"),
    ("http://192.168.1.20:8080/bitbucket-hook/", 2, 0, "address-private"),
    ("http://169.254.1.1/bitbucket-hook/", 2, 1, "address-link-local"),
    ("http://100.64.0.1/bitbucket-hook/", 2, 1, "address-cgnat"),
    ("http://[fd00::1]/bitbucket-hook/", 2, 0, "address-ula"),
    ("http://192.0.2.1/bitbucket-hook/", 2, 2, "address-documentation"),
    ("http://[2001:db8::1]/bitbucket-hook/", 2, 2, "address-documentation"),
    ("http://224.0.0.1/bitbucket-hook/", 2, 2, "address-multicast"),
    ("https://ci.adit-lab.net/", 1, 1, "path-missing"),
    ("https://ci.adit-lab.net", 1, 1, "path-missing"),
    ("https://ci.adit-lab.net/jenkins", 1, 1, "path-no-hook"),
    ("https://ci.adit-lab.net/jenkins/", 1, 1, "path-no-hook"),
    ("https://jenkins.example.com/bitbucket-hook/", 1, 1, "example-name"),
    ("https://jenkins.example.org/bitbucket-hook/", 1, 1, "example-name"),
    ("https://jenkins.example.net/bitbucket-hook/", 1, 1, "example-name"),
    ("https://jenkins.example/bitbucket-hook/", 2, 2, "reserved-name"),
    ("http://jenkins/bitbucket-hook/", 2, 1, "single-label"),
    ("http://jenkins.local/bitbucket-hook/", 2, 1, "local-name"),
    ("https://user:pw@ci.adit-lab.net/bitbucket-hook/", 2, 1, "userinfo"),
    ("https://ci.adit-lab.net/bitbucket-hook/#x", 2, 1, "fragment"),
    ("https://ci.adit-lab.net/bitbucket-hook", 1, 1, "slash-missing"),
    ("https://ci.adit-lab.net/Bitbucket-Hook/", 1, 1, "path-case"),
    ("http://ci.adit-lab.net/bitbucket-hook/", 1, 0, "http"),
    ("https://ci.adit-lab.net:8443/bitbucket-hook/", 1, 0, "port-odd"),
    ("https://ci adit.net/", 2, 2, "space"),
    ("", 2, 2, "empty"),
]


@pytest.mark.parametrize("url, cloud, dc, code", TEXTS, ids=[t[0] or "empty" for t in TEXTS])
def test_text(url, cloud, dc, code):
    got, said = check(url, "--no-probe")
    assert code in codes(said) and not said["probed"], said
    assert got == cloud == ["ok", "warning", "refused"].index(said["cloud"]), said
    assert check(url, "--no-probe", "--for", "dc")[0] == dc, said
    assert all(f["cause"] and f["remedy"] for f in said["findings"])


def test_good_text():
    code, said = check("https://ci.adit-lab.net/bitbucket-hook/", "--no-probe")
    assert (code, said["findings"], said["suggestion"], said["command"]) == (0, [], "", "")


def test_for_people():
    """One line a finding: severity, code, cause, and the command to type."""
    done = subprocess.run([ADIT, "check-url", "--no-probe", "http://localhost:8080/bitbucket-hook"], capture_output=True, text=True,
                          env={"HOME": "/nonexistent"}, timeout=WAIT_S)
    lines = done.stdout.splitlines()
    assert done.returncode == 2 and 'Bitbucket Cloud refuses it: "Invalid URL"' in lines
    assert any(re.match(r"refused localhost: .*Type `adit http 8080 --name jenkins --for jenkins-bitbucket`", x) for x in lines)
    assert any(x.startswith("warning slash-missing: ") for x in lines)
    assert "type: adit http 8080 --name jenkins --for jenkins-bitbucket" in lines


def people(url, *args):
    done = subprocess.run([ADIT, "check-url", "--no-probe", url, *args], capture_output=True, text=True, env={"HOME": "/nonexistent"},
                          timeout=WAIT_S)
    return done.stdout.splitlines()


def test_a_claim_has_a_source_or_is_an_expectation():
    """What a public document says is told with it; the rest is told as what we expect."""
    lines = people("http://localhost:8080/bitbucket-hook/")
    assert 'Bitbucket Cloud refuses it: "Invalid URL"' in lines
    assert [x for x in lines if x.startswith("source: Bitbucket Cloud REST API") and "https://developer.atlassian.com/" in x]
    lines = people("https://ci.adit-lab.net/bitbucket-hook/#x")
    assert "Bitbucket Cloud is expected to refuse it" in lines and not [x for x in lines if x.startswith("source:")]
    assert not [x for x in people("http://192.0.2.1/bitbucket-hook/") if x.startswith("Bitbucket Data Center refuses")]
    assert check("http://localhost/", "--no-probe")[1]["findings"][0]["source"]


@pytest.mark.parametrize("url", ["https://ci.adit-lab.net:8443/bitbucket-hook/", "https://203.0.114.9/bitbucket-hook/",
                                 "https://ci_x.adit-lab.net/bitbucket-hook/", "https://ci.adit-lab.net/jenkins",
                                 "http://ci.adit-lab.net:8080/bitbucket-hook/", "https://ci.adit-lab.net/"])
def test_never_what_was_just_complained_of(url):
    assert "then: " + url not in people(url)


def test_a_jenkins_below_a_path():
    """The URL, the preset and the option fit together."""
    _, said = check("http://localhost:8080/jenkins/bitbucket-hook", "--no-probe")
    assert said["command"] == "adit http 8080 --name jenkins --for jenkins-bitbucket --context /jenkins"
    assert said["suggestion"] == "https://jenkins.EDGE/jenkins/bitbucket-hook/"


def test_no_terminal_codes():
    done = subprocess.run([ADIT, "check-url", "--no-probe", "http://\x1b[31mevil\x07/"], capture_output=True, timeout=WAIT_S)
    assert done.returncode == 2 and b"\x1b" not in done.stdout and b"\x07" not in done.stdout


def test_usage():
    for args, said in ((["check-url"], "missing"), (["check-url", "x", "--for", "github"], "cloud or dc"),
                       (["check-url", "http://x.example.net/", "--connect", "nowhere"], "--connect")):
        done = subprocess.run([ADIT, *args], capture_output=True, text=True, timeout=WAIT_S)
        assert done.returncode == 2 and said in done.stderr, (args, done.stderr)


def test_knows_the_login(tmp_path):
    (tmp_path / "adit").mkdir()
    path = tmp_path / "adit" / "adit.yml"
    path.write_text("edge: https://hooks.acme-lab.net\n")
    _, said = check("http://localhost:8080/", "--no-probe", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert said["suggestion"] == "https://jenkins.hooks.acme-lab.net/bitbucket-hook/"


def test_a_login_at_an_edge_for_trying(tmp_path):
    """The port belongs to what is pasted; and nobody takes a URL for public that check-url itself refuses."""
    (tmp_path / "adit").mkdir()
    (tmp_path / "adit" / "adit.yml").write_text("edge: https://localhost:42753\n")
    code, said = check("http://localhost:8080/", "--no-probe", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert code == 2 and said["suggestion"] == "https://jenkins.localhost:42753/bitbucket-hook/"
    remedy, = {f["remedy"] for f in said["findings"] if f["code"] == "localhost"}
    assert said["suggestion"] in remedy and "public URL" not in remedy
    assert "Your edge has no public name, so Bitbucket cannot reach it either" in remedy


# --- by calling there ---

@pytest.fixture
def pki(lab):
    return Authority(lab.folder)


def call(lab, answer=None, url=f"https://{HOST}/bitbucket-hook/", names=None, ca=None, address=None, ttl=300):
    """Checks with a name server of its own; connections go to `address`."""
    dns = lab.keep(NameServer({HOST: ["203.0.114.9"]} if names is None else names, ttl))
    args = ["--dns", dns.address]
    if address:
        args += ["--connect", address]
    if ca:
        args += ["--ca", ca]
    return check(url, *args)


def test_reached(lab, pki):
    server = lab.keep(TlsServer(pki.leaf(HOST)))
    code, said = call(lab, ca=pki.ca, address=server.address)
    assert (code, said["findings"], said["reached"]) == (0, [], server.address)
    assert server.n == 1


@pytest.mark.parametrize("leaf, code", [
    ({"self_signed": True}, "tls-self-signed"),
    ({"chain": False, "aia": True}, "tls-chain"),
    ({"end": -0.5}, "tls-expired"),
    ({"start": 1}, "tls-not-yet"),
])
def test_certificates(lab, pki, leaf, code):
    server = lab.keep(TlsServer(pki.leaf(HOST, **leaf)))
    got, said = call(lab, ca=pki.ca, address=server.address)
    assert got == 1 and codes(said) == [code], said


def test_certificate_of_another_name(lab, pki):
    server = lab.keep(TlsServer(pki.leaf("*.adit-lab.net")))
    assert call(lab, ca=pki.ca, address=server.address)[0] == 0
    got, said = call(lab, ca=pki.ca, address=server.address, url="https://a.b.adit-lab.net/bitbucket-hook/",
                     names={"a.b.adit-lab.net": ["203.0.114.9"]})
    assert got == 1 and codes(said) == ["tls-name"] and "*.adit-lab.net" in said["findings"][0]["cause"]


def test_certificate_of_a_stranger(lab, pki):
    """Known to nobody, and no place named where its issuer is: a CA of a company, not a chain that was forgotten."""
    server = lab.keep(TlsServer(pki.leaf(HOST, signer=pki.stranger, chain=False)))
    got, said = call(lab, ca=pki.ca, address=server.address)
    assert got == 1 and codes(said) == ["tls-untrusted"] and "Corp Proxy CA" in said["findings"][0]["cause"]


def test_several_faults_at_once(lab, pki):
    server = lab.keep(TlsServer(pki.leaf("other.adit-lab.net", self_signed=True, end=-0.5)))
    got, said = call(lab, ca=pki.ca, address=server.address)
    assert got == 1 and sorted(codes(said)) == ["tls-expired", "tls-name", "tls-self-signed"]


def test_old_tls(lab, pki):
    server = lab.keep(TlsServer(pki.leaf(HOST), old=True))
    got, said = call(lab, ca=pki.ca, address=server.address)
    assert got == 1 and codes(said) == ["tls-version"] and "TLSv1.1" in said["findings"][0]["cause"]


def test_no_tls_at_all(lab, pki):
    plain = lab.origin()
    got, said = call(lab, ca=pki.ca, address=plain.address)
    assert got == 1 and codes(said) == ["tls-failed"]


def moved(location):
    return fixed(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("url, behave, code", [
    (f"http://{HOST}/bitbucket-hook/", moved(f"https://{HOST}/bitbucket-hook/"), "redirect-https"),
    (f"http://{HOST}/hook", moved(f"http://{HOST}/hook/"), "redirect-slash"),
    (f"http://{HOST}/bitbucket-hook/", moved("/login?from=%2F"), "redirect-login"),
    (f"http://{HOST}/bitbucket-hook/", moved("http://elsewhere.example.org/"), "redirect"),
    (f"http://{HOST}/bitbucket-hook/", fixed(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "http-broken"),
])
def test_answers(lab, url, behave, code):
    origin = lab.origin(behave)
    got, said = call(lab, url=url, address=origin.address)
    assert got == 1 and code in codes(said), said


def answer(status, *fields, body=b""):
    head = "".join(f"{f}\r\n" for f in fields)
    return fixed(f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@pytest.mark.parametrize("behave, code", [
    (answer(404), "http-not-found"), (answer(403), "http-forbidden"), (answer(401), "http-login"), (answer(405), "http-method"),
    (answer(410), "http-gone"), (answer(500), "http-error"), (answer(503), "http-error"),
    (answer(403, "X-Jenkins: 2", body=b"No valid crumb was included in the request"), "http-forbidden"),
    (answer(404, "adit-error: unknown-name"), "http-unknown-name"), (answer(403, "adit-error: forbidden"), "http-forbidden"),
    (answer(410, "adit-error: released-name"), "http-gone"), (answer(503, "adit-error: agent-away"), "http-away"),
    (answer(401, "adit-error: unauthorized"), "http-login"),
])
def test_refusals(lab, behave, code):
    origin = lab.origin(behave)
    got, said = call(lab, url=f"http://{HOST}/bitbucket-hook/", address=origin.address)
    f = next((f for f in said["findings"] if f["code"] == code), None)
    assert got == 1 and f, said
    assert len(f["remedy"]) > 10


@pytest.mark.parametrize("behave", [answer(200), answer(405, "adit-error: method-not-allowed"), answer(400),
                                    answer(403, "X-Jenkins: 2", body=b"Invalid Bitbucket webhook signature")])
def test_a_receiver_of_posts(lab, behave):
    """What refuses a GET, or the ping that no sender has signed, may be the receiver itself."""
    origin = lab.origin(behave)
    got, said = call(lab, url=f"http://{HOST}/bitbucket-hook/", address=origin.address)
    assert codes(said) == ["http"], said


def test_the_ping_follows_a_refused_get(lab):
    def serve(c, request):
        c.answer(b"", 200 if request.method == "POST" else 405, reason="X")
    origin = lab.origin(serve)
    got, said = call(lab, url=f"http://{HOST}/hooks/x?token=a", address=origin.address)
    assert codes(said) == ["http"] and [r.method for r in origin.requests] == ["GET", "POST"], said
    assert origin.requests[1].body == b'{"test": true}' and origin.requests[1].get("X-Event-Key") == "diagnostics:ping"
    assert {r.target for r in origin.requests} == {"/hooks/x?token=a"}


@pytest.mark.slow
def test_silent(lab):
    origin = lab.keep(Origin(silent))
    assert "http-silent" in codes(call(lab, url=f"http://{HOST}/bitbucket-hook/", address=origin.address)[1])


@pytest.mark.parametrize("names, got, code", [
    ({}, 2, "dns-missing"),
    ({HOST: SERVFAIL}, 2, "dns-failed"),
    ({HOST: ["10.0.0.7"]}, 2, "resolves-private"),
    ({HOST: ["203.0.114.9", "fd00::7"]}, 2, "resolves-private"),
    ({HOST: ["100.64.1.1"]}, 2, "resolves-private"),
    ({HOST: ["127.0.0.53"]}, 2, "resolves-private"),
])
def test_names(lab, pki, names, got, code):
    server = lab.keep(TlsServer(pki.leaf(HOST)))
    exit_code, said = call(lab, names=names, ca=pki.ca, address=server.address)
    assert exit_code == got and code in codes(said), said


def test_closed_port(lab):
    address, keeper = refusing_address()
    got, said = call(lab, address=address)
    assert got == 1 and codes(said) == ["tcp-closed"] and "refused" in said["findings"][0]["cause"]
    keeper.close()
