# SPDX-License-Identifier: Apache-2.0
"""aditd gets its certificates of Pebble: what is asked for is served, whatever the CA does meanwhile, and whoever is killed."""
import tempfile

import pytest

from acmelab import CHALLTESTSRV, PEBBLE
from certlab import DOMAIN, CertLab

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of CAs are NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


@pytest.fixture
def certlab():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = CertLab(folder)
        yield made
        made.close()


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
