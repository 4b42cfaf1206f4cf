# SPDX-License-Identifier: Apache-2.0
"""The library acme against Pebble: what it wants is signed, whatever the CA does meanwhile, and whoever is killed."""
import base64
import json
import os
import re
import ssl
import subprocess

import pytest

from acmelab import ALPN, CHALLTESTSRV, DNS, HTTP, PEBBLE, PERSIST, Client, Pebble, World, ask
from process import WAIT_S

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, the client of CAs is NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")
WILDCARD = [["*.example.org", DNS], ["example.org", DNS | HTTP]]


@pytest.fixture
def world(tmp_path):
    w = World(str(tmp_path))
    yield w
    w.stop()


@pytest.fixture
def pebble(tmp_path, world):
    running = []

    def start(env=None, **config):
        running.append(Pebble(str(tmp_path), world, env, **config))
        return running[-1]
    yield start
    for p in running:
        p.stop()


@pytest.fixture
def client(tmp_path, world):
    def make(ca, name="client", **args):
        return Client(str(tmp_path / name), ca.directory, world, **args)
    return make


def openssl(*argv, text):
    return subprocess.run(["openssl", *argv], input=text, capture_output=True, text=True, check=True, timeout=WAIT_S).stdout


def names_of(ready):
    out = openssl("x509", "-noout", "-ext", "subjectAltName", text=ready["chain"])
    return set(re.findall(r"(?:DNS|IP Address):([^,\s]+)", out))


def judge(ready, *names):
    """What OpenSSL, and not the library, says of what is ready."""
    assert ready["step"] == "ready", ready
    assert names_of(ready) == set(names)
    assert openssl("x509", "-noout", "-pubkey", text=ready["chain"]) == openssl("pkey", "-pubout", text=ready["key"])


def serial_of(ready):
    return openssl("x509", "-noout", "-serial", text=ready["chain"]).strip().split("=")[1]


def der_of(ready):
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(ready["chain"].split("-----END")[0] + "-----END CERTIFICATE-----\n")).decode()


# --- what can be signed ---

def test_wildcard_and_its_apex(pebble, client, world):
    """Two TXT values at one name, one behind the other."""
    judge(client(pebble(), names=WILDCARD).last(), "*.example.org", "example.org")
    assert sorted(world.shown) == [("dns-01", "*.example.org"), ("dns-01", "example.org")]


def test_address_and_names_by_each_way(pebble, client, world):
    ca = pebble()
    judge(client(ca, names=[["127.0.0.1", ALPN], ["a.example.org", ALPN], ["b.example.org", HTTP]]).last(), "127.0.0.1", "a.example.org", "b.example.org")
    assert {"1.0.0.127.in-addr.arpa", "a.example.org"} <= set(world.names_asked)  # RFC 8738 section 6
    judge(client(ca, "second", names=[["127.0.0.1", HTTP]]).last(), "127.0.0.1")


def test_standing_record(pebble, client, world):
    judge(client(pebble(), names=[["*.example.org", PERSIST]]).last(), "*.example.org")
    assert world.shown == [("dns-persist-01", "*.example.org")]


def test_profiles(pebble, client):
    ca = pebble()
    short = client(ca, "a", names=WILDCARD, profile="shortlived").last()
    assert short["not_after"] - short["not_before"] < 7 * 86400
    judge(client(ca, "b", names=WILDCARD, profile="nosuch").last(), "*.example.org", "example.org")  # a wish
    failed = client(ca, "c", names=WILDCARD, profile="nosuch", profile_must=True).last()
    assert failed["step"] == "failed" and "no profile nosuch" in failed["text"] and "profile: under acme:" in failed["text"]


def test_alternate_chain_by_the_name_of_its_root(pebble, client):
    ca = pebble({"PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2"})
    root = re.search(r"CN ?= ?([^\n,]+)", openssl("x509", "-noout", "-subject", text=ca.root(2))).group(1)
    ready = client(ca, names=WILDCARD, issuer=root).last()
    judge(ready, "*.example.org", "example.org")
    last = ready["chain"].split("-----BEGIN")[-1]
    assert root in openssl("x509", "-noout", "-issuer", text="-----BEGIN" + last)
    judge(client(ca, "other", names=WILDCARD, issuer="No Such Root").last(), "*.example.org", "example.org")


# --- what a CA does ---

def test_half_of_the_nonces_are_refused(pebble, client):
    ca = pebble({"PEBBLE_WFE_NONCEREJECT": "50"})
    c = client(ca, names=WILDCARD)
    for _ in range(4):  # eleven refusals in a row end a life, once in 200; the next one goes on
        ready = c.last()
        if ready["step"] == "ready":
            break
        assert "nonces" in ready["text"], ready
    judge(ready, "*.example.org", "example.org")


def test_names_that_are_proven_already(pebble, client, world):
    ca = pebble({"PEBBLE_AUTHZREUSE": "100"})
    c = client(ca, names=WILDCARD)
    judge(c.last(), "*.example.org", "example.org")
    shown = len(world.shown)
    os.unlink(os.path.join(c.folder, "cert.json"))
    judge(c.last(), "*.example.org", "example.org")
    assert len(world.shown) == shown


def test_external_account(pebble, client):
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    ca = pebble(externalAccountBindingRequired=True, externalAccountMACKeys={"kid-1": key})
    without = client(ca, "a", names=WILDCARD).last()
    assert without["step"] == "failed" and "eab: {key_id:, hmac_file:}" in without["text"]
    judge(client(ca, "b", names=WILDCARD, eab_key_id="kid-1", eab_hmac=key).last(), "*.example.org", "example.org")


def test_name_that_the_ca_does_not_sign(pebble, client):
    failed = client(pebble(domainBlocklist=["blocked.example"]), names=[["blocked.example", DNS]]).last()
    assert failed["step"] == "failed" and "blocked.example: the CA signs nothing for this name" in failed["text"]


def test_terms_that_nobody_agreed_to(pebble, client):
    failed = client(pebble(), names=WILDCARD, agree=False).last()
    assert failed["step"] == "failed" and "agree_to_terms: yes" in failed["text"]


def test_next_way_where_one_fails(pebble, client, world):
    """A page that is not there fails http-01; a second order, a minute later, is proven by DNS."""
    show = world.show
    world.show = lambda step: None if step["kind"] == "tls-alpn-01" else show(step)
    c = client(pebble(), names=[["a.example.org", ALPN | HTTP]])
    judge(c.last(), "a.example.org")
    first, second = c.orders()
    assert second - first >= 60
    world.show = lambda step: None
    failed = client(pebble(), "other", names=[["b.example.org", HTTP]]).last()
    assert failed["step"] == "failed" and failed["text"].startswith("b.example.org: the CA")


def test_account_that_the_ca_has_lost(pebble, client):
    """Pebble's memory is empty after a restart: the same key gets another account, and the order is made anew."""
    ca = pebble()
    c = client(ca, names=WILDCARD)
    steps = c.run()
    judge(steps[-1], "*.example.org", "example.org")
    os.unlink(os.path.join(c.folder, "cert.json"))
    key = json.load(open(os.path.join(c.folder, "ca.json")))["key"]
    publish = next(i for i, s in enumerate(steps) if s["step"] == "publish")
    c.run(kill_at=publish)
    ca.stop()
    ca.start()
    c.args["directory"] = ca.directory
    judge(c.last(), "*.example.org", "example.org")
    assert json.load(open(os.path.join(c.folder, "ca.json")))["key"] == key


# --- accounts, revocation, renewal ---

def test_another_key_for_the_account(pebble, client):
    ca = pebble()
    c = client(ca, names=WILDCARD)
    account = c.last(do="register")["account"]
    def saved():
        return json.load(open(os.path.join(c.folder, "ca.json")))
    old = saved()["key"]
    steps = c.run(do="rollover")
    assert steps[-1]["step"] == "done" and saved()["key"] != old and saved()["account"] == account
    judge(c.last(), "*.example.org", "example.org")
    # Killed before and behind each step: the next life ends with one key, and the CA knows it.
    for at in range(1, len(steps)):
        for kill in ("kill_at", "kill_after"):
            c.run(do="rollover", **{kill: at})
            assert c.last(do="rollover")["step"] == "done", (kill, at)
            assert c.last(do="register")["account"] == account and "next" not in saved()


def test_revocation_by_either_key(pebble, client):
    ca = pebble()
    c = client(ca, names=WILDCARD)
    for signer in ("", "key"):
        ready = c.last()
        assert c.last(do="revoke", cert=der_of(ready), reason=1, key=ready["key"] if signer else "")["step"] == "done"
        status = json.loads(ask("GET", f"https://127.0.0.1:{ca.management}/cert-status-by-serial/{serial_of(ready).lower()}")[2])
        assert status["Status"] == "Revoked"
        assert c.last(do="revoke", cert=der_of(ready), reason=1)["step"] == "done"  # again: no fault
        os.unlink(os.path.join(c.folder, "cert.json"))


def test_account_given_up(pebble, client):
    c = client(pebble(), names=WILDCARD)
    c.last(do="register")
    assert c.last(do="deactivate")["step"] == "done"
    failed = c.last()
    assert failed["step"] == "failed" and "account" in failed["text"]


def set_window(ca, ready, body):
    status, _, text = ask("POST", f"https://127.0.0.1:{ca.management}/set-renewal-info/",
                          json.dumps({"Certificate": ready["chain"].split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n", "ARIResponse": body}))
    assert status == 200, text


def test_renewal_times_of_the_ca(pebble, client):
    ca = pebble()
    c = client(ca, names=WILDCARD)
    ready = c.last()
    told = c.last(do="renewal", id=ready["id"])
    assert told["step"] == "done" and ready["not_before"] < told["start"] < told["end"] <= ready["not_after"]
    set_window(ca, ready, json.dumps({"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}, "explanationURL": "https://ca.test/why"}))
    past = c.last(do="renewal", id=ready["id"])
    assert (past["start"], past["end"], past["why"]) == (1577836800, 1577923200, "https://ca.test/why")
    set_window(ca, ready, "{}")
    assert c.last(do="renewal", id=ready["id"])["step"] == "failed"


def test_certificate_that_was_replaced_already(pebble, client):
    ca = pebble({"PEBBLE_AUTHZREUSE": "100"})
    first = client(ca, names=WILDCARD).last()
    c = client(ca, names=WILDCARD, replaces=first["id"])
    for _ in range(2):  # the second time the CA answers alreadyReplaced
        os.unlink(os.path.join(c.folder, "cert.json"))
        judge(c.last(), "*.example.org", "example.org")


# --- kill -9 ---

@pytest.mark.parametrize("kill", ["kill_at", "kill_after"])
def test_killed_between_any_two_steps(pebble, client, kill):
    """Before or behind each step: the next life ends with a certificate of the stored key, and no two orders lie within a minute."""
    ca = pebble()
    n = len(client(ca, "whole", names=WILDCARD).run())
    for at in range(1, n + 1):
        c = client(ca, str(at), names=WILDCARD)
        c.run(**{kill: at})
        judge(c.last(), "*.example.org", "example.org")
        orders = c.orders()
        assert all(b - a >= 60 for a, b in zip(orders, orders[1:])), (at, orders)
