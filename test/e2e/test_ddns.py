# SPDX-License-Identifier: Apache-2.0
"""Dynamic DNS: tokens for names, updates as routers send them, and what DNS says then."""
import base64
import json
import os
import shutil
import socket
import subprocess

import pytest

from acmelab import PEBBLE
from http1 import Visitor
from process import WAIT_S, Process, free_port, until

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def ddns_token(edge, account, names, *more):
    return json.loads(edge.ctl("token", "add", account, "--ddns", names, *more, "--json"))


def token_file(edge, text, name="ddns-token"):
    path = os.path.join(edge.folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text + "\n")
    return path


# --- tokens for names ---

def test_a_token_for_names(lab):
    """Its names are the account's; no agent logs in with it."""
    edge = lab.edge()
    said = ddns_token(edge, "ann", "Home, nas.localhost")
    assert said["ddns"] == "home,nas" and "tsig" not in said
    assert "ddns:home,nas" in edge.ctl("token", "list", "ann")
    assert [row["name"] for row in json.loads(edge.ctl("name", "list", "ann", "--json"))["rows"]] == ["home", "nas"]
    agent = lab.agent(edge, "http", "8080", "--name", "home", token=token_file(edge, said["token"]), up=False)
    refused = agent.wait_event("refused")
    assert refused["code"] == "token-scope" and "dynamic DNS alone" in refused["text"]
    agent.expected_code = 3
    # the names are taken for others, as a tunnel's are
    bob, _ = edge.new_token("bob")
    other = lab.agent(edge, "http", "8080", "--name", "home", token=bob, up=False)
    assert other.wait_event("refused")["code"] == "name-taken"
    other.expected_code = 3


def test_names_that_a_token_cannot_be_for(lab):
    edge = lab.edge()
    ddns_token(edge, "bob", "his")
    for names, want in (("his", "his: "), ("mine,his", "his: "), ("a b", "name"), ("", "NAME"), (",", "name"), ("x.y", "name"),
                        (",".join(f"n{i}" for i in range(17)), "16 names"), ("-x", "name")):
        assert want in edge.ctl("token", "add", "ann", "--ddns", names, ok=False), names
    assert "mine" not in edge.ctl("name", "list")  # all or nothing
    assert "what the token is for" in edge.ctl("token", "add", "ann", "--tsig", ok=False)
    edge.ctl("name", "release", "his")
    assert "his: " in edge.ctl("token", "add", "ann", "--ddns", "his", ok=False)


def test_a_key_is_shown_once_and_outlives_a_restart(lab):
    edge = lab.edge()
    lines = edge.ctl("token", "add", "ann", "--ddns", "home", "--tsig").split("\n")
    assert lines[0].startswith("adit_") and lines[1].startswith("hmac-sha256:" + lines[0][5:17] + ":")
    edge.stop()
    with open(os.path.join(edge.folder, "adit.db"), "rb") as f:
        assert base64.b64decode(lines[1].split(":")[2]) not in f.read()
    again = lab.edge(folder=edge.folder)
    assert "key-lost" not in again.logged()


# --- updates ---

ADDRESSES = "dns: { listen: [\"127.0.0.1:%d\"], mode: zone, addresses: [127.0.0.1] }\nhttp: serve\n"


@pytest.fixture
def zone(lab):
    """An edge that is the name server of localhost, and ann's token for home and nas."""
    return ddns_edge(lab)


def ddns_edge(lab, more="", **kw):
    port = free_port()
    edge = lab.edge(config=ADDRESSES % port + more, **kw)
    edge.dns = port
    edge.ddns = ddns_token(edge, "ann", "home,nas", "--tsig")
    ddns_token(edge, "bob", "his")
    edge.ctl("token", "add", "ann")
    return edge


def dig(edge, name, kind="A", tcp=False):
    argv = ["dig", "@127.0.0.1", "-p", str(edge.dns), "+short", "+time=5", "+tries=1", *(["+tcp"] if tcp else []), name, kind]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=3 * WAIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def ask(edge, target, user="ann", password=None, method="GET", headers="User-Agent: test\r\n", body="", tls=True, host="localhost"):
    login = base64.b64encode(f"{user}:{edge.ddns['token'] if password is None else password}".encode()).decode()
    with Visitor(edge.https if tls else edge.http, host, edge.ca if tls else None) as v:
        v.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {login}\r\n{headers}\r\n{body}")
        return v.response()


def update(edge, query, **kw):
    got = ask(edge, f"/nic/update?{query}", **kw)
    assert got.get("content-type").startswith("text/plain")
    return got.status, got.body.decode()


def test_an_update_is_seen_by_dig(zone):
    assert dig(zone, "home.localhost") == ["127.0.0.1"]  # the edge's own, as for every name
    assert update(zone, "system=dyndns&hostname=home.localhost&myip=8.8.4.4") == (200, "good 8.8.4.4\n")
    assert dig(zone, "home.localhost") == dig(zone, "HOME.localhost", tcp=True) == ["8.8.4.4"]
    assert dig(zone, "home.localhost", "AAAA") == []
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4") == (200, "nochg 8.8.4.4\n")


def test_each_line_of_an_answer(zone):
    """One for each name in order, and nothing else."""
    said = update(zone, "hostname=home.localhost,nas.localhost,no.localhost,his.localhost,x,a.b.localhost,example.org,HOME.localhost&myip=8.8.4.4")
    assert said == (200, "good 8.8.4.4\ngood 8.8.4.4\nnohost\n!yours\nnotfqdn\nnohost\nnohost\nnochg 8.8.4.4\n")
    both = "hostname=home.localhost&myip=8.8.8.8&myipv6=2606:4700::9"
    assert update(zone, both) == (200, "good 8.8.8.8,2606:4700::9\n")
    assert update(zone, both) == (200, "nochg 8.8.8.8,2606:4700::9\n")
    assert dig(zone, "home.localhost") == ["8.8.8.8"] and dig(zone, "home.localhost", "AAAA") == ["2606:4700::9"]
    assert update(zone, "hostname=home.localhost&myip=8.8.8.8&myipv6=no") == (200, "good 8.8.8.8\n")
    assert dig(zone, "home.localhost", "AAAA") == []
    assert update(zone, "hostname=home.localhost&offline=yes") == (200, "good\n")
    assert dig(zone, "home.localhost") == ["127.0.0.1"]  # the edge's again: the tunnel's way


def test_each_code(zone):
    good = "hostname=home.localhost&myip=8.8.4.4"
    assert update(zone, good) == (200, "good 8.8.4.4\n")
    got = ask(zone, f"/nic/update?{good}", password=zone.ddns["token"][:-1] + "x")
    assert (got.status, got.body) == (401, b"badauth\n") and got.get("www-authenticate").startswith("Basic ")
    assert update(zone, good, user="bob") == (401, "badauth\n")
    with open(zone.token) as f:  # an agent's
        assert update(zone, good, user="dev", password=f.read().strip()) == (401, "badauth\n")
    assert update(zone, "myip=8.8.4.4") == (200, "notfqdn\n")
    assert update(zone, "hostname=" + 21 * "home.localhost," + "&myip=8.8.4.4") == (200, "numhost\n")
    assert update(zone, good, headers="") == (200, "badagent\n")
    assert update(zone, "hostname=home.localhost&myip=10.1.2.3") == (200, "dnserr\n")
    assert update(zone, "hostname=home.localhost,nas.localhost") == (200, "dnserr\ndnserr\n")  # by loopback there is no address
    with Visitor(zone.https, "localhost", zone.ca) as v:
        assert v.ask("GET", f"/nic/update?{good}").status in (200, 401)
    assert ask(zone, f"/nic/update?{good}", tls=False).status == 403
    other = ddns_token(zone, "ann", "nas")
    assert update(zone, good, password=other["token"]) == (200, "!yours\n")
    zone.ctl("token", "revoke", zone.ddns["id"])
    assert update(zone, good) == (401, "badauth\n")


def test_a_released_name(zone):
    """It cannot be set any more, and leads nobody to the address that it had."""
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4") == (200, "good 8.8.4.4\n")
    zone.ctl("name", "release", "home")
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4") == (200, "nohost\n")
    until(lambda: dig(zone, "home.localhost") == ["127.0.0.1"])


def test_ways_to_ask(zone):
    for i, path in enumerate(("/nic/update", "/v3/update", "/update")):
        assert ask(zone, f"{path}?hostname=home.localhost&myip=8.8.4.{i}").body == f"good 8.8.4.{i}\n".encode()
        form = f"hostname=home.localhost&myip=8.8.4.{i}"
        got = ask(zone, path, method="POST", body=form, headers="User-Agent: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                  f"Content-Length: {len(form)}\r\n")
        assert got.body == f"nochg 8.8.4.{i}\n".encode()


def test_where_nothing_can_be_set(lab):
    """No name server, or one for challenges alone."""
    for config in ("", f"dns: {{ listen: [\"127.0.0.1:{free_port()}\"] }}\n"):
        edge = lab.edge(config=config)
        edge.ddns = ddns_token(edge, "ann", "home")
        assert update(edge, "hostname=home.localhost&myip=8.8.4.4") == (200, "dnserr\n")


def test_a_name_that_changes_too_often(zone):
    """60 changes an hour; what is so already is never held against anybody."""
    for i in range(60):
        assert update(zone, f"hostname=home.localhost&myip=8.8.1.{i}") == (200, f"good 8.8.1.{i}\n")
        assert update(zone, f"hostname=home.localhost&myip=8.8.1.{i}") == (200, f"nochg 8.8.1.{i}\n")
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4") == (200, "abuse\n")
    for _ in range(100):
        assert update(zone, "hostname=home.localhost&myip=8.8.1.59") == (200, "nochg 8.8.1.59\n")
    assert update(zone, "hostname=nas.localhost&myip=8.8.4.4") == (200, "good 8.8.4.4\n")
    assert dig(zone, "home.localhost") == ["8.8.1.59"]


def test_guesses_get_slow(zone):
    """As those of agents do; the right token has to wait, too, and is told to come again."""
    for _ in range(10):
        assert update(zone, "hostname=home.localhost&myip=8.8.4.4", password="adit_guess") == (401, "badauth\n")
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4") == (200, "911\n")


def test_addresses_outlive_a_restart(lab):
    edge = ddns_edge(lab)
    assert update(edge, "hostname=home.localhost&myip=8.8.4.4,2606:4700::9") == (200, "good 8.8.4.4,2606:4700::9\n")
    edge.stop()
    os.unlink(f"{edge.folder}/edge.log")  # "ready" is in it
    port = free_port()
    again = lab.edge(folder=edge.folder, config=ADDRESSES % port)
    again.dns, again.ddns = port, edge.ddns
    assert dig(again, "home.localhost") == ["8.8.4.4"] and dig(again, "home.localhost", "AAAA") == ["2606:4700::9"]
    assert update(again, "hostname=home.localhost&myip=8.8.4.4,2606:4700::9")[1].startswith("nochg ")


def test_plain_http_by_a_switch_and_through_a_proxy(lab):
    edge = ddns_edge(lab, "dynamic_dns: { plain_http: yes }\n")
    assert update(edge, "hostname=home.localhost&myip=8.8.4.4", tls=False) == (200, "good 8.8.4.4\n")
    behind = ddns_edge(lab, "trusted_proxies: [127.0.0.1]\n")
    more = "User-Agent: x\r\nX-Forwarded-For: 8.8.4.7\r\nX-Forwarded-Proto: "
    assert update(behind, "hostname=home.localhost", tls=False, headers=more + "https\r\n") == (200, "good 8.8.4.7\n")
    assert ask(behind, "/nic/update?hostname=home.localhost", tls=False, headers=more + "http\r\n").status == 403


# --- programs that people have ---

def needs(*programs):
    return pytest.mark.skipif(not all(shutil.which(p, path=PATH) for p in programs), reason=f"no {' or '.join(programs)}")


def run(edge, *argv, text=None, code=0, **env):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=4 * WAIT_S,
                          env={"PATH": PATH, "SSL_CERT_FILE": edge.ca, "HOME": edge.folder, **env})
    assert code is None or done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}\n{edge.logged()[-3000:]}"
    return done.stdout + done.stderr


def config(edge, name, text):
    path = f"{edge.folder}/{name}"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    return path


def host_port(edge):
    return "localhost:%d" % edge.https[1]


@needs("ddclient")
def test_ddclient_as_debian_has_it(lab):
    edge = ddns_edge(lab)
    # it takes no server without a dot
    conf = config(edge, "ddclient.conf", f"ssl=yes\nprotocol=dyndns2\nuse=ip, ip=8.8.4.4\nserver=127.0.0.1:{edge.https[1]}\n"
                  f"login=ann\npassword='{edge.ddns['token']}'\nhome.localhost,nas.localhost\n")
    argv = ["ddclient", "-file", conf, "-cache", f"{edge.folder}/ddclient.cache", "-pid", f"{edge.folder}/ddclient.pid", "-verbose", "-noquiet", "-daemon=0"]
    said = run(edge, *argv)
    assert "SUCCESS:  updating home.localhost: good: IP address set to 8.8.4.4" in said, said
    assert "SUCCESS:  updating nas.localhost: good: IP address set to 8.8.4.4" in said, said
    assert dig(edge, "home.localhost") == dig(edge, "nas.localhost") == ["8.8.4.4"]
    os.unlink(f"{edge.folder}/ddclient.cache")
    said = run(edge, *argv)  # it has forgotten; nothing bad comes of it
    assert "nochg" in said and "FAILED" not in said, said


@needs("inadyn")
def test_inadyn_as_debian_has_it(lab):
    edge = ddns_edge(lab)
    conf = config(edge, "inadyn.conf", f"""period = 300
ca-trust-file = {edge.ca}
custom adit {{
    username = ann
    password = {edge.ddns['token']}
    hostname = home.localhost
    ddns-server = "{host_port(edge)}"
    ddns-path = "/nic/update?hostname=%h&myip=%i"
    checkip-command = "echo 8.8.4.4"
}}
""")
    argv = ["inadyn", "-1", "-f", conf, "-n", "-l", "debug", "--cache-dir", edge.folder, "-P", f"{edge.folder}/inadyn.pid", "--force"]
    said = run(edge, *argv)
    assert dig(edge, "home.localhost") == ["8.8.4.4"], said
    run(edge, *argv)
    assert edge.logged().count("code=good") == 1  # the second one changed nothing


@needs("nsupdate")
def test_nsupdate_with_the_key_of_a_token(zone):
    key = f"{zone.ddns['tsig']['algorithm']}:{zone.ddns['tsig']['name']}:{zone.ddns['tsig']['secret']}"

    def nsupdate(text, code=0):
        return run(zone, "nsupdate", "-y", key, text=f"server 127.0.0.1 {zone.dns}\n{text}send\n", code=code)
    nsupdate("update add home.localhost 60 A 8.8.4.4\nupdate add home.localhost 60 AAAA 2606:4700::9\n")
    assert dig(zone, "home.localhost") == ["8.8.4.4"] and dig(zone, "home.localhost", "AAAA") == ["2606:4700::9"]
    nsupdate("update add _acme-challenge.home.localhost 60 TXT hello\n")
    assert dig(zone, "_acme-challenge.home.localhost", "TXT") == ['"hello"']
    # what the other way has set is seen by this one, and the other way round
    assert update(zone, "hostname=home.localhost&myip=8.8.4.4")[1] == "nochg 8.8.4.4\n"
    assert update(zone, "hostname=home.localhost&myip=8.8.4.5")[1] == "good 8.8.4.5\n"
    nsupdate("update delete home.localhost A\nupdate delete home.localhost AAAA\n")
    assert dig(zone, "home.localhost", "AAAA") == []
    for name in ("his.localhost", "no.localhost", "localhost", "ns.localhost", "x.his.localhost"):
        assert "REFUSED" in nsupdate(f"update add {name} 60 A 8.8.4.4\n", code=2), name
    zone.ctl("name", "release", "nas")
    assert "REFUSED" in nsupdate("update add nas.localhost 60 A 8.8.4.4\n", code=2)
    zone.ctl("token", "revoke", zone.ddns["id"])
    assert "BADKEY" in nsupdate("update add home.localhost 60 A 8.8.4.4\n", code=2)


@needs("nsupdate")
def test_keys_after_a_restart(lab):
    edge = ddns_edge(lab)
    tsig = edge.ddns["tsig"]
    gone = ddns_token(edge, "ann", "home", "--tsig")
    edge.ctl("token", "revoke", gone["id"])
    edge.stop()
    os.unlink(f"{edge.folder}/edge.log")
    port = free_port()
    again = lab.edge(folder=edge.folder, config=ADDRESSES % port)
    for key, code in ((tsig, 0), (gone["tsig"], 2)):
        run(again, "nsupdate", "-y", f"hmac-sha256:{key['name']}:{key['secret']}", code=code,
            text=f"server 127.0.0.1 {port}\nupdate add home.localhost 60 A 8.8.4.4\nsend\n")


# --- lego, with a CA that asks our name server ---

class Ca:
    """Pebble, which looks at the DNS of the edge alone."""

    def __init__(self, edge):
        self.folder = f"{edge.folder}/pebble"
        os.makedirs(self.folder)
        self.port, management = free_port(), free_port()
        key, cert = f"{self.folder}/key.pem", f"{self.folder}/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1", "-days",
                        "30", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
        self.root = cert
        text = {"pebble": {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{management}", "certificate": cert,
                           "privateKey": key, "httpPort": 80, "tlsPort": 443}}
        self.child = Process([PEBBLE, "-config", config(edge, "pebble.json", json.dumps(text)), "-dnsserver", f"127.0.0.1:{edge.dns}"],
                             f"{self.folder}/log", {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}, "pebble")
        self.child.expected_code = None
        until(self._is_up, 4 * WAIT_S)

    def _is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def close(self):
        self.child.child.kill()
        self.child.child.wait()
        self.child.reader.join(WAIT_S)
        self.child.log.close()


@pytest.mark.skipif(not PEBBLE or not shutil.which("lego"), reason="no pebble (Go), or no lego (Debian: lego)")
def test_lego_by_signed_updates(lab):
    """A certificate for a name and all below it, by the key of a token."""
    edge = ddns_edge(lab)
    ca = lab.keep(Ca(edge))
    tsig = edge.ddns["tsig"]
    run(edge, "lego", "--accept-tos", "--email", "a@example.org", "--server", f"https://127.0.0.1:{ca.port}/dir", "--path", f"{edge.folder}/lego",
        "--dns", "rfc2136", "--dns.resolvers", f"127.0.0.1:{edge.dns}", "--dns.disable-cp", "--domains", "home.localhost", "--domains", "*.home.localhost",
        "run", LEGO_CA_CERTIFICATES=ca.root, RFC2136_NAMESERVER=f"127.0.0.1:{edge.dns}", RFC2136_TSIG_KEY=tsig["name"],
        RFC2136_TSIG_ALGORITHM="hmac-sha256.", RFC2136_TSIG_SECRET=tsig["secret"],
        RFC2136_SEQUENCE_INTERVAL="1", RFC2136_POLLING_INTERVAL="1")
    with open(f"{edge.folder}/lego/certificates/home.localhost.crt", encoding="ascii") as f:
        assert "BEGIN CERTIFICATE" in f.read()
    assert dig(edge, "_acme-challenge.home.localhost", "TXT") == []  # it has tidied up
