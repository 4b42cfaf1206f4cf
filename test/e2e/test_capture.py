# SPDX-License-Identifier: Apache-2.0
"""What passes through an agent is on its disk: whole, within limits, after a crash; and not where it must not be."""
import os
import shutil
import stat
import threading
import time

from capture import BODY, CLOSED, END, HEAD, ROW, everything, files, folder_of, modes, records
from http1 import Closed
from origin import Origin, big, echo, ok
from process import until

LONG = os.environ.get("ADIT_LONG")
MIB = 1 << 20


def served(lab, *options, prefix=(), env=None):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", *options, prefix=prefix, env=env)
    return edge, agent


def post(edge, body, path="/echo", headers=()):
    with edge.visitor() as v:
        m = v.ask("POST", path, body, headers)
    assert m.status == 200 and m.body == body
    return m


def test_heads_bodies_and_who_may_read_them(lab):
    edge, agent = served(lab)
    body = b"wanted-" + os.urandom(100_000)
    post(edge, body, "/echo?x=1", ["X-Secret: s3cret-value"])
    agent.stop()
    folder = folder_of(edge)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert modes(folder) == {0o600}
    found, left = records(files(folder)[0], check=True)
    assert left == 0
    of = [r[2] for r in found if r[0] == END]
    assert len(of) == 1, of  # the edge's own probe is nobody's visit
    for side in (0, 1):
        assert b"".join(r[3] for r in found if r[0] == BODY and r[1] == side) == body
    heads = {r[1] & 3: r[3] for r in found if r[0] == HEAD}
    assert sorted(heads) == [0, 1, 2, 3]
    assert heads[0].startswith(b"POST /echo?x=1 HTTP/1.1\r\n") and b"s3cret-value" in heads[0] and b"s3cret-value" in heads[2]
    assert heads[1].startswith(b"HTTP/1.1 200") and heads[3].startswith(b"HTTP/1.1 200")
    index, left = records(files(folder, ".idx")[0], check=True)
    assert left == 0 and [r[0] for r in index] == [END, CLOSED]


def test_off_writes_nothing(lab):
    edge, agent = served(lab, "--inspect", "off")
    post(edge, b"hidden-body")
    agent.stop()
    assert not os.path.exists(os.path.join(edge.folder, ".local/state/adit/capture"))


def test_heads_alone(lab):
    edge, agent = served(lab, "--inspect", "heads")
    post(edge, b"hidden-body")
    agent.stop()
    data = everything(folder_of(edge))
    assert b"POST /echo HTTP/1.1" in data and b"hidden-body" not in data


def test_never_stored(lab):
    origin = lab.keep(Origin(ok))
    edge = lab.edge()
    path = os.path.join(edge.folder, "never.yml")
    with open(path, "w") as f:
        f.write("inspect: { never_store: [X-Secret, \"?token\"], size: 64, days: 1 }\n"
                f"tunnels: {{ web: {{ origin: \"{origin.address}\", name: web }} }}\n")
    agent = lab.agent(edge, "start", "--all", "-f", path)
    with edge.visitor() as v:
        assert v.ask("POST", "/?token=t0ken-value&x=1", b"a-body", ["X-Secret: s3cret-value"]).body == b"ok"
    agent.stop()
    data = everything(folder_of(edge))
    assert b"a-body" in data and b"x=1" in data
    assert b"s3cret-value" not in data and b"t0ken-value" not in data


def test_killed_in_mid_write(lab):
    edge, agent = served(lab)
    ended = threading.Event()

    def visit():
        while not ended.is_set():
            try:
                post(edge, os.urandom(200_000))
            except (AssertionError, OSError, Closed):
                time.sleep(0.01)
    threads = [threading.Thread(target=visit) for _ in range(4)]
    for t in threads:
        t.start()
    folder = folder_of(edge)
    try:
        until(lambda: os.path.exists(folder) and files(folder) and os.path.getsize(files(folder)[0]) > 4 * MIB)
        agent.kill()
    finally:
        ended.set()
        for t in threads:
            t.join()
    with open(files(folder)[0], "ab") as f:
        f.write(b"AddR" + b"\x07" * 20)  # what a write leaves that a crash has cut
    n = len([1 for r in records(files(folder)[0])[0] if r[0] == END])
    assert n > 0
    again = lab.agent(edge, "http", agent.up["origin"], "--name", "web")
    post(edge, b"after")
    again.stop()
    old, new = files(folder)
    found, left = records(old)
    assert left == 0
    index, _ = records(files(folder, ".idx")[0])
    assert index[-1][0] == CLOSED
    rows = [r for r in index if r[0] in (END, ROW)]
    assert len(rows) >= n
    assert {r[2] for r in found if r[0] == HEAD} == {r[2] for r in rows}  # what was cut off has a row, too
    ids = [r[2] for r in records(new)[0]]
    assert min(ids) > max(r[2] for r in rows)  # they grow over restarts


def test_full_disk(lab):
    """Files may be 1 MiB long and no more: one line, and traffic goes on."""
    edge, agent = served(lab, prefix=(shutil.which("prlimit"), f"--fsize={MIB}", "--"))
    for _ in range(12):
        post(edge, os.urandom(200_000))
    until(lambda: "not kept on the disk any more" in agent.everything())
    post(edge, b"still served")
    assert agent.everything().count("not kept on the disk") == 1


def test_no_place(lab):
    edge, agent = served(lab, env={"HOME": "/proc/nothing"})
    assert "requests are not kept on the disk: " in agent.everything()
    post(edge, b"served")


def test_large_body_in_flat_memory(lab):
    size, base = (1024 if LONG else 64) * MIB, os.urandom(1 << 16)
    edge, agent, _ = lab.web(lab.origin({"/big": big(size, base), "": ok}))
    assert edge.get("/").body == b"ok"
    before = most = agent.rss_kb()
    with edge.visitor() as v:
        v.request("GET", "/big")
        assert v.head().get("content-length") == str(size)
        left, asked = size, size
        while left > 0:
            assert v.buffer or v.more()
            left -= len(v.take(left))
            if asked - left > 8 * MIB:
                most, asked = max(most, agent.rss_kb()), left
    assert most - before < 48 * 1024, (before, most)
    agent.stop()
    folder = folder_of(edge)
    assert sum(os.path.getsize(f) for f in files(folder)) < 18 * MIB
    kept = sum(len(r[3]) for f in files(folder) for r in records(f)[0] if r[0] == BODY)
    assert MIB < kept <= 16 * MIB + 2, kept  # less than the cap where the rate or the disk cut it
