# SPDX-License-Identifier: Apache-2.0
"""The end of the edge comes in time, whatever its threads wait for."""
import fcntl
import os
import signal
import socket
import subprocess

import pytest
from lab import ADITD
from process import WAIT_S, die_with_us, until

F_SETPIPE_SZ = 1031


def frozen(lab):
    """An edge whose log nobody reads: each of its threads that has something to tell waits for ever."""
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
            with socket.create_connection(made.http, timeout=4 * WAIT_S) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: none.localhost\r\nConnection: close\r\n\r\n")
                return s.recv(1) != b""
        except ConnectionRefusedError:
            return False
    until(up, 4 * WAIT_S)
    for _ in range(64):
        with socket.create_connection(made.http, timeout=WAIT_S) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: none.localhost\r\nConnection: close\r\n\r\n" * 8)
    return child, reader


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_s20_a_stop_ends_whatever_threads_wait_for(lab, number):
    child, reader = frozen(lab)
    until(lambda: all(state(child.pid, t) == "S" for t in os.listdir(f"/proc/{child.pid}/task")))
    child.send_signal(number)
    try:
        assert child.wait(4 * WAIT_S) == 0
    finally:
        child.kill()
        child.wait()
        os.close(reader)


def state(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]
