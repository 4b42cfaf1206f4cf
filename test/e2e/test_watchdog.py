# SPDX-License-Identifier: Apache-2.0
"""The supervisor, played by the test: readiness, signs of life, and that a program which hangs gives none."""
import os
import signal
import socket

import pytest

from lab import Edge
from process import WAIT_S


class Supervisor:
    """As systemd with WatchdogSec: a socket, here one of the abstract name space, and the period that is wanted."""

    def __init__(self, lab, period_ms=400):
        self.sock = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.sock.bind("")  # the kernel gives it a name
        self.sock.settimeout(4 * WAIT_S)
        self.env = {"NOTIFY_SOCKET": "@" + self.sock.getsockname()[1:].decode(), "WATCHDOG_USEC": str(period_ms * 1000)}

    def next(self, start):
        while True:
            said = self.sock.recv(4096).decode()
            if said.startswith(start):
                return said

    def is_silent_ms(self, ms):
        """After what had been sent already."""
        self.sock.settimeout(0)
        try:
            while True:
                self.sock.recv(4096)
        except BlockingIOError:
            pass
        self.sock.settimeout(ms / 1000)
        try:
            self.sock.recv(4096)
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(4 * WAIT_S)


def hangs(part, boss):
    boss.next("WATCHDOG=1")
    boss.next("WATCHDOG=1")
    part.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, part.pid, os.WSTOPPED | os.WNOWAIT)
    assert boss.is_silent_ms(900)
    part.signal(signal.SIGCONT)
    boss.next("WATCHDOG=1")


def test_the_edge_gives_signs_of_life(lab):
    boss = Supervisor(lab)
    edge = Edge(os.path.join(lab.folder, "edge"), env=boss.env)
    lab.parts.append(edge)
    said = boss.next("READY=1")
    assert f"on port {edge.https[1]}" in said and "STATUS=serves localhost" in said
    with socket.create_connection(edge.https, WAIT_S):
        pass
    hangs(edge, boss)
    edge.signal(signal.SIGTERM)
    boss.next("STOPPING=1")
    edge.exits(0)


def test_the_agent_gives_signs_of_life(lab):
    boss = Supervisor(lab)
    edge = lab.edge()
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", env=boss.env, up=False)
    assert "connected" in boss.next("READY=1")
    edge.wait_up("web", 5)
    hangs(agent, boss)
    agent.signal(signal.SIGTERM)
    boss.next("STOPPING=1")
    agent.exits(0)


@pytest.mark.parametrize("env", [{"WATCHDOG_USEC": "soon"}, {"WATCHDOG_PID": "1"}])
def test_signs_of_life_are_for_whom_they_are_asked_of(lab, env):
    boss = Supervisor(lab)
    edge = lab.edge()
    lab.agent(edge, "http", lab.origin().address, "--name", "web", env={**boss.env, **env})
    boss.next("READY=1")
    assert boss.is_silent_ms(600)
