# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 for visitors, with real clients: what HTTP/1.1 gives, this gives, and not more."""
import hashlib
import hmac
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
from xml.etree import ElementTree

import pytest

import origin as behave
from lab import ADIT
from process import WAIT_S, until

pytest.importorskip("hpack", reason="no hpack: apt-get install python3-h2")
from http2 import ORIGIN, REFUSED_STREAM, Client  # noqa: E402

BODY = os.urandom(3_000_000)


def curl(edge, target, *args, host="web.localhost", data=None):
    """One run of curl on HTTP/2; its output, and behind it the version and the status."""
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", edge.ca, "--max-time", str(3 * WAIT_S), "--connect-to",
                           f"::127.0.0.1:{edge.https[1]}", "-w", "\n%{http_version} %{http_code}", *args, f"https://{host}{target}"],
                          input=data, capture_output=True, timeout=6 * WAIT_S)
    assert done.returncode == 0, done.stderr
    body, _, last = done.stdout.rpartition(b"\n")
    return body, last.decode()


def test_requests_with_and_without_a_body(lab):
    edge, _, origin = lab.web(lab.origin(behave.echo))
    assert curl(edge, "/") == (b"", "2 200")
    assert curl(edge, "/a", "-d", "x=1") == (b"x=1", "2 200")
    assert curl(edge, "/a", "--data-binary", "@-", data=BODY) == (BODY, "2 200")  # with a length
    assert curl(edge, "/a", "-T", "-", "-X", "POST", data=BODY) == (BODY, "2 200")  # without one
    assert curl(edge, "/a", "-I")[1] == "2 200"
    lengths = [r.get("content-length") for r in origin.requests]
    assert lengths == [None, "3", str(len(BODY)), None, None]
    assert [r.get("transfer-encoding") for r in origin.requests] == [None, None, None, "chunked", None]


def test_the_origin_sees_who_and_what_it_was(lab):
    edge, _, origin = lab.web()
    assert curl(edge, "/p?q=%20", "-H", "X-B: 1", "-H", "X-A: 2", "-H", "Cookie: a=1; b=2")[1] == "2 200"
    got = origin.requests[-1]
    assert got.target == "/p?q=%20" and got.get("host") == "web.localhost" and got.get("cookie") == "a=1; b=2"
    assert got.get("via") == "2.0 adit" and got.get("x-forwarded-proto") == "https"
    names = [line.split(":")[0] for line in got.raw_head.decode().split("\r\n")[1:] if line]
    assert names[0] == "Host" and names.index("x-b") < names.index("x-a")
    assert "proto=HTTP/2" in edge.logged()


def test_a_quiet_answer_is_not_a_stalled_visitor(lab):
    """Events with a long pause between them: everything was taken, so nobody is slow."""
    pause = threading.Event()

    def events(c, _request):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        pause.wait(4)  # real time is what this is about: more than twice the limit, and its ticks
        c.send(b"data: 2\n\n")
        c.keep = False

    edge = lab.edge(config="limits: { stream_stall_ms: 1000 }\n")
    lab.agent(edge, "http", lab.origin(events).address, "--name", "web")
    assert curl(edge, "/events", "-N") == (b"data: 1\n\ndata: 2\n\n", "2 200")


def h2load(edge, *args, path="/x", host="web.localhost"):
    """What h2load counts: requests that succeeded with a status of 200, and what it says."""
    argv = ["h2load", *args, f"--connect-to=127.0.0.1:{edge.https[1]}", f"https://{host}:{edge.https[1]}{path}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=12 * WAIT_S)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"status codes: (\d+) 2xx", done.stdout).group(1)), done.stdout


def test_a_hundred_streams_of_one_connection_at_a_time(lab, tmp_path):
    edge, _, origin = lab.web(lab.origin(behave.digest))
    (tmp_path / "body").write_bytes(b"y" * 70000)
    n, said = h2load(edge, "-n", "300", "-c", "1", "-m", "100", "-d", str(tmp_path / "body"))
    assert n == 300, said
    assert len(origin.requests) == 300 and {r.body for r in origin.requests} == {b"y" * 70000}


def test_answers_of_every_framing(lab):
    edge, _, origin = lab.web()
    for raw, body in ((b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
                      (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
                      (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
                      (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcdef", b"abcdef"),
                      (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", b"y")):
        origin.behave = behave.fixed(raw) if b"close" not in raw else behave.raw_then_close(raw)
        assert curl(edge, "/") == (body, "2 200"), raw
    origin.behave = behave.fixed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert curl(edge, "/") == (b"", "2 204")


def test_pages_of_our_own(lab):
    edge, agent, origin = lab.web()
    body, last = curl(edge, "/", "-H", "Accept: text/plain", host="none.localhost")
    assert last == "2 404" and b"No tunnel of this name" in body
    body, last = curl(edge, "/", "-H", "Host: other.localhost", "-H", "Accept: text/plain")
    assert last == "2 421" and b"another name" in body
    agent.stop()
    lab.parts.remove(agent)
    assert curl(edge, "/")[1] == "2 503"


def test_a_large_upload_does_not_wait_for_a_round_trip_each_16_kib(lab):
    edge, _, origin = lab.web(lab.origin(behave.digest))
    body = os.urandom(20_000_000)
    assert curl(edge, "/", "--data-binary", "@-", data=body) == (hashlib.sha256(body).hexdigest().encode(), "2 200")


def test_it_can_be_turned_off(lab):
    edge = lab.edge(config="http2: no\n")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert curl(edge, "/")[1] == "1.1 200"


H2SPEC = os.environ.get("H2SPEC") or shutil.which("h2spec") or shutil.which("h2spec", path=os.path.expanduser("~/go/bin"))
# What nghttp2 itself does not refuse: a stream's number that is smaller than an earlier one's, and priorities of RFC 7540 that
# depend on themselves, which it does not read since our SETTINGS say that there are none (RFC 9113 5.3.2).
H2SPEC_FAILS = {"http2/5.1.1/2", "http2/5.3.1/2"}


@pytest.mark.skipif(H2SPEC is None, reason="no h2spec: go install github.com/summerwind/h2spec/cmd/h2spec@latest")
@pytest.mark.skipif(os.geteuid() != 0, reason="web.localhost needs a line in a /etc/hosts of its own: root only")
def test_h2spec(lab, tmp_path):
    edge, _, _ = lab.web()
    (tmp_path / "hosts").write_text("127.0.0.1 localhost web.localhost\n")
    script = f"mount --bind {tmp_path}/hosts /etc/hosts && exec {H2SPEC} -h web.localhost -p {edge.https[1]} -t -k -o 3 -j {tmp_path}/report.xml"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30 * WAIT_S)
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip("no mount namespace here")
    report = ElementTree.parse(tmp_path / "report.xml").getroot()
    cases = [(suite.get("package"), n, case) for suite in report.iter("testsuite") for n, case in enumerate(suite.iter("testcase"), 1)]
    failed = {f"{package}/{n}" for package, n, case in cases if case.find("failure") is not None or case.find("error") is not None}
    assert len(cases) == 145 and failed <= H2SPEC_FAILS, failed - H2SPEC_FAILS


def test_a_route_can_turn_it_off(lab):
    """Known at the handshake, so that nothing has to be told later."""
    edge = lab.edge()
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    lab.agent(edge, "http", origin.address, "--name", "mine", "--http2", "off")
    assert curl(edge, "/")[1] == "2 200"
    assert curl(edge, "/", host="mine.localhost")[1] == "1.1 200"
    done = subprocess.run([ADIT, "http", "1", "--edge", "127.0.0.1:1", "--token-file", edge.token, "--http2", "maybe"], capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 2 and "on or off" in done.stderr


def test_signatures_and_inbox_are_the_same(lab, tmp_path):
    edge = lab.edge()
    origin = lab.origin()
    secret = tmp_path / "secret"
    secret.write_text("It's a Secret to Everybody\n")
    secret.chmod(0o600)
    lab.agent(edge, "http", origin.address, "--name", "web", "--store", "--scheme", "github", "--secret-file", str(secret))
    body = b'{"zen":"Keep it logically awesome."}'
    signed = "sha256=" + hmac.new(b"It's a Secret to Everybody", body, "sha256").hexdigest()
    post = ["-H", "X-GitHub-Event: push", "-H", "X-GitHub-Delivery: 1", "--data-binary", body.decode()]
    for more in ([], ["-H", "Content-Length:"]):  # with a length, and without
        said, last = curl(edge, "/hook", *post, "-H", f"X-Hub-Signature-256: {signed}", *more)
        assert last == "2 202" and b"delivery" in said
    assert curl(edge, "/hook", *post, "-H", "X-Hub-Signature-256: sha256=00")[1] == "2 401"
    got = origin.wait_requests(1)[0]
    assert got.body == body and got.get("via") == "2.0 adit" and got.get("x-github-event") == "push"


def test_a_stop_lets_go_in_order(lab):
    """GOAWAY, and what is under way ends; an idle connection at once."""
    release = threading.Event()

    def late(c, request):
        assert release.wait(6 * WAIT_S)
        c.answer(b"late")
    edge, _, _ = lab.web(lab.origin(late))
    with Client(edge) as idle, Client(edge) as busy:
        stream = busy.request()
        until(lambda: edge.status()["streams"] == 1)
        edge.signal(signal.SIGTERM)
        assert idle.until_goaway() == 0
        while busy.goaway is None:
            busy.take()
        release.set()
        assert busy.status(stream) == 200 and busy.body[stream] == b"late"
        assert busy.until_goaway() == 0
    until(lambda: not edge.alive())


def test_settings_and_origin_frame(lab):
    edge, _, _ = lab.web()
    with Client(edge) as c:
        kind, _, _, payload = c.take()
        said = dict(struct.unpack("!HI", payload[i:i + 6]) for i in range(0, len(payload), 6))
        assert kind == 4 and said == {3: 100, 4: 16384, 6: 32768, 9: 1}  # no ENABLE_CONNECT_PROTOCOL, no push
        while c.take()[0] != ORIGIN:
            pass
        assert c.status(c.request()) == 200


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
def test_chromium_loads_a_page_of_200_parts(lab, tmp_path):
    page = b"""<!doctype html><body><script>
let left = 200
for (let i = 0; i < 200; i++) {
  const e = document.createElement("script")
  e.src = "/part/" + i; e.onload = () => { if (--left == 0) {
    const all = performance.getEntriesByType("resource").map(x => x.nextHopProtocol)
    document.body.innerHTML = "loaded " + document.scripts.length + " " + loaded + " " + [...new Set(all)] } }
  document.body.append(e) }
var loaded = 0
</script>"""

    def answer(c, request):
        body, kind = (page, "text/html") if request.target == "/" else (b"loaded++" + b" " * 20000, "text/javascript")
        c.answer(body, headers=[f"Content-Type: {kind}", "Cache-Control: no-store"])
    edge, _, origin = lab.web(lab.origin(answer))
    port = edge.https[1]
    done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}",
                           "--ignore-certificate-errors", "--host-resolver-rules=MAP web.localhost 127.0.0.1", "--virtual-time-budget=20000",
                           "--dump-dom", f"https://web.localhost:{port}/"], capture_output=True, text=True, timeout=12 * WAIT_S)
    assert re.search(r"loaded \d+ 200 h2<", done.stdout), (done.stdout[-500:], done.stderr[-2000:])
    assert len([r for r in origin.requests if r.target.startswith("/part/")]) == 200
    assert len({line.split("peer=")[1].split()[0] for line in edge.logged().splitlines() if "path=/part/" in line}) == 1  # one connection


def test_a_tunnel_that_moves_to_another_worker(lab):
    """Its visitors' connections stay where they are, so their requests are refused as not begun, and they come anew."""
    edge = lab.edge("--workers", "4")
    origin = lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web")
    for i in range(8):
        with Client(edge) as c:
            assert c.status(c.request()) == 200
            agent.stop()
            lab.parts.remove(agent)
            lab.agent(edge, "http", origin.address, "--name", f"other{i}")  # so that its worker has the most links
            agent = lab.agent(edge, "http", origin.address, "--name", "web")
            before = len(origin.requests)
            stream = c.request()
            c.wait([stream])
            if stream in c.resets:
                assert c.resets[stream] == REFUSED_STREAM and len(origin.requests) == before
                while c.goaway is None:
                    c.take()
                break
            assert c.status(stream) == 200
    else:
        pytest.fail("it never moved")
    assert curl(edge, "/")[1] == "2 200"
