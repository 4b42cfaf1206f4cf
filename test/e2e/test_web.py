# SPDX-License-Identifier: Apache-2.0
"""The small server for inspector and dashboard over real sockets: curl, another user of this machine, a sandbox without netlink,
files as they are in the tree, slow readers, the graceful end."""
import glob
import gzip
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import shutil
import subprocess
import threading

import pytest

from conftest import ROOT
from lab import ADITD
from process import WAIT_S, Process, until

DRIVER = os.path.join(os.path.dirname(ADITD), "test", "web_driver")
UI = os.path.join(ROOT, "src", "web", "ui")
PAGES = os.path.join(ROOT, "test", "fixtures", "pages")
TOKEN = "0123456789abcdef0123456789abcdef"
BEARER = {"Authorization": "Bearer " + TOKEN}
NOBODY = 65534
root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")


class Web(Process):
    def __init__(self, folder, *argv):
        super().__init__([DRIVER, *argv], os.path.join(folder, "web.log"))
        self.listens = json.loads(self.wait_line(lambda line: line.startswith("{"))[0])["listens"]

    @property
    def port(self):
        return int(self.listens[0].rsplit(":", 1)[1])

    def ask(self, method, path, body=None, fields=None, host="127.0.0.1"):
        conn = http.client.HTTPConnection(host, self.port, timeout=2 * WAIT_S)
        try:
            conn.request(method, path, body, fields or {})
            r = conn.getresponse()
            return r.status, r.headers, r.read()
        finally:
            conn.close()


@pytest.fixture
def web(tmp_path):
    made = []

    def start(*argv):
        made.append(Web(str(tmp_path), *(argv or ("127.0.0.1:0",))))
        return made[-1]
    yield start
    for one in made:
        if one.alive():
            one.stop()
        assert one.child.returncode == 0, one.everything()


def curl(*argv, user=None):
    become = {"preexec_fn": lambda: (os.setgroups([]), os.setgid(user), os.setuid(user))} if user else {}
    done = subprocess.run(["curl", "-sS", "-i", "--max-time", str(WAIT_S), *argv], capture_output=True, timeout=2 * WAIT_S, **become)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return done.returncode, head.decode(), body


def test_curl_as_it_comes(web):
    """No option is needed: not for pages, not for data of one's own server."""
    server = web()
    at = f"http://127.0.0.1:{server.port}"
    code, head, body = curl(at + "/v1/who")
    assert code == 0 and " 200 " in head
    assert json.loads(body)["known"] and json.loads(body)["uid"] == os.geteuid()
    with open(os.path.join(PAGES, "index.html"), "rb") as f:
        page = f.read()
    assert curl(at + "/")[2] == page
    assert curl("--compressed", at + "/")[2] == page and "gzip" in curl("--compressed", at + "/")[1]
    assert json.loads(curl("--json", '{"a":[1,2]}', at + "/v1/echo")[2]) == {"got": {"a": [1, 2]}}
    code, head, body = curl("-d", '{"a":1}', at + "/v1/echo")
    assert " 415 " in head and json.loads(body)["todo"] == "Send Content-Type: application/json."
    code, head, body = curl("-H", "Origin: http://127.0.0.1:1", "--json", "{}", at + "/v1/echo")
    assert " 403 " in head and json.loads(body)["code"] == "other-page"
    code, head, body = curl("-H", "Host: evil.example", at + "/")
    assert " 421 " in head and json.loads(body)["code"] == "host-unknown"


def files(folder):
    """(path, bytes) of what tools/assets puts into the program: two levels, four endings, not what the vendor bundle is made of."""
    for pattern in ("*", "*/*"):
        for full in glob.glob(os.path.join(folder, pattern)):
            if full.rsplit(".", 1)[-1] in ("html", "js", "css", "svg") and os.path.basename(full) != "entry.js":
                with open(full, "rb") as f:
                    yield "/" + os.path.relpath(full, folder), f.read()


def test_files_are_those_of_the_tree(web):
    server = web()
    n = 0
    for path, want in files(PAGES):
        tag = hashlib.sha256(want).hexdigest()[:32]
        status, fields, body = server.ask("GET", path, fields={"Accept-Encoding": "identity"})
        assert (status, body, fields["ETag"]) == (200, want, f'"{tag}"')
        status, fields, body = server.ask("GET", path, fields={"Accept-Encoding": "gzip"})
        assert (status, gzip.decompress(body), fields["Content-Encoding"]) == (200, want, "gzip")
        assert body[4:8] == b"\0\0\0\0", "a moment in a packed file differs from build to build"
        status, _, body = server.ask("GET", path, fields={"Accept-Encoding": "gzip", "If-None-Match": fields["ETag"]})
        assert (status, body) == (304, b"")
        assert ("immutable" in fields["Cache-Control"]) == (".cf4418d5." in path)
        n += 1
    assert n == 5
    for path in ("/../pages/index.html", "/lib", "/lib/", "/lib/main.js/", "/%6cib/main.js", "/etc/passwd"):
        assert server.ask("GET", path)[0] == 404


def test_the_user_interface_is_in_the_program(web):
    """All of src/web/ui but the dashboard, and each file that a page or module of it names by a relative path."""
    server = web("--ui", "127.0.0.1:0")
    held = {path: want for path, want in files(UI) if not path.startswith("/dashboard")}
    for path, want in held.items():
        status, fields, body = server.ask("GET", path, fields={"Accept-Encoding": "gzip"})
        assert (status, gzip.decompress(body)) == (200, want)
        if path.endswith((".js", ".html")):
            for name in re.findall(r"""(?:\bfrom |\bimport |\bimport\(|\bsrc=|\bhref=)["'](\.{0,2}/[^"'#?]*|[\w-]+\.(?:js|css|svg))["']""", want.decode()):
                to = os.path.normpath(os.path.join(os.path.dirname(path), name))
                assert to in held or to == "/", f"{path} names {name}"


def test_a_name_that_lies_about_its_hash_is_not_built(tmp_path):
    (tmp_path / "a.01234567.js").write_text("x")
    done = subprocess.run([os.path.join(ROOT, "tools", "assets"), "x", str(tmp_path), str(tmp_path / "x.c"), str(tmp_path / "a.01234567.js")],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "its hash is" in done.stderr


def test_all_addresses_know_who_asks(web, tmp_path):
    server = web("127.0.0.1:0", "[::1]:0", f"unix:{tmp_path}/w.sock")
    port6 = server.listens[1].rsplit(":", 1)[1]
    assert json.loads(curl(f"http://[::1]:{port6}/v1/who")[2])["known"]
    assert json.loads(curl("--unix-socket", f"{tmp_path}/w.sock", "http://localhost/v1/who")[2])["local"]
    assert os.stat(f"{tmp_path}/w.sock").st_mode & 0o777 == 0o600
    # Each goes by its own port only.
    assert " 421 " in curl("-H", f"Host: 127.0.0.1:{port6}", f"http://127.0.0.1:{server.port}/")[1]


@root
def test_another_user_is_refused(web):
    """Whatever it asks for, and with the token, too."""
    server = web("--token", TOKEN, "127.0.0.1:0")
    at = f"http://127.0.0.1:{server.port}"
    for argv in ((at + "/",), (at + "/healthz",), (at + "/v1/who",), ("-H", "Authorization: Bearer " + TOKEN, at + "/v1/who"),
                 ("-X", "POST", at + "/v1/change"), (at + "/nothing",)):
        code, head, body = curl(*argv, user=NOBODY)
        assert code == 0 and " 403 " in head and json.loads(body)["code"] == "other-user", head
    assert json.loads(server.ask("GET", "/v1/who")[2])["changes"] == 0


@root
def test_another_user_does_not_pass_by_going_at_once(web):
    """The kernel gives a socket that its process has closed as root's; a change needs no answer."""
    server = web()
    child = subprocess.run(["/usr/bin/python3", "-c", f"""
import os, socket
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
for i in range(200):
    s = socket.create_connection(("127.0.0.1", {server.port}))
    s.sendall(b"POST /v1/change HTTP/1.1\\r\\nHost: 127.0.0.1:{server.port}\\r\\n\\r\\n")
    s.close()
"""], timeout=6 * WAIT_S)
    assert child.returncode == 0
    # Those before it were served first.
    assert json.loads(server.ask("GET", "/v1/who")[2])["changes"] == 0
    assert server.ask("POST", "/v1/change")[0] == 204


def test_where_netlink_is_forbidden_the_token_is_asked_for(web):
    """As in a service whose RestrictAddressFamilies has no AF_NETLINK."""
    server = web("--no-netlink", "--token", TOKEN, "127.0.0.1:0")
    status, fields, body = server.ask("GET", "/v1/who")
    assert (status, json.loads(body)["code"]) == (401, "token-missing") and fields["WWW-Authenticate"].startswith("Bearer")
    assert json.loads(body)["todo"] == "Open the address that web_driver printed."
    assert server.ask("GET", "/v1/who", fields={"Authorization": "Bearer x"})[0] == 401
    status, _, body = server.ask("GET", "/v1/who", fields=BEARER)
    assert status == 200 and not json.loads(body)["known"]
    assert server.ask("GET", "/")[0] == 200  # pages hold no secret


def test_the_agent_as_a_service_may_ask_who_connects():
    """Without AF_NETLINK every inspector of a service would want its token."""
    for unit in ("system/adit@.service", "user/adit.service"):
        with open(os.path.join(ROOT, "etc", unit)) as f:
            families = [line for line in f if line.startswith("RestrictAddressFamilies=")]
        assert all("AF_NETLINK" in line for line in families)


def test_any_peer_needs_the_token(web):
    server = web("--any-peer", "--token", TOKEN, "127.0.0.1:0")
    assert server.ask("GET", "/v1/who")[0] == 401
    assert server.ask("GET", "/v1/who", fields=BEARER)[0] == 200


@root
def test_another_user_does_not_take_all_places(web):
    """64 connections with half a head each, and ours comes in all the same."""
    server = web()
    child = subprocess.Popen(["/usr/bin/python3", "-c", f"""
import os, socket, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
kept = [socket.create_connection(("127.0.0.1", {server.port})) for _ in range(64)]
for s in kept: s.sendall(b"GET / HTTP/1.1\\r\\n")
print("there", flush=True)
sys.stdin.read()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"there\n"
    assert server.ask("GET", "/v1/who")[0] == 200
    child.communicate(timeout=WAIT_S)
    assert child.returncode == 0


def test_an_empty_download(web):
    status, fields, body = web().ask("GET", "/v1/download?n=0")
    assert (status, fields["Content-Length"], body) == (200, "0", b"")


def test_large_bodies_both_ways_take_little_memory(web):
    server = web()
    n = 256 << 20
    conn = http.client.HTTPConnection("127.0.0.1", server.port, timeout=6 * WAIT_S)
    conn.request("GET", f"/v1/download?n={n}")
    r = conn.getresponse()
    assert r.headers["Content-Type"] == "application/octet-stream" and r.headers["Content-Disposition"] == 'attachment; filename="zeros.bin"'
    got = 0
    while piece := r.read(1 << 20):
        got += len(piece)
    assert got == n
    with open(f"/proc/{server.pid}/status") as f:
        before = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    assert before < (512 if "asan" in DRIVER or "tsan" in DRIVER else 32) * 1024
    conn.request("POST", "/v1/import", b"\0" * (16 << 20))
    assert json.loads(conn.getresponse().read()) == {"bytes": 16 << 20}
    conn.close()
    # One byte too many, by two ways to say so.
    assert server.ask("POST", "/v1/import", b"\0" * ((16 << 20) + 1))[0] == 413
    status = server.ask("POST", "/v1/import", (b"\0" * (1 << 20) for _ in range(17)))[0]
    assert status == 413


def events(sock):
    """What comes behind the head, cut at empty lines; the chunked coding stands between and does not matter here."""
    text = b""
    while True:
        piece = sock.recv(65536)
        if not piece:
            return
        text += piece
        *whole, text = text.split(b"\n\n")
        yield from whole


def test_who_reads_slowly_is_told_what_he_missed(web):
    server = web()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(2 * WAIT_S)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(b"GET /v1/events?bytes=50000 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        until(lambda: json.loads(server.ask("GET", "/v1/who")[2])["lost"] > 100, 3 * WAIT_S, "events are lost")
        lost, told = 0, False
        for event in events(sock):
            if b"event: lost" in event:
                lost += json.loads(event[event.index(b'{"n"'):])["n"]
                told = True
            # A fresh snapshot follows each gap.
            if told and b"event: snapshot" in event:
                told = False
                if lost > 100:
                    break
        assert lost > 100 and not told
    assert server.ask("GET", "/healthz")[0] == 200


def test_a_graceful_end(web):
    server = web()
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as sock:
        sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        assert b"text/event-stream" in sock.recv(4096)
        server.signal(15)
        text = b""
        while piece := sock.recv(65536):
            text += piece
        assert text.endswith(b"0\r\n\r\n")
    server.exits(0)


# --- a browser ---

chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (package chromium)")


def browse(folder, url, *argv):
    """What the page is when it has settled, as markup."""
    done = subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}/chromium",
                           "--virtual-time-budget=5000", "--dump-dom", *argv, url], capture_output=True, text=True, timeout=12 * WAIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reports(server):
    return json.loads(server.ask("GET", "/csp-report")[2])["reports"]


@chromium
def test_pages_work_under_their_policy(web, tmp_path):
    server = web()
    assert '<p id="said">known</p>' in browse(tmp_path, f"http://127.0.0.1:{server.port}/")
    assert reports(server) == 0
    # A report comes where a page breaks it, and nothing ran.
    assert "nothing yet" in browse(tmp_path, f"http://127.0.0.1:{server.port}/inline.html")
    until(lambda: reports(server) == 1, what="the browser reports")


@chromium
def test_the_user_interface_breaks_no_policy(web, tmp_path):
    server = web("--ui", "127.0.0.1:0")
    assert 'id="app"' in browse(tmp_path, f"http://127.0.0.1:{server.port}/")
    assert reports(server) == 0


@chromium
def test_a_page_of_another_port_changes_nothing(web, tmp_path):
    """The user's public local server, say: for a browser it is the same site, and its form is sent."""
    server = web()
    page = f"""<form method=post enctype=text/plain action="http://127.0.0.1:{server.port}/v1/change"><input name=a></form>
<script>document.forms[0].submit()</script>""".encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            shown = browse(tmp_path, f"http://127.0.0.1:{other.server_port}/")
        finally:
            other.shutdown()
            thread.join()
    assert "other-page" in shown
    assert json.loads(server.ask("GET", "/v1/who")[2])["changes"] == 0


@chromium
def test_a_name_that_was_made_to_lead_here(web, tmp_path):
    server = web()
    shown = browse(tmp_path, f"http://evil.example:{server.port}/", "--host-resolver-rules=MAP evil.example 127.0.0.1")
    assert "host-unknown" in shown and "<title>pages" not in shown
