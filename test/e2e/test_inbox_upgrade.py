# SPDX-License-Identifier: Apache-2.0
"""Q-08: the program is exchanged while its inbox is full: older stores come up to date, newer ones are left alone, nothing is lost."""
import glob
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from conftest import ROOT
from hooks import HOOK, numbers, push_body, push_headers, secret_file, stored
from lab import ADITD
from process import WAIT_S, until
from test_inbox_delivery import JENKINS, Inbox
from test_inbox_faults import states
from test_inbox_restart import restart

MIGRATIONS = sorted(glob.glob(f"{ROOT}/src/store/sqlite/migrations/*.sql"))
INBOX = 2  # the schema that an inbox begins with
ITEMS = 10000 if os.environ.get("ADIT_SLOW") else 500
BRANCHES = 10
RECEIVED, QUEUED, LEASED = 0, 1, 2
BEHIND, FIRST = 1, 2


def migrate(db, versions):
    for version in versions:
        with open(MIGRATIONS[version - 1], encoding="utf-8") as f:
            db.executescript("BEGIN;" + f.read() + ";COMMIT")


def fill(db, n):
    """Rows as the program of schema 2 wrote them; the first of two branches were on their way when it ended."""
    now = int(time.time() * 1000)
    db.execute("INSERT INTO accounts (id, name, created_ms) VALUES (1, 'dev', 1)")
    db.execute("INSERT INTO names (name, account, key, created_ms) VALUES ('web', 1, '', 1)")
    db.execute("INSERT INTO routes VALUES (1, 1, 'web')")
    for i in range(n):
        lane = i % BRANCHES
        body = push_body(i, f"b{lane}")
        head = "\r\n".join([f"POST {HOOK} HTTP/1.1", "Host: web.localhost", *push_headers(body, request_uuid=f"uuid-{i}"),
                            f"Content-Length: {len(body)}", "", ""]).encode()
        state = (RECEIVED, LEASED, *[QUEUED] * n)[i]
        db.execute("INSERT INTO deliveries (id, route, state, place, lane, next_t, lease, received_ms, received_t, bytes, event,"
                   " provider_id, order_key, method, target) VALUES (?,1,?,?,?,?,?,?,?,?,'repo:push',?,?,'POST',?)",
                   (i + 1, state, FIRST if i < BRANCHES else BEHIND, 1000 + lane, now, 77 if state != QUEUED else 0, now, now,
                    len(head) + len(body), f"uuid-{i}", f"acme/web b{lane}", HOOK))
        db.execute("INSERT INTO payloads VALUES (?,?,?)", (i + 1, head, body))


def old_store(path, version, n):
    with sqlite3.connect(path, isolation_level=None) as db:
        migrate(db, range(1, INBOX + 1))
        db.execute("BEGIN")
        fill(db, n)
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('program', '0.0.1')")
        db.execute("COMMIT")
        migrate(db, range(INBOX + 1, version + 1))
        db.execute(f"PRAGMA application_id = {0x61646974}")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


def check(inbox, n):
    """All of them, once, in the order of each branch."""
    inbox.origin.wait_requests(n, 6 * WAIT_S)
    until(lambda: states(inbox.edge)["delivered"] == n, 2 * WAIT_S)
    got = numbers(inbox.origin)
    assert sorted(got) == list(range(n))
    for branch in range(BRANCHES):
        assert [i for i in got if i % BRANCHES == branch] == list(range(branch, n, BRANCHES))


@pytest.mark.parametrize("version", range(INBOX, len(MIGRATIONS) + 1))
def test_q08_an_older_store_with_a_full_queue(lab, version):
    folder = f"{lab.folder}/edge"
    os.mkdir(folder)
    old_store(f"{folder}/adit.db", version, ITEMS)
    os.chmod(f"{folder}/adit.db", 0o600)
    inbox = Inbox.__new__(Inbox)
    inbox.lab, inbox.origin, inbox.edge = lab, lab.origin(), lab.edge(folder=folder)
    assert states(inbox.edge)["queued"] == ITEMS
    inbox.options = [*JENKINS, "--secret-file", secret_file(folder)]
    inbox.start()
    check(inbox, ITEMS)
    # new ones are let in beside them, and take their turn
    assert stored(inbox.edge, ITEMS, branch=f"b{ITEMS % BRANCHES}") == ITEMS + 1
    check(inbox, ITEMS + 1)
    lab.parts.remove(inbox.edge)
    inbox.edge.stop()
    with sqlite3.connect(f"{folder}/adit.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT sum(n) FROM usage").fetchone() == (ITEMS + 1,)


@pytest.mark.parametrize("kill", [True, False])
def test_q08_the_program_is_exchanged_under_a_full_queue(lab, kill):
    inbox = Inbox(lab)
    inbox.away()
    with inbox.edge.visitor(tls=False) as v:
        for i in range(200):
            body = push_body(i, f"b{i % BRANCHES}")
            assert v.ask("POST", HOOK, body, push_headers(body)).status == 202
    restart(inbox, kill)
    assert states(inbox.edge)["queued"] == 200
    inbox.start()
    check(inbox, 200)


def test_q08_a_newer_store_is_refused_and_left_alone(lab):
    inbox = Inbox(lab)
    inbox.away()
    stored(inbox.edge, 0)
    inbox.edge.stop()
    lab.parts.remove(inbox.edge)
    path = f"{inbox.edge.folder}/adit.db"
    with sqlite3.connect(path) as db:
        version, = db.execute("PRAGMA user_version").fetchone()
        program, = db.execute("SELECT value FROM meta WHERE key = 'program'").fetchone()
        db.execute("PRAGMA user_version = 99")
        db.execute("UPDATE meta SET value = '9.8.7' WHERE key = 'program'")
    db.close()
    shutil.copy(path, path + ".before")
    done = subprocess.run([ADITD, "--dev", inbox.edge.folder], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 1 and "schema 99" in done.stderr and "install adit 9.8.7 or newer" in done.stderr
    with open(path, "rb") as f, open(path + ".before", "rb") as before:
        assert f.read() == before.read()
    # the newer program is installed: here the older one, which finds its own numbers again
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("UPDATE meta SET value = ? WHERE key = 'program'", (program,))
    db.close()
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    check(inbox, 1)
