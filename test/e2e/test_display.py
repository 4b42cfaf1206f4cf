# SPDX-License-Identifier: Apache-2.0
"""What a stranger writes is shown as it is, and commands no terminal: lists, details, JSON, status and log, of both programs."""
import json
import subprocess

import pytest

from hooks import HOOK, SECRET, push_body, push_headers, signed
from lab import ADIT
from process import WAIT_S
from test_inbox_delivery import Inbox, status

EVIL = "a\u202eb\u200bc\u0085d\u2066e\ufefff\U000e0041g\x1b[31mh"
HIDDEN = [c for c in EVIL if ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or ord(c) > 0x2000]


def judged(text, json_text=False):
    """Nothing of it is hidden, and every hidden character has its escape."""
    for c in HIDDEN:
        assert c not in text, (hex(ord(c)), text)
    assert text.count("\\x" if not json_text else "\\") >= len(HIDDEN), text
    return text


@pytest.fixture
def inbox(lab):
    inbox = Inbox(lab, lab.origin(status(404, "Content-Type: text/plain", body=EVIL.encode())))
    body = push_body(1, branch=EVIL, repository="acme/" + EVIL)
    headers = ["User-Agent: Bitbucket-Webhooks/2.0", "Content-Type: application/json", f"X-Event-Key: {'repo:' + EVIL}",
               "X-Request-UUID: 1", f"X-Hub-Signature: {signed(body, SECRET)}"]
    headers[2] = headers[2].replace("\x1b", "").encode().decode("latin-1")
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body, headers).status == 202
    inbox.said("delivery", id="1", state="parked")
    return inbox


def ask(inbox, *args):
    argv = [ADIT, *args, "--edge", inbox.edge.ready["https"], "--ca", inbox.edge.ca, "--token-file", inbox.edge.token]
    done = subprocess.run(argv, capture_output=True, timeout=8 * WAIT_S, env={"HOME": inbox.edge.folder, "no_proxy": "*"})
    assert done.returncode == 0, done
    return done.stdout.decode()


def test_what_is_hidden_is_shown(inbox):
    for said in (inbox.edge.ctl("inbox", "list"), ask(inbox, "inbox", "list")):
        assert "acme/a\\xe2\\x80\\xaeb\\xe2\\x80\\x8bc\\xc2\\x85d" in judged(said)
    for said in (inbox.edge.ctl("inbox", "show", "1"), ask(inbox, "inbox", "show", "1")):
        judged(said)
    for said in (inbox.edge.ctl("inbox", "list", "--json"), ask(inbox, "inbox", "list", "--json"),
                 inbox.edge.ctl("inbox", "export"), ask(inbox, "inbox", "export")):
        row = json.loads(judged(said, json_text=True).splitlines()[0])
        assert row["repository"].startswith("acme/a")
    for said in (inbox.edge.ctl("status"), inbox.edge.ctl("status", "--json"), inbox.edge.logged()):
        for c in HIDDEN:
            assert c not in said


def test_letters_of_all_languages_stay(lab):
    inbox = Inbox(lab, lab.origin())
    body = push_body(1, repository="acme/Müller-日本-שלום")
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body, push_headers(body)).status == 202
    assert "acme/Müller-日本-שלום" in inbox.edge.ctl("inbox", "list")
    assert json.loads(inbox.edge.ctl("inbox", "list", "--json").splitlines()[0])["repository"] == "acme/Müller-日本-שלום main"
