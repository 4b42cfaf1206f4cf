# SPDX-License-Identifier: Apache-2.0
"""What a CA may do with an order, through aditd: it works on it for long, forgets it, knows the names already, has other chains, dates back."""
import json
import os
import tempfile

import pytest

from acmelab import CHALLTESTSRV, PEBBLE
from certlab import DOMAIN, CertLab
from fakeca import FakeCA
from process import WAIT_S, until
from test_inbox_faults import Clock, faked

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, orders of CAs are NOT tested through aditd: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


@pytest.fixture
def certlab():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = CertLab(folder)
        yield made
        made.close()


@pytest.fixture
def fake(certlab):
    made = FakeCA(certlab.folder)
    certlab.parts.append(made)
    return made


def fake_edge(certlab, fake, **kw):
    return certlab.edge(f"directory: {fake.directory}, ca_file: {certlab.folder}/fake.crt, agree_to_terms: yes", name="edge", **kw)


def renewed(edge, clock, serial):
    """Another one, a minute after the first order."""
    clock.jump("+120")
    edge.ctl("cert", "renew", DOMAIN)
    until(lambda: edge.serial() != serial, 6 * WAIT_S, "a renewed certificate")


@faked
def test_processing_for_a_quarter_of_an_hour(certlab, fake):
    """The edge's clocks run 100 times faster: it asks again and again, and does not order anew."""
    fake.processing = 30
    clock = Clock(certlab.folder, monotonic=True)
    clock.jump("+0 x100")
    edge = fake_edge(certlab, fake, env=clock.env)
    edge.wait_cert(seconds=12 * WAIT_S)
    assert fake.asked.count("/neworder") == 1 and fake.asked.count("/order/1") > 25 and edge.logged_count("certificate-failed") == 0


@faked
def test_an_order_that_the_ca_has_forgotten(certlab, fake):
    """It was stored while the CA worked on it; when the edge comes again, the CA knows of no such order."""
    fake.processing = 1000000
    clock = Clock(certlab.folder)
    edge = fake_edge(certlab, fake, env=clock.env)
    until(lambda: "/order/1" in fake.asked)
    edge.stop()
    gone = json.dumps({"type": "urn:ietf:params:acme:error:malformed", "detail": "no such order"}).encode()
    fake.fault = lambda path: (404, {"Content-Type": "application/problem+json"}, gone) if path.endswith("/1") and path[1:6] in ("order", "final") else None
    fake.processing = 0
    clock.jump("+120")
    edge = fake_edge(certlab, fake, env=clock.env)
    edge.wait_cert(seconds=12 * WAIT_S)
    assert fake.asked.count("/neworder") == 2


@faked
def test_an_order_that_has_expired(certlab, fake):
    """The CA still knows it, and says that it came to nothing (RFC 8555 7.1.6)."""
    fake.processing = 1000000
    clock = Clock(certlab.folder)
    edge = fake_edge(certlab, fake, env=clock.env)
    until(lambda: "/order/1" in fake.asked)
    edge.stop()
    fake.orders["1"]["status"] = "invalid"
    fake.processing = 0
    clock.jump("+120")
    edge = fake_edge(certlab, fake, env=clock.env)
    edge.wait_cert(seconds=12 * WAIT_S)
    assert fake.asked.count("/neworder") == 2


@faked
def test_a_certificate_that_is_dated_back_is_taken(certlab, fake):
    """Its key was made for this order, so it is the newer one: CAs date back as they like, and another CA by more."""
    clock = Clock(certlab.folder)
    edge = fake_edge(certlab, fake, env=clock.env)
    first, serial = edge.wait_cert(), edge.serial()
    fake.dated = "-2d"
    renewed(edge, clock, serial)
    assert edge.wait_cert()["begin_ms"] < first["begin_ms"] and edge.logged_count("certificate-failed") == 0


@faked
def test_names_that_the_ca_knows_already(certlab):
    """The second order finds valid authorisations: nothing is shown, and nothing is waited for."""
    certlab.pebble({"PEBBLE_AUTHZREUSE": "100"})
    clock = Clock(certlab.folder)
    edge = certlab.edge(env=clock.env)
    edge.wait_cert()
    serial, n = edge.serial(), edge.logged_count("certificate-challenge")
    renewed(edge, clock, serial)
    assert n > 0 and edge.logged_count("certificate-challenge") == n


def test_other_chains(certlab):
    """Two more roots and a longer chain: what came first is shown whole, and leads to the first root."""
    certlab.pebble({"PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2"})
    edge = certlab.edge()
    edge.wait_cert()
    roots = os.path.join(certlab.folder, "roots.pem")
    with open(roots, "w") as f:
        f.write(certlab.ca.root())
    assert edge.handshake(DOMAIN, verify=roots) == edge.handshake()
