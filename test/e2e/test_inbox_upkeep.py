# SPDX-License-Identifier: Apache-2.0
"""What the operator of an inbox sets: how much is kept, what is hidden, who is told; and what the counters say."""
import json
import os

import pytest

from hooks import HOOK, push_body, push_headers, secret_file, send, stored
from process import until
from test_inbox_commands import Account, Operator, rows
from test_inbox_delivery import JENKINS, Inbox, status


class Configured(Inbox):
    def __init__(self, lab, config, origin=None, *options):
        self.lab = lab
        self.origin = origin or lab.origin()
        self.edge = lab.edge(config=config)
        self.options = [*JENKINS, "--secret-file", secret_file(self.edge.folder), *options]
        self.agent = self.start()


def test_q07_an_account_is_kept_within_its_bytes(lab):
    inbox = Configured(lab, "inbox: { account_bytes: 200000 }\n")
    me = Operator(inbox.edge)
    for n in range(8):
        stored(inbox.edge, n, pad=20000)
    inbox.origin.wait_requests(8)

    def used():
        return sum(s["bytes"] for s in json.loads(me.run("stat", "--json"))["states"].values())
    # the oldest delivered ones make room before senders are refused
    until(lambda: used() <= 180000)
    inbox.away()
    answers = []

    def refused():
        answers.append(send(inbox.edge, len(answers), pad=20000))
        return answers[-1].status != 202
    until(refused)
    assert answers[-1].status == 503 and answers[-1].get("Retry-After") and answers[-1].error == "store-full"
    # what waits is never deleted
    n = len(answers) - 1
    assert json.loads(me.run("stat", "--json"))["states"]["queued"]["n"] == n
    inbox.start()
    inbox.origin.wait_requests(8 + n)
    until(lambda: send(inbox.edge, 1000, pad=20000).status == 202)


@pytest.mark.parametrize("who", [Operator, Account])
def test_s14_a_replay_is_no_way_around_the_bytes(lab, who):
    """Copies for another tunnel count as what senders store, and go to a tunnel of the account alone."""
    inbox = Configured(lab, "inbox: { account_bytes: 400000 }\n")
    me = who(inbox.edge)
    inbox.away()
    stored(inbox.edge, 1, pad=50000)
    for to in (("1", "--to", "nobodys"), ("--state", "queued", "--to", "nobodys")):
        assert "the account of the delivery has no such HTTP tunnel" in me.run("replay", *to, ok=False)
    lab.agent(inbox.edge, "http", "127.0.0.1:9", "--name", "other", "--store", "--unsigned")
    inbox.edge.wait_up("other")
    made = 0
    while "1 delivery was copied" in me.exact("replay", "1", "--to", "other", ok=made < 6).decode():
        made += 1
    assert made == 6
    said = me.run("replay", "--state", "queued", "--to", "other", ok=False)
    assert "the account's inbox is full (inbox.account_bytes)" in said
    kept = json.loads(me.run("stat", "--json"))["states"]
    assert 350000 < sum(s["bytes"] for s in kept.values()) <= 400000


def test_an_alert_is_given_when_something_is_parked_and_when_it_is_late(lab):
    folder = lab.folder
    inbox = Configured(lab, f"inbox: {{ alert_command: 'cat >>{folder}/alerts; echo >>{folder}/alerts', alert_pause_s: 1, alert_minutes: 1 }}\n",
                       lab.origin(status(404, "X-Jenkins: 2")))

    def alerts():
        path = f"{folder}/alerts"
        return [json.loads(x) for x in open(path).read().splitlines() if x] if os.path.exists(path) else []
    for n in range(3):
        stored(inbox.edge, n)
    until(lambda: sum(a["parked"] for a in alerts()) == 3)
    assert all(a["event"] == "parked" and "parked" in a["text"] and a["domain"] == "localhost" and a["late_s"] == 0 for a in alerts())
    assert "event=inbox-alert" in inbox.edge.logged()


def test_what_nobody_decided_on_is_not_deleted_for_room(lab):
    """Parked ones fill the account: new ones are refused and people are told; a drop makes room."""
    told = f"{lab.folder}/alerts"
    inbox = Configured(lab, f"inbox: {{ account_bytes: 30000, alert_command: 'cat >>{told}; echo >>{told}', alert_pause_s: 1 }}\n",
                       lab.origin(status(404, "X-Jenkins: 2")))
    me = Operator(inbox.edge)

    def parked():
        return json.loads(me.run("stat", "--json"))["states"]["parked"]["n"]

    def alerts():
        with open(told) as f:
            return [json.loads(line) for line in f if line.strip()]

    sent = 0
    while send(inbox.edge, sent, pad=4000).status == 202:
        sent += 1
        until(lambda: parked() == sent)
    assert 3 <= sent <= 8
    until(lambda: os.path.exists(told) and any(a["event"] == "full" for a in alerts()))
    full = [a for a in alerts() if a["event"] == "full"]
    assert full[0]["refused"] >= 1 and "503" in full[0]["text"]
    assert inbox.edge.status()["all"]["inbox"]["account_full"] >= 1
    assert parked() == sent
    me.run("drop", "--state", "parked")
    until(lambda: send(inbox.edge, 99, pad=4000).status == 202)


def test_a_failing_alert_command_is_told_and_tried_again(lab):
    told, good = f"{lab.folder}/alerts", f"{lab.folder}/good"
    inbox = Configured(lab, f"inbox: {{ alert_pause_s: 1, alert_command: 'cat >{told}; test -e {good}' }}\n",
                       lab.origin(status(404, "X-Jenkins: 2")))
    stored(inbox.edge, 1)
    until(lambda: "event=alert-failed" in inbox.edge.logged())
    stored(inbox.edge, 2)
    open(good, "w").close()
    until(lambda: inbox.told() == 2)
    with open(told) as f:
        assert json.load(f)["parked"] in (1, 2)


def test_what_was_parked_in_the_pause_is_told_after_a_restart(lab):
    told = f"{lab.folder}/alerts"
    config = f"inbox: {{ alert_pause_s: 86400, alert_command: 'cat >{told}' }}\n"
    inbox = Configured(lab, config, lab.origin(status(404, "X-Jenkins: 2")))
    stored(inbox.edge, 1)
    inbox.said("inbox-alert-taken", parked=1)
    ids = [stored(inbox.edge, n) for n in (2, 3)]
    for id in ids:
        inbox.said("delivery", id=id, state="parked")
    # a look at the store is behind every two seconds; what it has written down is there after a kill, too
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["parked"]["n"] == 3)
    inbox.agent.kill()
    inbox.edge.kill()
    lab.parts.remove(inbox.edge)
    os.rename(f"{inbox.edge.folder}/edge.log", f"{inbox.edge.folder}/old.log")
    inbox.edge = lab.edge(folder=inbox.edge.folder, config=config)
    inbox.said("inbox-alert-taken", parked=2)
    with open(told) as f:
        assert json.load(f)["parked"] == 2


def test_s23_no_credential_lies_in_the_database(lab):
    """Wherever a sender may have put one in head or target, the files do not hold it, and no list shows it; the origin gets it."""
    inbox = Inbox(lab)
    fields = ["Token", "X-Vault-Token", "Private-Token", "Job-Token", "X-Api-Key", "Authorization", "Cookie", "X-Amz-Security-Token",
              "X-Some-Own-Thing", "Secret-Key"]
    body = push_body(1)
    with inbox.edge.visitor() as v:
        head = [*push_headers(body), *(f"{f}: canary-4711-{f.lower()}" for f in fields)]
        assert v.ask("POST", HOOK + "?token=canary-4711-q&canary-4711-bare&job=canary-4711-job", body, head).status == 202
    got = inbox.origin.wait_requests(1)[0]
    assert got.get("X-Vault-Token") == "canary-4711-x-vault-token" and "token=canary-4711-q&canary-4711-bare" in got.target
    inbox.said("delivery", state="delivered")
    for args in (("list", "--json"), ("show", "1"), ("show", "1", "--json"), ("export",)):
        said = Operator(inbox.edge).run(*args)
        assert "canary-4711" not in said and signature(head) not in said, said
    assert Operator(inbox.edge).run("show", "1", "--raw").count("canary-4711") == len(fields) + 3
    assert "replay" not in Operator(inbox.edge).run("replay", "1")
    assert inbox.origin.wait_requests(2)[1].target == got.target
    inbox.edge.kill()  # the write-ahead log is there
    lab.parts.remove(inbox.edge)
    files = [n for n in os.listdir(inbox.edge.folder) if n.startswith("adit.db")]
    assert "adit.db-wal" in files
    for name in files:
        with open(f"{inbox.edge.folder}/{name}", "rb") as f:
            data = f.read()
            assert b"canary-4711" not in data and signature(head).encode() not in data, name


def signature(head):
    return next(h for h in head if h.lower().startswith("x-hub-signature")).split("=", 1)[1]


def test_configured_fields_are_hidden_and_sealed(lab):
    inbox = Configured(lab, "inbox: { hide: [X-Hook-Password] }\n")
    body = push_body(1)
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body, [*push_headers(body), "x-hook-password: canary-4711"]).status == 202
    assert inbox.origin.wait_requests(1)[0].get("X-Hook-Password") == "canary-4711"
    said = Operator(inbox.edge).run("show", "1")
    assert "canary-4711" not in said and "x-hook-password: ***" in said
    inbox.edge.stop()
    for name in os.listdir(inbox.edge.folder):
        if name.startswith("adit.db"):
            with open(f"{inbox.edge.folder}/{name}", "rb") as f:
                assert b"canary-4711" not in f.read()


def test_status_counts(lab):
    inbox = Inbox(lab)
    stored(inbox.edge, 1, request_uuid="a")
    stored(inbox.edge, 1, request_uuid="a")
    send(inbox.edge, 2, secret="wrong")
    inbox.origin.wait_requests(1)

    def said():
        return inbox.edge.status()["all"]["inbox"]
    until(lambda: said()["delivered"] == 1)
    n = said()
    assert (n["stored"], n["duplicates"], n["bad_signatures"], n["not_stored"], n["parked"]) == (1, 1, 1, 0, 0)
    assert sum(b["n"] for b in n["lag"]) == 1 and n["lag"][-1]["ms"] is None
    text = inbox.edge.ctl("status")
    assert "webhooks: stored 1 duplicates 1 bad_signatures 1" in text and "delivered within:" in text


@pytest.mark.parametrize("line, said", [
    ("inbox: { keep_day: 3 }", "keep_days"),
    ("inbox: { keep_days: -1 }", "keep_days"),
    ("inbox: { hide: X }", "hide"),
])
def test_mistakes_in_the_configuration_are_told(lab, line, said):
    import subprocess
    from lab import ADITD
    edge = lab.edge()
    path = f"{edge.folder}/wrong.yml"
    with open(path, "w") as f:
        f.write(f"domain: localhost\ncertificates: [{{ cert: {edge.folder}/cert.pem, key: {edge.folder}/key.pem }}]\n{line}\n")
    done = subprocess.run([ADITD, "-n", "-f", path], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and said in done.stderr + done.stdout and ":3:" in done.stderr + done.stdout
