# SPDX-License-Identifier: Apache-2.0
"""What the agent shows: on a terminal, through a pipe whose reader goes, and where the set-up is wrong."""
import contextlib
import os
import pty
import re
import subprocess

import pytest

from agent_lab import GET, TLS, Played
from lab import ADIT
from origin import Origin, fixed, raw_then_close
from process import WAIT_S, free_port, until


def argv_of(edge, address, *args):
    return [ADIT, "http", address, "--name", "web", "--edge", edge.ready["https"], "--ca", edge.ca,
            "--token-file", edge.token, *args]


def environment(edge):
    return {"PATH": os.environ["PATH"], "HOME": edge.folder, "no_proxy": "*", "TZ": "UTC",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


@contextlib.contextmanager
def on_a_terminal(edge, address, *args):
    """The agent's standard output is a terminal; yields how to read all that it has shown until now."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def look():
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(ours, 4096):
                shown.extend(data)
        return shown.decode("utf-8", "replace").replace("\r\n", "\n")
    os.set_blocking(ours, False)
    with open(os.path.join(edge.folder, "terminal.log"), "wb") as log:
        agent = subprocess.Popen(argv_of(edge, address, *args), stdout=theirs, stderr=log, env=environment(edge))
    os.close(theirs)
    try:
        until(lambda: " -> " in look(), 4 * WAIT_S)
        yield look
    finally:
        agent.terminate()
        agent.wait(4 * WAIT_S)
        os.close(ours)


def test_requests_are_shown_on_a_terminal(lab):
    edge, origin = lab.edge(), lab.origin()
    with on_a_terminal(edge, origin.address) as look:
        assert edge.get("/hook?token=secret").body == b"ok"
        assert edge.get("/second").body == b"ok"
        until(lambda: "/second" in look())
        text = look()
        lines = re.findall(r"^\d\d:\d\d:\d\d web GET (\S+) 200 \d+\.\d ms$", text, re.M)
        assert lines == ["/hook", "/second"], text
        assert "secret" not in text


def test_the_edges_own_request_is_not_shown(lab):
    edge, origin = lab.edge(), lab.origin()
    with on_a_terminal(edge, origin.address) as look:
        assert edge.get("/hook").body == b"ok"
        until(lambda: "/hook" in look())
        assert "HEAD" not in look() and "URL to paste" not in look(), look()


def test_what_was_not_online_is_told_when_it_is(lab):
    """By a look at the origin, without any visitor."""
    edge, port = lab.edge(), free_port()
    with on_a_terminal(edge, str(port)) as look:
        assert "not online yet:" in look(), look()
        lab.keep(Origin(port=port))
        until(lambda: re.search(r"^web: online since \d\d:\d\d:\d\d$", look(), re.M), 12 * WAIT_S)


def test_a_scheme_implies_store_and_says_so(lab):
    edge, origin = lab.edge(), lab.origin()
    secret = os.path.join(edge.folder, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("correct-horse-battery\n")
    with on_a_terminal(edge, origin.address, "--scheme", "github", "--secret-file", secret) as look:
        assert "(store: --scheme implies --store)" in look() and "URL to paste:" in look(), look()
        assert edge.get("/").status == 405  # what is no webhook is that, whoever signed it
    for args, said in ((["--scheme", "gihub", "--secret-file", secret], "no such scheme; there are: bitbucket, github,"),
                       (["--scheme", "github"], "--scheme github needs --secret-file FILE")):
        done = subprocess.run(argv_of(edge, origin.address, *args), capture_output=True, text=True, timeout=4 * WAIT_S,
                              env=environment(edge))
        assert done.returncode == 2 and said in done.stderr, done


def test_quiet_terminal(lab):
    edge, origin = lab.edge(), lab.origin()
    with on_a_terminal(edge, origin.address, "--quiet") as look:
        assert edge.get("/hook").body == b"ok"
        origin.wait_requests(1)
        assert edge.get("/second").body == b"ok"
        assert " GET " not in look(), look()


def test_example_of_the_manual_ends(lab):
    """adit http 8080 --json | grep -m1 up"""
    edge, origin = lab.edge(), lab.origin()
    log = os.path.join(edge.folder, "pipe.log")
    with open(log, "wb") as f:
        agent = subprocess.Popen(argv_of(edge, origin.address, "--json"), stdout=subprocess.PIPE, stderr=f,
                                 env=environment(edge))
        grep = subprocess.run(["grep", "-m1", '"event":"up"'], stdin=agent.stdout, capture_output=True,
                              timeout=6 * WAIT_S)
        agent.stdout.close()
    assert grep.returncode == 0 and b'"name":"web"' in grep.stdout
    assert agent.wait(4 * WAIT_S) == 0, open(log).read()


def test_no_edge_says_what_one_is(lab):
    done = subprocess.run([ADIT, "http", "8080"], capture_output=True, text=True, timeout=6 * WAIT_S,
                          env={"HOME": lab.folder, "PATH": os.environ["PATH"]})
    assert done.returncode == 2
    for words in ("no edge: an edge is", "adit login URL", "aditd --dev DIR"):
        assert words in done.stderr


def alert(c):
    c.head()
    c.send(b"\x15\x03\x01\x00\x02\x02\x46")  # a TLS record: fatal, protocol_version


@pytest.mark.parametrize("origin, code", [
    (lambda: Origin(connected=alert), TLS),
    (lambda: Origin(raw_then_close(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")), None),
    (lambda: Origin(fixed(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 49\r\n\r\n"
                          b"The plain HTTP request was sent to HTTPS port....")), None),
], ids=["alert", "go", "nginx"])
def test_origin_that_speaks_tls_on_a_plain_address(lab, origin, code):
    origin = lab.keep(origin())
    played = Played(lab)
    agent = played.serve("http", origin.address, "--name", "web")
    for _ in range(2):
        got = played.ask(GET)
        assert got == code if code else b"HTTPS" in got
    said = agent.wait_event("origin-tls", name="web")
    assert f"use https://{origin.address}" in said["text"]
    assert len([x for x in agent.lines if x and '"origin-tls"' in x]) == 1
