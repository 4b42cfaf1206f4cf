# SPDX-License-Identifier: Apache-2.0
"""The inbox for people: aditd inbox for the operator, adit inbox for an account; both speak the same words."""
import base64
import json
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from hooks import HOOK, number_of, numbers, push_body, push_headers, secret_file, send, stored
from lab import ADIT, ADITD
from process import Process, WAIT_S, until
from test_inbox_delivery import Inbox, status


class Asking:
    def exact(self, *args, ok=True):
        done = subprocess.run([*self.argv(), *args], capture_output=True, timeout=4 * WAIT_S,
                              env={"HOME": self.edge.folder, "no_proxy": "*"})
        assert (done.returncode == 0) == ok, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if ok else done.stdout + done.stderr

    def run(self, *args, ok=True):
        return self.exact(*args, ok=ok).decode()


class Operator(Asking):
    def __init__(self, edge):
        self.edge = edge

    def argv(self):
        return [ADITD, "--control", self.edge.ready["control"], "inbox"]


class Account(Asking):
    def __init__(self, edge, token=None):
        self.edge = edge
        self.token = token or edge.token

    def argv(self):
        return [ADIT, "inbox", "--edge", self.edge.ready["https"], "--ca", self.edge.ca, "--token-file", self.token]


def rows(said):
    return [json.loads(line) for line in said.splitlines()]


def fill(folder, n):
    """So many delivered ones in the database of an edge that has stopped; its triggers count them."""
    db = sqlite3.connect(os.path.join(folder, "adit.db"))
    with db:
        db.execute("INSERT INTO routes (account, tunnel) SELECT id, 'web' FROM accounts WHERE name = 'dev'")
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) INSERT INTO deliveries (route, "
                   "state, place, lane, next_t, received_ms, received_t, bytes, event, provider_id, order_key, method, target) "
                   "SELECT (SELECT max(id) FROM routes), 3, 0, 0, 1, ?2, ?2, 0, 'push', '', '', 'POST', '/' FROM n",
                   (n, int(time.time() * 1000)))
    db.close()


@pytest.fixture(params=[Operator, Account])
def who(request):
    return request.param


def test_list_filters_and_pages(lab, who):
    inbox = Inbox(lab, lab.origin(lambda c, r: c.answer(b"no", 404 if number_of(r) % 2 else 200, ["X-Jenkins: 2"])))
    me = who(inbox.edge)
    with inbox.edge.visitor() as v:
        for n in range(230):
            body = push_body(n, branch=f"b{n % 3}", repository="acme/web" if n % 5 else "acme/tools")
            assert v.ask("POST", HOOK, body, push_headers(body, event="repo:push" if n % 7 else "repo:fork")).status == 202
    inbox.origin.wait_requests(230)
    until(lambda: json.loads(me.run("stat", "--json"))["states"]["delivered"]["n"] == 115)
    every = rows(me.run("list", "--json"))
    assert [r["id"] for r in every] == list(range(230, 0, -1))
    assert all(r["tunnel"] == "web" and r["account"] == "dev" and r["target"] == HOOK for r in every)
    assert [r["id"] for r in rows(me.run("list", "--json", "--limit", "150"))] == list(range(230, 80, -1))
    parked = rows(me.run("list", "--json", "--state", "parked"))
    assert len(parked) == 115 and all("Install the plugin" in r["note"] for r in parked)
    assert len(rows(me.run("list", "--json", "--event", "repo:fork"))) == 33
    assert len(rows(me.run("list", "--json", "--repository", "acme/tools"))) == 46
    assert rows(me.run("list", "--json", "--since", "1h", "--until", "30m")) == []
    assert len(rows(me.run("list", "--json", "--since", "1h", "--tunnel", "web"))) == 230
    assert rows(me.run("list", "--json", "--tunnel", "other")) == []
    table = me.run("list", "--limit", "2").splitlines()
    assert table[0].split()[:2] == ["ID", "STATE"] and len(table) == 3 and table[1].split()[0] == "230"
    said = me.run("stat")
    assert "delivered" in said and "115" in said


def test_show_hides_credentials_and_raw_is_exact(lab, who):
    inbox = Inbox(lab)
    me = who(inbox.edge)
    body = push_body(1, pad=60000)
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body, [*push_headers(body), "Authorization: Basic c2VjcmV0", "Cookie: id=secret"]).status == 202
    inbox.origin.wait_requests(1)
    inbox.said("delivery", state="delivered")
    said = me.run("show", "1")
    assert "c2VjcmV0" not in said and "id=secret" not in said and "Authorization: ***" in said
    assert "1, delivered" in said and "#1  200" in said and body.decode() in said
    whole = json.loads(me.run("show", "1", "--json"))
    assert whole["body"].encode() == body and "c2VjcmV0" not in whole["head"] and whole["attempts"][0]["status"] == 200
    raw = me.exact("show", "1", "--raw")
    assert "\n: ***" not in said
    assert "\n\n" + body.decode() in said and whole["head"].endswith("\r\n\r\n") and "\r: " not in whole["head"]
    exported = json.loads(me.run("export"))
    assert exported["head"] == whole["head"] and exported["body"].encode() == body
    assert raw.endswith(b"\r\n\r\n" + body) and b"Authorization: Basic c2VjcmV0\r\n" in raw
    assert me.run("show", "2", ok=False).endswith(": there is no delivery 2\n")


def test_export_gives_what_came(lab, who):
    inbox = Inbox(lab)
    me = who(inbox.edge)
    bodies = [push_body(1), b'{"repository":{"full_name":"acme/web"},"odd":"' + bytes(range(128, 256)) + b'"}', push_body(3, pad=100000)]
    for body in bodies:
        with inbox.edge.visitor() as v:
            assert v.ask("POST", HOOK, body, [*push_headers(body), "X-Api-Key: secret-4711"]).status == 202
    inbox.origin.wait_requests(3)
    exact = rows(me.run("export", "--raw"))
    assert [base64.b64decode(r["body_base64"]) for r in exact] == bodies and [r["id"] for r in exact] == [1, 2, 3]
    assert all("secret-4711" in r["head"] for r in exact)
    plain = rows(me.run("export", "--limit", "2"))
    assert len(plain) == 2 and plain[0]["body"].encode() == bodies[0] and base64.b64decode(plain[1]["body_base64"]) == bodies[1]
    assert "secret-4711" not in json.dumps(plain)


def test_query_secrets_are_hidden(lab, who):
    inbox = Inbox(lab, None, preset=["--for", "jenkins-generic", "--scheme", "bitbucket"])
    me = who(inbox.edge)
    stored(inbox.edge, 1, path="/generic-webhook-trigger/invoke?token=s3cret&job=a")
    inbox.origin.wait_requests(1)
    assert inbox.origin.requests[0].target == "/generic-webhook-trigger/invoke?token=s3cret&job=a"
    for args, shown in ((("list", "--json"), "/invoke?***"), (("show", "1"), "token=***&job=***"), (("export",), "token=***&job=***")):
        said = me.run(*args)
        assert "s3cret" not in said and shown in said, said
    assert "?token=s3cret&job=a" in me.run("show", "1", "--raw")
    assert "s3cret" not in inbox.edge.logged()


def test_replay_and_drop(lab, who):
    behave = [status(404, "X-Jenkins: 2")]
    inbox = Inbox(lab, lab.origin(lambda c, r: behave[0](c, r)))
    me = who(inbox.edge)
    for n in range(6):
        stored(inbox.edge, n)
    inbox.origin.wait_requests(6)
    until(lambda: len(rows(me.run("list", "--json", "--state", "parked"))) == 6)
    assert me.run("drop", "6") == "1 delivery was dropped\n"
    behave[0] = status(200)
    assert me.run("replay", "1", "2") == "2 deliveries are sent again\n"
    assert [number_of(r) for r in inbox.origin.wait_requests(8)[6:]] == [0, 1]
    assert inbox.origin.requests[6].get("adit-delivery") == "1" and inbox.origin.requests[6].get("adit-attempt") == "2"
    assert me.run("replay", "--state", "parked") == "3 deliveries are sent again\n"
    assert sorted(number_of(r) for r in inbox.origin.wait_requests(11)[8:]) == [2, 3, 4]
    until(lambda: len(rows(me.run("list", "--json", "--state", "delivered"))) == 5)
    assert [r["id"] for r in rows(me.run("list", "--json", "--state", "dropped"))] == [6]
    # to another tunnel of the account, which stores nothing itself
    other = lab.origin()
    lab.agent(inbox.edge, "http", other.address, "--name", "other")
    inbox.edge.wait_up("other")
    assert me.run("replay", "1", "--to", "other") == "1 was copied to 7\n1 delivery was copied\n"
    request = other.wait_requests(1)[0]
    assert number_of(request) == 0 and request.get("adit-delivery") == "7"
    for wrong in (("replay",), ("drop",), ("show",), ("replay", "x"), ("list", "--state", "gone"), ("list", "--since", "soon"), ("eat",)):
        me.run(*wrong, ok=False)
    said = me.run("list", "--state", "parked,bogus", ok=False)
    assert said.endswith(": --state parked,bogus: no such state; there are: received, queued, leased, delivered, parked, dead and dropped\n"), said


def test_what_is_dropped_while_queued_is_not_delivered(lab, who):
    inbox = Inbox(lab)
    me = who(inbox.edge)
    inbox.away()
    for n in range(4):
        stored(inbox.edge, n)
    me.run("drop", "2", "4")
    inbox.start()
    inbox.origin.wait_requests(2)
    until(lambda: json.loads(me.run("stat", "--json"))["states"]["queued"]["n"] == 0)
    assert numbers(inbox.origin) == [0, 2]


def test_tail_follows(lab, who):
    inbox = Inbox(lab)
    stored(inbox.edge, 1)
    tail = Process([*who(inbox.edge).argv(), "tail", "--json"], f"{inbox.edge.folder}/tail.log", {"HOME": inbox.edge.folder, "no_proxy": "*"})
    tail.expected_code = -15 if who is Operator else 0
    inbox.lab.keep(type("Ended", (), {"close": lambda self: tail.stop()})())
    n = [1]

    def heard():
        n[0] += 1
        stored(inbox.edge, n[0], branch=f"b{n[0]}")
        return tail.n_lines() > 0
    until(heard)
    stored(inbox.edge, 1000, repository="acme/last")
    line, _ = tail.wait_line(lambda text: '"acme/last' in text)
    got = [json.loads(x)["id"] for x in tail.lines if x]
    assert got == sorted(set(got)) and 1 not in got


def test_s02_an_account_sees_its_own_alone(lab):
    inbox = Inbox(lab)
    stored(inbox.edge, 1)
    token, _ = inbox.edge.new_token("other")
    other = Account(inbox.edge, token)
    assert rows(other.run("list", "--json")) == [] and rows(other.run("export")) == []
    assert "there is no delivery 1" in other.run("show", "1", ok=False)
    other.run("replay", "1", ok=False)
    other.run("drop", "1", ok=False)
    assert "0 deliveries" in other.run("drop", "--state", "delivered,queued,leased")
    assert json.loads(other.run("stat", "--json"))["states"]["delivered"]["n"] == 0
    assert [r["id"] for r in rows(Account(inbox.edge).run("list", "--json"))] == [1]
    assert [r["account"] for r in rows(Operator(inbox.edge).run("list", "--json", "--account", "dev"))] == ["dev"]
    assert rows(Operator(inbox.edge).run("list", "--json", "--account", "other")) == []


def test_a_long_list_is_whole(lab, who):
    """A link takes only so many control frames a second: a list of more pages than that goes at a pace."""
    n = 6600
    first = lab.edge()
    first.stop()
    lab.parts.remove(first)
    fill(first.folder, n)
    said = who(lab.edge(folder=first.folder)).run("list", "--json")
    assert [r["id"] for r in rows(said)] == list(range(n, 0, -1))
