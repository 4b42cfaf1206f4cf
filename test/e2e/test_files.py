# SPDX-License-Identifier: Apache-2.0
"""adit http file:///DIR: what is in a folder, all of it right, and nothing else."""
import hashlib
import os
import re
import socket
import subprocess
import threading

import pytest

from lab import ADIT
from process import WAIT_S, until

SMALL = bytes(range(256)) * 8


@pytest.fixture
def site(lab):
    """A folder with everything that must and must not be served, an edge, and an agent that serves it."""
    made = Site(lab)
    yield made
    made.unlock()


class Site:
    def __init__(self, lab):
        self.lab = lab
        self.outside = os.path.join(lab.folder, "outside")
        self.folder = os.path.join(lab.folder, "www")
        for path in (self.outside, self.folder, self.folder + "/sub", self.folder + "/empty", self.folder + "/locked", self.folder + "/.git"):
            os.makedirs(path)
        for path, data in (("outside/secret", b"SECRET"), ("www/index.html", b"<p>hello"), ("www/a.bin", SMALL), ("www/.env", b"SECRET"),
                           ("www/.git/config", b"SECRET"), ("www/sub/x y&<b>.txt", b"spaced"), ("www/empty.txt", b""),
                           ("www/locked/x", b"SECRET"), ("www/100%.txt", b"percent"), ("www/page.svg", b"<svg/>")):
            with open(os.path.join(lab.folder, path), "wb") as f:
                f.write(data)
        for link, to in (("out", "../outside/secret"), ("outdir", "../outside"), ("abs", self.outside + "/secret"), ("in", "a.bin"),
                         ("loop", "loop"), ("self", "/proc/self/environ"), ("sub/up", "../a.bin")):
            os.symlink(to, f"{self.folder}/{link}")
        os.mkfifo(self.folder + "/pipe")
        with socket.socket(socket.AF_UNIX) as s:
            here = os.getcwd()
            os.chdir(self.folder)
            s.bind("socket")
            os.chdir(here)
        os.symlink("/dev/zero", self.folder + "/zero")
        self.edge = lab.edge()

    def serve(self, *options, **kw):
        self.agent = self.lab.agent(self.edge, "http", f"file://{self.folder}", "--name", "web", *options, **kw)
        self.edge.wait_up("web")
        return self

    def get(self, path, headers="", method="GET"):
        with self.edge.visitor() as v:
            v.send(f"{method} {path} HTTP/1.1\r\nHost: web.localhost\r\n{headers}\r\n")
            return v.response(method) if method == "HEAD" else v.response()

    def unlock(self):
        os.chmod(self.folder + "/locked", 0o755)


def test_files_and_what_is_said_of_them(site):
    site.serve()
    r = site.get("/")
    assert (r.status, r.body, r.get("content-type")) == (200, b"<p>hello", "text/html; charset=utf-8")
    r = site.get("/a.bin")
    assert (r.status, r.body, r.get("content-type")) == (200, SMALL, "application/octet-stream")
    assert r.get("x-content-type-options") == "nosniff" and r.get("accept-ranges") == "bytes"
    tag, date = r.get("etag"), r.get("last-modified")
    assert re.fullmatch(r'"[0-9a-f-]+"', tag) and re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
    assert site.get("/sub/x%20y&%3Cb%3E.txt?x=1").body == b"spaced"
    assert site.get("/100%25.txt").body == b"percent"
    assert site.get("/empty.txt").body == b"" and site.get("/in").body == SMALL and site.get("/sub/up").body == SMALL
    assert site.get("/.//./a.bin").body == SMALL and site.get("//a.bin").body == SMALL
    r = site.get("/a.bin", method="HEAD")
    assert (r.status, r.body, r.get("content-length"), r.get("etag")) == (200, b"", str(len(SMALL)), tag)
    # What one has already is not sent again; a change makes another tag.
    for fields in (f"If-None-Match: {tag}", f'If-None-Match: "x", W/{tag}', "If-None-Match: *", f"If-Modified-Since: {date}"):
        r = site.get("/a.bin", fields + "\r\n")
        assert (r.status, r.body, r.get("etag")) == (304, b"", tag), fields
    for fields in ('If-None-Match: "x"', f'If-None-Match: "x"\r\nIf-Modified-Since: {date}', "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
                   "If-Modified-Since: soon"):
        assert site.get("/a.bin", fields + "\r\n").status == 200, fields
    with open(site.folder + "/a.bin", "ab") as f:
        f.write(b"more")
    r = site.get("/a.bin", f"If-None-Match: {tag}\r\n")
    assert (r.status, r.body) == (200, SMALL + b"more") and r.get("etag") != tag


def test_ranges(site):
    site.serve()
    tag = site.get("/a.bin").get("etag")
    n = len(SMALL)
    for wanted, first, last in (("0-0", 0, 0), ("5-9", 5, 9), ("2000-", 2000, n - 1), ("-7", n - 7, n - 1), ("-99999", 0, n - 1),
                                ("0-99999999999", 0, n - 1)):
        r = site.get("/a.bin", f"Range: bytes={wanted}\r\n")
        assert (r.status, r.body, r.get("content-range")) == (206, SMALL[first:last + 1], f"bytes {first}-{last}/{n}"), wanted
    for wanted in (f"{n}-", "99999-", "-0"):
        r = site.get("/a.bin", f"Range: bytes={wanted}\r\n")
        assert (r.status, r.get("content-range")) == (416, f"bytes */{n}"), wanted
    for fields in ("Range: bytes=0-1,5-6", "Range: bytes=9-5", "Range: lines=1-2", "Range: bytes=-", "Range: bytes=a-b",
                   "Range: bytes=0-1\r\nIf-Range: \"old\"", "Range: bytes=99999999999999999999999-"):
        r = site.get("/a.bin", fields + "\r\n")
        assert (r.status, r.body) == (200, SMALL), fields
    assert site.get("/a.bin", f"Range: bytes=0-1\r\nIf-Range: {tag}\r\n").status == 206


OUT = ["/../outside/secret", "/sub/../../outside/secret", "/%2e%2e/outside/secret", "/..%2foutside%2fsecret", "/%2e%2e%2foutside/secret",
       "/sub%2f..%2f..%2foutside/secret", "/out", "/outdir/secret", "/abs", "/loop", "/self", "/zero", "/pipe", "/socket", "/.env",
       "/.git/config", "/%2egit/config", "/%2e%65nv", "/a.bin/", "/a.bin/x", "/index.html%00.txt", "/%00", "/%", "/%zz", "/no",
       "/" + "a" * 256, "/" + "/a" * 2500, "/..;/outside/secret", "/....//outside/secret", "/%252e%252e/outside/secret", "/..%5c..%5coutside"]


@pytest.mark.parametrize("how", ["kernel", "names"])
def test_nothing_else_is_served(site, how):
    """By openat2(2), and, with a filter that refuses it, name by name."""
    if how == "kernel":
        site.serve()
    else:
        # A traced program cannot be looked through for leaks.
        site.serve(prefix=("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=openat2:error=ENOSYS"),
                   env={"ASAN_OPTIONS": "detect_leaks=0"})
    if how == "names":
        assert site.get("/a.bin").body == SMALL and site.get("/sub/x%20y&%3Cb%3E.txt").body == b"spaced"
        assert site.get("/in").status == 404  # no link at all then
    for path in OUT:
        r = site.get(path)
        assert r.status in (400, 403, 404), (path, r.status)
        assert b"SECRET" not in r.body, path
    # The connection to it goes on as it was.
    assert site.get("/a.bin").status == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        r = site.get("/a.bin", method=method)
        assert (r.status, r.get("allow")) == (405, "GET, HEAD"), method


@pytest.mark.skipif(not os.path.exists("/usr/bin/setpriv"), reason="no setpriv")
def test_a_folder_that_the_agent_must_not_enter(site):
    os.chmod(site.folder + "/locked", 0)
    if os.geteuid() == 0:
        # Root may enter everything, unless its capabilities are gone.
        site.serve(prefix=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"))
    else:
        site.serve()
    assert site.get("/locked/x").status in (403, 404)
    assert site.get("/a.bin").status == 200


def test_folders(site):
    site.serve("--listing")
    r = site.get("/sub?q=1")
    assert (r.status, r.get("location")) == (301, "./sub/?q=1")
    assert site.get("//sub").get("location") == "./sub/"
    r = site.get("/sub/")
    assert r.status == 200 and b'href="./x%20y%26%3Cb%3E.txt"' in r.body and b"x y&#38;&#60;b&#62;.txt" in r.body and b"<b>" not in r.body
    os.unlink(site.folder + "/index.html")
    said = site.get("/").body.decode()
    for name in ("a.bin", "sub/", "in"):
        assert f'href="./{name}"' in said, said
    for name in (".env", ".git", "pipe", "socket", "zero"):
        assert f">{name}" not in said, said


def test_without_listing_and_with_dotfiles(site):
    site.serve("--dotfiles")
    assert site.get("/empty/").status == 404
    assert site.get("/.env").body == b"SECRET" and site.get("/%2e%2e/outside/secret").status == 400


def test_a_file_that_becomes_shorter_is_cut_and_not_made_up(site):
    site.serve()
    path = site.folder + "/long"
    with open(path, "wb") as f:
        f.truncate(64 << 20)
    with site.edge.visitor() as v:
        v.send("GET /long HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert b"200" in v.sock.recv(4096)
        os.truncate(path, 1 << 20)
        n = 0
        try:
            while chunk := v.sock.recv(1 << 20):
                n += len(chunk)
        except OSError:
            pass
    assert n < 64 << 20
    assert site.get("/a.bin").status == 200


def test_a_large_file_costs_no_memory(site):
    """1 GiB, mostly a hole; its digest is right, by curl."""
    size = 1 << 30
    with open(site.folder + "/large", "wb") as f:
        f.truncate(size - 3)
        f.seek(size - 3)
        f.write(b"end")
    site.serve("--inspect", "off")
    site.get("/a.bin")
    before = site.agent.rss_kb()
    peak = [before]
    done = threading.Event()

    def watch():
        while not done.wait(0.05):
            peak[0] = max(peak[0], site.agent.rss_kb())
    watcher = threading.Thread(target=watch)
    watcher.start()
    host, port = site.edge.https
    curl = subprocess.Popen(["curl", "-sS", "--cacert", site.edge.ca, "--connect-to", f"::{host}:{port}", "https://web.localhost/large"],
                            stdout=subprocess.PIPE)
    n, tail = 0, b""
    while chunk := curl.stdout.read(1 << 20):
        n += len(chunk)
        tail = chunk[-3:]
    assert curl.wait(WAIT_S) == 0 and n == size and tail == b"end"
    done.set()
    watcher.join()
    assert peak[0] - before < 40 << 10, (before, peak)


def test_curl_resumes(site):
    site.serve()
    host, port = site.edge.https
    path = os.path.join(site.lab.folder, "part")
    with open(path, "wb") as f:
        f.write(SMALL[:700])
    subprocess.run(["curl", "-sS", "-C", "-", "-o", path, "--cacert", site.edge.ca, "--connect-to", f"::{host}:{port}",
                    "https://web.localhost/a.bin"], check=True, timeout=4 * WAIT_S)
    with open(path, "rb") as f:
        assert hashlib.sha256(f.read()).digest() == hashlib.sha256(SMALL).digest()


def test_what_is_served_is_in_the_list(site):
    """As of every origin: the capture has it."""
    site.serve()
    site.get("/a.bin")
    web = site.agent.wait_event("web")["web"] if "web" not in site.agent.up else site.agent.up["web"]
    said = until(lambda: subprocess.run(["curl", "-sS", f"http://{web}/v1/exchanges?q=path:/a.bin"], capture_output=True,
                                        text=True, timeout=WAIT_S).stdout)
    assert '"/a.bin"' in said


@pytest.mark.parametrize("words, said", [
    (["http", "file:///nowhere/at/all"], "No such file"),
    (["http", "file:///etc/passwd"], "Not a directory"),
    (["http", "file:www"], "file:///srv/www"),
    (["http", "file://host/www"], "file:///srv/www"),
    (["tcp", "file:///tmp"], "adit http"),
    (["http", "file:///tmp", "--tls-at-agent"], "without tls-at-agent"),
    (["http", "file:///tmp", "--proxy-protocol", "1"], "proxy-protocol"),
    (["http", "8080", "--listing"], "file:///DIR"),
    (["http", "sink:x"], "nothing follows"),
])
def test_mistakes(lab, words, said):
    done = subprocess.run([ADIT, *words, "--edge", "https://localhost:1"], capture_output=True, text=True, timeout=2 * WAIT_S,
                          env={**os.environ, "ADIT_TOKEN": "adit_x", "HOME": lab.folder})
    assert done.returncode == 2 and said in done.stderr, done
