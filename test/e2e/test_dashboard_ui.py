# SPDX-License-Identifier: Apache-2.0
"""The dashboard's pages (src/web/ui/dashboard) in Debian's Chromium, against an edge with agents, stored webhooks and refusals.

Skipped, and said so, without node, without the packages of npm (tools/deps ws), without Chromium."""
import json
import os
import subprocess

import pytest
from hooks import SECRET, push_body, push_headers, secret_file, send, stored
from lab import ADITD
from process import WAIT_S, until
from test_inspector_ui import BROWSER_NODE_MIN, CHROMIUM, NODE, NODE_MAJOR, NPM, ROOT

HOSTILE = "<img src=x onerror=window.hacked=1>\u202egpj"

pytestmark = [pytest.mark.skipif(NODE_MAJOR < BROWSER_NODE_MIN, reason=f"no node of at least {BROWSER_NODE_MIN}: the dashboard's pages are not tested"),
              pytest.mark.skipif(not NPM, reason="no playwright-core in build/npm (tools/deps ws): the dashboard's pages are not tested"),
              pytest.mark.skipif(not CHROMIUM, reason="no chromium: the dashboard's pages are not tested")]


def judge(connection, request):
    """A Jenkins that has no job for acme/billing."""
    if b"acme/billing" in request.body:
        connection.answer(b"Did not find any jobs <script>window.hacked=1</script>", 404, reason="Not Found")
    else:
        connection.answer(b"ok")


@pytest.fixture(scope="module")
def scene(shared_lab):
    lab = shared_lab
    edge = lab.edge()
    lab.agent(edge, "http", lab.origin(judge).address, "--name", "web", "--for", "jenkins-bitbucket", "--store", "--secret-file", secret_file(edge.folder))
    plain = lab.origin()
    lab.agent(edge, "http", plain.address, "--name", "docs", name="docs")
    gone = lab.agent(edge, "http", plain.address, "--name", "preview", name="gone")
    edge.wait_up("web")
    with edge.visitor("docs.localhost") as v:
        for _ in range(20):
            assert v.ask("GET", "/").status == 200
    for i in range(3):
        stored(edge, i)
    for i in range(3, 6):
        stored(edge, i, repository="acme/billing")
    stored(edge, 6, event=HOSTILE.encode().decode("latin-1"), repository="acme/<b onclick=x>\u202e")
    until(lambda: json.loads(edge.ctl("inbox", "stat", "--json"))["states"]["parked"]["n"] == 3, 4 * WAIT_S)
    body = push_body(9)
    with edge.visitor(tls=False) as v:
        wrong = [h.replace("Webhooks/2.0", "Webhooks/2.0 <script>window.hacked=1</script>") for h in push_headers(body, SECRET + "x")]
        assert v.ask("POST", "/bitbucket-hook/", body, wrong).status == 401
    assert send(edge, 1, host="nothing.localhost").status in (404, 421)
    edge.ctl("token", "add", "ci", "--label", "build <b>server</b>")
    edge.ctl("name", "reserve", "theirs", "ci")
    gone.kill()
    until(lambda: "agent-away" in edge.ctl("overview"), 4 * WAIT_S)
    return edge


def run(scene, path, seconds):
    env = dict(os.environ, NPM=NPM, CHROMIUM=CHROMIUM, DASHBOARD=json.dumps({"url": f"http://{scene.ready['dashboard']}", "aditd": [ADITD, "--control", scene.ready["control"]]}))
    done = subprocess.run([NODE, "--test", os.path.join("test", "ui", path)], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-12000:]


def test_pages_show_and_do(scene):
    run(scene, "dashboard.mjs", 300)


@pytest.mark.slow
def test_pages_are_for_everybody(scene):
    run(scene, "dashboard_axe.mjs", 900)
