# SPDX-License-Identifier: Apache-2.0
"""TLS that ends at the agent, with a certificate that it gets through the edge: Pebble is the CA."""
import json
import os
import socket
import ssl
import stat
import subprocess

import pytest

from acmelab import CHALLTESTSRV, PEBBLE, Pebble, World
from process import WAIT_S, until
from test_passthrough import ALERT_INTERNAL, curl, hello, said

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of the agent are NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


class Authority:
    """Pebble, which finds every name at the edge."""

    def __init__(self, folder, edge, **kw):
        os.makedirs(folder, exist_ok=True)
        self.world = World(folder)
        self.pebble = Pebble(folder, self.world, tlsPort=edge.https[1], httpPort=edge.http[1], **kw)
        self.ca_file = os.path.join(folder, "ca.crt")
        self.root = os.path.join(folder, "root.pem")
        with open(self.root, "w") as f:
            f.write(self.pebble.root())

    def options(self):
        return ("--tls-at-agent", "--agree-to-terms", "--acme-directory", self.pebble.directory, "--acme-ca-file", self.ca_file)

    def close(self):
        self.pebble.stop()
        self.world.stop()


def ending(lab, *args, edge=None, origin=None, ca=None, **kw):
    edge = edge or lab.edge()
    ca = ca or lab.keep(Authority(os.path.join(lab.folder, "ca"), edge))
    origin = origin or lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", *ca.options(), *args, **kw)
    return edge, agent, origin, ca


def state(edge, ending):
    """The agent's files that end so."""
    found = []
    for folder, _, files in os.walk(os.path.join(edge.folder, ".local/state/adit")):
        found += [os.path.join(folder, f) for f in files if f.endswith(ending)]
    return found


def test_a_certificate_is_got_through_the_edge_and_shown(lab):
    edge, agent, origin, ca = ending(lab)
    assert agent.up["tls"] == "agent"
    event = agent.wait_event("certificate", 6 * WAIT_S)
    assert event["host"] == "web.localhost"
    done = curl(edge, ca.root)
    assert (done.returncode, done.stdout) == (0, "ok"), done
    # The control: it is the agent's, and not one of the edge's.
    assert curl(edge, edge.ca).returncode == 60
    for path in state(edge, ""):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    assert state(edge, ".pem") and state(edge, "account.json") and not state(edge, ".case")
