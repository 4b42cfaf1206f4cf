# SPDX-License-Identifier: Apache-2.0
"""The end of the edge comes in time, whatever its threads wait for; and a log that nobody reads makes none of them wait."""
import ctypes
import fcntl
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
from lab import ADITD
from process import WAIT_S, die_with_us, until

F_SETPIPE_SZ = 1031
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
ASK = b"GET / HTTP/1.1\r\nHost: none.localhost\r\nConnection: close\r\n\r\n"


def unread(lab):
    """An edge on a pipe for its log, which nobody reads."""
    made = lab.edge(config="limits:\n  drain_ms: 1000\n")
    made.stop()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    child = subprocess.Popen([ADITD, "-f", os.path.join(made.folder, "aditd.yml")], stdout=subprocess.DEVNULL, stderr=writer,
                             preexec_fn=die_with_us)
    os.close(writer)

    def up():
        """An answer has come: a port is open before the signals are listened to."""
        try:
            return ask(made) != b""
        except ConnectionRefusedError:
            return False
    until(up, 4 * WAIT_S)
    return made, child, reader


def ask(made):
    with socket.create_connection(made.http, timeout=4 * WAIT_S) as s:
        s.sendall(ASK)
        return s.recv(1)


def test_a_log_that_nobody_reads_stops_no_visitor(lab):
    made, child, reader = unread(lab)
    try:
        for _ in range(200):  # a line each, and the pipe takes 4096 bytes
            assert ask(made) == b"H"
        os.set_blocking(reader, False)
        said = b""

        def told():
            nonlocal said
            ask(made)  # what makes the edge tell something
            try:
                said += os.read(reader, 1 << 16)
            except BlockingIOError:
                pass
            return re.search(rb"event=log-lost lines=([1-9][0-9]*)\n", said)
        until(told, 4 * WAIT_S)
        child.terminate()
        assert child.wait(4 * WAIT_S) == 0
    finally:
        child.kill()
        child.wait()
        os.close(reader)


def hold(child):
    """Stops each thread but the first, as a disk that does not answer would; the ids of those that are held."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    held = []
    for thread in sorted(int(t) for t in os.listdir(f"/proc/{child.pid}/task") if int(t) != child.pid):
        if ptrace(PTRACE_SEIZE, thread, None, None) != 0:
            pytest.skip(f"ptrace: {os.strerror(ctypes.get_errno())}")
        assert ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
        os.waitpid(thread, WALL)
        held.append(thread)
    return held


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_s20_a_stop_ends_whatever_threads_wait_for(lab, number):
    made, child, reader = unread(lab)
    said = []
    reads = threading.Thread(target=lambda: said.append(open(reader, "rb").read()))
    reads.start()
    try:
        held = hold(child)
        child.send_signal(number)

        def ended():
            """A thread that is traced is a zombie until it was waited for, and its process with it."""
            for thread in [*held]:
                if os.waitpid(thread, WALL | os.WNOHANG)[0] != 0:
                    held.remove(thread)
            return child.poll() is not None
        until(ended, 4 * WAIT_S)
        assert child.wait() == 0
        reads.join(4 * WAIT_S)
        assert b"a thread did not end in time" in said[0]
    finally:
        child.kill()
