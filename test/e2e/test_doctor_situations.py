# SPDX-License-Identifier: Apache-2.0
"""adit doctor in situations that somebody was really in: what it says, and that it does not send people the wrong way."""
import json
import socket
import subprocess
import threading
import time
from email.utils import formatdate

import pytest

from certs import TlsServer
from dnsd import NameServer
from doctor_lab import DOMAIN, HOST, Town, repository
from hostile import FakeEdge
from jenkins import Jenkins, job
from lab import ADIT, SANITIZED, refusing_address
from origin import fixed
from process import WAIT_S
from test_doctor import FAKETIME, SECRET, doctor_alone, jenkins, one_finding, shared_class_lab, town, with_jenkins  # noqa: F401

URL = f"https://{HOST}/bitbucket-hook/"


def away(town, edge, **env):  # noqa: F811
    """What the doctor says where the edge of the login is that one."""
    argv = [ADIT, "doctor", URL, "--json", *town.login(edge=edge), "--dns", town.dns.address, "--connect", "127.0.0.1:%d" % town.edge.https[1]]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=12 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": town.home, **env})
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    said["codes"] = {f["code"]: f for f in said["findings"]}
    links = [c for c in said["codes"] if c.startswith("link-")]
    assert len(links) == 1, links
    f = said["codes"][links[0]]
    assert "issued by ." not in f["text"] and "--proxy" not in f["remedy"] and "{" not in f["text"] + f["remedy"], f
    return f


def port_of(address):
    return address.rsplit(":", 1)[1]


class TestNoWayToTheEdge:
    """One sentence of a failed dial, nine reasons."""

    def test_its_name_does_not_resolve(self, town):  # noqa: F811
        f = away(town, "https://edge.adit-lab.invalid")
        assert f["code"] in ("link-dns",) and "edge.adit-lab.invalid" in f["text"]

    def test_it_is_down(self, town):  # noqa: F811
        address, keeper = refusing_address()
        f = away(town, "https://" + address)
        assert f["code"] in ("link-down",) and address in f["text"] and "systemctl status aditd" in f["remedy"]
        keeper.close()

    def test_it_is_the_port_of_plain_http(self, town):  # noqa: F811
        f = away(town, "https://127.0.0.1:%d" % town.edge.http[1])
        assert f["code"] in ("link-tls",) and "adit login https://HOST:PORT" in f["remedy"]

    def test_it_is_another_server(self, town):  # noqa: F811
        server = TlsServer(town.pki.leaf("localhost"))
        f = away(town, "https://localhost:" + port_of(server.address))
        assert f["code"] in ("link-other",) and "is no edge" in f["text"]
        server.close()

    def test_its_certificate_has_expired(self, town):  # noqa: F811
        server = TlsServer(town.pki.leaf("localhost", end=-0.5))
        f = away(town, "https://localhost:" + port_of(server.address))
        assert f["code"] in ("link-expired",) and "aditd reload" in f["remedy"]
        server.close()

    def test_its_certificate_is_of_another_name(self, town):  # noqa: F811
        server = TlsServer(town.pki.leaf("other.adit-lab.net"))
        f = away(town, "https://localhost:" + port_of(server.address))
        assert f["code"] in ("link-name",) and "other.adit-lab.net" in f["text"] and "localhost" in f["text"]
        server.close()

    def test_its_issuer_is_not_trusted(self, town):  # noqa: F811
        server = TlsServer(town.pki.leaf("localhost", signer=town.pki.stranger))
        f = away(town, "https://localhost:" + port_of(server.address))
        assert f["code"] in ("link-blocked",) and "Corp Proxy CA" in f["text"] and "--ca FILE" in f["remedy"]
        server.close()

    @pytest.mark.skipif(not FAKETIME, reason="no libfaketime (package faketime)")
    @pytest.mark.skipif(SANITIZED, reason="libfaketime and sanitizers both want to be loaded first")
    def test_the_clock_here_is_wrong(self, town):  # noqa: F811
        date = f"HTTP/1.1 404 Not Found\r\nDate: {formatdate(time.time(), usegmt=True)}\r\nContent-Length: 0\r\n\r\n"
        server = TlsServer(town.pki.leaf("localhost"), date.encode())
        f = away(town, "https://localhost:" + port_of(server.address), LD_PRELOAD=FAKETIME, FAKETIME="+400d", FAKETIME_DONT_FAKE_MONOTONIC="1",
                 DONT_FAKE_MONOTONIC="1")
        assert f["code"] in ("link-time",) and "Set the clock" in f["remedy"], f
        server.close()

    def test_the_proxy_is_down(self, town):  # noqa: F811
        address, keeper = refusing_address()
        f = away(town, "https://edge.adit-lab.invalid", https_proxy="http://" + address)
        assert f["code"] in ("link-proxy",) and address in f["text"] and "https_proxy" in f["remedy"]
        keeper.close()

    def test_the_proxy_refuses(self, town):  # noqa: F811
        origin = town.lab.origin(fixed(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
        f = away(town, "https://edge.adit-lab.invalid", https_proxy="http://" + origin.address)
        assert f["code"] in ("link-proxy",) and "403" in f["text"], f

    def test_it_has_no_time(self, lab, town):  # noqa: F811
        fake = lab.keep(FakeEdge(town.edge.folder))

        def serve():
            link = fake.accept()
            link.control(type="refused", code="store", text="the edge cannot use its store now")
            link.end()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        f = away(town, "https://localhost:" + port_of(fake.address))
        assert f["code"] in ("link-busy",) and "store" in f["text"] and "adit login" not in f["remedy"]
        thread.join(WAIT_S)


class TestAtTheEdge:
    def test_no_tunnel_of_that_name_and_no_login(self, town):  # noqa: F811
        said = doctor_alone(f"https://nobody.{DOMAIN}/bitbucket-hook/", "--connect", "127.0.0.1:%d" % town.edge.https[1], "--ca", town.edge.ca)
        assert "nobody" in one_finding(said, "edge-unknown")["text"]

    def test_another_server_has_the_name(self, town):  # noqa: F811
        server = TlsServer(town.pki.leaf(HOST))
        said = town.doctor(URL, connect=server.address)[1]
        one_finding(said, "edge-other")
        server.close()

    @pytest.mark.parametrize("error", ["overload", "stopping", "internal"])
    def test_it_is_overloaded(self, town, error):  # noqa: F811
        server = TlsServer(town.pki.leaf(HOST), f"HTTP/1.1 503 X\r\nadit-error: {error}\r\nContent-Length: 0\r\n\r\n".encode())
        f = one_finding(town.doctor(URL, connect=server.address)[1], "edge-busy")
        assert error in f["text"] and len(f["remedy"]) > 10
        server.close()

    def test_the_record_is_one(self, town):  # noqa: F811
        dns = NameServer({HOST: 3, "edge.adit-lab.net": ["203.0.114.77"]})
        f = one_finding(town.doctor(URL, "--dns", dns.address, dns=False, login=town.login(edge="https://edge.adit-lab.net:1"))[1],
                        "dns-missing")
        assert f["remedy"].endswith(f": *.{DOMAIN}. 300 IN A 203.0.114.77"), f
        dns.close()

    def test_no_name_server_answers(self, town):  # noqa: F811
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            f = one_finding(town.doctor(URL, "--dns", "127.0.0.1:%d" % deaf.getsockname()[1], dns=False)[1], "dns-silent")
        assert "Bitbucket" not in f["text"] and "--dns" in f["remedy"], "that says nothing of what Bitbucket sees"


def test_rate(lab):
    town = Town(lab, jenkins())  # noqa: F811
    town.connect("--policy", town.file("policy", '{"rate": 0.001, "burst": 1}'))
    assert town.push().status == 202
    assert one_finding(town.doctor()[1], "edge-rate")["severity"] == "warning"


# --- a Jenkins below a path ---

def test_context_is_right(lab):
    town = Town(lab, jenkins(prefix="/jenkins"))  # noqa: F811
    town.connect("--context", "/jenkins")
    code, said = with_jenkins(town)
    assert code == 0 and [c for c in said["codes"] if not c.startswith("hook-")] == [], said["codes"]
    assert town.push(path="/jenkins/bitbucket-hook/").status == 202
    town.jenkins.wait_builds("web", 1)


def test_the_printed_remedy_is_the_cure(lab):
    """A Jenkins below /jenkins, published without a word of that: what the doctor says, done to the letter."""
    town = Town(lab, jenkins(prefix="/jenkins"))  # noqa: F811
    agent = town.connect()
    f = one_finding(town.doctor()[1], "origin-context")
    assert "--context /jenkins" in f["remedy"] and f"https://{HOST}/jenkins/bitbucket-hook/" in f["remedy"]
    agent.stop()
    town.connect("--context", "/jenkins")
    assert town.doctor()[0] == 0


@pytest.mark.parametrize("prefix, context, code", [("", "/jenkins", "origin-no-context"), ("/jenkins", "/ci", "origin-context")])
def test_context_is_wrong(lab, prefix, context, code):
    town = Town(lab, jenkins(prefix=prefix))  # noqa: F811
    town.connect("--context", context)
    f = one_finding(town.doctor()[1], code)
    assert f"https://{HOST}{prefix}/bitbucket-hook/" in f["remedy"]


# --- the local server ---

def play(lab, address, *args, **kw):
    town = Town(lab, jenkins())  # noqa: F811
    town.connect(*args, address=address, **kw)
    return [town.doctor(origin=address)[1], town.doctor(origin=False)[1]]


def test_it_speaks_tls_on_a_plain_address(lab):
    town = Town(lab, jenkins())  # noqa: F811
    server = lab.keep(TlsServer(town.pki.leaf("localhost")))
    town.connect(address=server.address)
    said = town.doctor(origin=server.address)[1]
    assert f"adit http https://{server.address}" in said["codes"][said["first_code"]]["remedy"], said["findings"]
    one_finding(said, "origin-tls")


class Refuser:
    """As web servers do: whatever is no request is answered 400 at once."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.sock.accept()
                with c:
                    c.recv(65536)
                    c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                return

    def close(self):
        self.sock.close()


def test_it_speaks_plain_http_on_a_tls_address(lab):
    town = Town(lab, jenkins())  # noqa: F811
    plain = lab.keep(Refuser())
    for said in play_again(town, "https://" + plain.address):
        assert "http://" in one_finding(said, "origin-tls")["remedy"]


def play_again(town, address):  # noqa: F811
    town.connect(address=address)
    return [town.doctor(origin=address)[1], town.doctor(origin=False)[1]]


def test_its_certificate_is_its_own(lab):
    town = Town(lab, jenkins())  # noqa: F811
    server = lab.keep(TlsServer(town.pki.leaf("localhost", self_signed=True)))
    for said in play_again(town, "https://localhost:" + port_of(server.address)):
        assert "--origin-ca" in one_finding(said, "origin-tls")["remedy"]


def test_it_hangs_up(lab):
    origin = lab.origin(lambda c, request: c.close())
    for said in play(lab, origin.address):
        one_finding(said, "origin-broke")


def test_it_is_an_ssh_server(lab):
    origin = lab.origin(fixed(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    beside, far = play(lab, origin.address)
    assert "adit tcp" in one_finding(beside, "origin-response")["remedy"]
    # over the link alone it may look like a server that broke off
    assert "web server" in one_finding(far, far["first_code"])["remedy"] and far["first_code"] in ("origin-broke", "origin-response")


def test_its_socket_is_not_there(lab):
    for said in play(lab, f"unix:{lab.folder}/nothing.sock"):
        one_finding(said, "origin-refused")


@pytest.mark.parametrize("status, body, code, words", [
    (401, "", "origin-login", "Exempt /bitbucket-hook/"),
    (500, "", "origin-answer", "log"),
    (413, "", "origin-answer", "limit"),
    (405, "", "origin-answer", "path"),
    (403, "Invalid Bitbucket webhook signature", "origin-signature", "same secret"),
])
def test_it_refuses(lab, status, body, code, words):
    town = Town(lab, jenkins())  # noqa: F811

    def behave(c, request):
        if request.method == "POST":
            town.jenkins.say(c, status, body)
        else:
            town.jenkins.say(c, 200)
    town.jenkins.behave = behave
    town.connect()
    f = one_finding(town.doctor()[1], code)
    assert words in f["remedy"], f


def test_jenkins_is_down_and_asked_for_its_jobs(lab):
    """Nothing is wrong with the token of somebody whose Jenkins does not run."""
    town = Town(lab, jenkins())  # noqa: F811
    address, keeper = refusing_address()
    town.connect(address=address)
    said = with_jenkins(town, origin=address)[1]
    assert "token" not in said["by_stage"]["job"]["text"] and "not reached" in said["by_stage"]["job"]["text"], said["by_stage"]["job"]
    one_finding(said, "origin-refused")
    keeper.close()


@pytest.mark.parametrize("preset, plugin", [
    ("jenkins-bitbucket", "bitbucket"), ("jenkins-bitbucket-branch-source", "branch-source"), ("jenkins-bitbucket-ppr", "ppr"),
    ("jenkins-bitbucket-server", "server"), ("jenkins-github", "github"), ("jenkins-gitlab", "gitlab"), ("jenkins-generic", "generic"),
])
def test_nothing_is_wrong(lab, preset, plugin):
    """The other half of every diagnosis: with each preset, a healthy town is called healthy, and nothing is built."""
    town = Town(lab, Jenkins({"web": job(repository(), SECRET)}, plugins=(plugin,)))  # noqa: F811
    town.connect(preset=preset, secret=preset not in ("jenkins-bitbucket-server", "jenkins-generic"))
    code, said = town.doctor()
    assert code == 0, (said["first_code"], said["findings"], said["stages"])
    assert town.jenkins.jobs["web"]["builds"] == []


def test_a_token_in_the_url_starts_no_job(lab):
    town = Town(lab, Jenkins({"web": {**job(repository(), None), "token": "T"}}, plugins=("generic",)))  # noqa: F811
    town.connect(preset="jenkins-generic", secret=False)
    town.doctor(f"https://{HOST}/generic-webhook-trigger/invoke?token=T")
    assert town.jenkins.jobs["web"]["builds"] == []
    assert all("token" not in r.target for r in town.jenkins.requests)
