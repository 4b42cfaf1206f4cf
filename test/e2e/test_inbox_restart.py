# SPDX-License-Identifier: Apache-2.0
"""What a restart of the edge must not lose: deliveries, and the policies of routes whose agents are away."""
import json
import os
import subprocess

import pytest

from hooks import HOOK, number_of, numbers, push_body, push_headers, secret_file, send, stored
from hostile import FakeAgent
from lab import ADITD, Edge
from process import until
from test_inbox_delivery import Inbox


def restart(inbox, kill=True):
    """The edge ends and another one starts on the same folder; agents find it only when started anew."""
    old = inbox.edge
    if kill:
        old.kill()
    else:
        old.stop()
    inbox.lab.parts.remove(old)
    inbox.edge = inbox.lab.edge(folder=old.folder)


@pytest.mark.parametrize("kill", [True, False])
def test_a_policy_holds_over_a_restart_while_the_agent_is_away(lab, kill):
    inbox = Inbox(lab, None, "--allow", "127.0.0.0/8")
    inbox.away()
    stored(inbox.edge, 1)
    restart(inbox, kill)
    stored(inbox.edge, 2)
    assert send(inbox.edge, 3, secret="wrong").status == 401
    assert send(inbox.edge, 3, path="/login").status == 403
    inbox.start()
    inbox.origin.wait_requests(2)
    assert numbers(inbox.origin) == [1, 2]


def test_a_policy_that_was_taken_away_does_not_come_back(lab):
    inbox = Inbox(lab)
    inbox.away()
    inbox.options = []
    inbox.start()
    inbox.away()
    restart(inbox)
    assert send(inbox.edge, 1).status == 503


def test_the_policy_that_is_served_is_the_one_that_is_kept(lab):
    """An older agent that is turned away, with another policy, changed what held after a restart."""
    edge = lab.edge()

    def hello(age_ms, **policy):
        tunnel = {"id": 1, "kind": "http", "name": "web", **policy}
        agent = FakeAgent(edge, hello=False)
        agent.control(type="hello", protocol=1, agent="fake/1", token=agent.token, age_ms=age_ms, tunnels=[tunnel])
        return agent, agent.wait_control("welcome")["tunnels"][0].get("error")
    newer, error = hello(0, policy={"mode": "store", "unsigned": True})
    assert not error
    older, error = hello(3600000)
    assert error == "replaced"
    older.close()
    newer.close()
    edge.stop()
    lab.parts.remove(edge)
    edge = lab.edge(folder=edge.folder)
    with edge.visitor() as v:
        assert v.ask("POST", HOOK, b"x").status == 202


def test_s24_a_replay_is_delivered_once(lab):
    """The same webhook, whole or chunked, before and after kill -9, is known again; another id with the same bytes is another one."""
    inbox = Inbox(lab)
    body = push_body(1) + b"\n"

    def post(request_uuid, pieces=None):
        headers = push_headers(body, request_uuid=request_uuid)
        with inbox.edge.visitor() as v:
            if pieces is None:
                m = v.ask("POST", HOOK, body, headers)
            else:
                head = "\r\n".join([f"POST {HOOK} HTTP/1.1", "Host: web.localhost", *headers, "Transfer-Encoding: chunked", "", ""])
                v.send(head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n")
                m = v.response()
        assert m.status == 202, m
        return json.loads(m.body)
    assert post("one", [body[:7], body[7:-1], b"\n"]) == {"delivery": "1", "duplicate": False}
    assert inbox.origin.wait_requests(1)[0].body == body
    inbox.said("delivery", id="1", state="delivered")
    again = {"delivery": "1", "duplicate": True}
    assert post("one") == again
    inbox.away()
    restart(inbox)
    assert post("one") == again and post("one", [body]) == again
    inbox.start()
    assert post("two") == {"delivery": "2", "duplicate": False}
    got = inbox.origin.wait_requests(2)
    inbox.said("delivery", id="2", state="delivered")
    assert [(r.get("adit-delivery"), r.body) for r in got] == [("1", body), ("2", body)]


def test_s23_secrets_are_sealed_and_not_logged(lab):
    """Canaries of the route's secret, the sender's Authorization and the token are nowhere in the state or the logs."""
    canary, basic = "canary-of-the-route-4711", "Y2FuYXJ5LW9mLXRoZS1zZW5kZXI6NDcxMQ=="
    inbox = Inbox(lab, secrets=(canary,))
    inbox.away()
    body = push_body(1)
    with inbox.edge.visitor() as v:
        m = v.ask("POST", HOOK, body, [*push_headers(body, canary), f"Authorization: Basic {basic}"])
    assert m.status == 202
    assert send(inbox.edge, 2, secret="wrong").status == 401
    with open(inbox.edge.token) as f:
        token = f.read().strip()
    restart(inbox)
    stored(inbox.edge, 3, secret=canary)
    key = os.stat(f"{inbox.edge.folder}/secret.key")
    assert key.st_size == 32 and key.st_mode & 0o777 == 0o600
    inbox.edge.stop()
    for name in os.listdir(inbox.edge.folder):
        path = os.path.join(inbox.edge.folder, name)
        if not os.path.isfile(path) or name == "token" or name.startswith("secret-"):
            continue
        with open(path, "rb") as f:
            data = f.read()
        for what in (canary, basic, token):
            assert what.encode() not in data, (name, what)
    inbox.lab.parts.remove(inbox.edge)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    got = inbox.origin.wait_requests(2)
    assert got[0].get("Authorization") == f"Basic {basic}" and number_of(got[0]) == 1


def test_without_its_key_a_policy_is_lost_and_nothing_is_stored_unverified(lab):
    inbox = Inbox(lab)
    inbox.away()
    inbox.edge.kill()
    os.unlink(f"{inbox.edge.folder}/secret.key")
    lab.parts.remove(inbox.edge)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    assert "event=policy-lost" in inbox.edge.logged()
    assert send(inbox.edge, 1).status == 503
    inbox.start()
    stored(inbox.edge, 2)


def test_a_key_that_others_may_read_is_refused(lab):
    edge = lab.edge()
    edge.stop()
    lab.parts.remove(edge)
    os.chmod(f"{edge.folder}/secret.key", 0o644)
    done = subprocess.run([ADITD, "--dev", edge.folder], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "secret.key" in done.stderr and "chmod 600" in done.stderr
