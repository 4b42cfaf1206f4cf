# SPDX-License-Identifier: Apache-2.0
"""Programs under test: started with a deadline, read line by line, ended by their own pid."""
import ctypes
import json
import os
import random
import socket
import subprocess
import threading
import time
from signal import SIGCONT, SIGKILL, SIGTERM

WAIT_S = 10 * float(os.environ.get("ADIT_PATIENCE", "1"))
_prctl = ctypes.CDLL(None).prctl
# Ports that programs are told to listen on: below those that connections get (ip_local_port_range), or one of them would take
# a port between its choice and its use; and apart for each process of a run.
_PORTS = 1000
_first_port = 10000 + _PORTS * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10)
_next_port = random.randrange(_PORTS)


def until(fn, deadline_s=None, what=""):
    """Asks `fn` until it gives something true. For states that only the outside of a program shows."""
    end = time.monotonic() + (deadline_s or WAIT_S)
    pause = threading.Event()
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s or WAIT_S} s: {what or fn}")
        pause.wait(0.01)


def free_port():
    """Of TCP and UDP: nobody else of this run is told the same, and nothing listens there now."""
    global _next_port
    for _ in range(_PORTS):
        port = _first_port + _next_port
        _next_port = (_next_port + 1) % _PORTS
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


def die_with_us():
    _prctl(1, SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives a test run that was killed


class Process:
    """A child whose standard output is collected by lines; standard error goes to a file."""

    def __init__(self, argv, log_path, env=None, name=None):
        self.argv = [str(a) for a in argv]
        self.name = name or os.path.basename(self.argv[0])
        self.log_path = log_path
        self.lines = []
        self.changed = threading.Condition()
        self.expected_code = 0
        self.log = open(log_path, "ab")
        self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                      env={**os.environ, **(env or {})}, preexec_fn=die_with_us)
        self.pid = self.child.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def wait_line(self, wanted, deadline_s=None, start=0):
        """The first line from index `start` on for which wanted(line) is true; returns (line, its index)."""
        end = time.monotonic() + (deadline_s or WAIT_S)
        with self.changed:
            while True:
                for i in range(start, len(self.lines)):
                    line = self.lines[i]
                    if line is None:
                        raise AssertionError(f"{self.name} ended: {self.child.wait()}\n{self.everything()}")
                    if wanted(line):
                        return line, i
                start = len(self.lines)
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{self.name} did not say it in time\n{self.everything()}")
                self.changed.wait(left)

    def wait_event(self, event, deadline_s=None, start=0, **members):
        """The first JSON line with "event": event and the given members."""
        def wanted(line):
            try:
                got = json.loads(line)
            except ValueError:
                return False
            return got.get("event") == event and all(got.get(k) == v for k, v in members.items())
        line, _ = self.wait_line(wanted, deadline_s, start)
        return json.loads(line)

    def n_lines(self):
        with self.changed:
            return len(self.lines)

    def logged(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def everything(self):
        said = "\n".join(line for line in self.lines if line is not None)
        return f"{' '.join(self.argv)}\nstdout: {said}\nstderr: {self.logged()[-6000:]}"

    def alive(self):
        return self.child.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9, unless it has ended by itself and in order."""
        if self.alive():
            self.child.kill()
            self.expected_code = -SIGKILL
        code = self.child.wait()
        if code in (1, 3, 4):
            self.expected_code = code

    def exits(self, *codes, deadline_s=None):
        """It ends by itself with one of these codes."""
        code = self.child.wait(deadline_s or 2 * WAIT_S)
        assert code in codes, f"{self.name} ended with {code}, not {codes}\n{self.everything()}"
        self.expected_code = code

    def rss_kb(self):
        """Anonymous memory, in KiB: what the program itself holds."""
        with open(f"/proc/{self.pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self, number=SIGTERM, deadline_s=None):
        """Asks the program to end; fails when it does not, or leaves with another code than expected."""
        if self.alive():
            self.child.send_signal(SIGCONT)
            self.child.send_signal(number)
        try:
            code = self.child.wait(deadline_s or WAIT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not end when asked to\n{self.everything()}") from None
        finally:
            self.reader.join(WAIT_S)
            self.log.close()
        log = self.logged()
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "ThreadSanitizer:", "bug at "):
            assert sign not in log, f"{self.name}: {sign}\n{log[-12000:]}"
        assert code == self.expected_code, f"{self.name} ended with {code}\n{self.everything()}"
