# SPDX-License-Identifier: Apache-2.0
"""The main job with a real CI server: a signed push on the public URL starts a build."""
import os
import subprocess

import pytest

import ci
from conftest import ROOT
from process import WAIT_S

PUSH = os.path.join(ROOT, "test", "fixtures", "webhooks", "bitbucket_push")


@pytest.mark.skipif(ci.why_no_buildbot() is not None, reason=ci.why_no_buildbot() or "")
def test_bitbucket_push_starts_a_build(lab):
    server = ci.Buildbot(os.path.join(lab.folder, "ci"))
    lab.parts.append(server)
    edge = lab.edge()
    agent = lab.agent(edge, "http", server.address, "--name", "jenkins")
    with open(PUSH + ".headers", encoding="utf-8") as f:
        headers = [line.rstrip("\n") for line in f]
    with open(PUSH + ".json", "rb") as f:
        body = f.read()
    with edge.visitor(agent.host) as v:
        m = v.ask("POST", ci.HOOK, body.replace(b"main", b"evil"), headers)
        assert m.status == 400 and b"does not fit" in m.body, m  # Buildbot's own answer, through the tunnel
        m = v.ask("POST", ci.HOOK, body, headers)
        assert m.status == 200 and b"change found" in m.body, m
    build = server.wait_build(1)
    assert build["properties"]["branch"][0] == "refs/heads/main" and build["results"] == 0
    assert len(server.builds()) == 1


def test_demo_runs_and_ends(tmp_path):
    """make run, once through."""
    done = subprocess.run([os.path.join(ROOT, "tools", "demo"), os.path.dirname(os.environ.get("ADITD", "build/aditd"))],
                          env={**os.environ, "DEMO_ONCE": "1", "TMPDIR": "/tmp"}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=18 * WAIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It works" in done.stdout and "HTTP 200" in done.stdout
    assert "Everything has been stopped" in done.stdout
