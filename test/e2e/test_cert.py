# SPDX-License-Identifier: Apache-2.0
"""aditd gets its certificates of Pebble: what is asked for is served, whatever the CA does meanwhile, and whoever is killed."""
import base64
import json
import os
import ssl
import tempfile

import pytest

from acmelab import CHALLTESTSRV, PEBBLE, ask
from certlab import DOMAIN, CertLab
from process import WAIT_S, free_port, until

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of CAs are NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


@pytest.fixture
def certlab():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = CertLab(folder)
        yield made
        made.close()


def set_window(ca, pem, body):
    status, _, text = ask("POST", f"https://127.0.0.1:{ca.management}/set-renewal-info/", json.dumps({"Certificate": pem, "ARIResponse": body}))
    assert status == 200, text


def test_the_domain_by_http_01_and_a_restart(certlab):
    certlab.pebble()
    acme = certlab.acme(challenges="[http-01]")
    edge = certlab.edge(acme, name="edge")
    shown = edge.wait_cert()
    assert edge.names() == {DOMAIN} and shown["ways"] == ["http-01"] and "Pebble" in shown["issuer"]
    serial = edge.serial()
    edge.stop()
    edge = certlab.edge(acme, name="edge")
    assert edge.serial() == serial  # at once, and no new order
    assert edge.cert()["state"] == "served" and edge.logged_count("certificate-order") == 0


def test_the_domain_by_tls_alpn_01_while_visitors_see_what_they_always_see(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(challenges="[tls-alpn-01]"))
    with pytest.raises(ssl.SSLError):
        edge.handshake("other.example.org")
    edge.wait_cert()
    assert edge.names() == {DOMAIN}
    for name, alpn in (("other.example.org", ("http/1.1",)), (DOMAIN, ("acme-tls/1",))):  # no certificate; no challenge any more
        with pytest.raises(ssl.SSLError):
            edge.handshake(name, alpn)
    assert edge.handshake(DOMAIN, ("adit/1",)) == edge.handshake()


def test_an_address(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"))
    edge.wait_cert("127.0.0.1")
    edge.wait_cert()
    assert edge.names(None) == {"127.0.0.1"} and edge.names() == {DOMAIN}
    begin, end = (edge.cert("127.0.0.1")[k] for k in ("begin_ms", "end_ms"))
    assert end - begin < 7 * 86400000  # profile shortlived


def test_the_wildcard_by_our_own_dns(certlab):
    port = free_port()
    certlab.pebble(dns=f"127.0.0.1:{port}")
    edge = certlab.edge(config=f"dns: {{ listen: [\"127.0.0.1:{port}\"], mode: zone, addresses: [127.0.0.1] }}\n")
    edge.wait_cert(f"*.{DOMAIN}")
    assert edge.names() == {DOMAIN, f"*.{DOMAIN}"} and edge.handshake(f"any.{DOMAIN}") == edge.handshake()
    assert edge.cert(f"*.{DOMAIN}")["ways"] == ["dns-01"]


def test_tunnels_where_no_wildcard_covers_them(certlab, lab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"))
    edge.wait_cert("127.0.0.1")
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", token=edge.new_token("dev")[0])
    edge.wait_cert(f"web.{DOMAIN}")
    got = edge.get(host=f"web.{DOMAIN}")
    assert got.status == 200 and edge.names(f"web.{DOMAIN}") == {f"web.{DOMAIN}"}
    agent.stop()


# --- what a CA does ---

def test_half_of_the_nonces_are_refused(certlab):
    certlab.pebble({"PEBBLE_WFE_NONCEREJECT": "50"})
    certlab.edge().wait_cert()


def test_profiles(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(profile="shortlived"), name="a")
    row = edge.wait_cert()
    assert row["end_ms"] - row["begin_ms"] < 7 * 86400000
    edge.stop()
    edge = certlab.edge(certlab.acme(profile="nosuch"), name="b")
    row = edge.wait_cert(state="failed")
    assert "no profile nosuch" in row["problem"] and f"aditd cert renew {DOMAIN}" in row["remedy"]
    assert "nosuch" in edge.ctl("cert", "list") and "what to do" in edge.ctl("cert", "show", DOMAIN)


def test_external_account(certlab):
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    certlab.pebble(externalAccountBindingRequired=True, externalAccountMACKeys={"kid-1": key})
    edge = certlab.edge(name="a")
    assert "eab: {key_id:, hmac_file:}" in edge.wait_cert(state="failed")["problem"]
    edge.stop()
    path = os.path.join(certlab.folder, "hmac")
    with open(path, "w") as f:
        f.write(key + "\n")
    certlab.edge(certlab.acme(eab=f"{{ key_id: kid-1, hmac_file: {path} }}"), name="a").ctl("cert", "renew", DOMAIN)
    certlab.parts[-1].wait_cert()


@pytest.mark.slow  # a second order for the same names waits a minute
def test_an_account_that_the_ca_has_lost(certlab):
    """Pebble forgets all at a restart: the next certificate is of a new account with the same key."""
    certlab.pebble()
    edge = certlab.edge()
    edge.wait_cert()
    certlab.ca.stop()
    certlab.ca.start()
    serial = edge.serial()
    edge.ctl("cert", "renew", DOMAIN)
    until(lambda: edge.serial() != serial, 90 + WAIT_S)


@pytest.mark.slow  # a second order for the same names waits a minute
def test_a_window_in_the_past_renews_and_a_malformed_one_does_not(certlab):
    certlab.pebble()
    acme = certlab.acme()
    edge = certlab.edge(acme, name="edge")
    edge.wait_cert()
    until(lambda: edge.cert()["window"]["start_ms"] > 0, what="the CA's window")
    serial, pem = edge.serial(), edge.handshake()
    for body in ("{}", "garbage"):
        set_window(certlab.ca, pem, body)
        edge.stop()
        edge = certlab.edge(acme, name="edge")
        until(lambda: edge.logged_count("certificate-window") > 0)
        assert edge.serial() == serial and edge.cert()["window"]["start_ms"] > 0
    set_window(certlab.ca, pem, json.dumps({"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"},
                                            "explanationURL": "https://ca.test/why"}))
    edge.stop()
    edge = certlab.edge(acme, name="edge")
    until(lambda: edge.logged_count("certificate-order") == 1, 70 + WAIT_S)
    until(lambda: edge.serial() != serial)
    assert "why=https://ca.test/why" in edge.logged()
    row = edge.wait_cert()
    assert row["window"]["why"] == "" and edge.logged_count("certificate-order") == 1  # the window was of the other one


@pytest.mark.slow  # a second order for the same names waits a minute
def test_revoked_and_another_key_for_the_account(certlab):
    certlab.pebble()
    edge = certlab.edge()
    edge.wait_cert()
    serial = edge.serial()
    assert "another key" in edge.ctl("cert", "rollover")
    assert "is revoked" in edge.ctl("cert", "revoke", DOMAIN, "--reason", "1")
    status = json.loads(ask("GET", f"https://127.0.0.1:{certlab.ca.management}/cert-status-by-serial/{serial.lower()}")[2])
    assert status["Status"] == "Revoked"
    until(lambda: edge.serial() != serial, 70 + WAIT_S)
    assert "no certificate" in edge.ctl("cert", "show", "no.example.org", ok=False)
