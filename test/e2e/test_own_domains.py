# SPDX-License-Identifier: Apache-2.0
"""Own domains: proof by DNS, the way of a request, and what becomes of a domain that is not proven any more."""
import base64
import contextlib
import hmac
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import tempfile
import time

import pytest
from acmelab import CHALLTESTSRV, PEBBLE
from certlab import CertLab
from conftest import ROOT
from dnsd import Internet
from hooks import secret_file
from lab import ADIT
from origin import fixed
from process import WAIT_S, Process, until
from test_inbox_faults import Clock, faked
from test_passthrough import Tls, curl

CNAME, TXT = 5, 16


def answer(body):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def adit(edge, *args, token=None, ok=True):
    done = subprocess.run([ADIT, *args, "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", token or edge.token],
                          capture_output=True, text=True, timeout=6 * WAIT_S, env={"HOME": edge.folder, "PATH": "/usr/bin:/bin"})
    assert (done.returncode == 0) == ok, (args, done)
    return done.stdout if ok else done.stderr


def domains(edge, token=None):
    return {row["name"]: row for row in map(json.loads, adit(edge, "domain", "list", "--json", token=token).splitlines())}


@pytest.fixture
def net(lab):
    """DNS of the edge, whose domain is "localhost", and of a customer."""
    made = lab.keep(Internet("localhost", "customer.test", "cdn.test"))
    made.set("localhost", "A", "192.0.2.1")
    made.set("web.localhost", "A", "192.0.2.99")  # what its account has set, as with adit ddns
    return made


def edge_with(lab, net, config="", **kw):
    return lab.edge(config=f"resolver: {net.address}\n{config}", **kw)


def certificate(edge, *names):
    """Of the laboratory's CA, in files of the edge's folder; the lines for aditd.yml."""
    stem = f"{edge.folder}/{names[0]}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/CN={names[0]}", "-days", "80", "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
                    "-addext", "basicConstraints=critical,CA:FALSE", "-CA", f"{edge.folder}/ca.pem", "-CAkey",
                    f"{edge.folder}/ca.key", "-keyout", f"{stem}.key", "-out", f"{stem}.pem"], check=True, capture_output=True)
    return f"  - cert: {stem}.pem\n    key: {stem}.key\n"


def test_a_cname_to_a_tunnel_of_the_account_is_a_proof(lab, net):
    edge = edge_with(lab, net)
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    said = adit(edge, "domain", "add", "Hook.Customer.Test")
    assert "hook.customer.test. CNAME web.localhost." in said and "not served yet" in said
    assert '_adit.hook.customer.test. TXT "account=dev token=' in said
    assert edge.get(host="hook.customer.test", tls=False).status == 404
    net.set("hook.customer.test", "CNAME", "web.localhost")
    until(lambda: "leads to the tunnel web now" in adit(edge, "domain", "add", "hook.customer.test"))
    assert edge.get("/x", host="hook.customer.test", tls=False).status == 200
    # No cache was asked: what is in the zone was asked of its own name server, without recursion.
    assert all(where != "127.0.0.1" for where, _, kind, _ in net.asked if kind in (CNAME, TXT))
    row = domains(edge)["hook.customer.test"]
    assert (row["state"], row["tunnel"], row["account"]) == ("proven", "web", "dev")
    assert "hook.customer.test" in edge.ctl("domain", "list")


def test_an_own_domain_has_the_certificate_that_covers_it(lab, net):
    edge = edge_with(lab, net)
    net.set("hook.customer.test", "CNAME", "web.localhost")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert "leads to the tunnel web now" in adit(edge, "domain", "add", "hook.customer.test")
    with open(f"{edge.folder}/aditd.yml") as f:
        text = f.read()
    with open(f"{edge.folder}/aditd.yml", "w") as f:
        f.write(text.replace("tcp_ports:", certificate(edge, "hook.customer.test") + "tcp_ports:"))
    edge.ctl("reload")
    assert edge.get(host="hook.customer.test").status == 200
    assert edge.get(host="web.localhost").status == 200


def test_a_reload_asks_for_its_certificate_again(lab, net):
    """The edge had no CA, or no room, when the domain was proven."""
    edge = edge_with(lab, net)
    net.set("hook.customer.test", "CNAME", "web.localhost")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert "leads to the tunnel web now" in adit(edge, "domain", "add", "hook.customer.test")
    until(lambda: edge.logged().count("event=domain-without-certificate") > 0)
    before = edge.logged().count("event=domain-without-certificate")
    edge.ctl("reload")
    until(lambda: edge.logged().count("event=domain-without-certificate") > before)


def test_cnames_that_go_on_and_on_prove_nothing(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.set("a.customer.test", "CNAME", "b.customer.test")
    net.set("b.customer.test", "CNAME", "a.customer.test")
    assert "its CNAMEs go on and on" in adit(edge, "domain", "add", "a.customer.test")
    for i in range(9):
        net.set(f"n{i}.customer.test", "CNAME", f"n{i + 1}.customer.test")
    net.set("n9.customer.test", "CNAME", "web.localhost")
    assert "its CNAMEs go on and on" in adit(edge, "domain", "add", "n0.customer.test")
    assert "leads to the tunnel web now" in adit(edge, "domain", "add", "n3.customer.test")


def add(edge, name, *args, token=None):
    return json.loads(adit(edge, "domain", "add", name, *args, "--json", token=token))


def refused(edge, *args, token=None):
    said = json.loads(adit(edge, "domain", *args, "--json", token=token, ok=False))
    return said["code"], said["text"]


def test_a_txt_record_and_an_address_of_the_edge_are_a_proof(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    row = add(edge, "customer.test")
    txt = row["records"][1]
    assert row["state"] == "wanted" and txt["type"] == "TXT" and txt["name"] == "_adit.customer.test"
    net.set(txt["name"], "TXT", "v=spf1 -all", txt["value"].replace("token=", "token=0"))
    until(lambda: "says something else" in add(edge, "customer.test")["why"])
    net.set(txt["name"], "TXT", "v=spf1 -all", txt["value"])
    until(lambda: "has no address" in add(edge, "customer.test")["why"])
    net.set("customer.test", "A", "192.0.2.77")
    until(lambda: "is not this edge's" in add(edge, "customer.test")["why"])
    net.set("customer.test", "A", "192.0.2.99")  # the tunnel's, which is not the edge's
    add(edge, "customer.test")
    assert "is not this edge's" in add(edge, "customer.test")["why"]
    net.set("customer.test", "A", "192.0.2.77", "192.0.2.1")
    until(lambda: add(edge, "customer.test")["state"] == "proven")
    assert edge.get(host="customer.test", tls=False).status == 200


def test_names_that_cannot_be_own_domains(lab, net):
    edge = edge_with(lab, net)
    assert refused(edge, "add", "hook.customer.test") == ("bad-tunnel", "the account has no tunnel yet: open one first, adit http ADDRESS --name NAME")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    for name, part in (("a.web.localhost", "belongs to this edge"), ("co.uk", "public suffix"), ("192.0.2.1", "is an address"),
                       ("*.customer.test", "wildcard"), ("bücher.example", "xn--bcher-kva"), ("no such", "is no domain")):
        code, text = refused(edge, "add", name)
        assert code == "bad-domain" and part in text, (name, text)
    edge.ctl("name", "reserve", "second", "dev")
    assert refused(edge, "add", "hook.customer.test")[0] == "bad-tunnel"
    assert add(edge, "hook.customer.test", "--tunnel", "second")["tunnel"] == "second"
    assert refused(edge, "add", "hook.customer.test", "--tunnel", "third")[0] == "bad-tunnel"
    assert refused(edge, "remove", "other.customer.test")[0] == "unknown-domain"


def test_new_domains_of_an_hour_are_few(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    for i in range(5):
        add(edge, f"h{i}.customer.test")
    code, text = refused(edge, "add", "h5.customer.test")
    assert code == "limit" and "ask again in 60 minutes" in text
    add(edge, "h3.customer.test")  # is no new one
    other = edge.new_token("other")[0]
    edge.ctl("name", "reserve", "theirs", "other")
    assert add(edge, "h5.customer.test", token=other)["state"] == "wanted"
    assert set(domains(edge)) == {f"h{i}.customer.test" for i in range(5)}
    assert set(domains(edge, other)) == {"h5.customer.test"}


def test_domains_outlive_a_restart(lab, net):
    edge = edge_with(lab, net)
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    before = add(edge, "hook.customer.test")
    wanted = add(edge, "later.customer.test")
    lab.parts.remove(edge)
    edge.kill()
    net.unset("hook.customer.test", "CNAME")  # nobody looks at it before its time
    again = edge_with(lab, net, folder=edge.folder, listen=(edge.ready["https"], edge.ready["http"]), token=edge.token)
    until(lambda: again.logged().count("event=ready") == 2)  # both write into one file
    again.wait_up("web")
    assert again.get(host="hook.customer.test", tls=False).status == 200
    rows = domains(again)
    assert rows["hook.customer.test"]["records"] == before["records"]
    assert rows["later.customer.test"]["records"] == wanted["records"]
    assert rows["later.customer.test"]["state"] == "wanted"


def test_another_account_cannot_have_what_is_proven(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    other = edge.new_token("other")[0]
    edge.ctl("name", "reserve", "theirs", "other")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert "not one of this account" in add(edge, "hook.customer.test", token=other)["why"]
    assert add(edge, "hook.customer.test")["state"] == "proven"
    assert add(edge, "hook.customer.test", token=other)["state"] == "wanted"
    assert edge.get(host="hook.customer.test", tls=False).status == 200
    # Given up, it goes to whom the DNS names.
    net.set("hook.customer.test", "CNAME", "theirs.localhost")
    assert "is given up" in adit(edge, "domain", "remove", "hook.customer.test")
    until(lambda: domains(edge, other)["hook.customer.test"]["state"] == "proven")
    assert edge.get(host="hook.customer.test", tls=False).status == 503  # theirs, whose agent is away
    assert domains(edge) == {}
    edge.ctl("domain", "remove", "hook.customer.test")
    assert edge.get(host="hook.customer.test", tls=False).status == 404
    assert edge.ctl("domain", "list") == ""


def test_s03_a_name_that_was_released_answers_410_to_cnames_that_were_forgotten(lab, net):
    edge = edge_with(lab, net)
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"
    adit(edge, "name", "release", "web")
    agent.exits(4)
    until(lambda: edge.get(host="hook.customer.test", tls=False).status == 410)
    # No stranger gets it: neither the name, nor the domain that still names it.
    other = edge.new_token("other")[0]
    stranger = lab.agent(edge, "http", "127.0.0.1:9", "--name", "web", token=other, up=False)
    stranger.exits(3)
    edge.ctl("name", "reserve", "theirs", "other")
    assert "not one of this account" in add(edge, "hook.customer.test", token=other)["why"]
    said = edge.get(host="hook.customer.test", tls=False)
    assert (said.status, said.error) == (410, "released-name")


def test_a_dns_that_does_not_answer_proves_nothing_and_says_so(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.broken.add("customer.test")
    assert "no name server answers for hook.customer.test" in add(edge, "hook.customer.test")["why"]
    assert "the DNS knows no name server for" in add(edge, "hook.nowhere.test2")["why"]


def test_a_signature_that_covers_the_url_uses_the_own_domain(lab, net):
    """Twilio signs the URL that it was given, and the parameters."""
    edge = edge_with(lab, net)
    secret = secret_file(edge.folder, "twilio-token")
    lab.agent(edge, "http", lab.origin().address, "--name", "web", "--store", "--scheme", "twilio", "--secret-file", secret)
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"

    def send(url):
        mac = base64.b64encode(hmac.new(b"twilio-token", f"{url}From1To2".encode(), "sha1").digest()).decode()
        with edge.visitor("hook.customer.test", tls=False) as v:
            v.send(f"POST /in HTTP/1.1\r\nHost: hook.customer.test\r\nX-Twilio-Signature: {mac}\r\n"
                   "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nTo=2&From=1")
            return v.response().status
    assert send(f"https://hook.customer.test:{edge.https[1]}/in") == 202
    assert send(f"https://web.localhost:{edge.https[1]}/in") == 401


@faked
def test_a_proof_that_is_gone_suspends_the_domain(lab, net):
    clock = Clock(lab.folder)
    edge = edge_with(lab, net, env=clock.env)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"
    net.unset("hook.customer.test", "CNAME")
    hours = 25
    for state, more in (("missing", 0), ("missing", 9), ("missing", 9), ("suspended", 9)):
        hours += more
        seen = len(net.asked)
        clock.jump(f"+{hours}h")
        until(lambda: len(net.asked) > seen)
        until(lambda: domains(edge)["hook.customer.test"]["state"] == state)
        assert edge.get(host="hook.customer.test", tls=False).status == (404 if state == "suspended" else 200), (state, hours)
    said = edge.get(host="hook.customer.test", tls=False)
    assert said.error == "domain-suspended" and b"adit domain list" in said.body
    said = adit(edge, "domain", "list")
    assert "suspended" in said and "set hook.customer.test. CNAME web.localhost, then: adit domain add hook.customer.test" in said
    net.set("hook.customer.test", "CNAME", "web.localhost")
    clock.jump(f"+{hours + 25}h")
    until(lambda: domains(edge)["hook.customer.test"]["state"] == "proven")
    assert edge.get(host="hook.customer.test", tls=False).status == 200


@faked
def test_people_are_told_once_of_a_domain_that_was_never_proven(lab, net):
    clock, told = Clock(lab.folder), f"{lab.folder}/told"
    edge = edge_with(lab, net, f"inbox: {{ alert_command: \"cat >> {told}; echo >> {told}; test -e {told}.ok\", alert_pause_s: 1 }}\n", env=clock.env)
    def alerts():
        with contextlib.suppress(FileNotFoundError), open(told) as f:
            return [json.loads(line) for line in f]
        return []
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert add(edge, "hook.customer.test")["state"] == "wanted"
    for days in (13, 15):
        assert alerts() == []
        seen = len(net.asked)
        clock.jump(f"+{days}d")
        until(lambda: len(net.asked) > seen, 4 * WAIT_S)
    until(lambda: domains(edge)["hook.customer.test"]["state"] == "stopped", 4 * WAIT_S)
    until(lambda: len(alerts()) > 1, 4 * WAIT_S)  # nobody took the first one
    open(f"{told}.ok", "w").close()
    first = alerts()[0]
    assert (first["event"], first["name"], first["account"], first["tunnel"]) == ("domain", "hook.customer.test", "dev", "web")
    assert "no proof for 14 days" in first["text"] and first["text"].endswith("adit domain add hook.customer.test") and first["why"]
    def taken(name):
        return f"event=domain-alert-taken domain={name} " in edge.logged()
    until(lambda: taken("hook.customer.test"), 4 * WAIT_S)
    given = len(alerts())
    # What was taken is not given again, though there is another one to tell of.
    assert add(edge, "b.customer.test")["state"] == "wanted"
    clock.jump("+30d")
    until(lambda: taken("b.customer.test"), 4 * WAIT_S)
    assert {row["name"] for row in alerts()[given:]} == {"b.customer.test"}


@faked
def test_another_account_takes_over_after_a_day(lab, net):
    clock = Clock(lab.folder)
    edge = edge_with(lab, net, env=clock.env)
    lab.agent(edge, "http", lab.origin(fixed(answer("first"))).address, "--name", "web")
    other = edge.new_token("other")[0]
    lab.agent(edge, "http", lab.origin(fixed(answer("second"))).address, "--name", "theirs", token=other)
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"
    net.set("hook.customer.test", "CNAME", "theirs.localhost")
    assert add(edge, "hook.customer.test", token=other)["state"] == "wanted"
    for hours in (9, 18, 27):
        assert edge.get(host="hook.customer.test", tls=False).body == b"first"
        seen = len(net.asked)
        clock.jump(f"+{hours}h")
        until(lambda: len(net.asked) > seen)
    until(lambda: domains(edge, other)["hook.customer.test"]["state"] == "proven")
    assert edge.get(host="hook.customer.test", tls=False).body == b"second"
    assert domains(edge)["hook.customer.test"]["state"] == "stopped"


def test_port_80_says_that_there_is_no_certificate_yet(lab, net):
    edge = edge_with(lab, net, "http: redirect\n")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    row = add(edge, "hook.customer.test")
    assert row["state"] == "proven" and row["certificate"]["state"] == "none" and "acme:" in row["certificate"]["problem"]
    said = edge.get("/x?y", host="hook.customer.test", tls=False)
    assert (said.status, said.error) == (503, "no-certificate") and b"adit domain list" in said.body
    assert "certificate: none; the edge gets no certificates" in adit(edge, "domain", "list")
    with open(f"{edge.folder}/aditd.yml") as f:
        text = f.read()
    with open(f"{edge.folder}/aditd.yml", "w") as f:
        f.write(text.replace("tcp_ports:", certificate(edge, "hook.customer.test") + "tcp_ports:"))
    edge.ctl("reload")
    said = edge.get("/x?y", host="hook.customer.test", tls=False)
    assert (said.status, said.get("Location")) == (308, f"https://hook.customer.test:{edge.https[1]}/x?y")
    assert edge.get("/x?y", host="hook.customer.test").status == 200
    assert domains(edge)["hook.customer.test"]["certificate"] == {"state": "file"}
    # A name that is below the edge's own domain is redirected as ever.
    assert edge.get("/x?y", host="web.localhost", tls=False).status == 308


def test_tls_that_ends_at_the_agent_has_own_domains_too(lab, net):
    edge = edge_with(lab, net)
    origin = lab.keep(Tls(lab.folder, "hook.customer.test"))
    lab.agent(edge, "tls", origin.address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"
    done = curl(edge, origin.authority.ca, host="hook.customer.test")
    assert done.stdout == "far end", done
    assert edge.get("/", host="hook.customer.test", tls=False).status == 308  # the agent has the certificate


@pytest.fixture
def certlab():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = CertLab(folder)
        yield made
        made.close()


@pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of own domains are NOT tested: see test_cert.py")
def test_a_certificate_is_got_when_the_domain_is_proven(certlab, lab, net):
    zone = "tunnel.example.org"
    net.set(f"web.{zone}", "A", "192.0.2.1")
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"), config=f"resolver: {net.address}\n")
    edge.wait_cert("127.0.0.1")
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    edge.token = edge.new_token("dev")[0]
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert add(edge, "hook.customer.test")["state"] == "wanted"
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        edge.handshake("hook.customer.test")
    assert "hook.customer.test" not in edge.certs()  # neither the wish nor the handshake orders one
    net.set("hook.customer.test", "CNAME", f"web.{zone}")
    until(lambda: add(edge, "hook.customer.test")["state"] == "proven")
    edge.wait_cert("hook.customer.test")
    assert edge.names("hook.customer.test") == {"hook.customer.test"}
    assert edge.get(host="hook.customer.test").status == 200
    row = domains(edge)["hook.customer.test"]
    assert row["certificate"]["state"] == "served" and row["certificate"]["end_ms"] > 0
    assert edge.certs()["hook.customer.test"]["account"] == "dev"
    assert edge.get("/x", host="hook.customer.test", tls=False).status == 308
    adit(edge, "domain", "remove", "hook.customer.test")
    until(lambda: edge.shows("hook.customer.test") is None)
    assert "hook.customer.test" not in edge.certs()
    agent.stop()


@faked
@pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of own domains are NOT tested: see test_cert.py")
def test_the_certificate_of_a_suspended_domain_is_not_renewed(certlab, lab, net):
    zone, name = "tunnel.example.org", "hook.customer.test"
    net.set(f"web.{zone}", "A", "192.0.2.1")
    net.set(name, "CNAME", f"web.{zone}")
    certlab.pebble()
    clock = Clock(lab.folder)
    def start():
        return certlab.edge(certlab.acme(ip="127.0.0.1"), name="edge", config=f"resolver: {net.address}\n", env=clock.env)
    edge = start()
    edge.wait_cert("127.0.0.1")
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    edge.token = edge.new_token("dev")[0]
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web")
    until(lambda: add(edge, name)["state"] == "proven")
    assert edge.wait_cert(name)["next_ms"] > 0
    net.unset(name, "CNAME")
    for hours in (25, 34, 43, 52):
        seen = len(net.asked)
        clock.jump(f"+{hours}h")
        until(lambda: len(net.asked) > seen)
        until(lambda: domains(edge)[name]["state"] == ("missing" if hours < 52 else "suspended"))
        assert edge.cert(name)["wanted"] == (hours < 52)
    agent.stop()
    def paused():
        row = edge.cert(name)
        return not row["wanted"] and row["next_ms"] == 0 and "its own domain is suspended" in row["problem"] and row["state"] == "served"
    assert paused() and "no certificate of this name is wanted" in edge.ctl("cert", "renew", name, ok=False)
    edge.stop()
    edge = start()
    until(paused)
    net.set(name, "CNAME", f"web.{zone}")
    clock.jump("+77h")
    until(lambda: edge.cert(name)["wanted"])
    assert edge.cert(name)["next_ms"] > 0 and edge.cert(name)["problem"] == ""
    assert edge.names(name) == {name}


def test_domains_of_the_configuration(lab, net):
    """adit.yml says which domains lead to a tunnel; the agent asks for them when it connects, and prints what is missing."""
    edge = edge_with(lab, net)
    origin = lab.origin()
    path = f"{lab.folder}/adit.yml"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"tunnels:\n  web: {{ origin: \"{origin.address}\", name: web, domains: [hook.customer.test, Later.customer.test, co.uk] }}\n"
                f"  mine: {{ origin: \"{origin.address}\", name: mine, domains: [cdn.test] }}\n")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    agent = lab.agent(edge, "start", "--all", "-f", path)
    said = {name: agent.wait_event("domain", name=name) for name in ("hook.customer.test", "later.customer.test", "co.uk", "cdn.test")}
    assert [s["state"] for s in said.values()] == ["proven", "wanted", "refused", "wanted"]
    assert said["cdn.test"]["tunnel"] == "mine" and "public suffix" in said["co.uk"]["text"]
    assert edge.get(host="hook.customer.test", tls=False).status == 200
    for text, part in (("domains: hook.customer.test", "a list is wanted"), ("domains: ['a b']", "a host name is wanted"),
                       ("domains: [x.test], kind: tcp", "kind: http and kind: tls")):
        with open(path, "w") as f:
            f.write(f"tunnels:\n  web: {{ origin: 8080, {text} }}\n")
        assert part in adit(edge, "start", "--all", "-f", path, ok=False)


def test_an_agent_of_a_terminal_is_told_the_record(lab, net):
    edge = edge_with(lab, net)
    path = f"{lab.folder}/adit.yml"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"edge: https://{edge.ready['https']}\nca: {edge.ca}\ntoken_file: {edge.token}\n"
                f"tunnels:\n  web: {{ origin: \"{lab.origin().address}\", name: web, domains: [hook.customer.test] }}\n")
    agent = lab.keep(Process([ADIT, "start", "--all", "-f", path], f"{lab.folder}/plain.log", {"HOME": lab.folder}, "adit"))
    line, _ = agent.wait_line(lambda x: "is not served yet" in x, 4 * WAIT_S)
    assert line.endswith("hook.customer.test is not served yet: the DNS has no record that proves it; set hook.customer.test. CNAME web.localhost")
    agent.stop()
    lab.parts.remove(agent)


class Reader:
    """Somebody who types what doc/own-domains.md says; only addresses are others."""

    def __init__(self, lab, net):
        self.lab, self.net = lab, net
        self.edge = edge_with(lab, net)
        self.origin = lab.origin()
        self.home = f"{lab.folder}/home"
        os.makedirs(f"{self.home}/.config/adit")
        self.env = {"HOME": self.home, "PATH": "/usr/bin:/bin", "no_proxy": "*"}
        self.agent, self.yaml, self.said = None, "", []
        shutil.copy(self.edge.token, f"{lab.folder}/token.txt")

    def run(self, *argv):
        done = subprocess.run([os.path.abspath(argv[0]), *argv[1:]], capture_output=True, text=True, timeout=6 * WAIT_S, env=self.env,
                              cwd=self.lab.folder)
        assert done.returncode == 0, (argv, done)
        self.said.append(done.stdout)

    def serve(self, *argv):
        if self.agent is not None:
            self.agent.stop()
        self.agent = Process([ADIT, *argv], f"{self.lab.folder}/guide-agent.log", self.env, "adit")
        self.agent.wait_line(lambda x: "https://jenkins.localhost" in x, 4 * WAIT_S)

    def type(self, line):
        words = shlex.split(line.replace("https://tunnel.example.org", "https://" + self.edge.ready["https"])
                            .replace("8080", self.origin.address).replace("example.com", "customer.test"))
        if line.startswith("adit login "):
            self.run(ADIT, *words[1:], "--ca", self.edge.ca)
        elif line.startswith("adit http "):
            self.serve(*words[1:])
        elif line.startswith("adit start "):
            with open(f"{self.home}/.config/adit/adit.yml", "a") as f:
                f.write(self.yaml.replace("8080", f'"{self.origin.address}"').replace("example.com", "customer.test"))
            self.serve(*words[1:])
            self.agent.wait_line(lambda x: x.endswith("hook.customer.test -> jenkins"), 4 * WAIT_S)
        elif line.startswith("adit domain "):
            self.run(ADIT, *words[1:])
            self.net.set("hook.customer.test", "CNAME", "jenkins.localhost")
        elif line.startswith("sudo aditd domain "):
            self.said.append(self.edge.ctl(*words[2:]))
        else:
            raise AssertionError(f"no test runs this command: {line}")


def test_the_guide(lab, net):
    net.set("jenkins.localhost", "A", "192.0.2.1")
    reader = Reader(lab, net)
    with open(os.path.join(ROOT, "doc", "own-domains.md"), encoding="utf-8") as f:
        text = f.read()
    try:
        for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.S):
            if language == "yaml":
                reader.yaml = block
            for line in block.splitlines() if language == "sh" else ():
                if reader.said[1:2] and "not served yet" in reader.said[-1]:
                    time.sleep(2)  # who asks again within two seconds is told what is known
                reader.type(line)
    finally:
        if reader.agent is not None:
            reader.agent.stop()
    _, first, second, listed, removed, operators = reader.said
    assert "hook.customer.test. CNAME jenkins.localhost." in first and "leads to the tunnel jenkins now" in second
    assert "proven" in listed and "is given up" in removed and operators == ""


def test_status_says_which_domains_lead_to_a_tunnel(lab, net):
    edge = edge_with(lab, net)
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    net.set("hook.customer.test", "CNAME", "web.localhost")
    assert add(edge, "hook.customer.test")["state"] == "proven"
    said = adit(edge, "status", "web")
    assert "  domain  hook.customer.test: no-certificate; adit domain list says what is missing\n" in said
    row = json.loads(adit(edge, "status", "web", "--json").splitlines()[0])
    assert row["domains"] == [{"name": "hook.customer.test", "state": "no-certificate"}]
