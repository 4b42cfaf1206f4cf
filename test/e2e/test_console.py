# SPDX-License-Identifier: Apache-2.0
"""The status screen on a terminal: what it shows, its keys, and that the terminal is sane after any end of it."""
import contextlib
import base64
import os
import re
import shutil
import signal
import subprocess

import pytest

from lab import ADIT
from origin import Origin
from process import WAIT_S, free_port, until
from terminal import Terminal, pyte


def argv_of(edge, address, *args):
    return [ADIT, "http", address, "--name", "web", "--edge", edge.ready["https"], "--ca", edge.ca,
            "--token-file", edge.token, *args]


def environment(edge, **more):
    env = {"PATH": os.environ["PATH"], "HOME": edge.folder, "no_proxy": "*", "TZ": "UTC", "TERM": "xterm-256color",
           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "LC_ALL": "C.UTF-8"}
    return {**env, **more}


@contextlib.contextmanager
def screen(edge, address, *args, columns=80, lines=24, wait="online ", **env):
    t = Terminal(argv_of(edge, address, *args), environment(edge, **env), columns, lines)
    try:
        t.shows(wait)
        yield t
    finally:
        t.close()


@pytest.mark.parametrize("columns, lines", [(80, 24), (40, 10), (120, 30), (200, 60)])
def test_it_shows_state_tunnels_and_requests(lab, columns, lines):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address, columns=columns, lines=lines) as t:
        assert edge.get("/hook?token=secret").body == b"ok"
        assert edge.get("/second").body == b"ok"
        t.shows("GET /second", "GET /hook")
        text = t.lines()
        assert text[0].startswith("online   asked through the tunnel")
        assert "https://web.localhost" in t.text() and "following" in text[-1]
        assert "secret" not in t.text()
        until(t.agree)
        assert not t.picture.strange
        t.send(b"q")
        t.ended(0)
        assert "https://web.localhost" in t.picture.main and "2 requests" in t.picture.main
    if pyte is None:
        pytest.skip("python3-pyte is not installed: only our own reader has looked")


def test_keys_filter_and_one_exchange(lab):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address) as t:
        for path in ("/one", "/two", "/three"):
            assert edge.get(path).body == b"ok"
        t.shows("GET /three", "following")
        t.send(b"j")
        t.shows("standing still")
        assert edge.get("/four").body == b"ok"
        t.shows("1 newer")
        assert "/four" not in t.text()
        t.send(b"\x1b[B\r")  # down, Enter: the second newest
        t.shows("request     GET /two", "the local server answered", "Esc back")
        t.send(b"\x1b")
        t.shows("standing still" if "/four" in t.text() else "newer")
        t.send(b"\x1b[H")
        t.shows("GET /four", "following")
        t.send(b"/path:/o")
        t.shows("filter: path:/o", "GET /one")
        until(lambda: "GET /two" not in t.text())
        t.send(b"\x7fzzz\r")
        t.shows("Nothing matches this filter")
        t.send(b"\x1b")
        t.shows("GET /four")
        t.send(b"?")
        t.shows("next and previous row")
        assert "send this request once more" in t.text() and "the inspector's link" in t.text()
        t.send(b"?jj")
        t.shows("standing still")
        n = len(origin.requests)
        t.send(b"r")
        t.shows("sent again")
        until(lambda: len(origin.requests) == n + 1, WAIT_S, t)
        assert origin.requests[-1].raw_head in [r.raw_head for r in origin.requests[:n]]
        t.send(b"o")
        t.shows("copied http://127.0.0.1:")
        assert re.fullmatch(rb"http://127\.0\.0\.1:\d+/#/r/\d+", base64.b64decode(t.picture.copied.pop()))
        t.send(b"gy")
        until(lambda: t.picture.copied == [b"aHR0cHM6Ly93ZWIubG9jYWxob3N0" + edge_port(edge)], WAIT_S, t)
        t.shows("copied https://web.localhost")
        t.send(b"m")
        until(lambda: t.picture.mouse)
        t.send(b"q")
        t.ended(0)  # without a mouse


def edge_port(edge):
    """The rest of base64 of https://web.localhost:PORT, whose host fills whole groups of three."""
    import base64
    return base64.b64encode(b":%d" % edge.https[1])


def test_the_first_word_is_true(lab):
    """The edge goes, and comes back; the local server goes, and comes back."""
    edge, port = lab.edge(), free_port()
    origin = lab.keep(Origin(port=port))
    with screen(edge, str(port)) as t:
        origin.close()
        assert edge.get("/").status == 502
        t.shows("failing  ", " -/ ", seconds=12 * WAIT_S)
        lab.keep(Origin(port=port))
        t.shows("online   asked", "web is online again", seconds=12 * WAIT_S)
        folder, https = edge.folder, edge.https[1]
        edge.stop()
        t.shows("reconnecting ", "(attempt ", "unknown", "not live")
        assert "asked" not in t.lines()[0]
        t.send(b"q")
        t.ended(0)
    assert folder and https


def test_a_refused_token_is_said_on_the_main_screen(lab):
    edge, origin = lab.edge(), lab.origin()
    bad = os.path.join(edge.folder, "bad")
    with open(os.open(bad, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("no-such-token-at-all\n")
    argv = argv_of(edge, origin.address)
    argv[argv.index("--token-file") + 1] = bad
    t = Terminal(argv, environment(edge))
    try:
        t.ended(3)
        assert "refused by the edge: " in t.picture.main, t.picture.main
    finally:
        t.close()


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"CI": "1"}, {"ADIT_PLAIN": "1"}, {"ACCESSIBLE": "1"}])
def test_lines_where_nobody_wants_a_screen(lab, env):
    edge, origin = lab.edge(), lab.origin()
    t = Terminal(argv_of(edge, origin.address), environment(edge, **env))
    try:
        until(lambda: "https://web.localhost" in t.picture.main, 4 * WAIT_S, t)
        assert b"\x1b" not in t.raw
    finally:
        t.close()


@pytest.mark.parametrize("form, wanted", [("logfmt", " event=up name=web url=https://web.localhost"),
                                          ("json", '{"event":"up","name":"web"'), ("plain", "https://web.localhost")])
def test_log_is_lines_even_on_a_terminal(lab, form, wanted):
    edge, origin = lab.edge(), lab.origin()
    t = Terminal(argv_of(edge, origin.address, "--log", form), environment(edge))
    try:
        until(lambda: wanted in t.picture.main, 4 * WAIT_S, t)
        assert b"\x1b" not in t.raw
    finally:
        t.close()


def test_no_color(lab):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address, NO_COLOR="1") as t:
        assert b";32m" not in t.raw and b"\x1b[0;1m" in t.raw
    with screen(edge, origin.address) as t:
        assert b";32m" in t.raw


def test_resize(lab):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address) as t:
        assert edge.get("/hook").body == b"ok"
        for columns, lines in ((120, 30), (40, 10), (30, 5), (3, 2), (200, 60)):
            t.resize(columns, lines)
            t.shows("on" if columns < 10 else "online")
            if columns >= 40:
                t.shows("GET /hook", "following")
                assert t.lines()[-1].endswith("following")
            until(t.agree)
        t.send(b"q")
        t.ended(0)


# A shell with jobs: the program may stop and go on.
JOBS = 'set -m; read go; "$@"; echo "[stopped=$?]"; read go; fg >/dev/null; echo "[rc=$?]"; read go'


def test_suspend_and_go_on(lab):
    edge, origin = lab.edge(), lab.origin()
    t = Terminal(argv_of(edge, origin.address), environment(edge), shell=JOBS)
    try:
        t.shows("online ")
        t.send(b"\x1a")
        until(lambda: "[stopped=" in t.picture.main and t.is_sane(), 4 * WAIT_S, t)
        t.resize(100, 30)
        t.send(b"\n")
        t.shows("online ", "following")
        assert len(t.lines()[-1]) == 100  # of the new size
        assert edge.get("/after").body == b"ok"
        t.shows("GET /after")
        t.send(b"q")
        t.ended(0)
    finally:
        t.close()


@pytest.mark.parametrize("sig", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGQUIT",
                                 "SIGUSR1", "SIGALRM"])
def test_the_terminal_is_sane_after_any_signal(lab, sig):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address) as t:
        assert not t.is_sane()
        os.kill(t.program(), getattr(signal, sig))
        t.ended(killed=sig not in ("SIGTERM", "SIGHUP", "SIGINT"))
        until(lambda: not watchers(), WAIT_S)
        if sig in ("SIGTERM", "SIGHUP", "SIGINT"):
            assert "[rc=0]" in t.picture.main and "0 requests" in t.picture.main


def watchers():
    """Processes that wait for an agent's end, as children of ours or of whoever takes orphans."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if open(f"/proc/{pid}/comm").read() == "adit-terminal\n" and os.stat(f"/proc/{pid}").st_uid == os.getuid():
                found.append(int(pid))
    return found if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") == "1" else []


def test_killed_at_many_instants_it_leaves_a_sane_terminal(lab):
    """SIGKILL, which no program can catch, from before the first byte to long after it."""
    edge, origin = lab.edge(), lab.origin()
    for n in range(24):
        t = Terminal(argv_of(edge, origin.address), environment(edge))
        try:
            pid = t.program()
            if n % 2:
                until(lambda t=t: len(t.raw) > 40 * n or not t.is_sane(), WAIT_S, t)
            for _ in range(n * 2000):
                pass
            os.kill(pid, signal.SIGKILL)
            t.ended(137, killed=True)
        finally:
            t.close()


def test_what_is_written_to_standard_error_is_told_at_the_end(lab):
    """The log would tear the screen: its last line is a notice, and all of it stands behind the screen."""
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address, "--log-level", "debug") as t:
        assert edge.get("/hook").body == b"ok"
        t.shows("GET /hook")
        until(t.agree)
        edge.stop()
        t.shows("reconnecting ")
        t.send(b"q")
        t.ended(0)
        assert "event=link-closed" in t.picture.main or "level=debug" in t.picture.main, t.picture.main


def test_hostile_paths_stand_there(lab):
    edge, origin = lab.edge(), lab.origin()
    with screen(edge, origin.address, columns=120) as t:
        assert edge.get("/%1b%5b2J/" + "x" * 300).body == b"ok"
        v = edge.visitor()
        v.send(b"GET /\xe6\x97\xa5\xe2\x80\xae\xe2\x80\x8b HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        with contextlib.suppress(Exception):
            v.response()
        t.shows("GET /%1b%5b2J/")
        assert not t.picture.strange and "\u202e" not in t.text()
        until(t.agree)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux(lab, tmp_path):
    edge, origin = lab.edge(), lab.origin()
    tmux = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux")]

    def run(*args):
        return subprocess.run([*tmux, *args], capture_output=True, text=True, timeout=4 * WAIT_S,
                              env=environment(edge)).stdout

    def pane():
        return run("capture-pane", "-p", "-t", "t")
    try:
        command = " ".join(argv_of(edge, origin.address))
        run("new-session", "-d", "-s", "t", "-x", "80", "-y", "24", f"{command}; echo rc=$?; stty -a; read go")
        until(lambda: "online " in pane() and "following" in pane(), 4 * WAIT_S)
        assert edge.get("/hook").body == b"ok"
        until(lambda: "GET /hook" in pane(), WAIT_S)
        run("resize-window", "-t", "t", "-x", "120", "-y", "32")
        until(lambda: "METHOD, PATH" in pane(), WAIT_S)
        run("send-keys", "-t", "t", "q")
        until(lambda: "rc=0" in pane() and " echo " in pane() and " icanon " in pane(), WAIT_S)
        assert "following" not in pane()
    finally:
        run("kill-server")
