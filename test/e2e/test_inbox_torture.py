# SPDX-License-Identifier: Apache-2.0
"""All faults of a bad week together, while signed, numbered webhooks come in.

Agents flap, lines are slow or end, origins fail or are killed, edges are killed, stopped, and started a hundred days ahead, clocks
jump, days pass on the inbox's own clock, the disk fails and is made read-only, the account is full, an operator replays.  The tunnel
"web" stores a copy of each webhook for "fake", which coalesces.  Afterwards each one that was answered 202 was taken by its origin,
or stands in a list, or its days are over; its copy, too, or a newer push of its branch was; none that was refused reached either.
`make torture WEBHOOKS=100000` sends more of them, larger ones, and lets lines be slow for longer.
"""
import collections
import itertools
import json
import os
import random
import re
import sys
import tempfile
import threading
import time

import bad_disk
from conftest import ROOT
from disks import Disk, NoDisk
from hooks import HOOK, push_body, push_headers, secret_file
from http1 import Closed, Visitor
from lab import ADIT, SANITIZED, Edge
from process import WAIT_S, Process, free_port, until
from slow_line import SlowLine
from test_inbox_faults import FAKETIME, Clock

WEBHOOKS = int(os.environ.get("WEBHOOKS", "400"))
LONG = WEBHOOKS >= 5000
SENDERS, BRANCHES = 8, 64  # each branch is one sender's
# All are passing: a mistake in the set-up (4xx), which parks, is a trouble of its own.
MOODS = ["500", "503 Retry-After: 1\r\n", "429", "close", "200"]
JUMPS = ["+40d", "-80d", "+3h", "+400d", "+0"]
KEEP_FAILED_DAYS = 90
ACCOUNT_BYTES, LARGE, EACH_LARGE, DISK_MIB = (20_000_000, 1_000_000, 997, 512) if LONG else (1_500_000, 60_000, 53, 64)


class Origin:
    """One that answers by its mood, and remembers what it saw over its own death."""

    def __init__(self, folder, name):
        self.port = free_port()
        self.journal, self.mood_path, self.log = (os.path.join(folder, f"{name}-{what}") for what in ("journal", "mood", "log"))
        self.start()

    def start(self):
        self.process = Process([sys.executable, f"{ROOT}/test/lib/crash_origin.py", str(self.port), self.journal, self.mood_path],
                               self.log, name="origin")
        self.process.wait_line(lambda line: line == "ready", 4 * WAIT_S)

    def mood(self, text):
        with open(self.mood_path + ".new", "w") as f:
            f.write(text)
        os.rename(self.mood_path + ".new", self.mood_path)

    def arrivals(self):
        """[(number, delivery, what was answered)]"""
        with open(self.journal) as f:
            return [(int(n), int(d), status) for n, d, _, status in (line.split() for line in f)]


def kill(process):
    process.child.kill()
    process.child.wait()
    process.expected_code = -9
    process.stop()


class Rig:
    def __init__(self, folder):
        self.folder = folder
        self.state = os.path.join(folder, "edge")
        self.listen = tuple(f"127.0.0.1:{free_port()}" for _ in range(2))
        host, port = self.listen[0].split(":")
        self.line = SlowLine((host, int(port)))
        self.web, self.fake = Origin(folder, "web"), Origin(folder, "fake")
        self.days = 0.0  # that the inbox's clock has run, at most, but for the time that this takes
        self.make_faults()
        self.config = os.path.join(folder, "adit.yml")
        with open(os.path.join(folder, "policy.json"), "w") as f:
            json.dump({"deliver": {"skip_after": 1000000}}, f)
        with open(self.config, "w") as f:
            f.write(f"tunnels:\n  web: {{ origin: '127.0.0.1:{self.web.port}', name: web, for: jenkins-bitbucket, fan_out: fake,\n"
                    f"         secret_file: {secret_file(folder)}, policy: policy.json }}\n"
                    f"  fake: {{ origin: '127.0.0.1:{self.fake.port}', name: fake, store: true, unsigned: true, coalesce: true,\n"
                    "          policy: policy.json }\n")
        self.edge = None
        self.start_edge()
        self.start_agent()

    def make_faults(self):
        """What this machine has of clocks and disks."""
        self.clocks = self.disk = self.bad = None
        if SANITIZED:
            return
        if os.path.exists(FAKETIME):
            self.clocks = Clock(self.folder), Clock(self.folder, monotonic=True)
        if bad_disk.why_not() is None:
            self.bad = bad_disk.BadDisk(self.folder)
        try:
            self.disk = Disk(self.folder, "ext4", DISK_MIB)
            os.makedirs(self.state)
            os.symlink(f"{self.disk.path}/adit.db", f"{self.state}/adit.db")
        except NoDisk as e:
            print("no disk of its own:", e)

    def start_edge(self, ahead="+0", ages=False):
        """ages: its monotonic clock can be made to run days; else its wall clock jumps as it likes."""
        log = os.path.join(self.state, "edge.log")
        if os.path.exists(log):
            os.rename(log, log + ".old")
        self.ages, self.offset_days = ages, 0
        env = {}
        if self.bad:
            self.bad.reset()
        for part in (self.bad, self.clocks and self.clocks[ages]):
            if part:
                env = {**env, **part.env, "LD_PRELOAD": ":".join(x for x in (env.get("LD_PRELOAD"), part.env["LD_PRELOAD"]) if x)}
        if self.clocks:
            self.clocks[0].jump(ahead)
        self.edge = Edge(self.state, "--no-access-log", config=f"inbox: {{ account_bytes: {ACCOUNT_BYTES} }}\n", listen=self.listen,
                         env=env, token=self.edge and self.edge.token)
        self.days += 1 / 24  # at most, for the time that it was down

    def start_agent(self):
        self.agent = Process([ADIT, "start", "--all", "-f", self.config, "--json", "--edge", self.line.address, "--ca", self.edge.ca,
                              "--token-file", self.edge.token], os.path.join(self.folder, "agent.log"),
                             {"HOME": self.folder, "no_proxy": "*"}, "agent")

    def wait_up(self):
        self.edge.wait_up("web", 90)
        self.edge.wait_up("fake", 90)

    def flap(self, times):
        for _ in range(times):
            kill(self.agent)
            self.start_agent()

    def restart(self, orderly=False, **how):
        if orderly:
            self.edge.stop(deadline_s=6 * WAIT_S)
        else:
            kill(self.edge)
        self.start_edge(**how)

    def jump(self, to):
        if self.ages:
            self.restart()
        self.clocks[0].jump(to)

    def pass_days(self, n):
        if not self.ages:
            self.restart(ages=True)
        self.offset_days += n
        self.clocks[1].jump(f"+{self.offset_days}d")
        self.days += n

    def states(self):
        states = json.loads(self.edge.ctl("inbox", "stat", "--json"))["states"]
        return {s: states[s]["n"] for s in states}

    def rows(self):
        """id -> (state, note) of all that are in the inbox."""
        lines = self.edge.ctl("inbox", "list", "--json", "--limit", "10000000").splitlines()
        return {int(r["id"]): (r["state"], r.get("note") or "") for r in map(json.loads, lines)}

    def waiting(self):
        states = self.states()
        return sum(states[s] for s in ("received", "queued", "leased"))

    def drain(self):
        """An agent that comes back makes due what waits; each look must find less than the one before."""
        stuck = 0
        while (n := self.waiting()) > 0:
            assert stuck < 12, f"{n} deliveries wait and none goes out\n{self.edge.ctl('inbox', 'list', '--limit', '10')}"
            try:
                until(lambda: self.waiting() < n, 5)
                stuck = 0
            except AssertionError:
                self.flap(1)
                self.wait_up()
                stuck += 1

    def well(self):
        """All faults have an end."""
        self.line.rate = None
        for origin in (self.web, self.fake):
            origin.mood("200")
        self.wait_up()

    def stop(self):
        self.agent.stop(deadline_s=6 * WAIT_S)
        self.edge.stop(deadline_s=6 * WAIT_S)
        for origin in (self.web, self.fake):
            origin.process.expected_code = -15
            origin.process.stop()

    def close(self):
        self.line.close()
        if self.disk is not None:
            self.disk.close()


class Sender(threading.Thread):
    """One number after the other, `total` of all senders together or more; every tenth is signed wrongly."""

    def __init__(self, rig, index, total):
        super().__init__(daemon=True)
        self.rig, self.index, self.total = rig, index, total
        self.address = rig.listen[1].split(":")
        self.told = {}  # number -> (status, web's id, fake's id, the rig's days); None: the connection broke
        self.go_on = True
        self.pause = threading.Event()

    def ask(self, number, visitor, days):
        pad = number * 7919 % LARGE if number % EACH_LARGE == 0 else number % 700
        body = push_body(number, f"b{number % BRANCHES}", pad=pad)
        headers = push_headers(body, "wrong" if number // SENDERS % 10 == 9 else "correct-horse-battery")
        m = visitor.ask("POST", HOOK, body, headers)
        if m.status != 202:
            return m.status, None, None, days
        said = json.loads(m.body)
        return 202, int(said["delivery"]), int(said["copies"][0]), days

    def dial(self):
        """What was not connected was not sent: that number is still to come."""
        end = time.monotonic() + 12 * WAIT_S
        while True:
            try:
                return Visitor((self.address[0], int(self.address[1])), "web.localhost")
            except OSError:
                if time.monotonic() > end:
                    raise
            self.pause.wait(0.05)  # a sender's own pause, no wait for a state

    def run(self):
        numbers = itertools.count(self.index, SENDERS)
        number = next(numbers)
        while number < self.total or self.go_on:
            with self.dial() as v:
                for _ in range(20):  # on one connection, while it is good
                    days = self.rig.days
                    self.told[number] = None
                    try:
                        self.told[number] = self.ask(number, v, days)
                    except (OSError, Closed, AssertionError):
                        pass
                    told, number = self.told[number], next(numbers)
                    if told is None or told[0] != 202 or number >= self.total and not self.go_on:
                        break
                    if not LONG:
                        self.pause.wait(0.02)
            if told is None or told[0] == 503:
                self.pause.wait(0.3)


def lost(told, arrivals, rows, which, excuse):
    """Numbers that were answered 202, that their origin did not take, and for which there is no excuse."""
    taken = {d: n for n, d, status in arrivals if status == "200"}
    return sorted(n for n, t in told.items() if taken.get(t[which]) != n and rows.get(t[which], ("",))[0] not in ("parked", "dead") and
                  not excuse(n, t))


def in_order(arrivals):
    first = {}
    for n in dict.fromkeys(n for n, _, _ in arrivals):
        assert first.get(n % BRANCHES, -1) < n, f"branch {n % BRANCHES}: {n} came after {first[n % BRANCHES]}"
        first[n % BRANCHES] = n


def judge(told, web, fake, rows, days):
    """told: number -> answer; web, fake: their arrivals; rows: what is left; days: how long it took. Raises when a promise is broken."""
    stored = {n: t for n, t in told.items() if t is not None and t[0] == 202}
    refused = {n for n, t in told.items() if t is not None and t[0] >= 300}
    taken = {n for n, _, status in fake if status == "200"}
    newest = {b: max((n for n in taken if n % BRANCHES == b), default=-1) for b in range(BRANCHES)}

    def over(n, t):
        """A day is left for what this takes."""
        return t[1] not in rows and days - t[3] > KEEP_FAILED_DAYS - 1

    def replaced(n, t):
        return newest[n % BRANCHES] > n and rows.get(t[2], ("dropped",))[0] == "dropped"
    gone = lost(stored, web, rows, 1, over)
    assert not gone, f"answered 202, never taken, in no list: {gone[:20]}"
    gone = lost(stored, fake, rows, 2, lambda n, t: over(n, t) or replaced(n, t))
    assert not gone, f"neither a copy nor a newer push of its branch was taken: {gone[:20]}"
    silent = {d: note for d, (state, note) in rows.items()
              if state == "dropped" and not any(int(x) > d for x in re.findall(r"delivery (\d+)", note))}
    assert not silent, f"dropped without a newer one that its note names: {silent}"
    unwanted = sorted({n for n, _, _ in web + fake if n in refused})
    assert not unwanted, f"refused and yet delivered: {unwanted[:20]}"
    in_order(web)
    in_order(fake)


def test_the_judge_of_the_torture_sees_what_is_wrong():
    both = {0: (202, 1, 2, 0), BRANCHES: (202, 3, 4, 0), 1: (503, None, None, 0), 2: None}
    both_web, newer_fake = [(0, 1, "500"), (0, 1, "200"), (BRANCHES, 3, "200")], [(BRANCHES, 4, "200")]
    judge(both, both_web, newer_fake, {}, 1)
    judge(both, [(0, 1, "404"), (BRANCHES, 3, "200")], newer_fake, {1: ("parked", "")}, 1)
    judge(both, [(0, 1, "404"), (BRANCHES, 3, "200")], newer_fake, {}, 91)
    for web, fake, rows, days in (
            ([(0, 1, "200")], newer_fake, {}, 1), ([(0, 1, "500"), (BRANCHES, 3, "200")], newer_fake, {}, 1),
            ([(0, 1, "404"), (BRANCHES, 3, "200")], newer_fake, {}, 80), (both_web, [(0, 2, "200")], {}, 1),
            (both_web, newer_fake, {2: ("queued", "")}, 1), ([*both_web, (1, 9, "200")], newer_fake, {}, 1),
            ([(BRANCHES, 3, "200"), (0, 1, "200")], newer_fake, {}, 1)):
        try:
            judge(both, web, fake, rows, days)
        except AssertionError:
            continue
        raise RuntimeError(f"nothing wrong was seen in {web}, {fake}, {rows}")


class Troubles:
    """Each kind once, in an order of the dice, and again."""

    def __init__(self, rig, dice, senders):
        self.rig, self.dice, self.senders, self.count, self.coming = rig, dice, senders, collections.Counter(), []
        self.pause = threading.Event()
        self.kinds = sorted(name[3:] for name in dir(self) if name.startswith("do_"))

    def wait(self, least, most):
        self.pause.wait(self.dice.uniform(least, most))  # the chosen instant, no wait for a state

    def next(self):
        if not self.coming:
            self.coming = self.dice.sample(self.kinds, len(self.kinds))
        kind = self.coming.pop()
        getattr(self, "do_" + kind)()
        self.count[kind] += 1

    def sending(self):
        return any(s.is_alive() for s in self.senders)

    def all_happened(self):
        return len(self.count) == len(self.kinds)

    def do_edge(self):
        self.rig.restart()

    def do_edge_stops(self):
        self.rig.restart(orderly=True)

    def do_edge_ahead(self):
        if self.rig.clocks:
            self.rig.restart(ahead=self.dice.choice(["+100d", "+400d"]))

    def do_agent(self):
        self.rig.flap(1)

    def do_agent_flaps(self):
        self.rig.flap(self.dice.choice([3, 10]))

    def do_line_ends(self):
        self.rig.line.cut()
        self.rig.line.rate = None

    def do_line_is_slow(self):
        self.rig.line.rate = self.dice.uniform(40000, 60000)
        self.wait(*((10, 30) if LONG and self.dice.random() < 0.2 else (1, 3)))
        if self.dice.random() < 0.7:
            self.rig.line.rate = None

    def do_origin(self):
        origin = self.dice.choice([self.rig.web, self.rig.fake])
        kill(origin.process)
        origin.start()

    def do_mood(self):
        for origin in (self.rig.web, self.rig.fake):
            origin.mood(self.dice.choice(MOODS))
        self.wait(0.1, 0.6)
        for origin in (self.rig.web, self.rig.fake):
            if self.dice.random() < 0.7:
                origin.mood("200")

    def do_mood_again(self):
        self.do_mood()

    def do_mistake(self):
        origin = self.dice.choice([self.rig.web, self.rig.fake])
        origin.mood("404")
        self.wait(0.2, 0.5)
        origin.mood("200")

    def do_operator(self):
        self.rig.edge.ctl("inbox", "replay", "--state", "parked,dead")

    def do_clock(self):
        if self.rig.clocks:
            self.rig.jump(self.dice.choice(JUMPS))

    def do_days(self):
        if self.rig.clocks:
            self.rig.pass_days(self.dice.choice([1, 8, 35, 100]))

    def do_disk(self):
        """Its writes and syncs fail, then it is read-only, perhaps; a person mends it and starts the edge again."""
        rig = self.rig
        if not rig.bad:
            return
        w, s, e = bad_disk.WRITES, bad_disk.SYNCS, bad_disk.ENDS
        before = rig.bad.n_failed()
        rig.bad.fail(self.dice.choice([w, s, s | e, w | s | e]))
        # nothing may be written for long: a full account takes nothing, and all that waits may wait for its next attempt
        end = time.monotonic() + 5
        while rig.bad.n_failed() == before and time.monotonic() < end:
            self.wait(0.01, 0.02)
        self.wait(0.1, 0.5)
        read_only = rig.disk is not None and self.dice.random() < 0.6
        if read_only:
            rig.bad.fail_all()
            rig.disk.read_only()
            self.wait(0.1, 0.5)
        kill(rig.edge)
        if read_only:
            rig.disk.mend()
        rig.start_edge()


def torture(rig, dice):
    """(what senders were told, the troubles they had)"""
    senders = [Sender(rig, i, WEBHOOKS) for i in range(SENDERS)]
    troubles = Troubles(rig, dice, senders)
    for s in senders:
        s.start()
    while troubles.sending():
        troubles.wait(*((0.3, 2) if LONG else (0.05, 0.4)))
        troubles.next()
        for s in senders:
            s.go_on = not troubles.all_happened()
    return {n: t for s in senders for n, t in s.told.items()}, troubles


def test_q01_nothing_is_lost_in_a_bad_week():
    seed = int(os.environ.get("ADIT_SEED", random.randrange(1 << 32)))
    print("ADIT_SEED =", seed)
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        rig = Rig(folder)
        try:
            rig.wait_up()
            told, troubles = torture(rig, random.Random(seed))
            rig.well()
            rig.drain()
            web, fake, rows = rig.web.arrivals(), rig.fake.arrivals(), rig.rows()
            judge(told, web, fake, rows, rig.days)
            answers = collections.Counter(t[0] if t else None for t in told.values())
            failed = rig.bad.n_failed() if rig.bad else 0
            print(dict(answers), f"{len(web)} and {len(fake)} arrivals", rig.states(), f"{rig.days:.0f} days of the inbox",
                  f"{failed} calls failed", dict(troubles.count))
            assert answers[202] > 0 and (failed > 0 or not LONG or not rig.bad)
            rig.stop()
        finally:
            rig.close()
