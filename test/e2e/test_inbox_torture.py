# SPDX-License-Identifier: Apache-2.0
"""All faults of a bad week together: agents that flap, origins that fail, kills, clocks that jump by days, an account that is full.

Signed, numbered webhooks come in for a tunnel "web", which stores a copy of each for "fake", which coalesces.  Afterwards every one
that was answered 202 has reached web's origin, and fake's, too, or a newer push of its branch did; none that was refused reached
either.  `make torture WEBHOOKS=100000` sends more of them.
"""
import json
import os
import random
import sys
import tempfile
import threading

from hooks import HOOK, push_body, push_headers, secret_file
from http1 import Closed, Visitor
from lab import ADIT, SANITIZED, Edge, free_port
from process import WAIT_S, Process, until
from conftest import ROOT
from test_inbox_faults import FAKETIME, Clock

WEBHOOKS = int(os.environ.get("WEBHOOKS", "400"))
SENDERS = 4
# All but the last are passing: a mistake in the set-up (4xx) would park, which is told elsewhere.
MOODS = ["500", "503 Retry-After: 1\r\n", "429", "close", "200"]
JUMPS = ["+40d", "-80d", "+3h", "+400d", "+0"]


class Origin:
    """One that answers by its mood, and remembers what it saw over its own death."""

    def __init__(self, folder, name):
        self.port = free_port()
        self.journal, self.mood_path, self.log = (os.path.join(folder, f"{name}-{what}") for what in ("journal", "mood", "log"))
        self.start()

    def start(self):
        self.process = Process([sys.executable, f"{ROOT}/test/lib/crash_origin.py", str(self.port), self.journal, self.mood_path],
                               self.log, name="origin")
        self.process.wait_line(lambda line: line == "ready")

    def mood(self, text):
        with open(self.mood_path + ".new", "w") as f:
            f.write(text)
        os.rename(self.mood_path + ".new", self.mood_path)

    def arrivals(self):
        with open(self.journal) as f:
            return [(int(n), int(d)) for n, d, _ in (line.split() for line in f)]


def kill(process):
    process.child.kill()
    process.child.wait()
    process.expected_code = -9
    process.stop()


class Rig:
    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.state = os.path.join(folder, "edge")
        self.listen = tuple(f"127.0.0.1:{free_port()}" for _ in range(2))
        self.web, self.fake = Origin(folder, "web"), Origin(folder, "fake")
        self.config = os.path.join(folder, "adit.yml")
        with open(os.path.join(folder, "policy.json"), "w") as f:
            json.dump({"deliver": {"skip_after": 1000000}}, f)
        with open(self.config, "w") as f:
            f.write(f"tunnels:\n  web: {{ origin: '127.0.0.1:{self.web.port}', name: web, for: jenkins-bitbucket, fan_out: fake,\n"
                    f"         secret_file: {secret_file(folder)}, policy: policy.json }}\n"
                    f"  fake: {{ origin: '127.0.0.1:{self.fake.port}', name: fake, store: true, unsigned: true, coalesce: true }}\n")
        self.start_edge()
        self.start_agent()

    def start_edge(self):
        log = os.path.join(self.state, "edge.log")
        if os.path.exists(log):
            os.rename(log, log + ".old")
        # room for some three hundred of both tunnels; beyond that delivered ones make room, then senders are refused
        self.edge = Edge(self.state, "--no-access-log", config="inbox: { account_bytes: 400000 }\n", listen=self.listen,
                         env=self.clock.env if self.clock else None)

    def start_agent(self):
        self.agent = Process([ADIT, "start", "--all", "-f", self.config, "--json", "--edge", self.listen[0], "--ca", self.edge.ca,
                              "--token-file", self.edge.token], os.path.join(self.folder, "agent.log"),
                             {"HOME": self.folder, "no_proxy": "*"}, "agent")

    def wait_up(self):
        self.edge.wait_up("web")
        self.edge.wait_up("fake")

    def flap(self, times):
        for _ in range(times):
            kill(self.agent)
            self.start_agent()

    def kill_edge(self):
        kill(self.edge)
        if self.clock:
            self.clock.jump("+0")  # an edge does not start with a certificate that has expired
        self.start_edge()

    def states(self):
        states = json.loads(self.edge.ctl("inbox", "stat", "--json"))["states"]
        return {s: states[s]["n"] for s in states}

    def waiting(self):
        states = self.states()
        return sum(states[s] for s in ("received", "queued", "leased"))

    def drain(self):
        """An agent that comes back makes due what waits; each look must find less than the one before."""
        stuck = 0
        while (n := self.waiting()) > 0:
            assert stuck < 8, f"{n} deliveries wait and none goes out\n{self.edge.ctl('inbox', 'list', '--limit', '10')}"
            try:
                until(lambda: self.waiting() < n, 5)
                stuck = 0
            except AssertionError:
                self.flap(1)
                self.wait_up()
                stuck += 1

    def stop(self):
        self.agent.stop()
        self.edge.stop()
        for origin in (self.web, self.fake):
            origin.process.expected_code = -15
            origin.process.stop()


class Sender(threading.Thread):
    """One branch, one number after the other, until all have got an answer; every tenth is signed wrongly."""

    def __init__(self, rig, index, total):
        super().__init__(daemon=True)
        self.address, self.index, self.total = rig.listen[1].split(":"), index, total
        self.told = {}  # number -> (status, web's id, fake's id); None: the connection broke
        self.over = threading.Event()
        self.pause = threading.Event()

    def ask(self, number, visitor):
        body = push_body(number, f"b{self.index}")
        headers = push_headers(body, "wrong" if number // SENDERS % 10 == 9 else "correct-horse-battery")
        m = visitor.ask("POST", HOOK, body, headers)
        if m.status != 202:
            return m.status, None, None
        said = json.loads(m.body)
        return 202, int(said["delivery"]), int(said["copies"][0])

    def run(self):
        for number in range(self.index, self.total, SENDERS):
            if self.over.is_set():
                return
            self.told[number] = None
            try:
                with Visitor((self.address[0], int(self.address[1])), "web.localhost") as v:
                    self.told[number] = self.ask(number, v)
            except (OSError, Closed, AssertionError):
                pass
            if self.told[number] is None or self.told[number][0] == 503:
                self.pause.wait(0.05)  # a sender's own pause, no wait for a state


def judge(told, web, fake):
    """told: number -> answer; web, fake: arrivals [(number, delivery)]. Raises when a promise is broken."""
    stored = {n: t for n, t in told.items() if t is not None and t[0] == 202}
    refused = {n for n, t in told.items() if t is not None and t[0] >= 300}
    seen_web, seen_fake = {d: n for n, d in web}, {d: n for n, d in fake}
    lost = [n for n, t in stored.items() if seen_web.get(t[1]) != n]
    assert not lost, f"answered 202 and never delivered: {sorted(lost)[:20]}"
    newest = {b: max((n for n, _ in fake if n % SENDERS == b), default=-1) for b in range(SENDERS)}
    lost = [n for n, t in stored.items() if t[2] not in seen_fake and newest[n % SENDERS] <= n]
    assert not lost, f"neither a copy nor a newer push of its branch was delivered: {sorted(lost)[:20]}"
    unwanted = sorted({n for n, _ in web + fake if n in refused})
    assert not unwanted, f"refused and yet delivered: {unwanted[:20]}"
    for arrivals in (web, fake):
        first = {}
        for n in dict.fromkeys(n for n, _ in arrivals):
            assert first.get(n % SENDERS, -1) < n, f"branch {n % SENDERS}: {n} came after {first[n % SENDERS]}"
            first[n % SENDERS] = n


def test_the_judge_of_the_torture_sees_what_is_wrong():
    both = {0: (202, 1, 2), 4: (202, 3, 4), 1: (503, None, None), 2: None}
    judge(both, [(0, 1), (0, 1), (4, 3)], [(4, 4)])
    for web, fake in (([(0, 1)], [(4, 4)]), ([(0, 1), (4, 3)], [(0, 2)]), ([(0, 1), (4, 3), (1, 9)], [(4, 4)]),
                      ([(4, 3), (0, 1)], [(4, 4)])):
        try:
            judge(both, web, fake)
        except AssertionError:
            continue
        raise RuntimeError(f"nothing wrong was seen in {web}, {fake}")


def trouble(rig, dice):
    what = dice.choice(["edge", "agent", "flap", "origin", "mood", "mood", "clock"])
    if what == "edge":
        rig.kill_edge()
    elif what in ("agent", "flap"):
        rig.flap(1 if what == "agent" else 3)
    elif what == "origin":
        origin = dice.choice([rig.web, rig.fake])
        kill(origin.process)
        origin.start()
    elif what == "mood":
        for origin in (rig.web, rig.fake):
            origin.mood(dice.choice(MOODS))
    elif rig.clock:
        rig.clock.jump(dice.choice(JUMPS))
    return what


def test_q01_nothing_is_lost_in_a_bad_week():
    seed = int(os.environ.get("ADIT_SEED", random.randrange(1 << 32)))
    dice = random.Random(seed)
    print("ADIT_SEED =", seed)
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        rig = Rig(folder, Clock(folder) if not SANITIZED and os.path.exists(FAKETIME) else None)
        rig.wait_up()
        senders = [Sender(rig, i, WEBHOOKS) for i in range(SENDERS)]
        for s in senders:
            s.start()
        pause, troubles = threading.Event(), []
        while any(s.is_alive() for s in senders) or len(troubles) < 10:
            pause.wait(dice.uniform(0.05, 0.4))  # the chosen instant, no wait for a state
            troubles.append(trouble(rig, dice))
        for origin in (rig.web, rig.fake):
            origin.mood("200")
        rig.wait_up()
        rig.drain()
        told = {n: t for s in senders for n, t in s.told.items()}
        web, fake = rig.web.arrivals(), rig.fake.arrivals()
        judge(told, web, fake)
        states = [t[0] if t else None for t in told.values()]
        print({s: states.count(s) for s in set(states)}, f"{len(web)} and {len(fake)} arrivals, {len(troubles)} troubles, {rig.states()}")
        assert states.count(202) > 0
        rig.stop()
