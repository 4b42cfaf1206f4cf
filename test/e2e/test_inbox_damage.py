# SPDX-License-Identifier: Apache-2.0
"""A damaged page is found after a crash, named in status, log and alert, and costs nothing but what stands on it."""
import json
import os
import shutil
import sqlite3

import pytest

from hooks import numbers, send, stored
from process import WAIT_S, until
from test_inbox_commands import Operator
from test_inbox_delivery import Inbox
from test_inbox_faults import states

N, PAGE = 60, 8192


def last_page(f, root):
    """Where the last leaf of the tree at that page begins."""
    while True:
        at = (root - 1) * PAGE
        f.seek(at)
        head = f.read(12)
        if head[0] not in (2, 5):  # no interior page of an index or a table
            return at
        root = int.from_bytes(head[8:12], "big")


def spoil(path, needle=None, ends=()):
    """Rubbish over the page on which the needle stands and over the last ones of these tables, as a crash finds it: with a log
    file beside the database."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        roots = [db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0] for name in ends]
    db.close()
    with open(path, "r+b") as f:
        pages = [last_page(f, root) for root in roots]
        if needle:
            f.seek(0)
            pages.append(f.read().index(needle) // PAGE * PAGE)
        for at in pages:
            f.seek(at)
            f.write(b"\xaa" * PAGE)
    with open(path + "-wal", "wb") as f:
        f.write(b"x")
    os.chmod(path + "-wal", 0o600)


def token_id(edge):
    with open(edge.token, "rb") as f:
        return f.read().split(b"_")[1]


def damaged(lab, needle=None, config=None, ends=()):
    """An edge that was killed with webhooks in its inbox, and one that starts on what is left of its folder."""
    inbox = Inbox(lab)
    inbox.away()
    for n in range(N):
        stored(inbox.edge, n, pad=1000)
    old = inbox.edge
    old.kill()
    lab.parts.remove(old)
    spoil(f"{old.folder}/adit.db", needle(old) if callable(needle) else needle, ends)
    os.unlink(f"{old.folder}/control.sock")
    folder = shutil.copytree(old.folder, f"{lab.folder}/again", ignore=shutil.ignore_patterns("*log*"))
    inbox.edge = lab.edge(folder=folder, config=config)
    return inbox


def test_q09_a_damaged_body_is_named_and_the_rest_is_delivered(lab):
    told = f"{lab.folder}/alerts"
    inbox = damaged(lab, b'"number": 30,', f"inbox: {{ alert_command: 'cat >>{told}; echo >>{told}', alert_pause_s: 1 }}\n")

    def alerts():
        if not os.path.exists(told):
            return []
        with open(told, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.strip()]
    assert "damaged: some of payloads cannot be read" in inbox.edge.status()["all"]["store"]
    until(lambda: any(a["event"] == "damaged" for a in alerts()))
    told = [a for a in alerts() if a["event"] == "damaged"]
    assert "payloads" in told[0]["text"] and ".recover" in told[0]["text"]
    assert "some of payloads" in inbox.edge.logged()
    inbox.start()
    until(lambda: states(inbox.edge)["queued"] + states(inbox.edge)["leased"] == 0, 2 * WAIT_S)
    got = states(inbox.edge)
    assert got["delivered"] + got["parked"] == N and 1 <= got["parked"] <= 10
    assert send(inbox.edge, N).status == 202
    assert len(Operator(inbox.edge).run("list", "--event", "repo:push").splitlines()) == N + 2


def test_q09_damaged_tokens_stop_no_start(lab):
    """Nobody logs in, and is told why; what comes for the tunnel is stored all the same."""
    inbox = damaged(lab, token_id)
    assert "damaged: some of tokens cannot be read" in inbox.edge.status()["all"]["store"]
    assert stored(inbox.edge, N) == N + 1
    agent = lab.agent(inbox.edge, "http", "127.0.0.1:9", "--name", "other", up=False)
    assert "damaged where this token" in agent.wait_event("retry", 2 * WAIT_S)["reason"]


@pytest.mark.parametrize("ends", [["payloads"], ["deliveries"], ["deliveries", "payloads", "attempts", "seen", "deliveries_state"]])
def test_q09_the_page_that_every_new_webhook_goes_to_stops_none(lab, ends):
    """The last one of a table: what comes is stored, and delivered in order behind all older ones that can be read."""
    inbox = damaged(lab, ends=ends)
    assert "damaged: some of " in inbox.edge.status()["all"]["store"]
    for n in range(N, 2 * N):
        stored(inbox.edge, n, pad=1000)
    assert all(table in inbox.edge.status()["all"]["store"] for table in ends if "_" not in table and table != "attempts")
    inbox.start()
    until(lambda: states(inbox.edge)["queued"] + states(inbox.edge)["leased"] == 0, 2 * WAIT_S)
    got = numbers(inbox.origin)
    assert got == sorted(set(got)) and got[-N:] == list(range(N, 2 * N)), got
    assert len(got) >= 2 * N - 50 and got[:10] == list(range(10)), got
    assert states(inbox.edge)["delivered"] == len(got)
    until(lambda: "damaged: some of " in inbox.edge.logged())
    assert len(Operator(inbox.edge).run("list", "--event", "repo:push").splitlines()) > len(got)
