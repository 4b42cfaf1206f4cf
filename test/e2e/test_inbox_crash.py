# SPDX-License-Identifier: Apache-2.0
"""Q-01: edge, agent and origin are killed at random, or the edge at a chosen system call, while signed, numbered webhooks come in.

Afterwards every one that was answered 2xx has reached the origin, none that was refused has, and the first arrivals of each
branch are in the order in which they were sent.  ADIT_LONG=1 kills ten times as often.
"""
import json
import os
import random
import sys
import threading
import time

import pytest

from conftest import ROOT
from hooks import numbers, push_body, push_headers, secret_file, send, HOOK
from http1 import Closed, Visitor
from lab import ADIT, Edge
from process import WAIT_S, Process, free_port, until
from test_inbox_faults import Faulty, injected, states, straced

LONG = os.environ.get("ADIT_LONG")
KILLS = 300 if LONG else 30
# the n-th call after the start is the edge's last: the first ones are of the store's opening
POINTS = [(call, n) for call in ("fdatasync", "pwrite64") for n in (range(1, 60) if LONG else (2, 9, 16, 31))]
SENDERS = 4


class History:
    """What senders were told, by number: a status, or None where the connection broke."""

    def __init__(self):
        self.told = {}
        self.branch = {}
        self.lock = threading.Lock()

    def note(self, number, branch, status):
        with self.lock:
            self.told[number], self.branch[number] = status, branch


def judge(history, arrivals):
    """arrivals: [(number, delivery)] in the order in which the origin saw them. Raises when a promise is broken."""
    seen = {}
    for number, delivery in arrivals:
        seen.setdefault(number, set()).add(delivery)
    lost = [n for n, status in history.told.items() if status is not None and 200 <= status < 300 and n not in seen]
    assert not lost, f"answered 2xx and never delivered: {sorted(lost)[:20]}"
    unwanted = [n for n, status in history.told.items() if status is not None and status >= 300 and n in seen]
    assert not unwanted, f"refused and yet delivered: {sorted(unwanted)[:20]}"
    strange = [n for n in seen if n not in history.told]
    assert not strange, f"delivered and never sent: {strange[:20]}"
    twice = {n: ids for n, ids in seen.items() if len(ids) > 1}
    assert not twice, f"a repeat must have the same adit-delivery: {twice}"
    first = {}
    for number in dict.fromkeys(n for n, _ in arrivals):
        branch = history.branch[number]
        assert first.get(branch, -1) < number, f"branch {branch}: {number} came after {first[branch]}"
        first[branch] = number


def test_q01_the_judge_sees_a_loss():
    """Negative control: a judge that finds nothing wrong with a loss proves nothing."""
    def history(**told):
        h = History()
        for number, status in told.items():
            h.note(int(number[1:]), "main", status)
        return h
    judge(history(n1=202, n2=401, n3=None), [(1, 7), (1, 7)])
    for told, arrivals in ((dict(n1=202), []), (dict(n1=401), [(1, 7)]), (dict(n1=202, n2=202), [(2, 8), (1, 7)]),
                           (dict(n1=202), [(1, 7), (1, 8)]), (dict(n1=202), [(1, 7), (2, 8)])):
        with pytest.raises(AssertionError):
            judge(history(**told), arrivals)


class Rig:
    """Edge, agent and origin on fixed ports, each of which may be killed and comes back."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = [free_port() for _ in range(3)]
        self.journal = os.path.join(folder, "journal")
        self.state = os.path.join(folder, "edge")
        self.secret = secret_file(folder)
        self.policy = os.path.join(folder, "policy.json")
        with open(self.policy, "w") as f:
            json.dump({"deliver": {"skip_after": 1000000}}, f)
        self.n = 0
        self.start_origin()
        self.start_edge()
        self.start_agent()

    def log(self, name):
        self.n += 1
        return os.path.join(self.folder, f"{name}.log")

    def start_origin(self):
        self.origin = Process([sys.executable, f"{ROOT}/test/lib/crash_origin.py", str(self.ports[2]), self.journal],
                              self.log("origin"), name="origin")
        self.origin.wait_line(lambda line: line == "ready")

    def start_edge(self):
        self.edge = Edge(self.state, "--https", f"127.0.0.1:{self.ports[0]}", "--http", f"127.0.0.1:{self.ports[1]}",
                         "--no-access-log")

    def start_agent(self):
        self.agent = Process([ADIT, "http", f"127.0.0.1:{self.ports[2]}", "--name", "web", "--for", "jenkins-bitbucket",
                              "--secret-file", self.secret, "--policy", self.policy, "--json", "--edge",
                              f"127.0.0.1:{self.ports[0]}", "--ca", self.edge.ca, "--token-file", self.edge.token],
                             self.log("agent"), {"HOME": self.folder, "no_proxy": "*"}, "agent")

    def kill(self, victim):
        part = getattr(self, victim)
        part.child.kill()
        part.child.wait()
        part.expected_code = -9
        part.stop()
        getattr(self, f"start_{victim}")()

    def arrivals(self):
        with open(self.journal) as f:
            return [(int(n), int(d)) for n, d, *_ in (line.split() for line in f)]

    def waiting(self):
        states = json.loads(self.edge.ctl("inbox", "stat", "--json"))["states"]
        return sum(states[s]["n"] for s in ("received", "queued", "leased"))

    def drain(self):
        """All of it reaches the origin; a new agent makes what waits for its next attempt due at once."""
        n, stuck = self.waiting(), 0
        while n > 0:
            assert stuck < 5, f"{n} deliveries wait and none goes out\n{self.edge.ctl('inbox', 'list', '--limit', '10')}"
            try:
                until(lambda: self.waiting() < n, 3)
                stuck = 0
            except AssertionError:
                self.kill("agent")
                stuck += 1
            self.edge.wait_up("web")
            n = self.waiting()

    def stop(self):
        self.agent.stop()
        self.edge.stop()
        self.origin.expected_code = -15
        self.origin.stop()


class Sender(threading.Thread):
    """One branch, one number after the other; every tenth is signed wrongly."""

    def __init__(self, rig, history, index):
        super().__init__(daemon=True)
        self.rig, self.history, self.index = rig, history, index
        self.over = threading.Event()
        self.fault = None

    def run(self):
        number = self.index
        visitor = None
        while not self.over.is_set():
            branch = f"b{self.index}"
            body = push_body(number, branch)
            headers = push_headers(body, "wrong" if number // SENDERS % 10 == 9 else "correct-horse-battery")
            status = None
            try:
                if visitor is None:
                    visitor = Visitor(("127.0.0.1", self.rig.ports[1]), "web.localhost")
                status = visitor.ask("POST", HOOK, body, headers).status
                keep = 200 <= status < 300
            except (OSError, Closed, AssertionError):
                keep = False
                time.sleep(0.005)  # a sender's own pause before it dials again, no wait for a state
            if not keep and visitor is not None:
                visitor.close()
                visitor = None
            self.history.note(number, branch, status)
            number += SENDERS
        if visitor is not None:
            visitor.close()


def test_q01_nothing_is_lost_under_kill_9(tmp_path_factory):
    import tempfile
    seed = int(os.environ.get("ADIT_SEED", random.randrange(1 << 32)))
    dice = random.Random(seed)
    print("ADIT_SEED =", seed)
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        rig, history = Rig(folder), History()
        rig.edge.wait_up("web")
        senders = [Sender(rig, history, i) for i in range(SENDERS)]
        for s in senders:
            s.start()
        pause = threading.Event()
        for _ in range(KILLS):
            pause.wait(dice.uniform(0.02, 0.5))  # the chosen instant, no wait for a state
            rig.kill(dice.choice(["edge", "edge", "agent", "origin"]))
        for s in senders:
            s.over.set()
        for s in senders:
            s.join(WAIT_S * 3)
            assert not s.is_alive()
        rig.drain()
        judge(history, rig.arrivals())
        told = list(history.told.values())
        stored = sum(1 for s in told if s == 202)
        print(f"{len(told)} sent, {stored} stored, {told.count(401)} refused, {told.count(None)} without an answer, "
              f"{len(rig.arrivals())} arrivals")
        assert stored > KILLS and told.count(401) > 0 and told.count(None) > 0
        rig.stop()


def killed_at(lab, folder, call, n, send_next):
    """An edge that ends at that call, and is sent webhooks until then."""
    try:
        edge = lab.edge(folder=folder, prefix=injected(f"trace={call}", f"inject={call}:signal=SIGKILL:when={n}"))
    except AssertionError as e:
        assert "ended: -9" in str(e)  # while it opened its store
        return
    while send_next(edge):
        pass
    until(lambda: not edge.alive(), what=f"the {n}th {call}")
    lab.parts.remove(edge)
    edge.expected_code = -9
    edge.stop()


@straced
def test_q01_killed_at_chosen_writes_and_syncs(lab):
    """One store lives through all of it: before, amid and after commits and checkpoints."""
    inbox, history = Faulty(lab), History()
    inbox.away()
    lab.parts.remove(inbox.edge)
    inbox.edge.kill()
    inbox.edge.stop()

    def send_next(edge):
        n, status = len(history.told), None
        try:
            status = send(edge, n, pad=n * 7919 % 9000).status
        except (OSError, Closed):
            pass
        history.note(n, "main", status)
        return status is not None
    for call, n in POINTS:
        killed_at(lab, inbox.edge.folder, call, n, send_next)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    until(lambda: states(inbox.edge)["queued"] + states(inbox.edge)["leased"] == 0, 3 * WAIT_S)
    judge(history, [(n, int(r.get("adit-delivery"))) for n, r in zip(numbers(inbox.origin), inbox.origin.requests)])
    told = list(history.told.values())
    assert told.count(202) > len(POINTS) and 0 < told.count(None) <= len(POINTS)
