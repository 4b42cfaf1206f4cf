# SPDX-License-Identifier: Apache-2.0
"""The world's faults: no descriptors, clocks that jump, calls that are interrupted (R-09, R-10)."""
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import socket
import time

import pytest

from lab import SANITIZED
from hostile import client_hello
from origin import big, ok
from process import WAIT_S, until


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("who", ["edge", "agent"])
def test_r10_descriptors_run_out(lab, who):
    """Load is shed, nothing spins, and all is well again when there are descriptors."""
    edge, agent, origin = lab.web(lab.origin({"/": ok}))
    assert edge.get().body == b"ok"
    one = {"edge": edge, "agent": agent}[who]
    soft, hard = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (one.n_fds() + 8, hard))
    crowd = []
    for _ in range(60):
        s = socket.socket()
        s.settimeout(5)
        s.connect(edge.http)
        try:
            s.sendall(b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        except OSError:
            pass
        crowd.append(s)
    before, start = cpu_s(one.pid), time.monotonic()
    answers = 0
    for s in crowd:
        try:
            answers += bool(s.recv(100))
        except OSError:
            pass
    until(lambda: time.monotonic() - start > 1.5)  # long enough to see a loop that spins
    busy = (cpu_s(one.pid) - before) / (time.monotonic() - start)
    assert busy < 0.5, busy
    assert answers > 0
    for s in crowd:
        s.close()
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: edge.get().body == b"ok", what="served again")
    assert edge.alive() and agent.alive()


@pytest.mark.parametrize("tls", (False, True), ids=("plain", "tls"))
def test_r10_a_crowd_at_once(lab, tls):
    """More come in one moment than there are descriptors: those who were let in are answered before they may have to go."""
    edge, _, _ = lab.web(lab.origin({"/": ok}))
    assert edge.get().body == b"ok"
    soft, hard = resource.prlimit(edge.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(edge.pid, resource.RLIMIT_NOFILE, (edge.n_fds() + 8, hard))
    first = client_hello(edge.ca, "http/1.1") if tls else b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
    crowd = []
    os.kill(edge.pid, signal.SIGSTOP)
    try:
        for _ in range(60):
            crowd.append(socket.create_connection(edge.https if tls else edge.http, timeout=4 * WAIT_S))
            crowd[-1].sendall(first)
    finally:
        os.kill(edge.pid, signal.SIGCONT)
    answers = 0
    for s in crowd:
        with contextlib.suppress(OSError):
            answers += bool(s.recv(100))
    assert answers > 8
    for s in crowd:
        s.close()
    resource.prlimit(edge.pid, resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: edge.get().body == b"ok", what="served again")


def test_r10_without_a_descriptor_the_edge_obeys_and_stores(lab):
    """None is left at all: who is connected is served, webhooks are stored, and the operator can see what is wrong."""
    edge, origin = lab.edge(), lab.origin({"/": ok})
    lab.agent(edge, "http", origin.address, "--name", "web", "--store", "--unsigned")
    edge.wait_up("web")
    with edge.visitor(deadline_s=4 * WAIT_S) as v:
        assert v.ask("POST", "/hook", b"1").status == 202
        soft, hard = resource.prlimit(edge.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(edge.pid, resource.RLIMIT_NOFILE, (edge.n_fds(), hard))
        for i in range(20):
            assert v.ask("POST", "/hook", b"%d" % i).status == 202
            assert json.loads(edge.ctl("status", "--json"))["store"] == "ok"
        origin.wait_requests(21)
        resource.prlimit(edge.pid, resource.RLIMIT_NOFILE, (soft, hard))


FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


@pytest.mark.skipif(not FAKETIME, reason="no libfaketime (package faketime)")
@pytest.mark.skipif(SANITIZED, reason="libfaketime and sanitizers both want to be loaded first")
def test_r09_the_wall_clock_jumps(lab):
    """A year ahead and back: no link falls, no timer fires, no exchange ends."""
    stamp = os.path.join(lab.folder, "clock")

    def clock(text):
        with open(stamp + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(stamp + ".new", stamp)
    clock("+0")
    env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": stamp, "FAKETIME_NO_CACHE": "1",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    edge = lab.edge(env=env)
    origin = lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", env=env)
    with edge.visitor() as v:
        for jump in ("+1y", "-1y", "+30d", "+0"):
            clock(jump)
            for _ in range(20):
                assert v.ask("GET", "/").body == b"ok"
    assert edge.status()["links"] == 1
    assert not [x for x in agent.lines if x and '"down"' in x]


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.skipif(SANITIZED, reason="LeakSanitizer does not work under ptrace")
@pytest.mark.parametrize("fault", ["recvfrom,recvmsg:error=EINTR:when=3+7", "sendto,sendmsg,write,writev:error=EINTR:when=3+7",
                                   "epoll_wait,epoll_pwait:error=EINTR:when=2+3",
                                   "accept4:error=ECONNABORTED:when=2+2"])
def test_r10_interrupted_calls(lab, fault):
    """Calls that fail in the ways that are no failure. (EAGAIN is left out: an edge that never comes would be waited for.)"""
    calls = fault.split(":")[0]
    edge, agent, _ = lab.web(lab.origin({"/": ok, "/big": big(2 << 20)}))
    from process import Process
    tracers = []
    for one in (edge, agent):
        log = os.path.join(lab.folder, f"strace-{one.name}")
        tracer = Process(["strace", "-f", "-o", log, "-e", f"trace={calls}", "-e", f"inject={fault}", "-p", one.pid],
                         log + ".err")
        until(lambda: "attached" in tracer.logged() or not tracer.alive(), what="strace attaches")
        if not tracer.alive():
            pytest.skip("strace may not attach here")
        tracer.expected_code = None
        tracers.append(tracer)
    try:
        for _ in range(10):
            with edge.visitor(deadline_s=30) as v:
                assert v.ask("GET", "/").body == b"ok"
                assert len(v.ask("GET", "/big").body) == 2 << 20
        assert edge.alive() and agent.alive()
        # They end while they are traced: a tracer that lets go in the middle of a call leaves it with ENOSYS.
        agent.stop()
        edge.stop()
        for t in tracers:
            t.child.wait(2 * WAIT_S)
    finally:
        for t in tracers:
            t.child.terminate()
            t.child.wait()
            t.log.close()


def test_r10_disk_full_at_the_start(lab):
    """A folder that cannot be written is told in one sentence, with its name."""
    import subprocess
    from lab import ADITD
    done = subprocess.run([ADITD, "--dev", "/proc/nowhere"], capture_output=True, text=True, timeout=20)
    assert done.returncode not in (0, -6, -11) and "/proc" in done.stderr, done


def test_port_in_use_is_told(lab):
    import subprocess
    from lab import ADITD
    edge = lab.edge()
    done = subprocess.run([ADITD, "--dev", lab.folder + "/other", "--https", edge.ready["https"]], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode not in (0, -6, -11) and edge.ready["https"] in done.stderr, done


def test_one_folder_one_edge(lab):
    """Two daemons on one store would corrupt it."""
    import subprocess
    from lab import ADITD
    edge = lab.edge()
    done = subprocess.run([ADITD, "--dev", edge.folder], capture_output=True, text=True, timeout=20)
    assert done.returncode not in (0, -6, -11) and edge.folder in done.stderr, done
    assert edge.status()["links"] == 0
