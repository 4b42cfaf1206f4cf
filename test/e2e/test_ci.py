# SPDX-License-Identifier: Apache-2.0
"""The main job with a real CI server: a signed push on the public URL starts a build."""
import json
import os
import subprocess

import pytest

import ci
from conftest import ROOT
from hooks import secret_file
from process import WAIT_S, until

PUSH = os.path.join(ROOT, "test", "fixtures", "webhooks", "bitbucket_push")


real = pytest.mark.skipif(ci.why_no_buildbot() is not None, reason=ci.why_no_buildbot() or "")


def push():
    with open(PUSH + ".headers", encoding="utf-8") as f:
        headers = [line.rstrip("\n") for line in f]
    with open(PUSH + ".json", "rb") as f:
        return f.read(), headers


@pytest.fixture(scope="module")
def server(shared_lab):
    made = ci.Buildbot(os.path.join(shared_lab.folder, "ci"))
    shared_lab.parts.append(made)
    return made


@real
def test_bitbucket_push_starts_a_build(lab, server):
    before = len(server.builds())
    edge = lab.edge()
    agent = lab.agent(edge, "http", server.address, "--name", "jenkins")
    body, headers = push()
    with edge.visitor(agent.host) as v:
        m = v.ask("POST", ci.HOOK, body.replace(b"main", b"evil"), headers)
        assert m.status == 400 and b"does not fit" in m.body, m  # Buildbot's own answer, through the tunnel
        m = v.ask("POST", ci.HOOK, body, headers)
        assert m.status == 200 and b"change found" in m.body, m
    build = server.wait_build(before + 1)
    assert build["properties"]["branch"][0] == "refs/heads/main" and build["results"] == 0
    assert len(server.builds()) == before + 1


@real
def test_a_stored_push_is_built_when_the_agent_comes(lab, server):
    """The agent is away when Bitbucket sends, altered and again: one build, of what was signed, as soon as it is back."""
    before = len(server.builds())
    edge = lab.edge()
    options = ["http", server.address, "--name", "jenkins", "--for", "buildbot", "--secret-file", secret_file(lab.folder)]
    agent = lab.agent(edge, *options)
    agent.kill()
    until(lambda: edge.status()["links"] == 0)
    body, headers = push()
    with edge.visitor(agent.host) as v:
        assert v.ask("POST", ci.HOOK, body.replace(b"main", b"evil"), headers).status == 401
    with edge.visitor(agent.host) as v:
        m = v.ask("POST", ci.HOOK, body, headers)
        assert m.status == 202 and not json.loads(m.body)["duplicate"], m
        m = v.ask("POST", ci.HOOK, body, headers)
        assert m.status == 202 and json.loads(m.body)["duplicate"], m
    assert len(server.builds()) == before
    lab.agent(edge, *options)
    build = server.wait_build(before + 1)
    assert build["properties"]["branch"][0] == "refs/heads/main" and build["results"] == 0
    line = until(lambda: [x for x in edge.logged().splitlines() if "event=delivery " in x])[0]
    assert "state=delivered" in line and "status=200" in line
    assert len(server.builds()) == before + 1


def test_demo_runs_and_ends(tmp_path):
    """make run, once through."""
    done = subprocess.run([os.path.join(ROOT, "tools", "demo"), os.path.dirname(os.environ.get("ADITD", "build/aditd"))],
                          env={**os.environ, "DEMO_ONCE": "1", "TMPDIR": "/tmp"}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=18 * WAIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It works" in done.stdout and " 200 in " in done.stdout
    assert "Everything has been stopped" in done.stdout
