# SPDX-License-Identifier: Apache-2.0
"""Real file systems that are full, or whose machine loses its power: a 2xx holds, what cannot be kept is refused."""
import os
import sqlite3
import subprocess
import tempfile
import threading

import pytest

from disks import Disk, NoDisk
from hooks import numbers, send, stored
from http1 import Closed
from lab import ADITD
from process import WAIT_S, until
from test_inbox_commands import Operator
from test_inbox_faults import Faulty, injected, states, straced

CUTS = 30 if os.environ.get("ADIT_LONG") else 3


def disk_of(kind, mib):
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        disk = None
        try:
            disk = Disk(folder, kind, mib)
            yield disk
        except NoDisk as e:
            pytest.skip(str(e))
        finally:
            if disk is not None:
                disk.close()


@pytest.fixture(params=["ext4", "tmpfs"])
def disk(request):
    yield from disk_of(request.param, 24)


@pytest.fixture
def ext4():
    yield from disk_of("ext4", 24)


@pytest.fixture
def roomy():
    yield from disk_of("ext4", 256)


def judge_store(inbox):
    """After an orderly end."""
    inbox.lab.parts.remove(inbox.edge)
    inbox.edge.stop()
    with sqlite3.connect(f"{inbox.edge.folder}/adit.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# --- Q-04 ---

def test_q04_a_full_disk_is_503_and_the_rest_goes_on(disk, lab):
    inbox = Faulty(lab, folder=f"{disk.path}/edge")
    inbox.away()
    good, m = inbox.until_refused(pad=500000)
    assert m.status == 503 and m.error == "store-full" and int(m.get("Retry-After")) > 0, m
    assert len(good) > 10
    # before the very end: there is space for what is no webhook
    assert disk.free_bytes() > 500000
    assert inbox.edge.new_token("another")
    assert inbox.edge.status()["all"]["store"].startswith("full") and "store full" in inbox.edge.ctl("status")
    inbox.start()
    inbox.origin.wait_requests(len(good))
    assert numbers(inbox.origin) == good
    # what is delivered makes room, the oldest first: senders are not refused for that
    until(lambda: send(inbox.edge, 7777, pad=500000).status == 202, 3 * WAIT_S)
    inbox.origin.wait_requests(len(good) + 1)
    until(lambda: not any(states(inbox.edge)[s] for s in ("queued", "leased")))
    inbox.away()
    inbox.start()
    assert numbers(inbox.origin) == [*good, 7777]
    judge_store(inbox)


def store_alone(disk, lab):
    """A folder whose database lies on the disk, and nothing else."""
    folder = f"{lab.folder}/edge-elsewhere"
    os.makedirs(folder)
    os.symlink(f"{disk.path}/adit.db", f"{folder}/adit.db")
    return folder


def slow_inbox(disk, lab, folder=None):
    """(inbox, set when a delivery has begun, to be set so that it is answered)"""
    began, go = threading.Event(), threading.Event()

    def behave(c, request):
        began.set()
        go.wait(2 * WAIT_S)
        c.answer(b"ok")
    return Faulty(lab, folder=folder or f"{disk.path}/edge", origin=lab.origin(behave)), began, go


@pytest.mark.parametrize("there", [True, False])
def test_q04_a_disk_with_space_again_needs_no_restart(disk, lab, there):
    """The space ends to the last byte, while a delivery is on its way (there: the agent), or before its agent comes."""
    inbox, began, go = slow_inbox(disk, lab)
    if not there:
        inbox.away()
    assert stored(inbox.edge, 1) and stored(inbox.edge, 2)
    if there:
        assert began.wait(2 * WAIT_S)
    filler = disk.fill()
    assert disk.free_bytes() < 65536
    for n in range(3):
        m = send(inbox.edge, 90 + n, pad=100000)
        assert m.status == 503 and m.error == "store-full", m
    assert inbox.edge.status()["all"]["store"].startswith("full")
    go.set()
    if there:
        inbox.said("delivery", id="1", state="delivered")  # which cannot be noted now
    else:
        inbox.agent = lab.agent(inbox.edge, "http", inbox.origin.address, "--name", "web", *inbox.options, up=False)
        # its name and policy are known: nothing has to be written for it
        line, _ = inbox.agent.wait_line(lambda line: '"up"' in line or '"store-full"' in line)
        assert '"up"' in line
    os.unlink(filler)
    # nobody sends anything meanwhile: all find out by themselves
    until(lambda: inbox.edge.status()["all"]["store"] == "ok")
    until(lambda: states(inbox.edge)["delivered"] == 2, 3 * WAIT_S)
    assert stored(inbox.edge, 3, pad=100000)
    until(lambda: states(inbox.edge)["delivered"] == 3)
    assert numbers(inbox.origin) == [1, 2, 3]
    judge_store(inbox)


def test_q04_a_stop_while_a_delivered_one_cannot_be_noted(ext4, lab):
    """The stop is in order, and what the full disk could not be told is delivered again, with the same id."""
    inbox, began, go = slow_inbox(ext4, lab)
    assert stored(inbox.edge, 1) and began.wait(2 * WAIT_S)
    filler = ext4.fill()
    go.set()
    inbox.said("delivery", id="1", state="delivered")
    lab.parts.remove(inbox.edge)
    inbox.edge.stop()
    os.unlink(filler)
    inbox.agent.kill()
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    until(lambda: states(inbox.edge)["delivered"] == 1)
    # or once, where the store found room in blocks that it had
    assert [r.get("adit-delivery") for r in inbox.origin.requests] in (["1", "1"], ["1"])


def crashed_on_a_full_disk(disk, lab):
    """An edge that was killed with one delivery under way and two behind it, on a disk that was filled to its last byte then."""
    inbox, began, go = slow_inbox(disk, lab, store_alone(disk, lab))
    plain = lab.origin()
    lab.agent(inbox.edge, "http", plain.address, "--name", "plain").kill()
    for n in (1, 2, 3):
        stored(inbox.edge, n, pad=10000)
    assert began.wait(2 * WAIT_S)
    inbox.edge.kill()
    inbox.agent.kill()
    lab.parts.remove(inbox.edge)
    inbox.filler = disk.fill()
    assert disk.free_bytes() < 65536
    go.set()
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    lab.agent(inbox.edge, "http", plain.address, "--name", "plain", up=False)
    inbox.agent = lab.agent(inbox.edge, "http", inbox.origin.address, "--name", "web", *inbox.options, up=False)
    return inbox


def test_q04_a_start_on_a_full_disk_after_a_crash(disk, lab):
    """The edge starts, what only passes passes, what would be stored is 503; with space again all is delivered, without a restart."""
    inbox = crashed_on_a_full_disk(disk, lab)
    assert inbox.edge.status()["all"]["store"].startswith("full")
    inbox.edge.wait_up("plain")
    inbox.edge.wait_up("web")
    assert inbox.edge.get(host="plain.localhost").status == 200
    m = send(inbox.edge, 9)
    assert m.status == 503 and m.error == "store-full", m
    assert sum(states(inbox.edge).values()) == 3
    os.unlink(inbox.filler)
    until(lambda: states(inbox.edge)["delivered"] == 3, 3 * WAIT_S)
    assert stored(inbox.edge, 4)
    until(lambda: states(inbox.edge)["delivered"] == 4)
    assert list(dict.fromkeys(numbers(inbox.origin))) == [1, 2, 3, 4]
    judge_store(inbox)


def test_q04_the_operator_frees_a_full_disk(disk, lab):
    """What is dropped makes room, although not a byte was left: the others are delivered, and new ones are stored."""
    inbox = Faulty(lab, folder=store_alone(disk, lab))
    inbox.away()
    good, m = inbox.until_refused(pad=500000)
    assert m.status == 503
    inbox.edge.kill()
    lab.parts.remove(inbox.edge)
    disk.fill()
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    assert send(inbox.edge, 5000).status == 503
    half = good[len(good) // 2:]
    for first in range(0, len(half), 4):
        Operator(inbox.edge).run("drop", *(str(n + 1) for n in half[first:first + 4]))
    assert states(inbox.edge)["queued"] == len(good) - len(half)
    until(lambda: send(inbox.edge, 6000).status == 202, 3 * WAIT_S)
    inbox.start()
    inbox.origin.wait_requests(len(good) - len(half) + 1)
    assert numbers(inbox.origin)[:len(good) - len(half)] == good[:len(good) - len(half)] and 5000 not in numbers(inbox.origin)
    judge_store(inbox)


def test_q03_a_disk_that_becomes_read_only(ext4, lab):
    """What passes passes, what would be stored is refused and never delivered, a start says why there is none; mended, all goes on."""
    inbox = Faulty(lab, folder=store_alone(ext4, lab))
    plain = lab.origin()
    lab.agent(inbox.edge, "http", plain.address, "--name", "plain")
    inbox.agent.kill()
    until(lambda: inbox.edge.status()["links"] == 1)
    for n in (1, 2, 3):
        stored(inbox.edge, n)
    ext4.read_only()
    try:
        assert send(inbox.edge, 90).status == 503
    except Closed:
        pass  # neither the write nor its taking back worked: no answer would be true
    assert [send(inbox.edge, n).status for n in (91, 92, 93)] == [503] * 3
    assert inbox.edge.get(host="plain.localhost").status == 200
    assert inbox.edge.status()["all"]["store"] != "ok"
    inbox.edge.kill()
    lab.parts.remove(inbox.edge)
    done = subprocess.run([ADITD, "--dev", inbox.edge.folder], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 1 and "adit.db" in done.stderr and "ead-only" in done.stderr, done
    ext4.mend()
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    inbox.start()
    until(lambda: states(inbox.edge)["delivered"] >= 3)
    assert stored(inbox.edge, 4)
    until(lambda: 4 in numbers(inbox.origin), 3 * WAIT_S)
    assert not set(numbers(inbox.origin)) & {91, 92, 93}
    assert [n for n in dict.fromkeys(numbers(inbox.origin)) if n != 90] == [1, 2, 3, 4]


# --- Q-02 ---

class Senders:
    """Numbered pushes on four connections, until the edge takes no more; `good` is what was answered 202."""

    def __init__(self, edge, start):
        self.edge, self.good, self.next = edge, [], start
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self.run, args=(f"b{i}",), daemon=True) for i in range(4)]
        for t in self.threads:
            t.start()

    def run(self, branch):
        while True:
            with self.changed:
                n, self.next = self.next, self.next + 1
            try:
                if send(self.edge, n, branch=branch, pad=n * 7919 % 20000).status != 202:
                    return
            except (OSError, Closed):
                return
            with self.changed:
                self.good.append(n)
                self.changed.notify_all()

    def wait_good(self, n):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.good) >= n, 2 * WAIT_S)

    def join(self):
        for t in self.threads:
            t.join(2 * WAIT_S)
            assert not t.is_alive()


def cut_once(inbox, disk, start, at):
    """The power goes while webhooks are stored, `at` of them at least; returns the numbers that had been answered 202 by then."""
    senders = Senders(inbox.edge, start)
    senders.wait_good(at)
    with senders.changed:
        good = list(senders.good)
    disk.cut()
    inbox.edge.kill()
    senders.join()
    inbox.lab.parts.remove(inbox.edge)
    inbox.edge.log.close()  # it lies on that disk
    disk.power_up()
    return good


def power_cut_inbox(lab, disk, prefix=()):
    inbox = Faulty(lab, folder=f"{disk.path}/edge", prefix=prefix)
    inbox.away()
    inbox.agent.stop()
    lab.parts.remove(inbox.agent)
    stored(inbox.edge, 0)
    disk.sync()
    return inbox


def delivered_after(inbox):
    inbox.start()
    until(lambda: states(inbox.edge)["queued"] + states(inbox.edge)["leased"] == 0, 3 * WAIT_S)
    return set(numbers(inbox.origin))


def test_q02_a_2xx_survives_power_cuts(roomy, lab):
    inbox = power_cut_inbox(lab, roomy)
    good = [0]
    for i in range(CUTS):
        good += cut_once(inbox, roomy, 10000 * (i + 1), 20 + 30 * i % 100)
        inbox.edge = lab.edge(folder=inbox.edge.folder)
    lost = set(good) - delivered_after(inbox)
    assert not lost, f"answered 2xx and never delivered: {sorted(lost)[:20]}"
    judge_store(inbox)


@straced
def test_q02_the_rig_sees_a_loss(roomy, lab):
    """Negative control: with syncs that do nothing, as synchronous=OFF would have it, the same cut loses what was promised."""
    inbox = power_cut_inbox(lab, roomy, injected("trace=fdatasync,fsync", "inject=fdatasync,fsync:retval=0"))
    good = cut_once(inbox, roomy, 10000, 20)
    inbox.edge = lab.edge(folder=inbox.edge.folder)
    kept = delivered_after(inbox)
    assert 0 in kept and set(good) - kept
