# SPDX-License-Identifier: Apache-2.0
"""The agent's link: how it begins, breaks, comes back, is refused, taken over, and ended."""
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

import pytest

from agent_lab import GET, Played
from hostile import CONTROL, GOAWAY, PING
from lab import ADIT, refusing_address
from origin import Origin, ok
from process import WAIT_S, until
from proxies import Proxy

SHUTDOWN, BUSY, REPLACED, REVOKED = 7, 8, 5, 6


def goaway(link, code, retry_ms=0):
    link.put(GOAWAY, 0, 0, struct.pack("!III", 0, code, retry_ms))


@pytest.fixture
def played(lab):
    made = Played(lab)
    made.origin = lab.keep(Origin(ok))
    return made


def web(played, *args, **kw):
    return played.serve("http", played.origin.address, "--name", "web", *args, **kw)


def test_hello(played):
    """What the agent says, and what it prints when it is answered."""
    agent = web(played)
    hello = played.link.hello
    with open(played.real.token) as f:
        assert hello["token"] == f.read().strip()
    assert hello["protocol"] == 1 and hello["agent"].startswith("adit/")
    assert hello["tunnels"] == [{"id": 1, "kind": "http", "name": "web"}]
    up = agent.wait_event("up")
    assert up.pop("web").startswith("127.0.0.1:40")
    assert up == {"event": "up", "name": "web", "url": "https://t1.localhost", "origin": f"http://{played.origin.address}"}


def test_unnamed_tunnel_keeps_its_key(played):
    """The same origin on the same machine has the same key, another origin another."""
    keys = []
    for origin in ("8080", "8080", "8081"):
        agent = played.serve("http", origin)
        tunnel, = played.link.hello["tunnels"]
        assert "name" not in tunnel or not tunnel["name"]
        keys.append(tunnel["key"])
        agent.stop()
    assert keys[0] == keys[1] != keys[2]


def test_start_runs_tunnels_of_the_file_on_one_link(played):
    path = os.path.join(played.real.folder, "adit.yml")
    with open(path, "w") as f:
        f.write(f"tunnels:\n  ci:\n    origin: {played.origin.address}\n    name: jenkins\n"
                "  any: {origin: 8081}\n  ssh: {kind: tcp, origin: 22, port: 2222}\n")
    agent = played.serve("start", "--all", "-f", path)
    assert played.link.hello["tunnels"] == [
        {"id": 1, "kind": "http", "name": "jenkins"}, {"id": 2, "kind": "http", "key": "any"},
        {"id": 3, "kind": "tcp", "port": 2222, "key": "ssh"}]
    agent.stop()
    agent = played.serve("start", "-f", path, "ssh", "ci")
    assert [t["kind"] for t in played.link.hello["tunnels"]] == ["tcp", "http"]
    agent.wait_event("up", origin=f"http://{played.origin.address}")
    assert played.ask(tunnel=2).endswith(b"ok")


def test_first_connect_is_retried_like_any_other(lab, played):
    """The edge is not there yet; nobody has to start the agent again."""
    address, keeper = refusing_address()
    agent = played.start("http", "8080", "--name", "web", edge="https://localhost:" + address.rsplit(":", 1)[1])
    first = agent.wait_event("retry")
    assert first["reason"].startswith("the edge https://localhost:") and 500 <= first["in_ms"] <= 1000
    agent.wait_line(lambda line: json.loads(line)["event"] == "retry", start=1)
    keeper.close()
    port = int(address.rsplit(":", 1)[1])
    played.fake.sock.close()
    played.fake.sock = socket.create_server(("127.0.0.1", port))
    played.fake.sock.settimeout(3 * WAIT_S)
    played.accept()
    agent.wait_event("up")


def test_link_breaks_and_comes_back(played):
    agent = web(played)
    stream = played.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", fin=False)
    assert stream == 1
    played.link.close()
    agent.wait_event("down")
    agent.wait_event("retry")
    played.accept()
    agent.wait_event("up", start=3)
    assert played.ask().endswith(b"ok")
    until(lambda: len(played.origin.open) == 1)  # the one that is kept: what was cut is gone


def test_edge_that_answers_no_hello(played):
    """It accepts and says nothing, or something that is no welcome: the agent comes again."""
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.put(CONTROL, payload=b"[1, 2]")
    assert "malformed" in agent.wait_event("retry")["reason"]
    link = played.accept(up=False)
    link.put(CONTROL, payload=b'{"type":"from-a-later-version"}')
    played.link.welcome([{"id": 1, "name": "web", "url": "https://web.localhost"}])
    agent.wait_event("up")


def test_certificates_are_always_checked(lab, played):
    """An edge with a certificate of another CA, or one that speaks no TLS, gets no HELLO."""
    other = lab.edge()
    agent = played.start("http", "8080", "--name", "web", ca=other.ca)
    with pytest.raises(ssl.SSLError):
        played.fake.accept()
    reason = agent.wait_event("retry")["reason"]
    assert "certificate" in reason.lower(), reason
    agent.stop()
    plain = lab.keep(socket.create_server(("127.0.0.1", 0)))
    agent = played.start("http", "8080", "--name", "web", edge=f"https://localhost:{plain.getsockname()[1]}")
    sock, _ = plain.accept()
    with sock:
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert b"adit_" not in sock.recv(65536)
    agent.wait_event("retry")


def test_bad_token(played):
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.control(type="refused", code="bad-token", text="this edge does not know this token", retry_ms=0)
    goaway(link, REVOKED)
    assert agent.wait_event("refused")["code"] == "bad-token"
    agent.exits(3)


def test_revoked_later(played):
    agent = web(played)
    goaway(played.link, REVOKED)
    agent.exits(3)
    assert agent.wait_line(lambda line: "revoked" in line)


def test_refusal_that_passes_sets_the_pace(played):
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.control(type="refused", code="too-many-failures", text="wait a little", retry_ms=1500)
    goaway(link, BUSY, 1500)
    assert 1500 <= agent.wait_event("retry")["in_ms"] <= 2000
    start = time.monotonic()
    played.accept()
    assert time.monotonic() - start > 1
    agent.wait_event("up")


def test_one_refused_tunnel_does_not_fail_the_link(played):
    path = os.path.join(played.real.folder, "adit.yml")
    with open(path, "w") as f:
        f.write(f"tunnels:\n  a: {{origin: {played.origin.address}, name: aa}}\n  b: {{origin: 8081, name: bb}}\n")
    agent = played.start("start", "--all", "-f", path)
    link = played.accept(up=False)
    link.welcome([{"id": 1, "name": "aa", "url": "https://aa.localhost"},
                  {"id": 2, "error": "name-taken", "text": "it belongs to another account"}])
    assert agent.wait_event("refused") == {"event": "refused", "name": "b", "code": "name-taken",
                                           "text": "it belongs to another account"}
    agent.wait_event("up", name="aa")
    assert played.ask().endswith(b"ok")
    assert played.ask(tunnel=2) == 14


def test_every_tunnel_refused(played):
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.welcome([{"id": 1, "error": "name-taken", "text": "it belongs to another account"}])
    agent.exits(3)


def test_edge_without_a_store_for_now(played):
    """No fault of the tunnel: it is asked for again."""
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.welcome([{"id": 1, "error": "store-full", "text": "the disk is full"}])
    agent.wait_event("retry")
    played.accept()
    agent.wait_event("up")


def test_replaced(played):
    """A newer agent of the account has the tunnel: this one does not fight for it."""
    agent = web(played)
    played.link.control(type="replaced", id=1, text="a newer link serves it")
    agent.wait_event("replaced", name="web")
    agent.exits(4)


def test_replaced_in_part(played):
    """The other tunnel goes on, and the lost one is not asked for again."""
    path = os.path.join(played.real.folder, "adit.yml")
    with open(path, "w") as f:
        f.write(f"tunnels:\n  a: {{origin: {played.origin.address}, name: aa}}\n"
                f"  b: {{origin: {played.origin.address}, name: bb}}\n")
    agent = played.serve("start", "--all", "-f", path)
    agent.wait_event("up", name="bb")
    played.link.control(type="replaced", id=1, text="a newer link serves it")
    agent.wait_event("replaced", name="aa")
    assert played.ask(tunnel=1) == 14
    assert played.ask(tunnel=2).endswith(b"ok")
    played.link.close()
    played.accept()
    assert [t["name"] for t in played.link.hello["tunnels"]] == ["bb"]
    played.link.control(type="replaced", id=2, text="a newer link serves it")
    agent.exits(4)


def test_goaway_sets_the_pace_and_open_streams_end(lab):
    """The edge restarts: what runs ends on the old link while the new one is made."""
    hold = threading.Event()

    def slow(c, request):
        hold.wait(2 * WAIT_S)
        c.answer(b"late")
    played = Played(lab)
    played.origin = lab.keep(Origin({"/slow": slow, "": ok}))
    agent = web(played)
    stream = played.open(GET.replace(b" / ", b" /slow "))
    played.origin.wait_requests(1)
    old = played.link
    goaway(old, SHUTDOWN, 700)
    agent.wait_event("down")
    assert 700 <= agent.wait_event("retry")["in_ms"] <= 1200
    new = played.accept()
    agent.wait_event("up", start=3)
    assert played.ask().endswith(b"ok")
    hold.set()
    played.link = old
    assert played.whole(stream).endswith(b"late")
    assert old.end() is not None  # the agent ends it once it is drained
    played.link = new
    assert played.ask().endswith(b"ok")


def test_stop_lets_open_streams_end(lab):
    hold = threading.Event()

    def slow(c, request):
        hold.wait(2 * WAIT_S)
        c.answer(b"late")
    played = Played(lab)
    played.origin = lab.keep(Origin(slow))
    agent = web(played)
    stream = played.open(GET)
    played.origin.wait_requests(1)
    agent.signal(SIGTERM)
    assert agent.wait_event("stopping")["open"] == 1
    assert struct.unpack("!I", played.link.wait(GOAWAY)[3][4:8])[0] == SHUTDOWN
    hold.set()
    assert played.whole(stream).endswith(b"late")
    agent.exits(0)


def test_a_welcome_behind_the_signal_to_stop_starts_nothing(lab):
    """The old link still has a stream, the next one waits for its welcome: what the edge says now comes too late."""
    hold = threading.Event()

    def slow(c, request):
        hold.wait(2 * WAIT_S)
        c.answer(b"late")
    played = Played(lab)
    played.origin = lab.keep(Origin(slow))
    agent = web(played)
    stream = played.open(GET)
    played.origin.wait_requests(1)
    old = played.link
    goaway(old, SHUTDOWN, 1)
    agent.wait_event("down")
    new = played.accept(up=False)
    agent.signal(SIGTERM)
    assert agent.wait_event("stopping")["open"] == 1
    new.welcome([{"id": 1, "name": "web", "url": "https://web.localhost"}])
    new.put(PING, 0, 0, b"behindit")
    assert new.wait(PING)  # the welcome was read
    hold.set()
    played.link = old
    assert played.whole(stream).endswith(b"late")
    agent.exits(0)
    assert [json.loads(x)["event"] for x in agent.lines if x].count("up") == 1


def test_second_signal_ends_at_once(lab):
    hold = threading.Event()
    played = Played(lab)
    played.origin = lab.keep(Origin(lambda c, request: hold.wait(2 * WAIT_S)))
    agent = web(played)
    played.open(GET)
    played.origin.wait_requests(1)
    agent.signal(SIGINT)
    agent.wait_event("stopping")
    start = time.monotonic()
    agent.signal(SIGINT)
    agent.exits(0)
    hold.set()
    assert time.monotonic() - start < 3


def test_stop_while_waiting(played):
    address, keeper = refusing_address()
    agent = played.start("http", "8080", "--name", "web", edge="https://localhost:" + address.rsplit(":", 1)[1])
    agent.wait_event("retry")
    agent.signal(SIGTERM)
    agent.exits(0)
    keeper.close()


def test_r03_a_stopped_agent_looks_at_its_link_at_once(played):
    """It was frozen for a while: it does not trust the link, asks, and keeps it when it is answered."""
    agent = web(played)
    agent.signal(SIGSTOP)
    wait_s(8)
    agent.signal(SIGCONT)
    start = time.monotonic()
    assert ping_came(played.link)
    assert time.monotonic() - start < 4
    assert played.ask().endswith(b"ok")
    assert [json.loads(x)["event"] for x in agent.lines if x] == ["up"]


def ping_came(link):
    """Reads frames until one is a PING of the agent's own, and answers it."""
    while True:
        word, _ = struct.unpack("!II", link.exactly(8))
        payload = link.exactly(word >> 8)
        if word >> 4 & 15 == PING and not word & 1:
            link.put(PING, 1, 0, payload)
            return True


def test_r03_a_link_that_does_not_answer_is_replaced_at_once(played):
    """The same, but the edge is not there any more: no pause, no 15 s."""
    agent = web(played)
    agent.signal(SIGSTOP)
    wait_s(8)
    agent.signal(SIGCONT)
    start = time.monotonic()
    played.accept()  # the old link stays open and silent
    assert time.monotonic() - start < 6
    agent.wait_event("down")
    assert agent.wait_event("retry")["in_ms"] == 0
    agent.wait_event("up", start=3)
    assert played.ask().endswith(b"ok")


def wait_s(s):
    """For what only real time can do: a process that is stopped does not see it pass."""
    threading.Event().wait(s)


def test_a_welcome_of_a_later_protocol_ends_the_link(played):
    agent = played.start("http", "8080", "--name", "web")
    link = played.accept(up=False)
    link.control(type="welcome", protocol=2, edge="later/2", account="a", generation=1, tunnels=[])
    assert link.wait(GOAWAY)
    assert "later protocol" in agent.wait_event("retry")["reason"]


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_proxy_from_the_environment(lab, played, kind):
    """CONNECT and SOCKS5 with a password; the proxy gets the edge's name, not its address."""
    port = int(played.url.rsplit(":", 1)[1])
    proxy = lab.keep(Proxy(kind, ("127.0.0.1", port)))
    name = {"http": "https_proxy", "socks5": "ALL_PROXY"}[kind]
    agent = played.start("http", played.origin.address, "--name", "web", edge=f"https://edge.adit.localhost:{port}",
                         env={name: f"{kind}://ann:p%40ss@{proxy.address}", "no_proxy": "other.localhost"})
    try:
        played.accept()
    except ssl.SSLError:
        pass  # the certificate is for localhost: what counts here is the way to the edge
    until(lambda: proxy.asked)
    assert proxy.asked[0] == ("edge.adit.localhost", port, "ann:p@ss")
    agent.stop()


def test_proxy_that_refuses(lab, played):
    server = lab.keep(socket.create_server(("127.0.0.1", 0)))

    def refuse():
        sock, _ = server.accept()
        with sock:
            sock.recv(4096)
            sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    threading.Thread(target=refuse, daemon=True).start()
    agent = played.start("http", "8080", "--name", "web", edge="https://edge.localhost:443",
                         env={"HTTPS_PROXY": f"http://127.0.0.1:{server.getsockname()[1]}", "no_proxy": ""})
    assert "user and password" in agent.wait_event("retry")["reason"]


@pytest.mark.parametrize("value", ["https://127.0.0.1:3128", "socks4://127.0.0.1:1080", "http://127.0.0.1:99999"])
@pytest.mark.parametrize("command", [["http", "8080"], ["inbox", "list"]])
def test_proxy_that_is_not_supported_is_told_at_once(lab, played, value, command):
    agent = played.start(*command, edge="https://edge.localhost:443", env={"https_proxy": value, "no_proxy": ""})
    agent.exits(2)
    assert "https_proxy in the environment: " in agent.logged(), agent.logged()


def test_this_machine_needs_no_proxy(played):
    agent = web(played, env={"https_proxy": "http://127.0.0.1:1", "no_proxy": ""})
    assert agent.alive()


def test_reader_that_does_not_read(played):
    """A script that takes the first line and forgets the pipe: requests go on."""
    child = subprocess.Popen([ADIT, "http", played.origin.address, "--name", "web", "--log-level", "debug", "--edge",
                              played.url, "--ca", played.real.ca, "--token-file", played.real.token],
                             stdout=subprocess.PIPE)
    try:
        played.accept()
        assert b" -> " in child.stdout.readline()
        path = b"/" + b"x" * 90
        for _ in range(700):  # more lines than a pipe holds
            assert played.ask(GET.replace(b"/", path, 1)).endswith(b"ok")
    finally:
        child.terminate()
    assert child.wait(WAIT_S) == 0
    child.stdout.close()


def in_own_network():
    """Runs the calling test once more in a network namespace of its own; None inside of it."""
    if os.environ.get("ADIT_OWN_NETWORK"):
        return None
    test = os.environ["PYTEST_CURRENT_TEST"].split(" ")[0]
    if subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        pytest.skip("no network namespaces here")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return subprocess.run(["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-B", "-m",
                           "pytest", "-q", "-p", "no:cacheprovider", test], cwd=root, capture_output=True, text=True,
                          env={**os.environ, "ADIT_OWN_NETWORK": "1"}, timeout=12 * WAIT_S)


def test_r03_an_address_that_comes_or_goes_asks_the_edge(lab):
    """Netlink tells of it; a whole link is kept, one that does not answer is replaced within 2 s."""
    inner = in_own_network()
    if inner is not None:
        assert inner.returncode == 0, inner.stdout + inner.stderr
        return
    played = Played(lab)
    played.origin = lab.keep(Origin(ok))
    agent = web(played)
    subprocess.run(["ip", "addr", "add", "192.0.2.1/24", "dev", "lo"], check=True)
    assert ping_came(played.link)
    assert played.ask().endswith(b"ok")
    start = time.monotonic()
    subprocess.run(["ip", "addr", "del", "192.0.2.1/24", "dev", "lo"], check=True)
    played.accept()  # the old link stays open and silent
    agent.wait_event("up", start=3)
    assert time.monotonic() - start < 2.5  # 2 s, and what a loaded machine adds
    assert played.ask().endswith(b"ok")
