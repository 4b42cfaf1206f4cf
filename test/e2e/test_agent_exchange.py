# SPDX-License-Identifier: Apache-2.0
"""What the agent makes of streams: exchanges and bytes, pools and retries, faults of the origin."""
import socket
import ssl
import struct
import threading

import pytest

from agent_lab import BAD_HEAD, BROKE, GET, LARGE_HEAD, NO_TUNNEL, REFUSED, SILENT, TAKEN, TLS, Played
from hostile import DATA, FIN, RST, WINDOW
from lab import refusing_address
from origin import Origin, chunked, echo, fixed, ok, raw_then_close
from process import until


def web(lab, behave=ok, *args, **kw):
    """A played edge and an agent with an HTTP origin."""
    origin = lab.keep(Origin(behave, **kw))
    played = Played(lab)
    played.agent = played.serve("http", origin.address, "--name", "web", *args)
    return played, origin


def post(body, *fields):
    head = ["POST /echo HTTP/1.1", "Host: web.localhost", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def test_answers_of_every_framing(lab):
    played, _ = web(lab, {
        "/": ok,
        "/chunked": chunked([b"abc", b"def"], "X-Trailer: 1\r\n"),
        "/close": raw_then_close(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nuntil the end"),
        "/old": raw_then_close(b"HTTP/1.0 200 OK\r\n\r\nold"),
        "/head": fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
        "/204": fixed(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        "/304": fixed(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n"),
    })

    def ask(path, method="GET"):
        return played.ask(f"{method} {path} HTTP/1.1\r\nHost: web.localhost\r\n\r\n".encode())
    assert ask("/") == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert ask("/chunked") == b"HTTP/1.1 200 OK\r\n\r\nabcdef"
    assert ask("/close") == b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nuntil the end"
    assert ask("/old").endswith(b"\r\n\r\nold")
    assert ask("/head", "HEAD") == b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    assert ask("/204") == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert ask("/304") == b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n"
    assert ask("/") == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_request_bodies(lab):
    """With a length it stays, without one the origin gets chunks; a GET whose end comes late has no body."""
    played, origin = web(lab, {"/echo": echo, "": ok})
    assert played.ask(post(b"hello")).endswith(b"\r\n\r\nhello")
    assert played.ask(post(b"")).endswith(b"X-Target: /echo\r\n\r\n")
    stream = played.open(b"POST /echo HTTP/1.1\r\nHost: web.localhost\r\n\r\n", fin=False)
    played.send(stream, b"abc")
    played.send(stream, b"def", fin=True)
    assert played.whole(stream).endswith(b"\r\n\r\nabcdef")
    stream = played.open(GET, fin=False)
    played.send(stream, b"", fin=True)
    assert played.whole(stream).endswith(b"ok")
    assert played.ask(b"POST /echo HTTP/1.1\r\nHost: web.localhost\r\n\r\nall in one").endswith(b"\r\n\r\nall in one")
    codings = [(r.get("content-length"), r.get("transfer-encoding")) for r in origin.requests]
    assert codings == [("5", None), ("0", None), (None, "chunked"), (None, None), (None, "chunked")]
    assert origin.n_connections == 1


def test_head_in_pieces(lab):
    """Both heads may come byte by byte."""
    def slowly(c, request):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":
            c.send(bytes([byte]))
    played, _ = web(lab, slowly)
    stream = played.open(GET[:1], fin=False)
    for byte in GET[1:-1]:
        played.send(stream, bytes([byte]))
    played.send(stream, GET[-1:], fin=True)
    assert played.whole(stream) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_interim_answers(lab):
    """103 passes, 100 answers an Expect that the origin never saw, and there is a limit."""
    many = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17
    played, _ = web(lab, {
        "/": fixed(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                   b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        "/many": raw_then_close(many + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        "/switch": raw_then_close(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    })
    assert played.ask(GET) == (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                               b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert played.ask(GET.replace(b" / ", b" /many ")) == BAD_HEAD
    assert played.ask(GET.replace(b" / ", b" /switch ")) == BAD_HEAD  # nobody asked for it


def upgrade(path=b"/"):
    return (b"GET %s HTTP/1.1\r\nHost: web.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" % path)


def test_upgrade(lab):
    """After 101 bytes pass both ways and each direction ends on its own; bytes that came before are not lost."""
    def switch(c, request):
        c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
        c.send(b"<" + c.exactly(3) + b">")
        c.send(b"last:" + c.rest())
        c.keep = False
    played, _ = web(lab, switch)
    stream = played.open(upgrade(), fin=False)
    played.until(stream, b"first")
    played.send(stream, b"one")
    played.until(stream, b"<one>")
    played.send(stream, b"two", fin=True)
    assert played.whole(stream) == b"last:two"


def test_s08_nothing_follows_an_upgrade_that_was_refused(lab):
    """Bytes sent before the origin has agreed would be its next request: they never reach it."""
    seen = []

    def refuse(c, request):
        c.sock.settimeout(0.3)
        try:
            seen.append(c.sock.recv(100))
        except TimeoutError:
            pass
        c.answer(b"no", 400)
        c.keep = False
        seen.append(c.rest())
    played, _ = web(lab, {"/up": refuse, "": ok})
    stream = played.open(upgrade(b"/up"), fin=False)
    played.send(stream, b"GET /smuggled HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
    played.until(stream, b"no")
    assert played.ask(GET).endswith(b"ok")
    until(lambda: b"" in seen)
    assert b"".join(seen) == b""


def test_s08_connection_is_not_reused_after_surplus_bytes(lab):
    """Bytes behind an answer would be read as the next one."""
    surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    played, origin = web(lab, {"/surplus": fixed(surplus), "": ok})
    assert played.ask(GET.replace(b" / ", b" /surplus ")).endswith(b"\r\n\r\nok")
    for _ in range(20):
        assert played.ask(GET).endswith(b"\r\n\r\nok")
    assert origin.n_connections == 2


def test_s08_late_surplus_on_an_idle_connection(lab):
    """The same, but it comes while the connection waits in the pool."""
    go = threading.Event()

    def late(c, request):
        c.answer(b"ok")
        go.wait(10)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    played, origin = web(lab, {"/late": late, "": ok})
    assert played.ask(GET.replace(b" / ", b" /late ")).endswith(b"ok")
    go.set()
    origin.wait_no_connection()
    assert played.ask(GET).endswith(b"ok")
    assert origin.n_connections == 2


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabc",
    b"GET / HTTP/1.1\r\nHost: a\r\n",
])
def test_s08_smuggling_through_the_edge_is_refused(lab, head):
    """An edge that lets an ambiguous head through: the agent reads it with the same parser, and no whole request reaches the origin."""
    played, origin = web(lab)
    assert isinstance(played.ask(head), int)
    assert played.ask(GET).endswith(b"ok")
    assert [r.raw_head for r in origin.requests] == [GET]


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
])
def test_answers_that_are_none(lab, answer):
    played, _ = web(lab, {"/bad": raw_then_close(answer), "": ok})
    assert played.ask(GET.replace(b" / ", b" /bad ")) in (BROKE, BAD_HEAD, LARGE_HEAD)
    assert played.ask(GET).endswith(b"ok")


def test_early_answer(lab):
    """413 before the body has been read, and the end: the answer passes, the rest of the body does no harm."""
    def refuse(c):
        c.through(b"\r\n\r\n")
        c.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    played, origin = web(lab, connected=refuse)
    stream = played.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" + b"x" * 1000, fin=False)
    for _ in range(3):
        played.send(stream, b"y" * 16000)
    assert played.until(stream, b"big").startswith(b"HTTP/1.1 413 ")
    played.link.put(RST, 0, stream, struct.pack("!I", 9))
    origin.wait_no_connection()
    assert played.ask(GET).endswith(b"big")


def test_request_is_sent_again_only_where_that_is_safe(lab):
    """A kept connection that the origin closes just when a request comes."""
    first = threading.Event()

    def dying(c):
        c.through(b"\r\n\r\n")
        c.answer(b"one")
        c.through(b"\r\n\r\n")
        if first.is_set():
            c.answer(b"two")
        else:
            first.set()
    played, origin = web(lab, connected=dying)
    assert played.ask(GET).endswith(b"one")
    assert played.ask(GET).endswith(b"one")  # died, was sent again on a fresh connection
    assert origin.n_connections == 2
    assert played.ask(GET).endswith(b"two")
    first.clear()
    assert played.ask(GET).endswith(b"one")
    assert played.ask(post(b"")) == BROKE  # not idempotent
    first.clear()
    assert played.ask(GET).endswith(b"one")
    assert played.ask(post(b"body").replace(b"POST", b"PUT")) == BROKE  # has a body


def test_pool_takes_the_connection_used_last(lab):
    """Two at once need two connections; one after the other all go over the one used last."""
    gate = threading.Barrier(2)

    def meet(c, request):
        gate.wait(10)
        c.answer(b"ok")
    conns = []

    def which(c, request):
        conns.append(c)
        c.answer(b"ok")
    played, origin = web(lab, {"/meet": meet, "": which})
    both = [played.open(GET.replace(b" / ", b" /meet ")) for _ in range(2)]
    got = {}
    while len(got) < 2:
        kind, flags, of, _ = played.link.take_frame()
        if kind == DATA and flags & FIN:
            got[of] = True
    assert set(got) == set(both)
    for _ in range(10):
        assert played.ask(GET).endswith(b"ok")
    assert origin.n_connections == 2 and len(set(map(id, conns))) == 1


def test_origin_goes_away_and_comes_back(lab):
    """Refused is told as refused; kept connections of the one that died are not used."""
    address, keeper = refusing_address()
    lab.keep(keeper)
    played = Played(lab)
    played.serve("http", address, "--name", "web")
    assert played.ask() == REFUSED
    keeper.listen(1)

    def answer():
        sock, _ = keeper.accept()
        with sock:
            sock.recv(4096)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    assert played.ask().endswith(b"ok")
    thread.join(10)
    keeper.close()
    assert played.ask() == REFUSED


def test_unix_origin(lab):
    played, origin = web(lab, unix=True)
    assert played.ask().endswith(b"ok") and played.ask().endswith(b"ok")
    assert origin.n_connections == 1
    assert Played(lab).serve("http", "unix:/nonexistent/o.sock", "--name", "web").alive()


def test_port_alone_is_this_machine_by_either_protocol(lab):
    import socket
    played = Played(lab)
    six = socket.socket(socket.AF_INET6)
    six.bind(("::1", 0))
    port = six.getsockname()[1]
    six.close()
    origin = Origin()
    lab.keep(origin)
    agent = played.serve("http", str(origin.port), "--name", "web")
    assert played.ask().endswith(b"ok")
    agent.stop()
    six = lab.keep(socket.socket(socket.AF_INET6))
    six.bind(("::1", port))
    six.listen(8)

    def answer():
        sock, _ = six.accept()
        with sock:
            for _ in range(2):
                sock.recv(4096)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix")
    threading.Thread(target=answer, daemon=True).start()
    agent = played.serve("http", str(port), "--name", "web")
    assert played.ask().endswith(b"six") and played.ask().endswith(b"six")


class TlsOrigin:
    """An HTTPS origin with a real edge's certificate."""

    def __init__(self, folder):
        self.origin = Origin()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        plain = self.origin._serve
        self.origin._serve = lambda sock: self._shake(sock, plain)
        self.port = self.origin.port

    def _shake(self, sock, serve):
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        serve(sock)

    def close(self):
        self.origin.close()


def test_https_origin(lab):
    played = Played(lab)
    tls = lab.keep(TlsOrigin(played.real.folder))
    ca = played.real.ca
    agents = [
        (["--origin-ca", ca], b"ok", "localhost"),
        ([], TLS, "localhost"),
        (["--origin-insecure"], b"ok", "localhost"),
        (["--origin-ca", ca, "--origin-host", "localhost:99"], b"ok", "127.0.0.1"),
        (["--origin-ca", ca, "--origin-host", "other.example"], TLS, "127.0.0.1"),
    ]
    for options, want, host in agents:
        agent = played.serve("http", f"https://{host}:{tls.port}", "--name", "web", *options)
        got = [played.ask(), played.ask()]
        assert all(g == want if isinstance(want, int) else g.endswith(want) for g in got), (options, got)
        agent.stop()
    hosts = [r.get("host") for r in tls.origin.requests]
    assert hosts == ["web.localhost"] * 4 + ["localhost:99"] * 2


def test_s13_only_configured_tunnels(lab):
    """Numbers that are not served, and a known one in another way, are refused; nothing is dialled."""
    played, origin = web(lab)
    for tunnel in (0, 2, 65535):
        assert played.ask(tunnel=tunnel) == NO_TUNNEL
        assert played.ask(b"SSH-2.0\r\n", tunnel=tunnel, kind=2) == NO_TUNNEL
    assert played.ask(b"raw bytes to an HTTP origin", kind=2) == NO_TUNNEL
    assert origin.n_connections == 0
    # An address in an opening has no tag that means anything; a malformed opening is the edge's fault.
    more = bytes([40, 12]) + b"127.0.0.1:22"
    assert played.ask(tunnel=9, more=more) == NO_TUNNEL
    assert isinstance(played.ask(more=bytes([1, 2, 0, 1])), int)
    assert origin.n_connections == 0
    assert played.ask(more=more).endswith(b"ok")


def test_bytes(lab):
    """TCP: half-close each way, an end that comes with the first bytes, a visitor that breaks off."""
    def talk(c):
        c.send(b"hello ")
        c.send(b"got " + c.rest())
    origin = lab.keep(Origin(connected=talk))
    played = Played(lab)
    played.serve("tcp", origin.address)
    stream = played.open(b"abc", fin=False, kind=2)
    played.until(stream, b"hello ")
    played.send(stream, b"def", fin=True)
    assert played.whole(stream) == b"got abcdef"
    assert played.ask(b"xyz", kind=2) == b"hello got xyz"
    assert played.ask(b"", kind=2) == b"hello got "
    stream = played.open(b"abc", fin=False, kind=2)
    played.until(stream, b"hello ")
    played.link.put(RST, 0, stream, struct.pack("!I", 9))
    origin.wait_connections(4)
    origin.wait_no_connection()
    assert played.ask(GET, kind=1) == NO_TUNNEL


def test_bytes_to_nobody(lab):
    address, keeper = refusing_address()
    lab.keep(keeper)
    played = Played(lab)
    played.serve("tcp", address)
    assert played.ask(b"x" * 1000, kind=2) == REFUSED


def test_host_for_the_origin(lab):
    played, origin = web(lab, ok, "--origin-host", "ci.internal:8080")
    played.ask()
    assert origin.requests[0].get("host") == "ci.internal:8080"


def test_s23_requests_are_shown_without_secrets(lab):
    """Query, fields and body appear nowhere, not even at the level of debug."""
    played = Played(lab)
    origin = lab.keep(Origin(echo))
    agent = played.serve("http", origin.address, "--name", "web", "--log-level", "debug")
    played.ask(post(b"CANARY-body", "Authorization: Bearer CANARY-auth", "Cookie: CANARY-cookie",
                    "X-Hub-Signature: CANARY-sig").replace(b"/echo", b"/echo?token=CANARY-query"))
    shown = agent.wait_event("request")
    assert (shown["method"], shown["path"], shown["status"], shown["outcome"]) == ("POST", "/echo", 200, "ok")
    with open(played.real.token) as f:
        token = f.read().strip()
    agent.stop()
    assert "CANARY" not in agent.everything() and token not in agent.everything()


def test_a_stalled_origin_holds_no_more_than_the_window(lab):
    """An origin that does not read: the agent gives no more credit than a window, and its memory stays small."""
    done = threading.Event()

    def stall(c):
        c.through(b"\r\n\r\n")
        done.wait(60)
    played, _ = web(lab, connected=stall)
    before = played.agent.rss_kb()
    stream = played.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n", fin=False)
    sent = send_all_credit(played, stream)
    done.set()
    assert sent < 16 << 20  # what the kernel's sockets hold, too
    assert played.agent.rss_kb() - before < 16 << 10


def send_all_credit(played, stream):
    """Sends as much as credit allows until no more has come for a second; the bytes."""
    credit, sent = TAKEN - 100, 0
    played.link.sock.settimeout(1)
    try:
        while True:
            while credit >= 16000:
                played.send(stream, b"z" * 16000)
                credit, sent = credit - 16000, sent + 16000
            kind, _, of, payload = played.link.take_frame()
            if kind == WINDOW and of == stream:
                credit += struct.unpack("!I", payload)[0]
    except AssertionError:
        return sent


# --- how long an origin may take ---

def silent(c, request):
    c.rest()  # until the agent gives up


@pytest.mark.parametrize("args, more", [
    (["--origin-silent", "1"], b""),
    ([], bytes([9, 4]) + struct.pack("!I", 1000)),
    (["--origin-silent", "1"], bytes([9, 4]) + struct.pack("!I", 600000)),
], ids=["of the tunnel", "of the edge", "the tunnel's goes first"])
def test_silent_origin(lab, args, more):
    played, _ = web(lab, silent, *args)
    assert played.ask(GET, more=more) == SILENT
    asked = played.link.hello["tunnels"][0].get("origin_silent_ms")
    assert asked == (1000 if args else None)


def test_time_of_the_origin_begins_with_the_whole_request(lab):
    """A visitor that sends its body with long pauses keeps the origin waiting, not the other way round."""
    played, _ = web(lab, echo, "--origin-silent", "1")
    stream = played.open(post(b"abc").replace(b"abc", b"a"), fin=False)
    for byte in (b"b", b"c"):
        threading.Event().wait(3)
        played.send(stream, byte, fin=byte == b"c")
    assert played.whole(stream).endswith(b"\r\n\r\nabc")


def test_origin_that_takes_no_body_is_silent(lab):
    """Its time runs, too, while it does not take what has come."""
    origin = lab.keep(Listening())
    played = Played(lab)
    played.serve("http", origin.address, "--name", "web", "--origin-silent", "1")
    stream = played.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n", fin=False)
    assert fill(played, stream) == SILENT


class Listening:
    """Connections are made by the kernel; nobody reads from them."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]

    def close(self):
        self.sock.close()


def fill(played, stream):
    """Sends as long as there is credit, until the stream is reset; the code."""
    credit = TAKEN
    while True:
        while credit > 16384:
            played.send(stream, bytes(16384))
            credit -= 16384
        kind, _, of, payload = played.link.take_frame()
        if of == stream and kind == RST:
            return struct.unpack("!I", payload)[0]
        if of == stream and kind == WINDOW:
            credit += struct.unpack("!I", payload)[0]
