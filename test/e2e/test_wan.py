# SPDX-License-Identifier: Apache-2.0
"""Over a line with a delay, a loss, and an end: two network namespaces, as root."""
import hashlib
import os
import time

import pytest

import wan
from lab import SANITIZED
from origin import big, ok, pattern
from process import until

WHY_NOT = wan.why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")


def over(lab, line, behave):
    """An edge at the near end, which visitors reach by a Unix socket; agent and origin at the far end."""
    lab.keep(line)
    folder = os.path.join(lab.folder, "e")
    edge = lab.edge(folder=folder, prefix=line.prefix(line.near), config="log: { level: info }\n",
                    listen=("10.77.0.1:8443", f"unix:{folder}/http.sock"))
    origin = lab.origin(behave, unix=True)
    agent = lab.agent(edge, "http", origin.address, "--name", "web", prefix=line.prefix(line.far))
    return edge, agent, origin


@pytest.mark.slow
def test_r01_r03_line_goes_down_without_a_fin(lab):
    """The line dies silently; both ends know within 15 s; when it is back, so is the name, without anybody's help."""
    line = wan.Line(lab.folder, 5)
    edge, agent, _ = over(lab, line, ok)
    assert edge.get(tls=False).body == b"ok"
    line.cut()
    start = time.monotonic()
    with edge.visitor(tls=False, deadline_s=30) as v:
        v.request("GET", "/")
        m = v.response()
        assert m.status in (502, 503, 504) and time.monotonic() - start < 25, m
    until(lambda: edge.status()["links"] == 0, 20)
    assert time.monotonic() - start < 17
    agent.wait_event("down", 20)
    line.mend()
    mended = time.monotonic()
    until(lambda: edge.get(tls=False).body == b"ok", 40, "served again")
    assert time.monotonic() - mended < 35


@pytest.mark.slow
def test_r03_address_change_is_noticed_at_once(lab):
    """The agent's network goes and comes: it does not wait for its timers."""
    line = wan.Line(lab.folder, 5)
    edge, agent, _ = over(lab, line, ok)
    assert edge.get(tls=False).body == b"ok"
    n = agent.n_lines()
    wan.ip("-n", line.far, "addr", "del", "10.77.0.2/24", "dev", "wan0")
    wan.ip("-n", line.far, "addr", "add", "10.77.0.3/24", "dev", "wan0")
    changed = time.monotonic()
    agent.wait_event("up", 20, start=n)
    assert time.monotonic() - changed < 6
    assert edge.get(tls=False).body == b"ok"


@pytest.mark.parametrize("one_way_ms,loss", [(25, 0), (25, 10)], ids=["50ms", "50ms-1percent"])
def test_r08_delay_and_loss(lab, one_way_ms, loss):
    """50 ms there and back, then with one packet in a hundred lost: every byte comes, nothing stalls."""
    base = os.urandom(1 << 16)
    n = 8 << 20
    edge, _, _ = over(lab, wan.Line(lab.folder, one_way_ms, 0, loss), {"/": ok, "/big": big(n, base)})
    want = hashlib.sha256(b"".join(pattern(n, base))).hexdigest()
    with edge.visitor(tls=False, deadline_s=60) as v:
        times = []
        for _ in range(10):
            start = time.monotonic()
            assert v.ask("GET", "/").body == b"ok"
            times.append(time.monotonic() - start)
        assert sorted(times)[5] < 0.05 * (3 if SANITIZED else 1.3), times  # one round trip
        start = time.monotonic()
        assert hashlib.sha256(v.ask("GET", "/big").body).hexdigest() == want
        assert time.monotonic() - start < 40


@pytest.mark.skipif(SANITIZED, reason="about speed")
def test_windows_grow_with_the_path(lab):
    """40 ms there and back: a fixed 256 KiB window could not be faster than 52 Mbit/s, on any machine."""
    n, slices = 256 << 20, []
    edge, _, _ = over(lab, wan.Line(lab.folder, 20), {"/big": big(n)})
    with edge.visitor(tls=False, deadline_s=60) as v:
        v.request("GET", "/big")
        v.head()
        start, left = time.monotonic(), n
        while left > 0:
            assert v.buffer or v.more()
            left -= len(v.take(left))
            if n - left > (len(slices) + 1) << 24:
                slices.append(8 * 16.8 / (time.monotonic() - start))
                start = time.monotonic()
    # The best stretch counts: this shares two processors with the rest of the suite.
    assert max(slices) > 200, f"{slices} Mbit/s"
