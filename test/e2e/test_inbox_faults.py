# SPDX-License-Identifier: Apache-2.0
"""Disks that fail, clocks that jump: what was answered 2xx is delivered, what cannot be kept is refused."""
import json
import os
import shutil
import subprocess
import time

import pytest

from hooks import number_of, numbers, secret_file, send, stored
from http1 import Closed
from lab import ADITD, SANITIZED
from process import WAIT_S, until
from test_inbox_commands import Operator
from test_inbox_delivery import JENKINS, Inbox, status

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Faulty(Inbox):
    """As Inbox, its edge started in a special way."""

    def __init__(self, lab, folder=None, prefix=(), env=None, origin=None, config=None):
        self.lab = lab
        self.origin = origin or lab.origin()
        self.edge = lab.edge(folder=folder, prefix=prefix, env=env, config=config)
        # The disk is the edge's alone: an inspector on it would take what the inbox gives back.
        self.options = [*JENKINS, "--secret-file", secret_file(lab.folder), "--inspect", "off"]
        self.agent = self.start()

    def until_refused(self, pad=0, at_most=1000):
        """Sends until the edge refuses; returns (numbers stored, the refusal)."""
        good = []
        for n in range(at_most):
            try:
                m = send(self.edge, n, pad=pad)
            except Closed as e:
                e.good = good
                raise
            if m.status != 202:
                return good, m
            good.append(n)
        raise AssertionError(f"{at_most} were stored")


def states(edge):
    return {s: v["n"] for s, v in json.loads(Operator(edge).run("stat", "--json"))["states"].items()}


def injected(*expressions):
    """A prefix that starts the edge under strace, which spoils its system calls."""
    return ["strace", "-D", "-f", "-o", "/dev/null", *(part for e in expressions for part in ("-e", e))]


straced = pytest.mark.skipif(SANITIZED or not shutil.which("strace"), reason="no strace, or sanitizers, which do not go with it")


@straced
@pytest.mark.parametrize("call, error", [("fdatasync,fsync", "EIO"), ("pwrite64", "EIO"), ("fdatasync,fsync", "ENOSPC")])
def test_q03_a_failed_sync_stops_the_acknowledging(lab, call, error):
    """The first time that the disk fails is the last: 503 from then on, nothing is tried again, a restart finds all that was promised."""
    first = 400 if call == "pwrite64" else 60
    inbox = Faulty(lab, prefix=injected(f"trace={call}", f"inject={call}:error={error}:when={first}+"))
    inbox.away()
    try:
        good, m = inbox.until_refused()
    except Closed as e:  # no sync works, nor that of a truncation: see below
        assert call == "fdatasync,fsync"
        good, m = e.good, send(inbox.edge, 5999)
    assert m.status == 503 and m.error == "store-full" and int(m.get("Retry-After")) > 0, m
    for n in range(5):
        assert send(inbox.edge, 5000 + n).status == 503
    # people can still ask what is going on
    said = inbox.edge.status()["all"]
    assert said["store"] != "ok" or error == "ENOSPC", said["store"]
    assert said["inbox"]["not_stored"] >= 6
    inbox.edge.kill()
    lab.parts.remove(inbox.edge)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    inbox.origin.wait_requests(len(good))
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["queued"]["n"] == 0)
    got = numbers(inbox.origin)
    assert set(good) <= set(got) and not any(n >= 5000 for n in got)
    assert list(dict.fromkeys(got)) == sorted(set(got))
    assert stored(inbox.edge, 9999)


@straced
def test_q03_no_answer_where_none_would_be_true(lab):
    """Neither the fsync nor the truncation of what it left works: the senders of that commit are told nothing, later ones 503."""
    inbox = Faulty(lab, prefix=injected("trace=fdatasync,fsync,ftruncate", "inject=fdatasync,fsync:error=EIO:when=60+",
                                        "inject=ftruncate:error=EIO"))
    inbox.away()
    with pytest.raises(Closed) as told:
        inbox.until_refused()
    good = told.value.good
    for n in range(5):
        assert send(inbox.edge, 5000 + n).status == 503
    inbox.edge.kill()
    lab.parts.remove(inbox.edge)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    inbox.origin.wait_requests(len(good))
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["queued"]["n"] == 0)
    assert set(good) <= set(numbers(inbox.origin)) <= {*good, len(good)}


@straced
def test_q04_writes_without_space_are_503_and_pass(lab):
    """ENOSPC amid commits, whatever statvfs says; then there is space again, and no restart is needed."""
    inbox = Faulty(lab, prefix=injected("trace=pwrite64", "inject=pwrite64:error=ENOSPC:when=400..480"))
    inbox.away()
    good, m = inbox.until_refused()
    assert m.status == 503 and m.error == "store-full" and int(m.get("Retry-After")) > 0, m
    assert inbox.edge.status()["all"]["store"].startswith("full")
    until(lambda: send(inbox.edge, 5000).status == 202)
    assert inbox.edge.status()["all"]["store"] == "ok"
    inbox.start()
    until(lambda: states(inbox.edge)["delivered"] == len(good) + 1)
    assert numbers(inbox.origin) == [*good, 5000]


@straced
@pytest.mark.parametrize("call, error, said", [
    ("openat", "EACCES", "Permission denied"), ("openat", "EMFILE", "Too many open files"), ("openat", "EIO", "Input/output error"),
    ("openat", "ENOSPC", "No space left on device"), ("pread64", "EIO", "disk I/O error"),
])
def test_q03_a_store_that_cannot_be_opened_is_named(lab, call, error, said):
    """The edge does not start without it, says which file and why, and has spoilt nothing."""
    inbox = Inbox(lab)
    inbox.away()
    stored(inbox.edge, 1)
    lab.parts.remove(inbox.edge)
    inbox.edge.stop()
    path = f"{inbox.edge.folder}/adit.db"
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-P", path, "-e", f"trace={call}", "-e", f"inject={call}:error={error}",
                           ADITD, "--dev", inbox.edge.folder], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 1 and path in done.stderr and said in done.stderr, done
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    inbox.origin.wait_requests(1)


faked = pytest.mark.skipif(SANITIZED or not os.path.exists(FAKETIME), reason="no libfaketime, or sanitizers, which do not go with it")


class Clock:
    """Of a program that is started with `env`: the wall clock, or with monotonic the others too, may jump at any time."""

    def __init__(self, folder, monotonic=False):
        self.stamp = os.path.join(folder, "time")
        # without the last one libfaketime lets timed waits on a monotonic condition return at once, for ever
        self.env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.stamp, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
        if not monotonic:
            self.env.update(FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
        self.jump("+0")

    def jump(self, to):
        """"-400d": relative to the real time."""
        with open(self.stamp + ".new", "w") as f:
            f.write(to + "\n")
        os.rename(self.stamp + ".new", self.stamp)


@faked
def test_r09_a_jumping_clock_neither_loses_nor_repeats(lab):
    clock = Clock(lab.folder)
    inbox = Faulty(lab, env=clock.env)
    inbox.away()
    stored(inbox.edge, 1, request_uuid="one")
    for n, to in ((2, "-400d"), (3, "+400d"), (4, "-1d")):
        clock.jump(to)
        assert json.loads(send(inbox.edge, 1, request_uuid="one").body)["duplicate"]
        stored(inbox.edge, n)
    years = [r["received_ms"] for r in map(json.loads, Operator(inbox.edge).run("list", "--json").splitlines())]
    assert max(years) - min(years) > 700 * 86400000  # the clock did jump
    inbox.start()
    inbox.origin.wait_requests(4)
    assert numbers(inbox.origin) == [1, 2, 3, 4]
    clock.jump("+0")
    stored(inbox.edge, 5)
    inbox.origin.wait_requests(5)
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["delivered"]["n"] == 5)
    assert numbers(inbox.origin) == [1, 2, 3, 4, 5]


def cpu_s(process):
    with open(f"/proc/{process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def inbox_with_alerts(lab, origin, clock):
    """(inbox, a function that gives all alerts so far)"""
    path = f"{lab.folder}/alerts"
    config = f"inbox: {{ alert_command: 'cat >>{path}; echo >>{path}', alert_pause_s: 1, alert_minutes: 1 }}\n"

    def alerts():
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return [json.loads(line) for line in f if line.strip()]
    return Faulty(lab, env=clock.env, origin=origin, config=config), alerts


@faked
def test_q05_a_pause_is_kept_while_the_clock_jumps(lab):
    """Deliveries wait for their next attempt: years either way change nothing of it, nobody is alarmed, nobody spins."""
    arrived = []

    def behave(c, request):
        arrived.append(time.monotonic())
        c.answer(b"", 200 if len(arrived) > 3 else 500)
    clock = Clock(lab.folder)
    inbox, alerts = inbox_with_alerts(lab, lab.origin(behave), clock)
    for n in range(3):
        stored(inbox.edge, n, branch=f"b{n}")
    inbox.origin.wait_requests(3)
    until(lambda: states(inbox.edge)["queued"] == 3)
    before = cpu_s(inbox.edge)
    for to in ("+400d", "-800d", "+1d", "-400d", "+400d"):
        clock.jump(to)
        now = states(inbox.edge)
        assert now["leased"] == 0 and now["queued"] + now["delivered"] == 3
    until(lambda: states(inbox.edge)["delivered"] == 3, 20)
    assert min(arrived[3:]) - max(arrived[:3]) > 3 and len(arrived) == 6
    assert cpu_s(inbox.edge) - before < 1.5
    # a look for trouble has been made under this clock: what is parked is told, and nothing was late
    inbox.origin.behave = status(404, "X-Jenkins: 2")
    stored(inbox.edge, 9)
    until(lambda: sum(a["parked"] for a in alerts()) == 1)
    assert all(a["late_s"] == 0 for a in alerts())


@faked
def test_q05_late_is_told_once_and_again_after_it_was_in_time(lab):
    clock = Clock(lab.folder, monotonic=True)
    inbox, alerts = inbox_with_alerts(lab, None, clock)

    def late():
        return [a for a in alerts() if a["late_s"] > 0]
    inbox.away()
    for n in range(5):
        stored(inbox.edge, n, branch=f"b{n}")
    clock.jump("+20m")
    until(late)
    inbox.start()
    until(lambda: states(inbox.edge)["delivered"] == 5)
    # a parked one is told by a later look, which finds nothing late: until then that was told once
    inbox.origin.behave = status(404, "X-Jenkins: 2")
    stored(inbox.edge, 9)
    until(lambda: any(a["parked"] and not a["late_s"] for a in alerts()))
    assert len(late()) == 1 and 1190 <= late()[0]["late_s"] < 1300
    inbox.away()
    stored(inbox.edge, 10)
    clock.jump("+40m")
    until(lambda: len(late()) == 2)
    assert 1190 <= late()[1]["late_s"] < 1300


def test_q06_a_crash_between_answer_and_commit_repeats_with_the_same_id(lab):
    """The origin has answered, the edge dies before it can note that: the repeat can be known by its adit-delivery."""
    holder = {}

    def behave(c, r):
        if len(inbox.origin.requests) == 1:
            holder["edge"].kill()
        c.answer(b"ok")
    inbox = Inbox(lab, lab.origin(behave))
    holder["edge"] = inbox.edge
    stored(inbox.edge, 1)
    inbox.origin.wait_requests(1)
    until(lambda: not inbox.edge.alive())
    inbox.agent.kill()
    lab.parts.remove(inbox.edge)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    got = inbox.origin.wait_requests(2)
    assert [number_of(r) for r in got] == [1, 1] and got[0].get("adit-delivery") == got[1].get("adit-delivery") == "1"
