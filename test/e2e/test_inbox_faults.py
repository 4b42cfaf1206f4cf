# SPDX-License-Identifier: Apache-2.0
"""Disks that fail or fill up, and clocks that jump: what was answered 2xx is delivered, what cannot be kept is refused."""
import ctypes
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from hooks import number_of, numbers, secret_file, send, stored
from lab import SANITIZED
from process import until
from test_inbox_commands import Operator
from test_inbox_delivery import JENKINS, Inbox

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Faulty(Inbox):
    """As Inbox, its edge started in a special way."""

    def __init__(self, lab, folder=None, prefix=(), env=None):
        self.lab = lab
        self.origin = lab.origin()
        self.edge = lab.edge(folder=folder, prefix=prefix, env=env)
        self.options = [*JENKINS, "--secret-file", secret_file(lab.folder)]
        self.agent = self.start()

    def until_refused(self, pad=0, at_most=1000):
        """Sends until the edge refuses; returns (numbers stored, the refusal)."""
        good = []
        for n in range(at_most):
            m = send(self.edge, n, pad=pad)
            if m.status != 202:
                return good, m
            good.append(n)
        raise AssertionError(f"{at_most} were stored")


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.skipif(SANITIZED, reason="sanitizers do not go with strace")
@pytest.mark.parametrize("call, error", [("fdatasync,fsync", "EIO"), ("pwrite64", "EIO"), ("fdatasync,fsync", "ENOSPC")])
def test_q03_a_failed_sync_stops_the_acknowledging(lab, call, error):
    """The first time that the disk fails is the last: 503 from then on, nothing is tried again, a restart finds all that was promised."""
    strace = ["strace", "-D", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={400 if call == 'pwrite64' else 60}+"]
    inbox = Faulty(lab, prefix=strace)
    inbox.away()
    good, m = inbox.until_refused()
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


@pytest.fixture
def small_disk():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b"size=24m") != 0:
            pytest.skip("a file system of a few MiB cannot be mounted: " + os.strerror(ctypes.get_errno()))
        yield folder
        libc.umount2(folder.encode(), 2)


def test_q04_a_full_disk_is_503_and_the_rest_goes_on(small_disk, lab):
    inbox = Faulty(lab, folder=f"{small_disk}/edge")
    inbox.away()
    good, m = inbox.until_refused(pad=500000)
    assert m.status == 503 and m.error == "store-full" and int(m.get("Retry-After")) > 0, m
    assert len(good) > 10
    # before the very end: there is space for what is no webhook
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize > 500000
    assert inbox.edge.new_token("another")
    inbox.start()
    inbox.origin.wait_requests(len(good))
    assert numbers(inbox.origin) == good
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["delivered"]["n"] == len(good))
    assert inbox.edge.status()["all"]["store"] == "ok"
    assert send(inbox.edge, 7777, pad=500000).status == 503
    inbox.away()
    inbox.start()


def test_q04_a_disk_with_space_again_needs_no_restart(small_disk, lab):
    inbox = Faulty(lab, folder=f"{small_disk}/edge")
    stored(inbox.edge, 1)
    with open(f"{small_disk}/filler", "wb") as f:
        try:
            while True:
                f.write(bytes(1 << 16))
                f.flush()
        except OSError:
            pass
    assert send(inbox.edge, 2, pad=100000).status == 503
    inbox.origin.wait_requests(1)
    os.unlink(f"{small_disk}/filler")
    until(lambda: send(inbox.edge, 3, pad=100000).status == 202)
    inbox.origin.wait_requests(2)
    assert set(numbers(inbox.origin)) == {1, 3}


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="no libfaketime")
@pytest.mark.skipif(SANITIZED, reason="sanitizers do not go with LD_PRELOAD")
def test_r09_a_jumping_clock_neither_loses_nor_repeats(lab):
    stamp = os.path.join(lab.folder, "time")

    def jump(to):
        with open(stamp + ".new", "w") as f:
            f.write(to + "\n")
        os.rename(stamp + ".new", stamp)
    jump("+0")
    inbox = Faulty(lab, env={"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": stamp, "FAKETIME_NO_CACHE": "1",
                             "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
    inbox.away()
    stored(inbox.edge, 1, request_uuid="one")
    for n, to in ((2, "-400d"), (3, "+400d"), (4, "-1d")):
        jump(to)
        assert json.loads(send(inbox.edge, 1, request_uuid="one").body)["duplicate"]
        stored(inbox.edge, n)
    years = [r["received_ms"] for r in map(json.loads, Operator(inbox.edge).run("list", "--json").splitlines())]
    assert max(years) - min(years) > 700 * 86400000  # the clock did jump
    inbox.start()
    inbox.origin.wait_requests(4)
    assert numbers(inbox.origin) == [1, 2, 3, 4]
    jump("+0")
    stored(inbox.edge, 5)
    inbox.origin.wait_requests(5)
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["delivered"]["n"] == 5)
    assert numbers(inbox.origin) == [1, 2, 3, 4, 5]


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
