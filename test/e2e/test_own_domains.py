# SPDX-License-Identifier: Apache-2.0
"""Own domains: proof by DNS, the way of a request, and what becomes of a domain that is not proven any more."""
import json
import subprocess

import pytest
from dnsd import Internet
from hooks import secret_file
from lab import ADIT
from process import WAIT_S, until

CNAME, TXT = 5, 16


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
    made.set("web.localhost", "A", "192.0.2.1")
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
    answer = edge.get("/x", host="hook.customer.test", tls=False)
    assert answer.status == 200
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
        f.write(text.replace("certificates:\n", "certificates:\n" + certificate(edge, "hook.customer.test")))
    edge.ctl("reload")
    assert edge.get(host="hook.customer.test").status == 200
    assert edge.get(host="web.localhost").status == 200


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
