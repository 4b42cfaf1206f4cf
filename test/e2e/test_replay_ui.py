# SPDX-License-Identifier: Apache-2.0
"""The inspector's pages of a real agent in Chromium: what is edited and sent reaches the origin, with a signature that is right."""
import json
import os
import subprocess

import pytest
from hooks import send, signed
from lab import SANITIZED
from process import until
from test_inspector import get
from test_inspector_ui import BROWSER_NODE_MIN, CHROMIUM, NODE, NODE_MAJOR, NPM, ROOT
from test_replay import hooked


@pytest.mark.skipif(not NODE or NODE_MAJOR < BROWSER_NODE_MIN, reason="no node that runs Playwright: the pages are not tested against a real agent")
@pytest.mark.skipif(not NPM, reason="no playwright-core in build/npm (tools/deps ws): the pages are not tested against a real agent")
@pytest.mark.skipif(not CHROMIUM, reason="no chromium: the pages are not tested against a real agent")
@pytest.mark.skipif(SANITIZED, reason="the browser waits for no sanitizer; test_replay.py asks the same of the agent")
def test_edit_and_replay_in_a_browser(lab):
    origin, edge, agent = hooked(lab)
    assert send(edge, 1).status in (200, 202)
    row = until(lambda: next(iter(get(agent, "/v1/exchanges?q=state:delivered")["rows"]), None), 20, "the delivered row")
    env = dict(os.environ, NPM=NPM, CHROMIUM=CHROMIUM, REPLAY=json.dumps({"web": agent.up["web"], "id": row["id"]}))
    done = subprocess.run([NODE, "--test", "test/ui/replay.mjs"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-8000:]
    first, edited, again = origin.requests
    assert edited.body != first.body and b"edited-branch" in edited.body and edited.get("x-event-key") == "repo:edited"
    assert edited.get("x-hub-signature") == signed(edited.body) != first.get("x-hub-signature")
    assert again.raw_head == first.raw_head and again.body == first.body
