# SPDX-License-Identifier: Apache-2.0
"""A wide-area line between two network namespaces (bench/wan.c): delay, rate, loss, and cuts without a FIN."""
import itertools
import os
import subprocess
from signal import SIGUSR1, SIGUSR2

from process import Process

ADITD = os.environ.get("ADITD", "build/aditd")
WAN = os.path.join(os.path.dirname(os.path.abspath(ADITD)), "bench", "wan")


def why_not():
    """None, or why there is no such line on this machine."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not os.access(WAN, os.X_OK):
        return f"{WAN} is not built (make check builds it)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no /dev/net/tun"
    name = f"adit-try-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
        return "network namespaces cannot be made here"
    enter = subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], capture_output=True)
    subprocess.run(["ip", "netns", "del", name])
    return None if enter.returncode == 0 else "network namespaces cannot be entered here"


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


_n_lines = itertools.count()


class Line:
    """near: the edge's namespace, 10.77.0.1; far: the agent's, 10.77.0.2."""

    def __init__(self, folder, one_way_ms, mbit=0, loss_per_mille=0):
        number = next(_n_lines)
        self.near, self.far = f"adit-n{os.getpid()}-{number}", f"adit-f{os.getpid()}-{number}"
        for ns in (self.near, self.far):
            ip("netns", "add", ns)
            ip("-n", ns, "link", "set", "lo", "up")
        self.wan = Process([WAN, self.near, self.far, one_way_ms, mbit, loss_per_mille], os.path.join(folder, "wan.log"))
        self.wan.wait_line(lambda line: line == "ready")
        for ns, address in ((self.near, "10.77.0.1"), (self.far, "10.77.0.2")):
            ip("-n", ns, "addr", "add", f"{address}/24", "dev", "wan0")
            ip("-n", ns, "link", "set", "wan0", "mtu", "9000", "txqueuelen", "20000", "up")

    def prefix(self, ns):
        return ["ip", "netns", "exec", ns]

    def cut(self):
        self.wan.signal(SIGUSR1)

    def mend(self):
        self.wan.signal(SIGUSR2)

    def close(self):
        try:
            self.wan.stop()
        finally:
            for ns in (self.near, self.far):
                ip("netns", "del", ns)
