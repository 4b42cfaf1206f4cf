# SPDX-License-Identifier: Apache-2.0
"""adit status, and the "up" of a tunnel: both say what the edge's own request through the tunnel found."""
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from agent_lab import Ended, Played
from hooks import secret_file, stored
from hostile import FakeAgent
from lab import ADIT, refusing_address
from process import WAIT_S, until


def status(edge, *names, token=None, code=None):
    """Its rows by name; with code: the exit code is this one."""
    done = subprocess.run([ADIT, "status", *names, "--json", "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file",
                           token or edge.token], capture_output=True, text=True, timeout=4 * WAIT_S,
                          env={"HOME": edge.folder, "PATH": "/usr/bin:/bin"})
    assert code in (None, done.returncode), (done.returncode, done.stdout, done.stderr)
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


def said(edge, *names):
    done = subprocess.run([ADIT, "status", *names, "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token],
                          capture_output=True, text=True, timeout=4 * WAIT_S, env={"HOME": edge.folder, "PATH": "/usr/bin:/bin"})
    return done.returncode, done.stdout, done.stderr


# --- up ---

def test_up_comes_after_a_probe(lab):
    edge, agent, origin = lab.web()
    assert agent.up["probe"] == "ok" and agent.up["status"] == 200 and agent.up["ms"] > 0
    assert origin.n_probes == 1 and origin.requests == []


@pytest.mark.parametrize("options", [["--for", "jenkins-bitbucket", "--store"], ["--deny", "0.0.0.0/0,::/0"]], ids=["store", "deny"])
def test_a_policy_does_not_keep_the_probe_out(lab, options):
    """Nor is it counted, stored, or answered by the edge."""
    edge, origin = lab.edge(), lab.origin()
    if "--for" in options:
        options = [*options, "--secret-file", secret_file(edge.folder)]
    agent = lab.agent(edge, "http", origin.address, "--name", "web", *options)
    assert agent.up["probe"] == "ok" and origin.n_probes == 1
    assert sum(w["requests"] for w in edge.status()["all"]["workers"]) == 0
    assert status(edge, code=0)["web"]["state"] == "online"
    assert origin.n_probes == 2 and origin.requests == []


def test_up_says_what_the_probe_met(lab):
    """Nobody listens; one who never answers; one who speaks no HTTP; one who refuses. Each is up within a bounded time."""
    edge = lab.edge()
    address, keeper = refusing_address()
    lab.keep(keeper)
    mute = threading.Event()

    def swallow(c):
        while c.more():
            pass
        mute.set()

    def garbage(c):
        c.through(b"\r\n\r\n")
        c.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")

    def angry(c):
        c.through(b"\r\n\r\n")
        c.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        c.more()
    for name, origin, code in (("refuses", address, "origin-refused"), ("mute", lab.origin(connected=swallow).address, "origin-silent"),
                               ("garbage", lab.origin(connected=garbage).address, None),
                               ("angry", lab.origin(connected=angry).address, "ok")):
        agent = lab.agent(edge, "http", origin, "--name", name, name=name)
        if code is None:
            assert agent.up["probe"] in ("origin-broke", "origin-bad-response"), agent.up
        else:
            assert agent.up["probe"] == code, agent.up
        assert agent.up.get("status") == (500 if name == "angry" else None)
    assert mute.wait(WAIT_S)  # its connection was given up
    rows = status(edge, code=1)
    assert {n: r["state"] for n, r in rows.items()} == {"angry": "online", "garbage": "failing", "mute": "failing", "refuses": "failing"}
    code, out, _ = said(edge, "refuses")
    assert code == 1 and "origin-refused: The agent is here" in out and "Start the local server" in out, out


def test_people_are_told_that_it_is_not_online(lab):
    edge = lab.edge()
    address, keeper = refusing_address()
    lab.keep(keeper)
    agent = lab.keep(Ended([ADIT, "http", address, "--name", "web", "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file",
                            edge.token], os.path.join(edge.folder, "plain.log"), {"HOME": edge.folder}, "agent"))
    line, _ = agent.wait_line(lambda x: "not online" in x)
    assert "origin-refused. The agent is here" in line


def test_up_does_not_wait_for_ever(lab):
    """An edge that promises the outcome of a probe: what it says comes with "up", once; its silence does not hold "up" back."""
    played = Played(lab)
    agent = played.start("http", lab.origin().address, "--name", "web")
    link = played.accept(up=False)
    assert link.hello["probe"] is True and link.hello["age_ms"] > 0 and link.hello["host"] == os.uname().nodename[:63]
    tunnels = [{"id": 1, "name": "web", "url": "https://web.localhost", "probe": True}]
    link.welcome(tunnels)
    link.control(type="probed", id=7, probe="ok", status=200, us=5)
    link.control(type="probed", id=1, probe="origin-tls", status=0, us=5)
    link.control(type="probed", id=1, probe="ok", status=200, us=5)
    assert agent.wait_event("up")["probe"] == "origin-tls"
    link.close()
    again = played.accept(up=False)
    assert again.hello["instance"] == link.hello["instance"] and again.hello["age_ms"] > link.hello["age_ms"]
    start = time.monotonic()
    again.welcome(tunnels)
    assert agent.wait_event("up", start=2)["probe"] == "edge-silent"
    assert 4 < time.monotonic() - start < 5 + WAIT_S
    assert sum(x.count('"event":"up"') for x in agent.lines) == 2


# --- status ---

def test_status_of_all_and_of_one(lab):
    """It works beside the agents that serve, and takes nothing from them."""
    edge, agent, origin = lab.web()
    tcp = lab.agent(edge, "tcp", lab.origin().address)
    gone = lab.agent(edge, "http", origin.address, "--name", "gone", name="gone")
    stranger, _ = edge.new_token("stranger")
    rows = status(edge, code=0)
    port = "tcp:" + tcp.url.rsplit(":", 1)[1]
    assert list(rows) == ["gone", port, "web"]
    web = rows["web"]
    assert web["state"] == "online" and web["probe"] == "ok" and web["url"] == agent.url
    assert web["link"]["agent"].startswith("adit/") and os.uname().nodename in web["link"]["who"]
    assert web["origin"]["status"] == 200 and web["origin"]["us"] > 0 and web["since_ms"] > 0
    assert rows[port]["state"] == "up" and rows[port]["url"] == tcp.url
    gone.kill()
    until(lambda: edge.status()["links"] == 2)
    rows = status(edge, code=1)
    assert rows["gone"]["state"] == "away" and rows["gone"]["since_ms"] >= web["since_ms"] and "link" not in rows["gone"]
    assert list(status(edge, "web", code=0)) == ["web"]
    assert status(edge, "nobody", "web", code=1)["nobody"]["state"] == "unknown"
    assert status(edge, "web", token=stranger, code=1)["web"]["state"] == "other"
    assert "url" not in status(edge, "web", token=stranger)["web"]
    assert status(edge, token=stranger, code=0) == {}
    assert agent.alive() and edge.get().body == b"ok"
    assert [x for x in agent.lines if x and "replaced" in x] == [] and origin.n_probes >= 4


def test_status_for_people(lab):
    edge, agent, _ = lab.web()
    code, out, err = said(edge)
    lines = out.splitlines()
    assert code == 0 and lines[0] == f"web online {agent.url}", out + err
    assert lines[1].startswith("  agent   adit/") and ", since 20" in lines[1] and os.uname().nodename in lines[1]
    assert lines[2].startswith("  server  answers 200 in ") and len(lines) == 3
    agent.kill()
    until(lambda: edge.status()["links"] == 0)
    code, out, _ = said(edge)
    assert code == 1 and out.splitlines()[0] == f"web away {agent.url}" and "none since 20" in out


def test_a_tunnel_that_is_meant_to_be_off_is_no_fault(lab):
    """Its agent was stopped, not lost: exit code 0, unless it is asked for by its name."""
    edge, agent, _ = lab.web()
    for how in (signal.SIGTERM, signal.SIGINT):
        off = lab.agent(edge, "http", lab.origin().address, "--name", "off")
        assert status(edge, code=0)["off"]["state"] == "online"
        off.signal(how)
        off.exits(0)
        until(lambda: edge.status()["links"] == 1)
        assert status(edge, code=0)["off"]["state"] == "off"
        assert status(edge, "off", code=1)["off"]["state"] == "off"
        code, out, err = said(edge)
        assert code == 0 and "off off https" in out and "agent   stopped at 20" in out, out + err
    lost = lab.agent(edge, "http", lab.origin().address, "--name", "off")
    lost.kill()
    until(lambda: edge.status()["links"] == 1)
    assert status(edge, code=1)["off"]["state"] == "away"


def test_off_outlives_a_restart_of_the_edge(lab):
    """And so does away; what came back after it was stopped is not off any more."""
    edge, origin = lab.edge(), lab.origin()
    agents = {name: lab.agent(edge, "http", origin.address, "--name", name) for name in ("off", "lost", "back")}
    tcp = lab.agent(edge, "tcp", origin.address)
    port = "tcp:" + tcp.url.rsplit(":", 1)[1]
    for agent in (agents["off"], agents["back"], tcp):
        agent.signal(signal.SIGTERM)
        agent.exits(0)
    agents["lost"].kill()
    until(lambda: edge.status()["links"] == 0)
    back = lab.agent(edge, "http", origin.address, "--name", "back")
    back.kill()
    until(lambda: edge.status()["links"] == 0)
    before = {name: row["state"] for name, row in status(edge, code=1).items()}
    assert before == {"off": "off", "lost": "away", "back": "away", port: "off"}
    edge.stop()
    edge = lab.edge(folder=edge.folder)
    assert {name: row["state"] for name, row in status(edge, code=1).items()} == before
    code, out, err = said(edge)
    assert code == 1 and out.count("agent   stopped at 20") == 2 and out.count("none since the edge was started") == 2, out + err
    lab.agent(edge, "http", origin.address, "--name", "off")
    assert status(edge, "off", code=0)["off"]["state"] == "online"


def test_status_tells_of_the_inbox(lab):
    edge, origin = lab.edge(), lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--for", "jenkins-bitbucket", "--secret-file",
                      secret_file(edge.folder))
    agent.kill()
    until(lambda: edge.status()["links"] == 0)
    for n in range(3):
        stored(edge, n)
    row = status(edge, code=1)["web"]
    assert row["inbox"]["queued"] + row["inbox"]["received"] == 3 and row["inbox"]["oldest_ms"] > 0
    out = said(edge)[1]
    assert "; the oldest waits since 20" in out and "3 " in out.split("inbox")[1]


def test_status_that_cannot_ask(lab):
    edge = lab.edge()
    path = os.path.join(edge.folder, "bad-token")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("adit_" + "x" * 43 + "\n")
    status(edge, token=path, code=2)
    edge.stop()
    status(edge, code=2)
    assert subprocess.run([ADIT, "status", "--no-probe"], capture_output=True, timeout=WAIT_S).returncode == 2


def test_many_names_come_in_pages(lab):
    """More than one answer of the edge holds; nothing is shown twice or left out."""
    edge = lab.edge()
    names = sorted(f"n{i:03}" for i in range(70))
    for name in names:
        edge.ctl("name", "reserve", name, "dev")
    rows = status(edge, code=1)
    assert list(rows) == names and {r["state"] for r in rows.values()} == {"away"}


def test_names_is_for_one_account_and_takes_nonsense(lab):
    edge, _, _ = lab.web()
    token, _ = edge.new_token("stranger")
    with FakeAgent(edge, token=token) as link:
        link.wait_control("welcome")
        for members in ({}, {"after": 7}, {"after": None}, {"after": "\u0001"}, {"after": "x" * 300}):
            link.control(type="names", **members)
            assert link.wait_control("names") == {"type": "names", "names": [], "more": False}
        link.control(type="probe", name="web", through=True)
        answer = link.wait_control("probe")
        assert answer["state"] == "other" and "ticket" not in answer and "origin" not in answer
